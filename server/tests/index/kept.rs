//! What the folder keeps over a restart: whole and undamaged, or made anew.

use super::hamming::common::Random;
use std::{fs, path::Path};
use touchstone_inspect::features::{Feature, Keypoint, Query, Reference, TwoFaced};
use touchstone_server::matching::{PictureIndex, Registered, Restored};

const SIDE: u16 = 448;

pub(crate) fn picture(index: u64) -> Registered {
    let mut random = Random(index + 1);
    let mut number = |range: u64| random.next() % range;
    let features = (0..40)
        .map(|_| Feature {
            keypoint: Keypoint {
                x: number(440) as f32,
                y: number(440) as f32,
                log_scale: 1.0 + number(3) as f32,
                angle: number(256) as f32 / 256.0,
            },
            code: [number(u64::MAX), number(u64::MAX), number(u64::MAX), number(u64::MAX)],
        })
        .collect();
    let (pdq, dhash) = (random.code(), random.code());
    let features = Some(Reference { width: SIDE, height: SIDE, features });
    Registered { index, pdq: Some(pdq), dhash: Some(dhash), features }
}

pub(crate) fn looked_up(picture: &Registered) -> Query {
    let reference = picture.features.as_ref().unwrap();
    let features = reference.features.iter().map(|feature| TwoFaced { feature: *feature, mirrored: [0; 4] });
    Query { width: SIDE, height: SIDE, features: features.collect() }
}

/// Whether its codes find it, and whether its features do.
fn found(index: &PictureIndex, number: u64) -> (bool, bool) {
    let picture = picture(number);
    let near = index.near(&[picture.pdq.unwrap()], &[picture.dhash.unwrap()]).near;
    let parts = index.parts(&looked_up(&picture)).unwrap();
    (near.iter().any(|near| near.index == number), parts.contains(&number))
}

fn open(folder: &Path) -> (PictureIndex, Option<u64>) {
    PictureIndex::open(Some(folder), |_| true).unwrap()
}

/// An index of the pictures 0 to 29 that is kept with the watermark 7; picture 3 was withdrawn.
fn kept(folder: &Path) {
    let (index, watermark) = open(folder);
    assert_eq!(watermark, None);
    index.insert(&(0..30).map(picture).collect::<Vec<_>>()).unwrap();
    index.synchronise().unwrap();
    index.withdraw(3).unwrap();
    index.save_directory(7).unwrap();
    index.save(&Restored { watermark: 7, source: b"this one".to_vec() }).unwrap();
    // Changes that come later are not in it, and do no harm to it.
    index.insert(&[picture(40)]).unwrap();
    index.withdraw(5).unwrap();
}

#[test]
fn what_was_kept_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path());
    for round in 0..2 {
        let (index, watermark) = open(folder.path());
        assert_eq!(watermark, Some(7), "round {round}");
        // The source repeats what came after the watermark.
        index.withdraw(5).unwrap();
        index.insert(&[picture(40)]).unwrap();
        for number in [0, 4, 29, 40] {
            assert_eq!(found(&index, number), (true, true), "picture {number}");
        }
        for number in [3, 5] {
            assert_eq!(found(&index, number), (false, false), "picture {number} is withdrawn");
        }
        index.insert(&[picture(3)]).unwrap();
        assert_eq!(found(&index, 3), (false, false), "for ever");
    }
}

#[test]
fn what_belongs_elsewhere_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path());
    let mut seen = None;
    let (index, watermark) = PictureIndex::open(Some(folder.path()), |kept| {
        seen = Some(kept.clone());
        false
    })
    .unwrap();
    assert_eq!(seen, Some(Restored { watermark: 7, source: b"this one".to_vec() }));
    assert_eq!((watermark, index.len(), found(&index, 0)), (None, 0, (false, false)));
    index.insert(&[picture(1)]).unwrap();
    assert_eq!(found(&index, 1), (true, true));
}

#[test]
fn damage_in_any_file_makes_it_anew() {
    for name in ["pdq", "dhash", "postings", "directory", "source"] {
        for cut in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            kept(folder.path());
            let path = folder.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            if cut {
                bytes.truncate(middle);
            } else {
                bytes[middle] ^= 4;
            }
            fs::write(&path, bytes).unwrap();
            let (index, watermark) = open(folder.path());
            assert_eq!((watermark, index.len()), (None, 0), "{name}, cut {cut}");
        }
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        fs::remove_file(folder.path().join(name)).unwrap();
        assert_eq!(open(folder.path()).1, None, "without {name}");
    }
    // Descriptors are held to their digests one by one, when they are read; the file must not be too short.
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path());
    let path = folder.path().join("descriptors");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(2_448 * 20).unwrap();
    assert_eq!(open(folder.path()).1, None);
}

#[test]
fn a_second_server_keeps_away_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path());
    let (first, _) = open(folder.path());
    let (second, watermark) = open(folder.path());
    assert_eq!((watermark, second.len()), (None, 0));
    second.insert(&[picture(50)]).unwrap();
    second.synchronise().unwrap();
    second.save_directory(9).unwrap();
    second.save(&Restored { watermark: 9, source: b"another".to_vec() }).unwrap();
    assert_eq!(found(&second, 50), (true, true));
    drop((first, second));
    let (index, watermark) = open(folder.path());
    assert_eq!(watermark, Some(7));
    assert_eq!(found(&index, 50), (false, false));
}
