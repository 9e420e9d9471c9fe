//! The audit after a fault: the whole log out of its published resources, and everything that was acknowledged held
//! against it.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    sync::Mutex,
};
use touchstone_schema::{
    Sha256Digest, Timestamp,
    api::{Acknowledgement, CheckpointInfo},
    key::PublicKey,
    leaf,
    log::{
        checkpoint::{Checkpoint, open_checkpoint},
        frontier::Frontier,
        policy::{Policy, VerifiedCheckpoint},
        receipt::{ReceiptError, TlogProof},
        tile::{Level, Tile, decode_bundle},
    },
};
use touchstone_sdk::log::replay::{Entry, Replay};

/// What was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<(Vec<u8>, Acknowledgement)>>);

impl Ledger {
    pub(crate) fn enter(&self, envelope: Vec<u8>, acknowledgement: Acknowledgement) {
        self.0.lock().unwrap().push((envelope, acknowledgement));
    }

    pub(crate) fn all(&self) -> Vec<(Vec<u8>, Acknowledgement)> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn receipts(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, entry)| entry.receipt.is_some()).count()
    }
}

/// Every statement was to be accepted at its place, as auditors judge it: by what stands before it in the log.
fn judged(origin: &str, leaves: &[Vec<u8>]) -> Result<(), String> {
    let mut entries: Vec<Entry> = leaves.iter().map(|leaf| Entry::read(leaf)).collect();
    let named = entries.iter().flat_map(Entry::named_keys);
    let named: HashMap<Sha256Digest, PublicKey> = named.map(|key| (key.fingerprint(), key)).collect();
    let mut replay = Replay::new(origin, None);
    for (index, entry) in entries.iter_mut().enumerate() {
        entry.verify(|hint| named.get(hint).copied());
        replay.next(entry).map_err(|violation| format!("entry {index}: {violation}"))?;
    }
    Ok(())
}

/// A log that was read from its first entry to its last.
#[derive(Debug)]
pub(crate) struct Audited {
    verifier_key: String,
    leaves: Vec<Vec<u8>>,
    /// Roots of the trees of every size, the empty one first.
    roots: Vec<Sha256Digest>,
}

/// The resources below a directory.
pub(crate) fn of_directory(folder: &Path) -> impl Fn(&str) -> Option<Vec<u8>> {
    let folder = folder.to_owned();
    move |path| fs::read(folder.join(path)).ok()
}

/// Reads the log out of its resources.
///
/// # Errors
/// Names the first resource that is missing or does not follow from the entries and the signed checkpoint.
pub(crate) fn audit(read: impl Fn(&str) -> Option<Vec<u8>>, verifier_key: &str) -> Result<Audited, String> {
    let fetch = |path: &str| read(path).ok_or_else(|| format!("{path} is missing"));
    let (checkpoint, _) = open_checkpoint(&fetch("checkpoint")?, &verifier_key.parse().unwrap())
        .map_err(|error| format!("checkpoint: {error}"))?;
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    let mut rows: Vec<Vec<Sha256Digest>> = vec![Vec::new()];
    let mut tree = Frontier::new();
    let mut roots = vec![tree.root()];
    let mut hash_tiles = Vec::new();
    for tile in Tile::between(0, checkpoint.size) {
        let bytes = fetch(&tile.path())?;
        if tile.level != Level::Entries {
            hash_tiles.push((tile, bytes));
            continue;
        }
        let before = leaves.len();
        for entry in decode_bundle(&bytes) {
            let entry = entry.map_err(|error| format!("{}: {error}", tile.path()))?;
            let hash = leaf::hash(entry);
            leaves.push(entry.to_vec());
            rows[0].push(hash);
            tree.push(hash);
            roots.push(tree.root());
        }
        if leaves.len() - before != usize::from(tile.width) {
            return Err(format!("{}: {} entries", tile.path(), leaves.len() - before));
        }
    }
    while let Some(row) = rows.last().filter(|row| row.len() >= 256) {
        rows.push(row.chunks_exact(256).map(root_of).collect());
    }
    for (tile, bytes) in hash_tiles {
        let Level::Hashes(level) = tile.level else { unreachable!() };
        let from = usize::try_from(tile.index * 256).unwrap();
        let expected = rows[usize::from(level)].get(from..from + usize::from(tile.width));
        let expected: Option<Vec<u8>> = expected.map(|row| row.iter().flat_map(|hash| hash.0).collect());
        if expected.as_deref() != Some(&bytes[..]) {
            return Err(format!("{} does not follow from the entries", tile.path()));
        }
    }
    if (tree.size(), tree.root()) != (checkpoint.size, checkpoint.root) {
        return Err("the entries do not lead to the checkpoint".to_owned());
    }
    let times: Vec<Timestamp> = leaves.iter().map(|leaf| leaf::decode(leaf).unwrap().0).collect();
    if !times.is_sorted() {
        return Err("an entry was accepted before its predecessor".to_owned());
    }
    let envelopes: HashSet<&[u8]> = leaves.iter().map(|leaf| leaf::decode(leaf).unwrap().1).collect();
    if envelopes.len() != leaves.len() {
        return Err("a statement stands in the log twice".to_owned());
    }
    judged(&checkpoint.origin, &leaves)?;
    Ok(Audited { verifier_key: verifier_key.to_owned(), leaves, roots })
}

