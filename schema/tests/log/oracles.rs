//! Other implementations: `tlog_tiles` and `signed_note`, ports of Go's `sumdb/tlog` and `sumdb/note`.

use crate::model::{Model, leaf_hash};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::collections::HashMap;
use tlog_tiles::tlog;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{
        Checkpoint, Frontier, Level, NodeId, Note, Tile, VerifierKey, prove_consistency, prove_inclusion,
        sign_checkpoint, verify_consistency, verify_inclusion,
    },
};

struct Stored(HashMap<u64, Sha256Digest>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|index| tlog::Hash(self.0[index].0)).collect())
    }
}

fn ours(proof: &[tlog::Hash]) -> Vec<Sha256Digest> {
    proof.iter().map(|hash| Sha256Digest(hash.0)).collect()
}

fn theirs(proof: &[Sha256Digest]) -> Vec<tlog::Hash> {
    proof.iter().map(|hash| tlog::Hash(hash.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_make_and_accept_the_same_proofs((index, size) in (1_u64..2000).prop_flat_map(|n| (0..n, Just(n)))) {
        let mut log = Frontier::new();
        let mut nodes = HashMap::new();
        let mut old_root = log.root();
        for leaf in 0..size {
            log.push_visiting(leaf_hash(leaf), &mut |NodeId { level, index }, hash| {
                nodes.insert(tlog::stored_hash_index(level, index), *hash);
            });
            if leaf == index {
                old_root = log.root();
            }
        }
        let stored = Stored(nodes);
        let mut source = |NodeId { level, index }| {
            stored.0.get(&tlog::stored_hash_index(level, index)).copied().ok_or("no such node")
        };
        prop_assert_eq!(tlog::tree_hash(size, &stored).unwrap().0, log.root().0);
        let inclusion = prove_inclusion(index, size, &mut source).unwrap();
        let consistency = prove_consistency(index + 1, size, &mut source).unwrap();
        prop_assert_eq!(ours(&tlog::prove_record(size, index, &stored).unwrap()), inclusion.clone());
        prop_assert_eq!(ours(&tlog::prove_tree(size, index + 1, &stored).unwrap()), consistency.clone());
        let [root, old, leaf] = [log.root(), old_root, leaf_hash(index)].map(|hash| tlog::Hash(hash.0));
        tlog::check_record(&theirs(&inclusion), size, root, index, leaf).unwrap();
        tlog::check_tree(&theirs(&consistency), size, root, index + 1, old).unwrap();
    }

    #[test]
    fn both_judge_changed_proofs_alike(
        (index, size) in (1_u64..40).prop_flat_map(|n| (0..n, Just(n))),
        (said_index, said_size) in (0_u64..40, 1_u64..40), drop: bool,
    ) {
        let model = Model::dense(size);
        let (leaf, root, old_root) = (leaf_hash(index), model.root(0, size), model.root(0, index + 1));
        let hash = |digest: Sha256Digest| tlog::Hash(digest.0);
        let mut path = model.path(index, 0, size);
        let mut proof = model.proof(index + 1, size);
        if drop {
            path.pop();
            proof.pop();
        }
        prop_assert_eq!(
            verify_inclusion(said_index, said_size, &leaf, &root, &path).is_ok(),
            tlog::check_record(&theirs(&path), said_size, hash(root), said_index, hash(leaf)).is_ok()
        );
        prop_assert_eq!(
            verify_consistency(said_index + 1, &old_root, said_size, &root, &proof).is_ok(),
            tlog::check_tree(&theirs(&proof), said_size, hash(root), said_index + 1, hash(old_root)).is_ok()
        );
    }

    /// Their paths carry the height, and entries are "data"; otherwise they are ours.
    #[test]
    fn both_write_the_same_tiles((old, new) in (0_u64..200_000).prop_flat_map(|n| (0..=n, Just(n)))) {
        let theirs = tlog_tiles::Tile::new_tiles(8, old, new);
        let theirs: Vec<String> = theirs.iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect();
        let hashes = Tile::between(old, new).filter(|tile| tile.level != Level::Entries);
        prop_assert_eq!(hashes.map(|tile| tile.path()).collect::<Vec<_>>(), theirs);
    }

    #[test]
    fn the_other_reads_our_notes(seed: [u8; 32], size: u64, root: [u8; 32], name in "[a-z0-9./-]{1,30}") {
        let key = SigningKey::from_bytes(&seed);
        let checkpoint = Checkpoint { origin: name.clone(), size, root: Sha256Digest(root) };
        let bytes = sign_checkpoint(&checkpoint, &key).unwrap().to_bytes();
        let verifier = VerifierKey::ed25519(&name, PublicKey::from(&key)).unwrap();
        let theirs = signed_note::StandardVerifier::new(&verifier.to_string()).unwrap();
        let note = signed_note::Note::from_bytes(&bytes).unwrap();
        let (verified, unverified) =
            note.verify(&signed_note::VerifierList::new(vec![Box::new(theirs)])).unwrap();
        prop_assert_eq!((verified.len(), unverified.len()), (1, 0));
        prop_assert_eq!(note.to_bytes(), bytes.clone());
        let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
        prop_assert_eq!((read.origin(), read.size(), read.hash().0), (name.as_str(), size, root));
        prop_assert!(Note::parse(&bytes).unwrap().verified_by(&verifier));
    }

    /// What we accept, the other accepts; we are the stricter, as to base64 and limits, never the looser.
    #[test]
    fn we_accept_no_note_that_the_other_refuses(cut in 0_usize..300, at in 0_usize..300, byte: u8) {
        let key = SigningKey::from_bytes(&[3; 32]);
        let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size: 3, root: leaf_hash(3) };
        let mut bytes = sign_checkpoint(&checkpoint, &key).unwrap().to_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % 3);
        if Note::parse(&bytes).is_ok() {
            prop_assert!(signed_note::Note::from_bytes(&bytes).is_ok());
        }
    }
}
