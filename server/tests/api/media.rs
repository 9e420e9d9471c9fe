//! Inspections of files that are no pictures: bounded as those are, told by their labels, and never stored.

use crate::support::{Engine, TestApp};
use std::path::PathBuf;
use touchstone_inspect::labels::{LabelToWrite, write_labels};
use touchstone_schema::{
    Sha256Digest,
    api::{FileReport, MediaReport},
    label::Gb45438Label,
    problem::ProblemCode as Code,
};

/// A video with a label, its brand being one of those.
fn video(brand: &[u8; 4], label: &Gb45438Label) -> Vec<u8> {
    let bare = [&b"\0\0\0\x10ftyp"[..], brand, b"\0\0\0\0\0\0\0\x08moov\0\0\0\x0Cmdatbeep"].concat();
    write_labels(&bare, &LabelToWrite { gb45438: Some(label.clone()), digital_source_type: None }).unwrap()
}

fn label() -> Gb45438Label {
    Gb45438Label {
        label: "1".to_owned(),
        content_producer: "001191110102MACQD9K64010000".to_owned(),
        produce_id: "v-1".to_owned(),
        ..Gb45438Label::default()
    }
}

#[test]
fn videos_and_sounds_are_told_by_their_labels() {
    let app = TestApp::start(Engine::Sqlite);
    let platform = app.platform();
    for (brand, media_type) in [(b"isom", "video/mp4"), (b"qt  ", "video/quicktime"), (b"M4A ", "audio/mp4")]
    {
        let file = video(brand, &label());
        let answers = app.stores_nothing(|| {
            [
                platform.client.send("POST", "/v1/inspections", Some((media_type, &file))),
                platform.client.send("POST", "/v1/inspections", Some(("application/octet-stream", &file))),
                platform.client.post_form("/v1/inspections", &[("photo", &file)]),
            ]
        });
        for answer in answers {
            let FileReport::Media(report) = answer.json_with(200) else { panic!("{}", answer.text()) };
            let MediaReport { sha256, media_type: told, labels, c2pa } = report;
            assert_eq!(c2pa, None);
            assert_eq!((sha256, told.as_str()), (Sha256Digest::of(&file), media_type));
            let [found] = labels.as_slice() else { panic!("{labels:?}") };
            assert_eq!(found.gb45438, Some(label()));
            assert_eq!(found.carrier, "mp4:moov.udta.meta.ilst:AIGC");
        }
        // It is no photo of a claim, and no content of a picture's statement.
        platform.client.post_form("/v1/checks", &[("photo", &file)]).refused(Code::NotAnImage);
    }
    // What begins like a video and has no movie is nothing that is known.
    let file = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0Cmdatbeep";
    platform.client.send("POST", "/v1/inspections", Some(("video/mp4", file))).refused(Code::NotAnImage);
}

#[test]
fn manifests_of_what_is_no_picture_are_told() {
    let app = TestApp::start(Engine::Sqlite);
    let platform = app.platform();
    let state = |media_type, file: &[u8]| {
        let answer = platform.client.send("POST", "/v1/inspections", Some((media_type, file)));
        let FileReport::Media(report) = answer.json_with(200) else { panic!("{}", answer.text()) };
        report.c2pa.unwrap()["state"].as_str().unwrap().to_owned()
    };
    let document = b"%PDF-1.7\n<< /AFRelationship /C2PA_Manifest /EF 2 0 R >>\nstartxref\n0\n%%EOF\n";
    assert_eq!(state("application/pdf", document), "not_judged");
    let Some(corpus) = std::env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from) else {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
        return;
    };
    let file = "c2pa/vectors/cawg/generated/identity-1.2/assets/x509-es256-mp4.mp4";
    assert_eq!(state("video/mp4", &std::fs::read(corpus.join(file)).unwrap()), "valid");
}

#[test]
fn videos_are_bounded_as_pictures_are() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.rules.max_upload_bytes = Some(100_000));
    let platform = app.platform();
    let mut file = video(b"isom", &label());
    file.extend(b"\0\0\0\0mdat");
    file.resize(100_000, 0);
    let report: FileReport =
        platform.client.send("POST", "/v1/inspections", Some(("video/mp4", &file))).json_with(200);
    assert!(matches!(report, FileReport::Media(_)));
    file.push(0);
    app.stores_nothing(|| {
        let send = |media_type| platform.client.send("POST", "/v1/inspections", Some((media_type, &file)));
        send("video/mp4").refused(Code::BodyTooLarge);
        platform.client.post_form("/v1/inspections", &[("photo", &file)]).refused(Code::BodyTooLarge);
        platform
            .client
            .send("POST", "/v1/inspections", Some(("model/gltf", b"x")))
            .refused(Code::UnsupportedMediaType);
    });
}
