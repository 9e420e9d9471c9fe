//! The stored bytes of features.

use super::support::picture;
use sha2::{Digest, Sha256};
use touchstone_inspect::features::{
    BYTES_PER_FEATURE, Extractor, HEADER_BYTES, MAX_RECORDED, RecordError, Reference, Settings,
};

/// SHA-256 of the bytes of [`reference`], and its first feature: the words of the index are trained on exactly these
/// features, and what is registered is compared with what later versions extract.
const SHA256: &str = "7ef136ed95709386685411c9ea69f125ead0d6bec7c799ecca8a88b889dc1032";
const FIRST: &str = "0205360571742e3c9dc174ff1f0673e3f8c0333330c0061ec7c37cff8f9f2670b3873effbfbb";

#[test]
fn the_same_picture_gives_the_same_bytes_everywhere() {
    let bytes = reference().to_bytes();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&bytes[HEADER_BYTES..HEADER_BYTES + BYTES_PER_FEATURE]), FIRST);
    assert_eq!(hex(&Sha256::digest(&bytes)), SHA256);
}

fn reference() -> Reference {
    Extractor::new().reference(&picture(200, 150, 5, |x, y| (x, y)), &Settings::REGISTER)
}

#[test]
fn what_is_written_is_read_to_within_the_stated_steps() {
    let written = reference();
    let bytes = written.to_bytes();
    assert!(written.features.len() > 30);
    assert_eq!(bytes.len(), HEADER_BYTES + BYTES_PER_FEATURE * written.features.len());
    let read = Reference::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    for (a, b) in written.features.iter().zip(&read.features) {
        assert_eq!(a.code, b.code);
        let (a, b) = (a.keypoint, b.keypoint);
        assert!((a.x - b.x).abs() <= 1.0 / 64.0 && (a.y - b.y).abs() <= 1.0 / 64.0);
        assert!((a.log_scale - b.log_scale).abs() <= 1.0 / 48.0 + 1e-6);
        let turn = (a.angle - b.angle).abs();
        assert!(turn.min(1.0 - turn) <= 1.0 / 512.0 + 1e-6);
    }
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    let bytes = reference().to_bytes();
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Reference::from_bytes(&bytes)
    };
    assert_eq!(changed(0, 2), Err(RecordError::Version(2)));
    assert_eq!(changed(1, 129), Err(RecordError::Count(MAX_RECORDED + 1)));
    assert!(matches!(changed(1, 3), Err(RecordError::Length { expected: 120, .. })));
    assert_eq!(changed(3, 255), Err(RecordError::Size(0xffc8, 150)));
    assert_eq!(changed(HEADER_BYTES + 1, 255), Err(RecordError::Position(0)));
    for length in [0, 1, HEADER_BYTES - 1, HEADER_BYTES, bytes.len() - 1] {
        assert!(
            matches!(Reference::from_bytes(&bytes[..length]), Err(RecordError::Length { .. })),
            "{length}"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Reference::from_bytes(&longer), Err(RecordError::Length { .. })));
    assert_eq!(Reference::from_bytes(&[1, 0, 1, 0, 1, 0]).unwrap().features.len(), 0);
}
