//! Tiles and bundles: the examples of C2SP tlog-tiles, and its formulas.

use crate::model::leaf_hash;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};
use touchstone_schema::{
    Sha256Digest,
    log::{
        BundleError, Frontier, Level, NodeId, Tile, TileError, decode_bundle, encode_bundle, node_in_tile,
        prove_consistency, prove_inclusion, root_at, tile::MAX_ENTRY_BYTES, verify_consistency,
        verify_inclusion,
    },
};

const SIZE: u64 = 70_000;

/// Every perfect subtree of a log of [`SIZE`] entries, and all its roots.
static LOG: LazyLock<(BTreeMap<NodeId, Sha256Digest>, Vec<Sha256Digest>)> = LazyLock::new(|| {
    let mut log = Frontier::new();
    let mut nodes = BTreeMap::new();
    let mut roots = vec![log.root()];
    for index in 0..SIZE {
        log.push_visiting(leaf_hash(index), &mut |id, hash| {
            nodes.insert(id, *hash);
        });
        roots.push(log.root());
    }
    (nodes, roots)
});

/// The bytes of a tile, by its definition.
fn bytes_of(tile: &Tile) -> Vec<u8> {
    let level = match tile.level {
        Level::Hashes(level) => Some(level),
        Level::Entries => None,
    };
    let level = level.unwrap();
    let row = (0..u64::from(tile.width)).map(|i| NodeId { level: 8 * level, index: tile.index * 256 + i });
    row.flat_map(|id| LOG.0[&id].0).collect()
}

/// What a log of this size consists of, by the formulas of the specification.
fn tiles_of(size: u64) -> BTreeSet<Tile> {
    let mut tiles = BTreeSet::new();
    for level in 0..8_u8 {
        let row = size / 256_u64.pow(level.into());
        for index in 0..row.div_ceil(256) {
            let width = if index < row / 256 { 256 } else { u16::try_from(row % 256).unwrap() };
            tiles.insert(Tile { level: Level::Hashes(level), index, width });
            if level == 0 {
                tiles.insert(Tile { level: Level::Entries, index, width });
            }
        }
    }
    tiles
}

#[test]
fn sizes_of_the_specification() {
    let count = |size, level, full| {
        Tile::between(0, size).filter(|tile| tile.level == level && tile.is_full() == full).count()
    };
    let partial = |size| {
        Tile::between(0, size).filter(|tile| !tile.is_full()).map(|tile| tile.path()).collect::<Vec<_>>()
    };
    assert_eq!(count(70_000, Level::Hashes(0), true), 273);
    assert_eq!(count(70_000, Level::Entries, true), 273);
    assert_eq!(count(70_000, Level::Hashes(1), true), 1);
    assert_eq!(
        partial(70_000),
        ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    );
    assert_eq!(partial(256), ["tile/1/000.p/1"]);
    assert_eq!(count(256, Level::Hashes(0), true), 1);
    assert_eq!(Tile::between(256, 256).count(), 0);
    assert_eq!(Tile::between(257, 256).count(), 0);
}

#[test]
fn paths_of_the_specification() {
    for (path, level, index, width) in [
        ("tile/0/x001/x234/067", Level::Hashes(0), 1_234_067, 256),
        ("tile/0/x001/x234/067.p/5", Level::Hashes(0), 1_234_067, 5),
        ("tile/63/000", Level::Hashes(63), 0, 256),
        ("tile/7/x001/000.p/255", Level::Hashes(7), 1000, 255),
        ("tile/entries/999.p/1", Level::Entries, 999, 1),
        ("tile/entries/x018/x446/x744/x073/x709/x551/615", Level::Entries, u64::MAX, 256),
    ] {
        let tile = Tile { level, index, width };
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path), Ok(tile));
    }
}

#[test]
fn only_canonical_paths_are_read() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/data/000",
        "tile/8/0/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/X001/000",
        "tile/0/٠٠٠",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/5/",
        "tile/0/000.p/5.p/5",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/ENTRIES/000",
        "tile/0/../000",
    ] {
        assert_eq!(Tile::parse(path), Err(TileError::Path), "{path}");
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let tile = Tile { level: Level::Hashes(0), index: 1, width: 3 };
    let bytes = bytes_of(&tile);
    let id = NodeId { level: 0, index: 258 };
    assert_eq!(node_in_tile(&tile, &bytes, id), Ok(leaf_hash(258)));
    for len in [0, 64, 95, 97, 8192] {
        let error = TileError::Length { width: 3, expected: 96, found: len };
        assert_eq!(node_in_tile(&tile, &vec![0; len], id), Err(error));
    }
    for (level, index) in
        [(0, 255), (0, 259), (0, 512), (1, 129), (8, 1), (0, u64::MAX), (7, u64::MAX), (255, 0)]
    {
        let error = TileError::Elsewhere { level, index };
        assert_eq!(node_in_tile(&tile, &bytes, NodeId { level, index }), Err(error));
    }
    let entries = Tile { level: Level::Entries, ..tile };
    assert!(node_in_tile(&entries, &bytes, id).is_err());
}