fn root_of(row: &[Sha256Digest]) -> Sha256Digest {
    let mut tree = Frontier::new();
    row.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

impl Audited {
    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub(crate) fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    /// Every acknowledged statement stands where it was said to stand, and every receipt that was given verifies, under a
    /// checkpoint of this log and no other.
    #[track_caller]
    pub(crate) fn holds(&self, ledger: &Ledger) {
        for (envelope, acknowledgement) in ledger.all() {
            let index = usize::try_from(acknowledgement.log_index).unwrap();
            let expected = leaf::encode(acknowledgement.accepted_at, &envelope);
            let found = self.leaves.get(index);
            assert_eq!(found, Some(&expected), "acknowledged and not in the log: {acknowledgement:?}");
            if let Some(receipt) = &acknowledgement.receipt {
                self.verifies(receipt, &envelope, &acknowledgement);
            }
        }
    }

    #[track_caller]
    pub(crate) fn verifies(&self, receipt: &str, envelope: &[u8], acknowledgement: &Acknowledgement) {
        let verified = self.verify(receipt, envelope, acknowledgement);
        let Checkpoint { size, root, .. } =
            verified.unwrap_or_else(|error| panic!("{error}: {receipt}")).checkpoint;
        self.is_consistent_with(size, &root);
    }

    /// What somebody finds who has the envelope and its receipt.
    pub(crate) fn verify(
        &self,
        receipt: &str,
        envelope: &[u8],
        acknowledgement: &Acknowledgement,
    ) -> Result<VerifiedCheckpoint, ReceiptError> {
        let policy = Policy::parse(&format!("log {}\nquorum none\n", self.verifier_key)).unwrap();
        let proof = TlogProof::parse(receipt)?;
        assert_eq!(proof.index, acknowledgement.log_index);
        proof.verify(&leaf::hash(&leaf::encode(acknowledgement.accepted_at, envelope)), &policy)
    }

    /// The history of checkpoints is that of this log.
    #[track_caller]
    pub(crate) fn continues(&self, checkpoints: &[CheckpointInfo]) {
        let key = self.verifier_key.parse().unwrap();
        assert!(checkpoints.is_sorted_by(|a, b| a.size < b.size && a.published_at <= b.published_at));
        for info in checkpoints {
            let (signed, _) = open_checkpoint(info.note.as_bytes(), &key).unwrap();
            assert_eq!((signed.size, signed.root), (info.size, info.root));
            self.is_consistent_with(info.size, &info.root);
        }
    }

    #[track_caller]
    fn is_consistent_with(&self, size: u64, root: &Sha256Digest) {
        let known = self.roots.get(usize::try_from(size).unwrap());
        assert_eq!(known, Some(root), "a signed checkpoint of {size} entries is not of this log");
    }
}
