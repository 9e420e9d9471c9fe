//! The main job with the built programs, from an empty registry to a verdict on every refund photo.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, process::Command};

#[test]
fn every_verdict_is_as_expected_and_the_server_leaves_a_clean_log() {
    let job = Path::new(env!("CARGO_BIN_EXE_main-job"));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("job");
    let run = || {
        let mut command = Command::new(job);
        command.args(["--once", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap()
    };
    let output = run();
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{failed}");
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.join("summary.json")).unwrap()).unwrap();
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert!(number("registered") >= 24 && number("cases") >= 16, "{summary}");
    assert_eq!(number("as_expected"), number("cases"), "{told}");
    let log = std::fs::read_to_string(data.join("server.log")).unwrap();
    assert!(log.contains("listening on"), "{log}");
    let alarms: Vec<_> = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.txt");
    std::fs::write(&file, "mine").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_main-job"));
    let output = command.args(["--once", "--data"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not made by this program"));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}
