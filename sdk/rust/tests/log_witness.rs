//! The monitor asks witnesses what they cosigned: another past, and entries that the log keeps back.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use log::{Log, ORIGIN, key, public};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};
use touchstone_schema::{
    Sha256Digest,
    log::{Note, VerifierKey, cosign},
    statement::Role,
};

/// A witness that answers with a note, if it has one.
fn serve(note: Arc<Mutex<Option<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/w", listener.local_addr().unwrap());
    let path = format!("GET /w/{}/checkpoint ", Sha256Digest::of(ORIGIN.as_bytes()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            assert!(head.starts_with(&path), "{head}");
            let answer = note.lock().unwrap().clone();
            let status = if answer.is_some() { "200 OK" } else { "404 Not Found" };
            let body = answer.unwrap_or_default();
            let head =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    url
}

const COSIGNED: u64 = 1_735_725_700;

fn cosigned(log: &Log, size: u64, log_signer: u8, witness: u8) -> String {
    let note = Note::parse(log.note(size, &key(log_signer)).as_bytes()).unwrap();
    let cosignature = cosign(note.text(), "w", &key(witness), COSIGNED);
    note.with_signature(cosignature).unwrap().to_string()
}

fn monitor(folder: &Path, more: &[&str]) -> (i32, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
    {
        command.env_remove(name);
    }
    command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("LANG");
    command.env("XDG_CONFIG_HOME", folder.join("settings"));
    let words = ["log", "monitor", "--policy", "policy", "--state", "seen", "--since", "1000"];
    let output = command.args(words).args(["--once", "--json", "log"]).args(more).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_a_witness_cosigned_is_held_to_the_log() {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..5 {
        log.register(&shop, &format!("picture {n}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let note = Arc::new(Mutex::new(None));
    let url = serve(Arc::clone(&note));
    let name = VerifierKey::cosigner("w", public(&key(51))).unwrap();
    let policy = format!("log {}\nwitness w {name} {url}\nquorum w\n", log::verifier());
    fs::write(folder.path().join("policy"), policy).unwrap();
    log.write(&folder.path().join("log"), 9);
    fs::write(folder.path().join("log/checkpoint"), cosigned(&log, 9, 200, 51)).unwrap();
    let shown = |answer: Option<String>| {
        *note.lock().unwrap() = answer;
        monitor(folder.path(), &[])
    };
    // It knows no such log yet, knows it as it is, or as it was.
    assert_eq!(shown(None).0, 0);
    for size in [9, 4] {
        let (status, lines, said) = shown(Some(cosigned(&log, size, 200, 51)));
        assert_eq!((status, lines.len()), (0, 0), "{said}");
    }
    // What it did not cosign, or the log did not sign, says nothing about the log.
    for strange in [cosigned(&log, 9, 200, 52), cosigned(&log, 9, 9, 51), "x".to_owned()] {
        let (status, lines, said) = shown(Some(strange));
        assert_eq!((status, lines.len()), (0, 0));
        assert!(said.contains("w: "), "{said}");
    }
    // More than the log shows, and it does not follow.
    let mut longer = log.clone();
    longer.register(&shop, "kept back");
    let (status, lines, _) = shown(Some(cosigned(&longer, 10, 200, 51)));
    assert_eq!((status, &lines[0]["finding"], lines.len()), (5, &"withheld".into(), 1));
    assert_eq!((&lines[0]["size"], &lines[0]["shown"]), (&10.into(), &9.into()));
    // That mends; too old cosignatures do not, until there are new ones.
    assert_eq!(shown(Some(cosigned(&log, 9, 200, 51))).0, 0);
    let (status, lines, _) = monitor(folder.path(), &["--max-age", "60"]);
    assert_eq!((status, &lines[0]["finding"]), (5, &"outdated".into()));
    assert_eq!(monitor(folder.path(), &["--max-age", "4000000000"]).0, 0);
    // Another past is proof for ever.
    let mut fork = log.clone();
    fork.entries.truncate(6);
    fork.register(&shop, "another past");
    let (status, lines, _) = shown(Some(cosigned(&fork, 7, 200, 51)));
    assert_eq!((status, &lines[0]["finding"]), (5, &"forked".into()));
    assert_eq!(lines[0]["later"], fs::read_to_string(folder.path().join("log/checkpoint")).unwrap());
    let (status, lines, _) = shown(None);
    assert_eq!((status, &lines[0]["finding"], lines.len()), (5, &"forked".into(), 1));
}

/// The log must not show what the quorum did not cosign: a witness that is down is no fault of the log.
#[test]
fn a_witness_ahead_of_a_quorum_that_is_not_met_speaks_against_nobody() {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..5 {
        log.register(&shop, &format!("picture {n}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let urls = [&one, &two].map(|note| serve(Arc::clone(note)));
    let names = [51, 52].map(|seed| VerifierKey::cosigner("w", public(&key(seed))).unwrap());
    let policy = |quorum: &str| {
        let witnesses =
            format!("witness one {} {}\nwitness two {} {}\n", names[0], urls[0], names[1], urls[1]);
        format!("log {}\n{witnesses}group both {quorum} one two\nquorum both\n", log::verifier())
    };
    log.write(&folder.path().join("log"), 9);
    let shown = Note::parse(cosigned(&log, 9, 200, 51).as_bytes()).unwrap();
    let second = cosign(shown.text(), "w", &key(52), COSIGNED);
    let shown = shown.with_signature(second).unwrap().to_string();
    fs::write(folder.path().join("log/checkpoint"), &shown).unwrap();
    let mut longer = log.clone();
    longer.register(&shop, "waits for the other witness");
    *one.lock().unwrap() = Some(cosigned(&longer, 10, 200, 51));
    *two.lock().unwrap() = Some(cosigned(&log, 9, 200, 52));
    fs::write(folder.path().join("policy"), policy("all")).unwrap();
    let (status, lines, said) = monitor(folder.path(), &[]);
    assert_eq!((status, lines.len()), (0, 0), "{said}");
    assert!(said.contains("one cosigned 10 entries, and the log shows 9"), "{said}");
    // Where one of them suffices, somebody may have been shown more.
    fs::write(folder.path().join("policy"), policy("any")).unwrap();
    fs::remove_file(folder.path().join("seen")).unwrap();
    let (status, lines, _) = monitor(folder.path(), &[]);
    assert_eq!((status, &lines[0]["finding"]), (5, &"withheld".into()));
}

/// The log's own signature under another past is proof, whoever cosigned it.
#[test]
fn a_fork_that_nobody_cosigned_is_proof_all_the_same() {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..5 {
        log.register(&shop, &format!("picture {n}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let name = VerifierKey::cosigner("w", public(&key(51))).unwrap();
    let policy = format!("log {}\nwitness w {name}\nquorum w\n", log::verifier());
    fs::write(folder.path().join("policy"), policy).unwrap();
    let show = |log: &Log, size: u64, cosigned_by: Option<u8>| {
        let _ = fs::remove_dir_all(folder.path().join("log"));
        log.write(&folder.path().join("log"), size);
        let note = match cosigned_by {
            Some(witness) => cosigned(log, size, 200, witness),
            None => log.note(size, &key(200)),
        };
        fs::write(folder.path().join("log/checkpoint"), note).unwrap();
        let (status, lines, _) = monitor(folder.path(), &[]);
        (status, lines.last().map(|line| line["finding"].clone()))
    };
    assert_eq!(show(&log, 7, Some(51)), (0, None));
    // The same log without its witness is no fork.
    for size in [5, 7, 9] {
        assert_eq!(show(&log, size, None), (5, Some("checkpoint".into())), "{size}");
    }
    let mut fork = log.clone();
    fork.entries.truncate(4);
    for n in 0..6 {
        fork.register(&shop, &format!("another past {n}"));
    }
    // Of a shorter one the entries seen before are gone, and nothing can be compared.
    assert_eq!(show(&fork, 6, None), (5, Some("checkpoint".into())));
    for size in [7, 9] {
        assert_eq!(show(&fork, size, None), (5, Some("forked".into())), "{size}");
    }
    // It is told again when the log looks right.
    assert_eq!(show(&log, 9, Some(51)), (5, Some("forked".into())));
}
