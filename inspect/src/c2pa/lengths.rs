//! Whether the texts in CBOR fit where they stand. The C2PA library makes room for the length that a text claims, four
//! gigabytes of it, before it looks whether there is as much: what lies about it must not come so far.

use super::jumbf::{self, SUPERBOX};
use crate::containers::bmff;

/// Deepest nesting of superboxes that is looked into; the library's own is no deeper.
const MAX_DEPTH: usize = 32;
/// What version and flags take in a `uuid` box, behind its user type and before its purpose.
const BEFORE_PURPOSE: usize = 4;
/// Purpose of the boxes of a movie that is hashed in parts (C2PA 2.2, A.5.3).
const MERKLE: &[u8] = b"merkle\0";

/// Whether the texts of all CBOR boxes in a manifest store fit.
pub(super) fn fit_in_store(store: &[u8]) -> bool {
    fit_within(store, MAX_DEPTH)
}

fn fit_within(data: &[u8], depth: usize) -> bool {
    let mut at = 0;
    while let Some(found) = jumbf::first(data, at..data.len()) {
        let content = data.get(found.data).unwrap_or_default();
        let fits = match &found.kind {
            b"cbor" => fit(content),
            kind if *kind == SUPERBOX => depth > 0 && fit_within(content, depth - 1),
            _ => true,
        };
        if !fits {
            return false;
        }
        at = found.all.end;
    }
    true
}

/// Whether those fit that a movie keeps outside its manifest store.
pub(super) fn fit_in_movie(bytes: &[u8]) -> bool {
    bmff::boxes(bytes).filter(|found| found.kind == *b"uuid").all(|found| {
        let purpose = found.data.get(BEFORE_PURPOSE..).unwrap_or_default();
        purpose.strip_prefix(MERKLE).is_none_or(fit)
    })
}

/// Whether each text fits into what is left (RFC 8949, section 3). The items stand one after the other, however they are
/// nested; what is no item at all ends the look, as it ends the reading.
fn fit(mut rest: &[u8]) -> bool {
    while let Some((head, behind)) = rest.split_first() {
        let (major, info) = (head >> 5, head & 0x1f);
        let width = match info {
            0..=23 | 31 => 0,
            24..=27 => 1_usize << (info - 24),
            _ => return true,
        };
        let Some((value, behind)) = behind.split_at_checked(width) else { return true };
        rest = behind;
        if !matches!(major, 2 | 3) || info == 31 {
            continue;
        }
        let length = if width == 0 {
            u64::from(info)
        } else {
            value.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
        };
        let Some(behind) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else {
            return false;
        };
        rest = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"alg": "sha256", "n": [1, -500, h'0102'], "t": 1(0.5)}`, and a text in pieces.
    const WHOLE: &[u8] =
        b"\xa3\x63alg\x66sha256\x61n\x83\x01\x39\x01\xf3\x42\x01\x02\x61t\xc1\xf9\x38\x00\x7f\x61a\xff";

    #[test]
    fn texts_fit_or_lie_about_their_length() {
        assert!(fit(WHOLE) && fit(b""));
        for (text, fits) in [
            (&b"\x78\x03abc"[..], true),
            (b"\x78\x04abc", false),
            (b"\x7a\x7f\xff\xff\xffabc", false),
            (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", false),
            (b"\x82\x01\x64abc", false),
        ] {
            assert_eq!(fit(text), fits, "{text:02x?}");
        }
    }

    #[test]
    fn boxes_are_looked_into_as_deep_as_they_are_nested() {
        let boxed = |kind: &[u8; 4], data: &[u8]| bmff::boxed(*kind, data).unwrap();
        let nested = |cbor: &[u8]| {
            let inner = [boxed(b"jumd", b"x"), boxed(b"cbor", cbor)].concat();
            boxed(b"jumb", &[boxed(b"json", b"\x7a\xff"), boxed(b"jumb", &inner)].concat())
        };
        assert!(fit_in_store(&nested(WHOLE)) && !fit_in_store(&nested(b"\x7a\x7f\xff\xff\xff")));
        let movie = |cbor: &[u8]| boxed(b"uuid", &[&[0; 16 + BEFORE_PURPOSE][..], MERKLE, cbor].concat());
        assert!(fit_in_movie(&movie(WHOLE)) && !fit_in_movie(&movie(b"\x7a\x7f\xff\xff\xff")));
        let deep = (0..40).fold(Vec::new(), |inner, _| boxed(b"jumb", &inner));
        assert!(!fit_in_store(&deep));
    }
}
