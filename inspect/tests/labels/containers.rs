//! Walkers against what was put in: any boxes, blocks, fields and items come out again, each with its place.

use crate::formats::*;
use proptest::prelude::*;
use touchstone_inspect::containers::{
    Container,
    bmff::{self, boxed, boxes, children},
    gif, ilst, items,
    tiff::Tiff,
};

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn boxes_come_out_as_they_went_in(
        parts in proptest::collection::vec((any::<[u8; 4]>(), bytes(40), any::<bool>()), 0..12),
    ) {
        // `uuid` boxes have a longer header, which the walker's own tests cover.
        prop_assume!(parts.iter().all(|(kind, ..)| kind != b"uuid"));
        let build = |(kind, data, large): &([u8; 4], Vec<u8>, bool)| {
            if *large {
                let size = (data.len() as u64 + 16).to_be_bytes();
                [&be32(1)[..], kind, &size, data].concat()
            } else {
                boxed(*kind, data).unwrap()
            }
        };
        let inner: Vec<u8> = parts.iter().flat_map(build).collect();
        let file = [boxed(*b"ftyp", b"isom").unwrap(), boxed(*b"moov", &inner).unwrap()].concat();
        prop_assert_eq!(Container::sniff(&file), Some(Container::Bmff));
        let movie = boxes(&file).nth(1).unwrap();
        let found: Vec<_> = children(&file, &movie, 0).collect();
        prop_assert_eq!(found.len(), parts.len());
        let mut at = movie.data_offset();
        for (found, part) in found.iter().zip(&parts) {
            prop_assert_eq!((found.kind, found.data), (part.0, &part.1[..]));
            prop_assert_eq!((found.offset, found.header), (at, if part.2 { 16 } else { 8 }));
            prop_assert_eq!(&file[found.offset..found.end], build(part));
            at = found.end;
        }
        prop_assert_eq!(at, file.len());
    }

    #[test]
    fn any_packet_survives_the_trailer_of_a_gif(rest in bytes(600), comment in bytes(600)) {
        // A zero byte ends the sub-blocks; XML has none.
        let packet: Vec<u8> = b"<x".iter().copied().chain(rest.into_iter().filter(|b| *b != 0)).collect();
        let file = gif_file(&[gif::xmp_extension(&packet)], &[gif_comment(&comment)]);
        let found: Vec<_> = gif::extensions(&file).collect();
        prop_assert_eq!(found.len(), 2);
        prop_assert_eq!(&found[0].xmp(1 << 20).unwrap()[..], &packet[..]);
        prop_assert_eq!(found[1].joined(1 << 20), comment);
        prop_assert_eq!(file[found[1].end], 0x3B);
    }

    #[test]
    fn fields_of_a_tiff_are_where_they_were_put(
        values in proptest::collection::vec((1_u16..0x8000, bytes(30)), 1..8),
        little: bool,
        big: bool,
    ) {
        let fields: Vec<Field<'_>> = values.iter().map(|(tag, value)| (*tag, 1, &value[..])).collect();
        let file = tiff_file(little, big, &fields, &fields);
        let tiff = Tiff::open(&file).unwrap();
        let first = tiff.directories().next().unwrap();
        let main: Vec<_> = tiff.entries(first).collect();
        let pointer = main.last().unwrap();
        prop_assert_eq!((main.len(), pointer.tag), (fields.len() + 1, 0x8769));
        let exif: Vec<_> = tiff.entries(tiff.number(pointer).unwrap()).collect();
        prop_assert_eq!(exif.len(), fields.len());
        for entries in [&main, &exif] {
            for (entry, (tag, _, value)) in entries.iter().zip(&fields) {
                prop_assert_eq!((entry.tag, tiff.value(entry)), (*tag, *value));
            }
        }
    }

    #[test]
    fn items_are_joined_from_their_extents(first in bytes(50), second in bytes(50), inside: bool) {
        // An extent of no length means all that is there.
        prop_assume!(first.len() > 1 && second.len() > 1);
        let parts: [HeifItem<'_>; 2] = [(*b"Exif", b"", &first), (*b"mime", b"a/b\0gzip\0", &second)];
        let file = heif_file(b"avif", &parts, inside);
        let meta = boxes(&file).find(|b| b.kind == *b"meta").unwrap();
        let found = items::metadata_items(&file, &meta);
        prop_assert_eq!(found.len(), 2);
        prop_assert_eq!(&found[0].data(&file, 99).unwrap()[..], &first[..]);
        prop_assert_eq!(&found[1].data(&file, 99).unwrap()[..], &second[..]);
        prop_assert_eq!((found[1].content_type, found[1].content_encoding), (&b"a/b"[..], &b"gzip"[..]));
        prop_assert!(file[found[0].offset()..].starts_with(&first));
    }

    #[test]
    fn values_stand_under_their_keys(values in proptest::collection::vec(("[a-zA-Z.]{1,20}", "\\PC{0,30}"), 1..8), full: bool) {
        let list: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.as_bytes())).collect();
        let file = mp4_keys(&list, full);
        let meta = boxes(&file).next().unwrap();
        let found: Vec<_> = ilst::values(&file, &meta).map(|v| (v.name.clone().into_owned(), v.text().unwrap())).collect();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn arbitrary_bytes_end_every_walk(noise in bytes(500), start in 0_usize..6) {
        let starts: [&[u8]; 6] = [b"GIF89a\x01\0\x01\0\0\0\0", b"II*\0", b"MM\0+\0\x08\0\0", b"\0\0\0\x08ftyp", b"\0\0\0\0meta", b""];
        let file = [starts[start], &noise].concat();
        prop_assert!(gif::extensions(&file).all(|e| e.end <= file.len()));
        prop_assert!(boxes(&file).all(|b| b.end <= file.len() && b.size() >= 8));
        for meta in boxes(&file) {
            prop_assert!(items::metadata_items(&file, &meta).iter().all(|item| item.offset() < file.len()));
            prop_assert!(ilst::values(&file, &meta).all(|value| value.offset < file.len()));
            prop_assert!(bmff::meta_children(&file, &meta).all(|child| child.end <= meta.end));
        }
        if let Some(tiff) = Tiff::open(&file) {
            for entry in tiff.directories().flat_map(|at| tiff.entries(at)) {
                prop_assert!(tiff.value(&entry).len() <= file.len());
            }
        }
    }
}