fn ascending(max: u64) -> impl Strategy<Value = (u64, u64)> {
    (0..=max).prop_flat_map(move |old| (Just(old), old..=max))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_new((old, new) in ascending(300_000)) {
        let written: Vec<Tile> = Tile::between(old, new).collect();
        let expected: BTreeSet<Tile> = tiles_of(new).difference(&tiles_of(old)).copied().collect();
        prop_assert_eq!(written.len(), expected.len());
        prop_assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn tiles_of_huge_logs_are_never_empty(old: u64, step in 0_u64..1000) {
        let new = old.saturating_add(step);
        for tile in Tile::between(old, new) {
            prop_assert!((1..=256).contains(&tile.width));
            let Level::Hashes(level) = tile.level else { continue };
            let end = u128::from(tile.index) * 256 + u128::from(tile.width);
            prop_assert!(end <= u128::from(new >> (8 * level)));
        }
    }

    #[test]
    fn tiles_are_found_by_their_entries((entry, size) in ascending(300_000), level in 0_u8..4) {
        for (level, height) in [(Level::Entries, 0), (Level::Hashes(level), u32::from(level))] {
            let span = 256_u64.pow(height + 1);
            let index = entry / span;
            let there = tiles_of(size).into_iter().find(|tile| (tile.level, tile.index) == (level, index));
            prop_assert_eq!(Tile::of_entry(level, entry, size), there);
            let Some(tile) = there else { continue };
            prop_assert_eq!(tile.first_entry(), index * span);
            prop_assert_eq!(Tile { width: 1, ..tile }.at_size(size), Some(tile));
            prop_assert_eq!(Tile { width: tile.width + 1, ..tile }.at_size(size), None);
        }
    }

    #[test]
    fn tiles_yield_every_node(size in 1..=SIZE, level in 0_u8..17, at: u64, full: bool) {
        let count = size >> level;
        if count == 0 {
            prop_assert_eq!(Tile::of_node(NodeId { level, index: 0 }, size), None);
            return Ok(());
        }
        prop_assert_eq!(Tile::of_node(NodeId { level, index: count }, size), None);
        let id = NodeId { level, index: at % count };
        let mut tile = Tile::of_node(id, size).unwrap();
        prop_assert!(tiles_of(size).contains(&tile));
        // The full tile serves where the partial one is gone.
        if full && tiles_of(SIZE).contains(&tile.full()) {
            tile = tile.full();
        }
        prop_assert_eq!(node_in_tile(&tile, &bytes_of(&tile), id).unwrap(), LOG.0[&id]);
    }

    #[test]
    fn proofs_out_of_tiles((old, new) in ascending(SIZE)) {
        prop_assume!(old < new);
        let mut source = |id| {
            let tile = Tile::of_node(id, new).unwrap();
            node_in_tile(&tile, &bytes_of(&tile), id)
        };
        let roots = &LOG.1;
        let (old_root, root) = (roots[usize::try_from(old).unwrap()], roots[usize::try_from(new).unwrap()]);
        prop_assert_eq!(root_at(new, &mut source).unwrap(), root);
        let proof = prove_inclusion(old, new, &mut source).unwrap();
        prop_assert_eq!(verify_inclusion(old, new, &leaf_hash(old), &root, &proof), Ok(()));
        let proof = prove_consistency(old, new, &mut source).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, new, &root, &proof), Ok(()));
    }

    #[test]
    fn paths_round_trip(level in prop_oneof![Just(Level::Entries), (0_u8..64).prop_map(Level::Hashes)],
                        index: u64, shift in 0_u32..64, width in 1_u16..=256) {
        let tile = Tile { level, index: index >> shift, width };
        prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
    }

    #[test]
    fn what_parses_prints_back(path in "(tile/)?([0-9]{1,2}|entries)/(x?[0-9]{2,3}/?){1,4}(\\.p/[0-9]{1,3})?", any: String) {
        for path in [path, any] {
            if let Ok(tile) = Tile::parse(&path) {
                prop_assert_eq!(tile.path(), path);
            }
        }
    }

    #[test]
    fn bundles_round_trip(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..=256)) {
        let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        let read: Result<Vec<&[u8]>, _> = decode_bundle(&bundle).collect();
        prop_assert_eq!(read.unwrap(), entries);
    }

    #[test]
    fn cut_bundles_are_refused(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..20), cut: usize) {
        let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        let cut = cut % bundle.len();
        let ends: Vec<usize> = entries.iter().scan(0, |end, entry| { *end += 2 + entry.len(); Some(*end) }).collect();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let mut read = decode_bundle(&bundle[..cut]);
        let good: Vec<&[u8]> = read.by_ref().take(whole).map(Result::unwrap).collect();
        prop_assert_eq!(good, &entries[..whole]);
        let boundary = cut == 0 || ends.contains(&cut);
        let error = Some(Err(BundleError::Cut(u32::try_from(whole).unwrap())));
        prop_assert_eq!(read.next(), if boundary { None } else { error });
        prop_assert_eq!(read.next(), None);
    }

    #[test]
    fn no_bytes_make_the_bundle_reader_panic(bytes: Vec<u8>) {
        let entries: Vec<_> = decode_bundle(&bytes).collect();
        if let Ok(entries) = entries.into_iter().collect::<Result<Vec<&[u8]>, _>>() {
            prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
        }
    }
}

#[test]
fn bundles_have_limits() {
    let longest = vec![7; MAX_ENTRY_BYTES];
    let bundle = encode_bundle([longest.as_slice()]).unwrap();
    assert_eq!(decode_bundle(&bundle).next(), Some(Ok(longest.as_slice())));
    let longer = vec![7; MAX_ENTRY_BYTES + 1];
    assert_eq!(encode_bundle([longer.as_slice()]), Err(BundleError::EntryTooLong(MAX_ENTRY_BYTES + 1)));
    assert_eq!(encode_bundle(vec![b"".as_slice(); 257]), Err(BundleError::TooMany));
    let mut read = decode_bundle(&[0; 514]).skip(256);
    assert_eq!(read.next(), Some(Err(BundleError::TooMany)));
    assert_eq!(read.next(), None);
}
