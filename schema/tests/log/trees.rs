//! Roots, frontiers and proofs against the model.

use crate::model::{Model, leaf_hash, turns};
use proptest::prelude::*;
use std::collections::BTreeMap;
use touchstone_schema::{
    Sha256Digest, leaf,
    log::{
        Frontier, FrontierError, NodeId, ProofError, ProveError, RangeError, consistency_nodes, empty_root,
        inclusion_nodes, node_hash, peaks, prove_consistency, prove_inclusion, root_at, verify_consistency,
        verify_inclusion,
    },
};

const DENSE: u64 = 600;

fn flip(hash: &Sha256Digest, bit: usize) -> Sha256Digest {
    let mut hash = *hash;
    hash.0[bit / 8 % 32] ^= 1 << (bit % 8);
    hash
}

/// The eight leaves with which the reference implementations of Certificate Transparency test themselves.
#[test]
fn known_answers() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut log = Frontier::new();
    assert_eq!(empty_root().to_string(), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        log.push(leaf::hash(leaf));
        assert_eq!(log.root().to_string(), *root);
    }
}

#[test]
fn growing_shows_every_node_once_and_every_root() {
    let model = Model::dense(DENSE + 1);
    let mut log = Frontier::new();
    let mut nodes = BTreeMap::new();
    for size in 0..=DENSE {
        assert_eq!(log.size(), size);
        assert_eq!(log.root(), model.root(0, size));
        let mut of_nodes = |id: NodeId| nodes.get(&id).copied().ok_or(id);
        assert_eq!(root_at(size, &mut of_nodes), Ok(log.root()));
        assert_eq!(log.nodes(), peaks(size).iter().map(|id| nodes[id]).collect::<Vec<_>>());
        assert_eq!(Frontier::from_bytes(size, &log.to_bytes()), Ok(log.clone()));
        assert_eq!(Frontier::from_nodes(size, log.nodes().to_vec()), Ok(log.clone()));
        let mut plain = log.clone();
        plain.push(leaf_hash(size));
        log.push_visiting(leaf_hash(size), &mut |id, hash| {
            assert!(id.is_within(size + 1) && !id.is_within(size));
            assert_eq!(nodes.insert(id, *hash), None);
        });
        assert_eq!(plain, log);
    }
    for (id, hash) in nodes {
        assert_eq!(hash, model.root(id.index << id.level, (id.index + 1) << id.level));
    }
}

#[test]
fn frontiers_that_do_not_fit_their_size_are_refused() {
    let node = leaf_hash(0);
    let count = |size, expected, found| Err(FrontierError::Count { size, expected, found });
    assert_eq!(Frontier::from_nodes(3, vec![node]), count(3, 2, 1));
    assert_eq!(Frontier::from_nodes(0, vec![node]), count(0, 0, 1));
    assert_eq!(Frontier::from_bytes(4, &[0; 64]), count(4, 1, 2));
    assert_eq!(Frontier::from_bytes(4, &[0; 31]), Err(FrontierError::Bytes(31)));
    assert_eq!(Frontier::from_nodes(1 << 63, vec![node]), Err(FrontierError::Size(1 << 63)));
    let nodes = vec![node; 63];
    assert!(Frontier::from_nodes(i64::MAX.unsigned_abs(), nodes).is_ok());
}

#[test]
fn what_has_no_proof_is_said_so() {
    let mut none = |id: NodeId| Err::<Sha256Digest, _>(id);
    let leaf = RangeError::NoSuchLeaf { index: 5, size: 5 };
    let shrunk = RangeError::Shrunk { old: 6, new: 5 };
    assert_eq!(prove_inclusion(5, 5, &mut none), Err(ProveError::Range(leaf)));
    assert_eq!(prove_consistency(6, 5, &mut none), Err(ProveError::Range(shrunk)));
    let missing = NodeId { level: 0, index: 4 };
    assert_eq!(prove_inclusion(3, 5, &mut none), Err(ProveError::Source(NodeId { level: 0, index: 2 })));
    assert_eq!(root_at(5, &mut none), Err(missing));
    let hash = empty_root();
    assert_eq!(verify_inclusion(5, 5, &hash, &hash, &[]), Err(leaf.into()));
    assert_eq!(verify_consistency(6, &hash, 5, &hash, &[]), Err(shrunk.into()));
    assert_eq!(inclusion_nodes(0, 0), Err(RangeError::NoSuchLeaf { index: 0, size: 0 }));
}

