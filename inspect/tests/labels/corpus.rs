//! Real labels and real signed files.

use crate::files::*;
use std::path::PathBuf;
use touchstone_inspect::{
    digest::{content_sha256, manifest_ranges},
    labels::{
        LabelWriteError,
        provider_code::{self, is_uscc},
        read_labels, write_labels,
    },
};
use touchstone_schema::label::Gb45438Label;

/// The folder with test material, if there is one on this machine.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
    }
    folder
}

#[test]
fn corpus_real_packets_are_read() {
    let Some(folder) = corpus() else { return };
    let vectors = std::fs::read(folder.join("labels/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_slice(&vectors).unwrap();
    for (name, key) in
        [("doubao_real_xmp.xml", "doubao_png_itxt"), ("jimeng_real_xmp.xml", "jimeng_png_itxt")]
    {
        let packet = std::fs::read(folder.join("labels").join(name)).unwrap();
        let found = only(&png_file(&[text_chunk(*b"iTXt", "XML:com.adobe.xmp", &packet)], &[]));
        let expected: Gb45438Label = serde_json::from_value(vectors[key]["label"].clone()).unwrap();
        assert_eq!(found.gb45438, Some(expected), "{name}");
        assert_eq!(found.findings, [], "{name}");
    }
    // Labels with a signature of the label's fields in the reserved code, as a service writes them.
    let signed = &vectors["sm2_labels"];
    let cases = signed["cases"].as_array().unwrap();
    for case in cases {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let reserved = format!(
            "{{\"SecurityData\":{{\"Type\":\"TC260PG\",\"Version\":1,\"PubSD\":[{{\"Type\":\"DS\",\
             \"AlgID\":\"1.2.156.10197.1.501\",\"TBSData\":{{\"Type\":\"LabelMataData\"}},\"Signature\":\"{}\"}},\
             {{\"Type\":\"PubKey\",\"KeyValue\":\"{}\"}}]}}}}",
            text(&case["RC1_sig"]),
            text(&signed["spki"])
        );
        let label = Gb45438Label {
            label: "1".into(),
            content_producer: text(&case["ContentProducer"]),
            produce_id: text(&case["ProduceID"]),
            reserved_code_1: reserved,
            ..Gb45438Label::default()
        };
        let found = only(&jpeg_file(&[jpeg_xmp(&quirky_packet(&json(&label)))], &[]));
        assert_eq!((found.gb45438.as_ref(), codes(&found)), (Some(&label), vec![]));
    }
    assert_eq!(cases.len(), 2);
    let texts = |key: &str| -> Vec<String> {
        let list = match &vectors[key] {
            serde_json::Value::Array(list) => list.clone(),
            other => other.as_object().unwrap().values().cloned().collect(),
        };
        list.iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let (codes, numbers) = (texts("codes_27"), texts("uscc"));
    assert!(codes.len() == 8 && codes.iter().all(|c| provider_code::check(c).is_ok()));
    assert!(numbers.len() == 13 && numbers.iter().all(|n| is_uscc(n)));
}

#[test]
fn corpus_content_digest_is_the_signed_hash() {
    let Some(folder) = corpus() else { return };
    let mut signed = 0;
    let mut bound = Vec::new();
    let mut folders = vec![folder.join("c2pa/vectors")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if !path.extension().is_some_and(|e| e == "jpg" || e == "png") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let _ = read_labels(&bytes);
            let ranges = manifest_ranges(&bytes);
            if ranges.is_empty() {
                continue;
            }
            signed += 1;
            assert!(matches!(write_labels(&bytes, &both()), Err(LabelWriteError::WouldBreakManifest)));
            // In the assertion's CBOR: the text "hash", then a byte string of 32 bytes.
            let hash = [b"dhash\x58\x20", &content_sha256(&bytes).as_bytes()[..]].concat();
            let store: Vec<u8> = ranges.into_iter().flat_map(|r| bytes[r].to_vec()).collect();
            if store.windows(hash.len()).any(|w| w == hash) {
                bound.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    println!("{} of {signed} signed files have their content digest in the manifest", bound.len());
    for name in ["C.jpg", "CACA.jpg", "x509-es256-jpeg.jpg", "x509-es256-png.png"] {
        assert!(bound.iter().any(|b| b == name), "{name}: {bound:?}");
    }
}
