//! What ExifTool reads of a written label equals what was written (Debian: libimage-exiftool-perl).

use crate::files::{both, jpeg_exif, jpeg_file, json, label, tiff};
use crate::movies::Movie;
use std::{
    io::{Cursor, Write},
    process::{Command, Stdio},
};
use touchstone_inspect::labels::{
    LabelToWrite, Propagation, integrity::Sm2SigningKey, propagate, write_labels,
};
use touchstone_schema::{label::Gb45438Label, label_integrity::SignedForm};

/// All tags of a file, or nothing if the tool is not installed.
fn tags(file: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    let child = Command::new("exiftool")
        .args(["-json", "-G1", "-struct", "-api", "LargeFileSupport=1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: exiftool is not installed (Debian: libimage-exiftool-perl)");
        return None;
    };
    // It may stop reading early.
    let _ = child.stdin.take().unwrap().write_all(file);
    let output = child.wait_with_output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    Some(found[0].as_object().unwrap().clone())
}

fn value<'a>(tags: &'a serde_json::Map<String, serde_json::Value>, name: &str) -> Option<&'a str> {
    let found = tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name));
    found.and_then(|(_, value)| value.as_str())
}

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 7, 100]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn signed() -> Gb45438Label {
    let key = Sm2SigningKey::from_pem(crate::integrity::KEY).unwrap();
    let reserved_code_1 = key.sign(&label(), SignedForm::Message).unwrap();
    Gb45438Label { reserved_code_1, ..label() }
}

#[test]
fn exiftool_reads_what_was_written() {
    let expected = signed();
    let spread =
        Propagation { propagator: "p\"<&>'".into(), propagate_id: "1".into(), ..Propagation::default() };
    for format in [image::ImageFormat::Jpeg, image::ImageFormat::Png, image::ImageFormat::WebP] {
        let write = LabelToWrite { gb45438: Some(expected.clone()), ..both() };
        let new = write_labels(&picture(format), &write).unwrap();
        let Some(tags) = tags(&new) else { return };
        assert_eq!(value(&tags, "XMP-TC260:Aigc"), Some(json(&expected).as_str()), "{format:?}");
        let uri = write.digital_source_type.unwrap().uri();
        assert_eq!(value(&tags, "XMP-iptcExt:DigitalSourceType"), Some(uri.as_str()));
        assert!(!tags.contains_key("ExifTool:Warning") && !tags.contains_key("ExifTool:Error"), "{tags:?}");

        let added = propagate(&new, &spread).unwrap();
        let tags = self::tags(&added.bytes).unwrap();
        assert_eq!(value(&tags, "XMP-TC260:Aigc"), Some(json(&added.label).as_str()), "{format:?}");
        assert!(!tags.contains_key("ExifTool:Warning"), "{tags:?}");
    }
}

#[test]
fn exiftool_reads_the_changed_comment_of_exif() {
    let comment = [b"ASCII\0\0\0", json(&label()).as_bytes()].concat();
    let file = jpeg_file(&[jpeg_exif(&tiff(true, b"a cup\0", &comment))], &[]);
    let spread = Propagation { propagator: "p".into(), propagate_id: "1".into(), ..Propagation::default() };
    let added = propagate(&file, &spread).unwrap();
    let Some(tags) = tags(&added.bytes) else { return };
    assert_eq!(value(&tags, "ExifIFD:UserComment"), Some(json(&added.label).as_str()), "{tags:?}");
    assert_eq!(value(&tags, "IFD0:ImageDescription"), Some("a cup"));
}

#[test]
fn exiftool_reads_the_key_of_a_video() {
    let write = LabelToWrite { gb45438: Some(signed()), digital_source_type: None };
    let new = write_labels(&Movie::default().bytes(), &write).unwrap();
    let Some(tags) = tags(&new) else { return };
    let text = json(&signed());
    let found = tags.iter().find(|(_, value)| value.as_str() == Some(&text));
    let (tag, _) = found.unwrap_or_else(|| panic!("{tags:?}"));
    assert!(tag.to_ascii_lowercase().ends_with(":aigc"), "{tag}");
}
