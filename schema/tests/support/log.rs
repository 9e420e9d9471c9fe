//! Test vectors of the transparency log: trees, tiles, notes, receipts, policies.

use super::AUDIENCE;
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::{collections::HashMap, error::Error};
use touchstone_schema::{
    Sha256Digest, leaf,
    log::{
        AddCheckpoint, Checkpoint, Frontier, Level, NodeId, Note, Policy, Tile, TlogProof, VerifierKey,
        cosign, encode_bundle, prove_consistency, prove_inclusion, sign_checkpoint,
    },
};

const WITNESS: &str = "witness.example/w1";
const TIME: u64 = 1_795_000_000;
const OLD: u64 = 7;
const SIZE: u64 = 13;

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[21; 32])
}

fn witness_key() -> SigningKey {
    SigningKey::from_bytes(&[22; 32])
}

/// A log of [`SIZE`] entries: its nodes, and its root at every size.
struct Log {
    entries: Vec<Vec<u8>>,
    nodes: HashMap<NodeId, Sha256Digest>,
    frontier: Frontier,
    roots: Vec<Sha256Digest>,
}

impl Log {
    fn new() -> Self {
        let entries: Vec<Vec<u8>> = (0..SIZE).map(|index| format!("entry {index}").into_bytes()).collect();
        let (mut nodes, mut frontier) = (HashMap::new(), Frontier::new());
        let mut roots = vec![frontier.root()];
        for entry in &entries {
            frontier.push_visiting(leaf::hash(entry), &mut |id, hash| {
                nodes.insert(id, *hash);
            });
            roots.push(frontier.root());
        }
        Self { entries, nodes, frontier, roots }
    }

    fn node(&self, id: NodeId) -> Result<Sha256Digest, String> {
        self.nodes.get(&id).copied().ok_or_else(|| format!("no node {id:?}"))
    }

