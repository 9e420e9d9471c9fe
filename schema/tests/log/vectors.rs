//! The committed vectors of the log, read as another implementation would read them.

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde_json::Value;
use touchstone_schema::{
    Sha256Digest, leaf,
    log::{
        AddCheckpoint, Frontier, Level, NodeId, Note, Policy, PolicyError, ReceiptError, Tile, TlogProof,
        VerifierKey, cosign, decode_bundle, node_in_tile, open_checkpoint, sign_checkpoint,
        verify_consistency, verify_inclusion, witness::parse_cosignatures,
    },
};

fn document() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/log.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn hash(value: &Value) -> Sha256Digest {
    text(value).parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Sha256Digest> {
    list(value).iter().map(hash).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(text(value).as_bytes()).unwrap()
}

fn seed(value: &Value) -> SigningKey {
    SigningKey::from_bytes(&bytes(value).try_into().unwrap())
}

#[test]
fn trees_and_proofs() {
    let tree = &document()["tree"];
    let root = |size: u64| hash(&tree["heads"][usize::try_from(size).unwrap()]["root"]);
    let mut log = Frontier::new();
    assert_eq!(log.root(), root(0));
    for entry in list(&tree["leaves"]) {
        assert_eq!(leaf::hash(&bytes(&entry["data"])), hash(&entry["hash"]));
        log.push(hash(&entry["hash"]));
        assert_eq!(log.root(), root(log.size()));
    }
    assert_eq!(log.size(), number(&tree["frontier"]["size"]));
    assert_eq!(log.nodes(), hashes(&tree["frontier"]["nodes"]));
    for case in list(&tree["inclusion"]) {
        let (index, size) = (number(&case["index"]), number(&case["size"]));
        let leaf = hash(&tree["leaves"][usize::try_from(index).unwrap()]["hash"]);
        assert_eq!(verify_inclusion(index, size, &leaf, &root(size), &hashes(&case["hashes"])), Ok(()));
    }
    for case in list(&tree["consistency"]) {
        let (old, new) = (number(&case["old"]), number(&case["new"]));
        let proof = hashes(&case["hashes"]);
        assert_eq!(verify_consistency(old, &root(old), new, &root(new), &proof), Ok(()));
    }
}

#[test]
fn tiles_and_bundles() {
    let document = document();
    let tiles = &document["tiles"];
    for case in list(&tiles["paths"]) {
        let tile = Tile::parse(text(&case["path"])).unwrap();
        let level = match tile.level {
            Level::Hashes(level) => level.to_string(),
            Level::Entries => "entries".to_owned(),
        };
        assert_eq!((level.as_str(), u64::from(tile.width)), (text(&case["level"]), number(&case["width"])));
        assert_eq!(tile.index.to_string(), text(&case["index"]));
    }
    assert!(list(&tiles["refused_paths"]).iter().all(|path| Tile::parse(text(path)).is_err()));
    for case in list(&tiles["written"]) {
        let paths: Vec<String> =
            Tile::between(number(&case["old"]), number(&case["new"])).map(|tile| tile.path()).collect();
        assert_eq!(paths, list(&case["paths"]).iter().map(text).collect::<Vec<_>>());
    }
    let tile = Tile::parse(text(&tiles["tile"]["path"])).unwrap();
    let row = bytes(&tiles["tile"]["bytes"]);
    let bundle = bytes(&tiles["bundle"]["bytes"]);
    let entries: Vec<&[u8]> = decode_bundle(&bundle).map(Result::unwrap).collect();
    assert_eq!(entries.len(), usize::from(tile.width));
    for (index, entry) in (0..).zip(entries) {
        assert_eq!(node_in_tile(&tile, &row, NodeId { level: 0, index }), Ok(leaf::hash(entry)));
    }
    let eight = hash(&document["tree"]["heads"][8]["root"]);
    assert_eq!(node_in_tile(&tile, &row, NodeId { level: 3, index: 0 }), Ok(eight));
}

#[test]
fn checkpoints_and_cosignatures() {
    let document = document();
    let log: VerifierKey = text(&document["log"]["verifier_key"]).parse().unwrap();
    let witness: VerifierKey = text(&document["witness"]["verifier_key"]).parse().unwrap();
    let case = &document["checkpoint"];
    let (checkpoint, note) = open_checkpoint(text(&case["note"]).as_bytes(), &log).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (number(&case["size"]), hash(&case["root"])));
    assert_eq!((checkpoint.origin.as_str(), note.text()), (text(&document["origin"]), text(&case["text"])));
    assert!(note.text().ends_with(&format!("\n{}\n", text(&case["root_base64"]))));
    assert_eq!(sign_checkpoint(&checkpoint, &seed(&document["log"]["seed"])), Ok(note.clone()));

    let case = &document["cosignature"];
    let signature =
        cosign(note.text(), witness.name(), &seed(&document["witness"]["seed"]), number(&case["time"]));
    assert_eq!(signature.to_string(), text(&case["line"]));
    let blob = signature.signature[8..].try_into().unwrap();
    assert!(witness.public_key().verifies(text(&case["message"]).as_bytes(), &blob));
    let cosigned = Note::parse(text(&case["note"]).as_bytes()).unwrap();
    assert_eq!(cosigned.verify(&witness), Ok(Some(number(&case["time"]))));
    assert!(cosigned.verified_by(&log));

    let case = &document["add_checkpoint"];
    let request = AddCheckpoint::parse(text(&case["body"]).as_bytes()).unwrap();
    let root = |size: u64| hash(&document["tree"]["heads"][usize::try_from(size).unwrap()]["root"]);
    let proof = &request.proof;
    let old_root = root(request.old);
    assert_eq!(verify_consistency(request.old, &old_root, checkpoint.size, &checkpoint.root, proof), Ok(()));
    let answered = parse_cosignatures(text(&case["answer"]).as_bytes()).unwrap();
    assert_eq!(answered, [signature]);
}

#[test]
fn policies_and_receipts() {
    let document = document();
    let policy = Policy::parse(text(&document["policy"]["text"])).unwrap();
    assert_eq!(policy.to_string(), text(&document["policy"]["written"]));
    assert_eq!(policy.quorum(), document["policy"]["quorum"].as_str());
    let leaf = hash(&document["receipt"]["leaf_hash"]);
    let verify = |value: &Value| TlogProof::parse(text(value)).unwrap().verify(&leaf, &policy);
    let verified = verify(&document["receipt"]["text"]).unwrap();
    assert_eq!(verified.witnesses, [("A".to_owned(), number(&document["cosignature"]["time"]))]);
    for case in list(&document["refused_receipts"]) {
        let error = verify(&case["text"]).unwrap_err();
        let why = match error {
            ReceiptError::Policy(PolicyError::Quorum { .. }) => "quorum",
            ReceiptError::Policy(PolicyError::Signature(_)) => "signature",
            ReceiptError::Proof(_) => "proof",
            _ => "another reason",
        };
        assert_eq!(why, text(&case["why"]));
    }
}
