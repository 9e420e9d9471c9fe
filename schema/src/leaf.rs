//! Log entries: the bytes that the Merkle tree commits to.
//!
//! Leaf data = version ‖ media-type tag ‖ accepted_at (u64 big-endian microseconds) ‖ exact envelope bytes. Leaf
//! hash = SHA-256(00 ‖ leaf data), RFC 6962 section 2.1.

use crate::{digest::Sha256Digest, time::Timestamp};

/// Version of the leaf form.
pub const VERSION: u8 = 1;
/// Media-type tag: a statement in a DSSE envelope.
pub const STATEMENT_TAG: u8 = 1;
/// Length of what precedes the envelope, in bytes.
pub const HEADER: usize = 10;

/// The bytes are not a leaf of a known form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a log entry of a known version")]
pub struct InvalidLeaf;

/// What precedes the envelope in the leaf data of a statement accepted at `accepted_at`. Receipts carry it as their extra
/// data, so that the envelope is all that is needed beside them.
#[must_use]
pub fn header(accepted_at: Timestamp) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0] = VERSION;
    header[1] = STATEMENT_TAG;
    header[2..].copy_from_slice(&accepted_at.as_micros().to_be_bytes());
    header
}

/// Leaf data of a statement accepted at `accepted_at`.
#[must_use]
pub fn encode(accepted_at: Timestamp, envelope: &[u8]) -> Vec<u8> {
    [&header(accepted_at)[..], envelope].concat()
}

/// The acceptance time and the envelope's exact bytes.
///
/// # Errors
/// [`InvalidLeaf`] if version, tag or time are unknown here.
pub fn decode(leaf: &[u8]) -> Result<(Timestamp, &[u8]), InvalidLeaf> {
    let (header, envelope) = leaf.split_at_checked(HEADER).ok_or(InvalidLeaf)?;
    let [VERSION, STATEMENT_TAG, time @ ..] = header else {
        return Err(InvalidLeaf);
    };
    let micros = i64::from_be_bytes(time.try_into().map_err(|_| InvalidLeaf)?);
    Ok((Timestamp::from_micros(micros).map_err(|_| InvalidLeaf)?, envelope))
}

/// RFC 6962 leaf hash.
#[must_use]
pub fn hash(leaf: &[u8]) -> Sha256Digest {
    Sha256Digest::of_parts(&[&[0], leaf])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_round_trip_and_hash_as_rfc_6962() {
        let time = Timestamp::from_micros(0x0102_0304_0506).unwrap();
        let leaf = encode(time, b"{}");
        assert_eq!(leaf, b"\x01\x01\x00\x00\x01\x02\x03\x04\x05\x06{}");
        assert_eq!(decode(&leaf).unwrap(), (time, b"{}".as_slice()));
        assert_eq!(decode(b"\x02\x01\x00\x00\x01\x02\x03\x04\x05\x06{}"), Err(InvalidLeaf));
        assert_eq!(decode(b"\x01\x01\xff\x00\x01\x02\x03\x04\x05\x06{}"), Err(InvalidLeaf));
        // Known answer: the empty leaf of RFC 6962.
        assert_eq!(hash(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
}
