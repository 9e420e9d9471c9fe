//! A measurement that is stopped leaves no server and no folder behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use image::RgbImage;
use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// Makes a registry, tells its process and its folder, and never gets ready.
const SERVER: &str = r#"#!/bin/sh
case "$1" in
bootstrap) echo '{"operator_token":"token"}' ;;
serve)
    for data; do :; done
    echo "$$ $data" > "$0.partial"
    mv "$0.partial" "$0.started"
    exec sleep 100 ;;
esac
"#;

/// Two photographs, and the server that stands in for the built one.
fn prepare(folder: &Path) {
    for name in ["cup.png", "jug.png"] {
        RgbImage::new(8, 8).save(folder.join(name)).unwrap();
    }
    fs::write(folder.join("index.csv"), "file,product_id\ncup.png,cup\njug.png,jug\n").unwrap();
    let server = folder.join("touchstone-server");
    fs::write(&server, SERVER).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The process and the folder of the server, once it runs.
fn started(folder: &Path) -> (String, String) {
    for _ in 0..3_000 {
        if let Ok(line) = fs::read_to_string(folder.join("touchstone-server.started")) {
            let (process, data) = line.trim().split_once(' ').unwrap();
            return (process.to_owned(), data.to_owned());
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the server was not started");
}

#[test]
fn a_signal_ends_the_server_and_removes_the_folder() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let mut bench = Command::new(env!("CARGO_BIN_EXE_touchstone-bench"))
            .arg("calibrate")
            .args(
                ["--photos", "--bin", "--out"]
                    .iter()
                    .flat_map(|name| [OsStr::new(name), folder.path().as_os_str()]),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (process, data) = started(folder.path());
        let (process, data) = (Path::new("/proc").join(process), Path::new(&data));
        assert!(process.exists() && data.parent().unwrap().is_dir());
        assert!(Command::new("kill").args([signal, &bench.id().to_string()]).status().unwrap().success());
        let status = bench.wait().unwrap();
        assert!(!process.exists(), "{signal}: the server goes on");
        assert!(!data.parent().unwrap().exists(), "{signal}: the folder is there");
        assert_eq!(status.code(), Some(code));
    }
}