#[test]
fn every_tree_follows_the_empty_one_without_proof() {
    let model = Model::dense(7);
    let (empty, root) = (empty_root(), model.root(0, 7));
    assert_eq!(prove_consistency(0, 7, &mut model.source(7)), Ok(vec![]));
    assert_eq!(verify_consistency(0, &empty, 7, &root, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &empty, 0, &empty, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &root, 7, &root, &[]), Err(ProofError::OldRoot));
    assert_eq!(verify_consistency(0, &empty, 0, &root, &[]), Err(ProofError::Root));
    let length = ProofError::Length { expected: 0, found: 1 };
    assert_eq!(verify_consistency(0, &empty, 7, &root, &[root]), Err(length));
    assert_eq!(verify_consistency(7, &root, 7, &root, &[root]), Err(length));
    assert_eq!(verify_consistency(7, &root, 7, &empty, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(7, &root, 7, &root, &[]), Ok(()));
}

/// Proofs of the model and ours are the same, verify, and ask for the nodes announced.
fn check_inclusion(model: &Model, index: u64, size: u64) {
    let (root, leaf) = (model.root(0, size), model.leaf(index));
    let proof = model.path(index, 0, size);
    let mut asked = vec![];
    let mut source = model.source(size);
    let mut recording = |id| {
        asked.push(id);
        source(id)
    };
    assert_eq!(prove_inclusion(index, size, &mut recording), Ok(proof.clone()));
    assert_eq!(inclusion_nodes(index, size), Ok(asked));
    assert_eq!(verify_inclusion(index, size, &leaf, &root, &proof), Ok(()));
}

fn check_consistency(model: &Model, old: u64, new: u64) {
    let (old_root, new_root) = (model.root(0, old), model.root(0, new));
    let proof = model.proof(old, new);
    let mut asked = vec![];
    let mut source = model.source(new);
    let mut recording = |id| {
        asked.push(id);
        source(id)
    };
    assert_eq!(prove_consistency(old, new, &mut recording), Ok(proof.clone()));
    assert_eq!(consistency_nodes(old, new), Ok(asked));
    assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
}

#[test]
fn all_proofs_of_small_trees() {
    let model = Model::dense(40);
    for new in 1..=40 {
        (0..new).for_each(|index| check_inclusion(&model, index, new));
        (1..=new).for_each(|old| check_consistency(&model, old, new));
    }
}

/// Changes of a proof that must each make it another one.
fn altered(proof: &[Sha256Digest], at: usize, bit: usize) -> Vec<Vec<Sha256Digest>> {
    let extra = leaf_hash(u64::MAX);
    let mut all = vec![[proof, &[extra]].concat(), [&[extra], proof].concat()];
    if !proof.is_empty() {
        let at = at % proof.len();
        let mut flipped = proof.to_vec();
        flipped[at] = flip(&flipped[at], bit);
        let mut swapped = proof.to_vec();
        swapped.swap(at, 0);
        all.extend([flipped, swapped, proof[1..].to_vec(), proof[..proof.len() - 1].to_vec(), vec![]]);
        let mut doubled = proof.to_vec();
        doubled.insert(at, proof[at]);
        all.push(doubled);
    }
    all.retain(|other| other != proof);
    all
}

fn range_below(max: u64) -> impl Strategy<Value = (u64, u64)> {
    (1..=max).prop_flat_map(|size| (0..size, Just(size)))
}

/// Sizes of every magnitude.
fn any_size() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(shift, bits)| (bits >> shift).max(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_of_dense_trees((index, size) in range_below(DENSE)) {
        let model = Model::dense(size);
        check_inclusion(&model, index, size);
        check_consistency(&model, index + 1, size);
    }

    #[test]
    fn proofs_of_huge_trees(size in any_size(), at: u64, others in prop::collection::vec(any::<u64>(), 0..8)) {
        let index = at % size;
        let listed = others.iter().map(|other| other % size).chain([0, index, index ^ 1, size - 1]);
        let model = Model::sparse(listed);
        check_inclusion(&model, index, size);
        check_consistency(&model, index + 1, size);
    }

    #[test]
    fn changed_inclusion_proofs_are_refused((index, size) in range_below(DENSE), at: usize, bit in 0_usize..256) {
        let model = Model::dense(size);
        let (root, leaf, proof) = (model.root(0, size), model.leaf(index), model.path(index, 0, size));
        for other in altered(&proof, at, bit) {
            prop_assert!(verify_inclusion(index, size, &leaf, &root, &other).is_err());
        }
        prop_assert_eq!(verify_inclusion(index, size, &flip(&leaf, bit), &root, &proof), Err(ProofError::Root));
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &flip(&root, bit), &proof), Err(ProofError::Root));
        for other in (0..size).filter(|other| *other != index) {
            prop_assert!(verify_inclusion(other, size, &leaf, &root, &proof).is_err());
        }
        // A proof tells sizes apart only where they give the path another shape.
        for other in (index + 1)..=(2 * DENSE) {
            let same = turns(index, index + 1, other) == turns(index, index + 1, size);
            prop_assert_eq!(verify_inclusion(index, other, &leaf, &root, &proof).is_ok(), same, "{}", other);
        }
    }

    #[test]
    fn changed_consistency_proofs_are_refused((before, new) in range_below(DENSE), at: usize, bit in 0_usize..256) {
        let old = before + 1;
        let model = Model::dense(new);
        let (old_root, new_root, proof) = (model.root(0, old), model.root(0, new), model.proof(old, new));
        for other in altered(&proof, at, bit) {
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &other).is_err());
        }
        prop_assert!(verify_consistency(old, &flip(&old_root, bit), new, &new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, &old_root, new, &flip(&new_root, bit), &proof).is_err());
        for other in (0..=new).filter(|other| *other != old) {
            prop_assert!(verify_consistency(other, &old_root, new, &new_root, &proof).is_err(), "{}", other);
        }
        let start = old - (1 << old.trailing_zeros());
        for other in (old + 1)..=(2 * DENSE) {
            let same = old != new && turns(start, old, other) == turns(start, old, new);
            let verified = verify_consistency(old, &old_root, other, &new_root, &proof).is_ok();
            prop_assert_eq!(verified, same, "{}", other);
        }
    }

    #[test]
    fn no_proof_makes_the_verifiers_panic(a: u64, b in any_size(), count in 0_usize..70, hash: [u8; 32]) {
        let proof = vec![Sha256Digest(hash); count];
        let root = Sha256Digest(hash);
        prop_assert!(verify_inclusion(a, b, &root, &root, &proof).is_err() || (a, b, count) == (0, 1, 0));
        prop_assert!(verify_consistency(a, &root, b, &root, &proof).is_err() || (a == b && count == 0));
    }

    #[test]
    fn nodes_bind_both_sides(left: [u8; 32], right: [u8; 32]) {
        let (left, right) = (Sha256Digest(left), Sha256Digest(right));
        prop_assert_eq!(node_hash(&left, &right), Sha256Digest::of_parts(&[&[1], &left.0, &right.0]));
    }
}
