//! The reader of C2PA manifests held to its bounds, and signed files to begin from.

#![allow(dead_code, reason = "each program uses a part")]

use std::sync::LazyLock;
use touchstone_inspect::{
    c2pa::{C2paReader, C2paReport, C2paState, MAX_LIST_LENGTH, MAX_TEXT_BYTES, TrustAnchors},
    containers::{Container, bmff::boxed, png},
    digest::manifest_ranges,
};

/// Signed files of the fixtures, which are the same in every run: a JPEG file that was edited after signing, with
/// both manifests; a PNG file; movies whose samples are hashed at once and in parts.
pub(crate) const SIGNED: [(&str, &[u8]); 4] = [
    ("image/jpeg", include_bytes!("../fixtures/signed/edited.jpg")),
    ("image/png", include_bytes!("../fixtures/signed/made.png")),
    ("video/mp4", include_bytes!("../fixtures/signed/movie.mp4")),
    ("video/mp4", include_bytes!("../fixtures/signed/parts.mp4")),
];

/// A reader that trusts who signed them.
pub(crate) static READER: LazyLock<C2paReader> = LazyLock::new(|| {
    let list = include_bytes!("../fixtures/signed/root.pem").to_vec();
    C2paReader::new(TrustAnchors { registrants: Some(list), ..TrustAnchors::default() }).unwrap()
});

/// What holds for every report, whatever the file.
pub(crate) fn check_bounds(report: &C2paReport) {
    assert_ne!(report.problem.as_deref(), Some("the parser stopped"), "something panicked");
    let lists = [
        &report.successes,
        &report.failures,
        &report.informational,
        &report.actions,
        &report.digital_source_types,
    ];
    assert!(lists.iter().all(|list| list.len() <= MAX_LIST_LENGTH));
    assert!(lists.iter().flat_map(|list| list.iter()).all(|text| text.len() <= MAX_TEXT_BYTES));
    assert!(report.ingredients.len() <= MAX_LIST_LENGTH && report.identities.len() <= MAX_LIST_LENGTH);
    assert!(report.identities.iter().all(|identity| identity.codes.len() <= MAX_LIST_LENGTH));
}

/// Reads a file's manifest and holds the reader to its bounds; whether there is one that could be read.
pub(crate) fn read_manifest(bytes: &[u8], media_type: &str) -> bool {
    READER.read(bytes, media_type).is_some_and(|report| {
        check_bounds(&report);
        report.state != C2paState::Unreadable
    })
}

/// As [`read_manifest`], the kind of file being what its bytes show.
pub(crate) fn read_any_manifest(bytes: &[u8]) -> bool {
    let media_type = Container::sniff(bytes).and_then(|container| container.media_type(bytes));
    read_manifest(bytes, media_type.unwrap_or("application/octet-stream"))
}

/// Files whose manifests are made to cost as much as they can; name and bytes of each.
pub(crate) fn hostile_manifests() -> Vec<(&'static str, Vec<u8>)> {
    let [(_, jpeg), (_, png), (_, movie), _] = SIGNED;
    let store = |boxes: &[u8]| {
        let description = boxed(*b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xAA\0\x38\x9B\x71\x03c2pa\0").unwrap();
        boxed(*b"jumb", &[&description, boxes].concat()).unwrap()
    };
    // In the place of the store that is there.
    let with_store = |store: &[u8]| {
        let [range] = manifest_ranges(png).try_into().unwrap();
        [&png[..range.start], &png::chunk(*b"caBX", store).unwrap(), &png[range.end..]].concat()
    };
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        nested = store(&nested);
    }
    vec![
        ("a signed movie with almost as many boxes as are read", {
            [movie, &boxed(*b"free", b"").unwrap().repeat(8_000)].concat()
        }),
        ("a signed movie with a million boxes", {
            [movie, &boxed(*b"free", b"").unwrap().repeat(1_000_000)].concat()
        }),
        ("a signed movie with 30 MiB of samples", {
            [movie, &boxed(*b"mdat", &vec![7; 30 << 20]).unwrap()].concat()
        }),
        ("a signed JPEG file with 30 MiB behind its picture", [jpeg, &vec![7; 30 << 20]].concat()),
        ("a store of boxes in boxes", with_store(&nested)),
        ("a store of half a million boxes", with_store(&store(&store(b"").repeat(250_000)))),
        ("a store of 15 MiB that says nothing", {
            with_store(&store(&boxed(*b"bidb", &vec![7; 15 << 20]).unwrap()))
        }),
    ]
}
