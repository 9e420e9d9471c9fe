//! Files of a real encoder (Debian: ffmpeg): labelled, they play as before, stream for stream, and ExifTool reads the label.

use crate::files::{json, label};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use touchstone_inspect::labels::{LabelToWrite, read_labels, write_labels};

/// Runs the tool; nothing if it is not installed.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(tool).args(arguments).output();
    if output.is_err() {
        println!("skipped: {tool} is not installed");
    }
    output.ok()
}

fn done(tool: &str, arguments: &[&str]) -> Option<String> {
    let output = run(tool, arguments)?;
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{tool} {arguments:?}: {failed}");
    assert!(failed.is_empty(), "{tool} {arguments:?}: {failed}");
    Some(told.into_owned())
}

/// One digest over the packets of all streams, as they stand in the file.
fn streams(file: &str) -> Option<String> {
    done("ffmpeg", &["-v", "error", "-i", file, "-map", "0", "-c", "copy", "-f", "md5", "-"])
}

/// The files: with the index behind the samples, in front of them, and with tags in the list of iTunes.
const FILES: [(&str, &[&str]); 5] = [
    ("behind.mp4", &["-c:v", "mpeg4", "-c:a", "aac"]),
    ("front.mp4", &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]),
    ("tagged.mp4", &["-c:v", "mpeg4", "-c:a", "aac", "-metadata", "title=a cup", "-metadata", "comment=b"]),
    ("front.mov", &["-c:v", "mjpeg", "-c:a", "pcm_s16le", "-movflags", "+faststart"]),
    ("sound.m4a", &["-vn", "-c:a", "aac", "-movflags", "+faststart"]),
];

#[test]
fn files_of_an_encoder_play_as_before_and_carry_their_label() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sources = ["testsrc=size=96x64:rate=10:duration=1", "sine=frequency=440:duration=1"];
    for (name, options) in FILES {
        let file = path(name);
        let source = ["-v", "error", "-f", "lavfi", "-i", sources[0], "-f", "lavfi", "-i", sources[1]];
        if run("ffmpeg", &[&source[..], options, &[&file]].concat()).is_none() {
            return;
        }
        let original = fs::read(&file).unwrap();
        let write = LabelToWrite { gb45438: Some(label()), digital_source_type: None };
        let labelled = write_labels(&original, &write).unwrap_or_else(|error| panic!("{name}: {error}"));
        let copy = path(&format!("labelled-{name}"));
        fs::write(&copy, &labelled).unwrap();
        let found = read_labels(&labelled);
        assert_eq!(
            (found.len(), &found[0].gb45438, &found[0].findings),
            (1, &Some(label()), &vec![]),
            "{name}"
        );
        assert_eq!(streams(&copy), streams(&file), "{name}");
        let probe =
            ["-v", "error", "-show_entries", "stream=codec_name,nb_frames:format=duration", "-of", "csv"];
        let probed = |file: &str| done("ffprobe", &[&probe[..], &[file]].concat());
        assert_eq!(probed(&copy), probed(&file), "{name}");
        whole(&copy);
        tags(Path::new(&copy));
    }
}

/// Every frame decodes.
fn whole(file: &str) {
    done("ffmpeg", &["-v", "error", "-i", file, "-f", "null", "-"]);
}

/// What ExifTool reads under the key.
fn tags(file: &Path) {
    let Some(told) = run("exiftool", &["-json", "-G1", file.to_str().unwrap()]) else { return };
    let found: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let tags = found[0].as_object().unwrap();
    assert!(tags.values().any(|value| value.as_str() == Some(&json(&label()))), "{tags:?}");
    assert!(!tags.contains_key("ExifTool:Warning") && !tags.contains_key("ExifTool:Error"), "{tags:?}");
}

/// Labels that the encoder itself writes, in the other videos that it knows.
#[test]
fn labels_that_an_encoder_writes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = json(&label());
    for (name, options, carrier) in [
        ("a.mkv", &["-c:v", "mpeg4"][..], "matroska:SimpleTag:AIGC"),
        ("a.webm", &["-c:v", "libvpx"], "matroska:SimpleTag:AIGC"),
        ("a.flv", &["-c:v", "flv"], "flv:onMetaData:AIGC"),
        ("a.mp4", &["-c:v", "mpeg4", "-movflags", "use_metadata_tags"], "mp4:moov.udta.meta.ilst:AIGC"),
    ] {
        let file = folder.path().join(name);
        let file = file.to_str().unwrap();
        let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=96x64:rate=10:duration=1"];
        let tag = format!("AIGC={text}");
        let Some(made) = run("ffmpeg", &[&source[..], options, &["-metadata", &tag, file]].concat()) else {
            return;
        };
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
        let found = read_labels(&fs::read(file).unwrap());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].carrier.as_str(), &found[0].gb45438), (carrier, &Some(label())), "{name}");
    }
}