    fn root(&self, size: u64) -> Result<Sha256Digest, Box<dyn Error>> {
        Ok(*self.roots.get(usize::try_from(size)?).ok_or("no such size")?)
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Sha256Digest>, Box<dyn Error>> {
        Ok(prove_inclusion(index, size, &mut |id| self.node(id))?)
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Sha256Digest>, Box<dyn Error>> {
        Ok(prove_consistency(old, new, &mut |id| self.node(id))?)
    }

    fn signed(&self, size: u64) -> Result<Note, Box<dyn Error>> {
        let checkpoint = Checkpoint { origin: AUDIENCE.to_owned(), size, root: self.root(size)? };
        Ok(sign_checkpoint(&checkpoint, &log_key())?)
    }
}

fn trees(log: &Log) -> Result<Value, Box<dyn Error>> {
    let leaves: Vec<Value> = log
        .entries
        .iter()
        .map(|entry| json!({"data": HEXLOWER.encode(entry), "hash": leaf::hash(entry)}))
        .collect();
    let heads: Vec<Value> =
        (0_u64..).zip(&log.roots).map(|(size, root)| json!({"size": size, "root": root})).collect();
    let mut inclusion = Vec::new();
    for (index, size) in [(0, 1), (0, SIZE), (5, 8), (6, OLD), (OLD, SIZE), (SIZE - 1, SIZE)] {
        inclusion.push(json!({"index": index, "size": size, "hashes": log.inclusion(index, size)?}));
    }
    let mut consistency = Vec::new();
    for (old, new) in [(0, SIZE), (1, 2), (4, SIZE), (6, 8), (OLD, SIZE), (SIZE, SIZE)] {
        consistency.push(json!({"old": old, "new": new, "hashes": log.consistency(old, new)?}));
    }
    Ok(json!({
        "leaves": leaves,
        "heads": heads,
        "frontier": {"size": log.frontier.size(), "nodes": log.frontier.nodes()},
        "inclusion": inclusion,
        "consistency": consistency,
    }))
}

fn tiles(log: &Log) -> Result<Value, Box<dyn Error>> {
    let paths: Vec<Value> = [
        (Level::Hashes(0), 0, 256),
        (Level::Hashes(0), 1_234_067, 256),
        (Level::Hashes(1), 1_000, 17),
        (Level::Hashes(63), 999, 1),
        (Level::Entries, 273, 112),
        (Level::Entries, u64::MAX, 256),
    ]
    .into_iter()
    .map(|(level, index, width)| {
        let name = match level {
            Level::Hashes(level) => level.to_string(),
            Level::Entries => "entries".to_owned(),
        };
        // Beyond 2^53, so as text.
        json!({"level": name, "index": index.to_string(), "width": width, "path": Tile { level, index, width }.path()})
    })
    .collect();
    let refused = [
        "/tile/0/000",
        "tile/64/000",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/1",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
    ];
    let grown = |old, new| {
        let paths: Vec<String> = Tile::between(old, new).map(|tile| tile.path()).collect();
        json!({"old": old, "new": new, "paths": paths})
    };
    let row: Vec<u8> = log.entries.iter().flat_map(|entry| leaf::hash(entry).0).collect();
    Ok(json!({
        "paths": paths,
        "refused_paths": refused,
        "written": [grown(0, 256), grown(250, 520), grown(65_530, 65_540), grown(69_999, 70_000)],
        "tile": {"path": format!("tile/0/000.p/{SIZE}"), "bytes": HEXLOWER.encode(&row)},
        "bundle": {
            "path": format!("tile/entries/000.p/{SIZE}"),
            "bytes": HEXLOWER.encode(&encode_bundle(log.entries.iter().map(Vec::as_slice))?),
        },
    }))
}

/// Everything, in one document.
pub(super) fn vectors() -> Result<Value, Box<dyn Error>> {
    let log = Log::new();
    let log_vkey = VerifierKey::ed25519(AUDIENCE, (&log_key()).into())?;
    let witness_vkey = VerifierKey::cosigner(WITNESS, (&witness_key()).into())?;
    let signed = log.signed(SIZE)?;
    let cosignature = cosign(signed.text(), WITNESS, &witness_key(), TIME);
    let cosigned = signed.clone().with_signature(cosignature.clone())?;
    let policy = format!(
        "# One log, one witness of two.\nlog {log_vkey} https://registry.example/log/\nwitness A {witness_vkey}\nwitness B {}\ngroup both any A B\nquorum both\n",
        VerifierKey::cosigner("witness.example/w2", (&SigningKey::from_bytes(&[23; 32])).into())?
    );
    let receipt = TlogProof {
        extra: Some(b"extra".to_vec()),
        index: 5,
        hashes: log.inclusion(5, SIZE)?,
        checkpoint: cosigned.to_string(),
    };
    let request =
        AddCheckpoint { old: OLD, proof: log.consistency(OLD, SIZE)?, checkpoint: signed.to_string() };
    let receipt_text = receipt.to_string();
    let without_witness = TlogProof { checkpoint: signed.to_string(), ..receipt.clone() };
    let moved = TlogProof { index: 4, ..receipt.clone() };
    let forged = receipt_text.replacen(&format!("\n{SIZE}\n"), "\n14\n", 1);
    Ok(json!({
        "origin": AUDIENCE,
        "log": {"seed": HEXLOWER.encode(log_key().as_bytes()), "verifier_key": log_vkey.to_string()},
        "witness": {"seed": HEXLOWER.encode(witness_key().as_bytes()), "verifier_key": witness_vkey.to_string()},
        "tree": trees(&log)?,
        "tiles": tiles(&log)?,
        "checkpoint": {
            "size": SIZE,
            "root": log.root(SIZE)?,
            "root_base64": BASE64.encode(log.root(SIZE)?.as_bytes()),
            "text": signed.text(),
            "note": signed.to_string(),
        },
        "cosignature": {
            "time": TIME,
            "message": format!("cosignature/v1\ntime {TIME}\n{}", signed.text()),
            "line": cosignature.to_string(),
            "note": cosigned.to_string(),
        },
        "policy": {"text": policy, "written": Policy::parse(&policy)?.to_string(), "quorum": "both"},
        "receipt": {"leaf_hash": leaf::hash(b"entry 5"), "text": receipt_text},
        "refused_receipts": [
            {"why": "quorum", "text": without_witness.to_string()},
            {"why": "proof", "text": moved.to_string()},
            {"why": "signature", "text": forged},
        ],
        "add_checkpoint": {
            "body": String::from_utf8(request.to_bytes())?,
            "answer": format!("{cosignature}\n"),
        },
    }))
}
