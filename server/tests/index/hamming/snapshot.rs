//! Snapshots: the same answers after a round trip, and an error for every kind of damage.

use std::fs;

use super::common::Random;
use touchstone_server::matching::hamming::{Code, HammingIndex, Limits, Options, SnapshotError};

fn example(random: &mut Random) -> (HammingIndex, Vec<(Code, u32)>) {
    let index = HammingIndex::new(Options { max_segment: 700 });
    let mut entries: Vec<_> = (0..900).map(|id| (random.code(), id)).collect();
    let copied = entries[7].0;
    entries.extend((900..950).map(|id| (copied, id)));
    index.insert_sealed(&entries[..800]);
    index.insert_all(&entries[800..]);
    for id in [3, 7, 901, 4_000_000_000] {
        index.withdraw(id);
    }
    (index, entries)
}

#[test]
fn a_round_trip_keeps_every_answer() {
    let mut random = Random(8);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let (index, entries) = example(&mut random);
    index.save(&path, 42).unwrap();
    index.save(&path, 43).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing but the snapshot is left");
    let (loaded, watermark) = HammingIndex::load(&path, Options::default()).unwrap();
    assert_eq!(watermark, 43);
    assert_eq!(loaded.stats().withdrawn, 4);
    assert!(!loaded.insert(&entries[0].0, 4_000_000_000));
    for (code, _) in entries.iter().step_by(13).chain(&entries[7..8]) {
        let query = [random.near(code, 20)];
        let limits = Limits::default();
        assert_eq!(loaded.search(&query, 31, &limits).hits, index.search(&query, 31, &limits).hits);
    }
    HammingIndex::default().save(&path, 0).unwrap();
    assert_eq!(HammingIndex::load(&path, Options::default()).unwrap().0.stats().entries, 0);
}

#[test]
fn damage_anywhere_is_an_error() {
    let mut random = Random(9);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let index = HammingIndex::default();
    index.insert_sealed(&(0..40).map(|id| (random.code(), id / 2)).collect::<Vec<_>>());
    index.insert_sealed(&(0..5).map(|id| (Code::default(), id)).collect::<Vec<_>>());
    index.withdraw(77);
    index.save(&path, 1).unwrap();
    let good = fs::read(&path).unwrap();
    let load = |bytes: &[u8]| {
        // A new file each time: overwriting one makes some file systems write it out at once.
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        HammingIndex::load(&path, Options::default()).map(|_| ())
    };
    load(&good).unwrap();
    // Every byte of the header, the table of segments and the digest; samples of every other section.
    let content = 32 + 32 + 36 * 41 + 8 * 4 + 64;
    let length = good.len();
    for place in (0..64)
        .chain((64..content).step_by(5))
        .chain((content..length - 64).step_by(9_973))
        .chain(length - 32..length)
    {
        let mut bad = good.clone();
        bad[place] ^= 1 << random.below(8);
        let error = load(&bad).expect_err("a flipped bit was not noticed");
        let fits = match place {
            0..8 => matches!(error, SnapshotError::Foreign),
            8..12 => matches!(error, SnapshotError::Version(_)),
            _ => !matches!(error, SnapshotError::Io(_) | SnapshotError::Foreign),
        };
        assert!(fits, "byte {place}: {error}");
    }
    for length in [0, 7, 8, 31, 32, 40, 63, 64, 100, length - 1] {
        assert!(matches!(load(&good[..length]), Err(SnapshotError::Foreign | SnapshotError::Length { .. })));
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert!(matches!(load(&longer), Err(SnapshotError::Length { .. })));
    assert!(matches!(load(&random.code().repeat(9)), Err(SnapshotError::Foreign)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(HammingIndex::load(&path, Options::default()), Err(SnapshotError::Io(_))));
}

#[test]
fn a_failed_save_leaves_the_old_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let index = HammingIndex::default();
    index.save(&path, 5).unwrap();
    // The name of the new file is taken by a directory: it cannot be written.
    fs::create_dir(directory.path().join("index.partial")).unwrap();
    assert!(matches!(index.save(&path, 6), Err(SnapshotError::Io(_))));
    assert_eq!(HammingIndex::load(&path, Options::default()).unwrap().1, 5);
}
