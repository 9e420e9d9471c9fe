//! Files: what is written is read again, and what is damaged is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

use super::common::{disturbed, filled, picture, vocabulary};
use touchstone_server::matching::postings::{
    Answer, CodeFile, CodeStore, CodesError, Limits, Options, PostingIndex, SnapshotError, Vocabulary,
    VocabularyError,
};

#[test]
fn a_snapshot_answers_as_the_index_did() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let (index, codes) = filled(1_100);
    index.withdraw(5);
    index.save(&path, 42).unwrap();
    let (loaded, watermark) = PostingIndex::load(&path, vocabulary(64), Options::default()).unwrap();
    assert_eq!(watermark, 42);
    assert!(!loaded.insert(5, &picture(7, 5)));
    for target in [0, 5, 1_050] {
        let query = disturbed(&picture(7, target), 30, 12, 30, 8);
        let answers =
            [&index, &loaded].map(|it| it.search(&query, &codes, &Limits::default()).unwrap().candidates);
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].is_empty(), target == 5);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    filled(30).0.save(&path, 1).unwrap();
    let good = fs::read(&path).unwrap();
    let load = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        PostingIndex::load(&path, vocabulary(64), Options::default()).map(|_| ())
    };
    load(&good).unwrap();
    for at in (0..good.len()).step_by(97).chain(0..100) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(load(&bad).is_err(), "byte {at}");
    }
    for len in [0, 7, 40, 70, good.len() / 2, good.len() - 1] {
        assert!(load(&good[..len]).is_err(), "{len} bytes");
    }
    fs::write(&path, &good).unwrap();
    let other = PostingIndex::load(&path, vocabulary(32), Options::default());
    assert!(matches!(other, Err(SnapshotError::Vocabulary)));
}

#[test]
fn codes_in_a_file_survive_and_are_replaced_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("codes");
    let read = |file: &CodeFile, picture: u32| {
        let mut out = Vec::new();
        file.read(picture, &mut out).unwrap().then_some(out)
    };
    let file = CodeFile::open(&path).unwrap();
    for number in [4, 1, 9] {
        file.put(number, &picture(7, number)).unwrap();
    }
    file.put(1, &picture(7, 77)[..3]).unwrap();
    file.remove(9).unwrap();
    file.synchronise().unwrap();
    drop(file);
    // A record that was being written when the machine stopped.
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([7; 100]);
    fs::write(&path, &bytes).unwrap();
    let file = CodeFile::open(&path).unwrap();
    assert_eq!(read(&file, 4), Some(picture(7, 4)));
    assert_eq!(read(&file, 1), Some(picture(7, 77)[..3].to_vec()));
    assert_eq!((read(&file, 9), read(&file, 2)), (None, None));
    let trace = picture(7, 9)[20].to_bytes();
    assert!(!fs::read(&path).unwrap().windows(trace.len()).any(|it| it == trace));
    file.put(9, &picture(7, 9)).unwrap();
    assert_eq!(read(&file, 9), Some(picture(7, 9)));
    drop(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[2_448 + 500] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(CodeFile::open(&path), Err(CodesError::Damaged(4))));
    fs::write(&path, b"something else").unwrap();
    assert!(matches!(CodeFile::open(&path), Err(CodesError::Foreign)));
}

#[test]
fn damaged_pictures_keep_no_other_from_being_found_and_are_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let (path, log) = (directory.path().join("codes"), directory.path().join("log"));
    let (index, whole) = filled(20);
    let codes = CodeFile::open(&path).unwrap();
    for number in 0..20 {
        codes.put(number, &picture(7, number)).unwrap();
    }
    let mut query = disturbed(&picture(7, 5), 40, 10, 0, 1);
    query.extend(disturbed(&picture(7, 8), 30, 10, 0, 2));
    query.extend(picture(7, 3));
    let limits = Limits::default();
    let found = |answer: Answer| answer.candidates.iter().map(|it| it.picture).collect::<Vec<_>>();
    assert_eq!(found(index.search(&query, &whole, &limits).unwrap()), [3, 5, 8]);

    let disk = OpenOptions::new().write(true).open(&path).unwrap();
    // The number of one, a descriptor of the other.
    disk.write_all_at(&[0xa5], 2_448 * 6).unwrap();
    disk.write_all_at(&[0xa5], 2_448 * 9 + 500).unwrap();
    let writer = File::create(&log).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::fmt().with_writer(writer).finish(), || {
        for _ in 0..2 {
            assert_eq!(found(index.search(&query, &codes, &limits).unwrap()), [3]);
        }
    });
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!((log.lines().count(), log.matches("ERROR").count()), (2, 2), "{log}");
    assert!(log.contains("picture 5 ") && log.contains("picture 8 "), "{log}");

    // Nothing is known of a file that has lost its end.
    disk.set_len(2_448 * 2).unwrap();
    assert!(matches!(index.search(&query, &codes, &limits), Err(CodesError::Io(_))));
}

#[test]
fn the_file_of_centres_is_checked() {
    let centres = [[1, 2], [3, 4], [5, 6], [7, 8]];
    let good = Vocabulary::encode(&centres, &centres).unwrap();
    assert_eq!(Vocabulary::decode(&good).unwrap().words(), 16);
    assert_eq!(Vocabulary::encode(&centres[..3], &centres[..3]), Err(VocabularyError::Size));
    assert_eq!(Vocabulary::decode(b"nothing"), Err(VocabularyError::Foreign));
    assert_eq!(Vocabulary::decode(&good[..good.len() - 1]), Err(VocabularyError::Size));
    let mut bad = good;
    bad[20] ^= 1;
    assert_eq!(Vocabulary::decode(&bad), Err(VocabularyError::Digest));
}
