//! The auditor over HTTP, against a file server that also lies: tiles, and the history of checkpoints.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use log::{Log, key, log_key, now, policy};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::PathBuf,
    thread,
};
use touchstone_schema::{
    Timestamp,
    api::{CheckpointInfo, CheckpointList},
    statement::Role,
};
use touchstone_sdk::{
    client::{Client, ClientSettings},
    log::{
        audit::{self, Observer},
        finding::{AuditError, Finding, HistoryFault, TileFault},
        history,
        replay::{Accepted, Entry, Replay, Violation},
        source::HttpLog,
        state::{State, StateError},
        tree::Tree,
    },
};

struct Quiet;

impl Observer for Quiet {
    fn begins(&mut self, _: u64, _: u64) {}

    fn verified(&mut self, _: &mut State) -> Result<(), StateError> {
        Ok(())
    }

    fn judged(&mut self, _: &Replay, _: u64, _: &Entry, _: &Result<Accepted, Violation>) {}

    fn found(&mut self, finding: &Finding) {
        panic!("{finding}");
    }
}

/// Serves a log's files, and a history two checkpoints at a time, until the test ends.
fn serve(folder: PathBuf, history: Vec<CheckpointInfo>) -> Client {
    serve_with(folder, move |after| {
        let mut page: Vec<_> = history.iter().filter(|info| info.size > after).cloned().collect();
        page.truncate(2);
        let next = page.last().filter(|_| page.len() == 2).map(|last| last.size);
        CheckpointList { checkpoints: page, next }
    })
}

/// Serves a log's files, and pages of its history after a size.
fn serve_with(folder: PathBuf, history: impl Fn(u64) -> CheckpointList + Send + 'static) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            if head.starts_with("GET /log/") {
                assert!(head.to_ascii_lowercase().contains("accept: */*"), "{head}");
            }
            let path = head.split(' ').nth(1).unwrap();
            let body = if let Some(query) = path.strip_prefix("/v1/log/checkpoints?after=") {
                let after: u64 = query.split('&').next().unwrap().parse().unwrap();
                Some(serde_json::to_vec(&history(after)).unwrap())
            } else {
                fs::read(folder.join(path.strip_prefix("/log/").unwrap())).ok()
            };
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.unwrap_or_else(|| b"<html>no such file</html>".to_vec());
            let head =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    Client::new(&ClientSettings::new(url, None)).unwrap()
}

fn log() -> Log {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..600 {
        log.register(&shop, &format!("picture {n}"));
    }
    log
}

fn info(log: &Log, size: u64) -> CheckpointInfo {
    let published_at = Timestamp::from_micros(log.now).unwrap();
    CheckpointInfo { size, root: log.root(size), published_at, note: log.note(size, &log_key()) }
}

fn faults(client: &Client, log: &Log) -> (u64, Vec<(u64, HistoryFault)>) {
    faults_after(client, log, 0, &[])
}

fn faults_after(client: &Client, log: &Log, after: u64, known: &[String]) -> (u64, Vec<(u64, HistoryFault)>) {
    let source = HttpLog(client);
    let (verified, _) = audit::checkpoint(&source, &policy()).unwrap();
    assert_eq!(verified.checkpoint.root, log.root(600));
    let mut tree = Tree::open(&source, &verified.checkpoint).unwrap();
    let mut faults = Vec::new();
    let verified = history::verify(client, &policy(), &mut tree, after, known, |finding| match finding {
        Finding::History { size, fault, .. } => faults.push((size, fault)),
        other => panic!("{other}"),
    })
    .unwrap();
    assert!(verified.last <= 600);
    (verified.count, faults)
}

#[test]
fn a_file_server_is_enough() {
    let (folder, log) = (tempfile::tempdir().unwrap(), log());
    log.write(folder.path(), 300);
    log.write(folder.path(), 600);
    // What is left of an earlier size goes when the full tile is there.
    for partial in ["tile/0/001.p", "tile/entries/001.p"] {
        fs::remove_dir_all(folder.path().join(partial)).unwrap();
    }
    fs::write(folder.path().join("checkpoint"), log.note(300, &log_key())).unwrap();
    let client = serve(folder.path().to_owned(), Vec::new());
    let mut state = State::new(true);
    audit::advance(&HttpLog(&client), &policy(), None, &mut state, now(), &mut Quiet).unwrap();
    assert_eq!(state.size(), 300);
    fs::write(folder.path().join("checkpoint"), log.note(600, &log_key())).unwrap();
    audit::advance(&HttpLog(&client), &policy(), None, &mut state, now(), &mut Quiet).unwrap();
    assert_eq!((state.size(), state.frontier.root()), (600, log.root(600)));
    fs::remove_file(folder.path().join("tile/1/000.p/2")).unwrap();
    let missing = audit::advance(&HttpLog(&client), &policy(), None, &mut state, now(), &mut Quiet);
    assert!(
        matches!(missing, Err(AuditError::Wrong(finding)) if matches!(*finding, Finding::Missing { .. }))
    );
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    let nothing = audit::advance(&HttpLog(&client), &policy(), None, &mut state, now(), &mut Quiet);
    assert!(matches!(nothing, Err(AuditError::Source(_))));
}

#[test]
fn files_longer_than_any_tile_are_not_read_to_their_end() {
    let (folder, log) = (tempfile::tempdir().unwrap(), log());
    log.write(folder.path(), 600);
    fs::write(folder.path().join("tile/0/001"), vec![0; 20_000]).unwrap();
    let client = serve(folder.path().to_owned(), Vec::new());
    let source = HttpLog(&client);
    let (verified, _) = audit::checkpoint(&source, &policy()).unwrap();
    let read = Tree::open(&source, &verified.checkpoint).unwrap().tile(0, 1).unwrap_err();
    let AuditError::Wrong(finding) = read else { panic!("{read}") };
    let fault = TileFault::Length { expected: 8192, found: 8193 };
    assert_eq!(*finding, Finding::Tile { resource: "tile/0/001".to_owned(), fault });
}

#[test]
fn the_history_is_held_to_the_tree() {
    let (folder, log) = (tempfile::tempdir().unwrap(), log());
    log.write(folder.path(), 600);
    let sizes = [1, 3, 255, 256, 257, 300, 512, 599, 600];
    let history: Vec<CheckpointInfo> = sizes.iter().map(|size| info(&log, *size)).collect();
    let client = serve(folder.path().to_owned(), history.clone());
    assert_eq!(faults(&client, &log), (9, Vec::new()));

    // A checkpoint of another past, a foreign key, a note that says otherwise, and one that only says to be beyond the
    // tree.
    let mut other = log.clone();
    let last = other.entries[290].len() - 20;
    other.entries[290][last] ^= 1;
    let mut bad = history;
    bad[5] = info(&other, 300);
    bad[6].note = log.note(512, &key(9));
    bad[7].note = log.note(598, &log_key());
    bad.push(CheckpointInfo { size: 601, ..info(&log, 600) });
    let client = serve(folder.path().to_owned(), bad);
    let (count, found) = faults(&client, &log);
    assert_eq!(count, 10);
    assert!(
        matches!(
            found.as_slice(),
            [
                (300, HistoryFault::Root),
                (512, HistoryFault::Note { .. }),
                (599, HistoryFault::Mismatch),
                (601, HistoryFault::Mismatch)
            ]
        ),
        "{found:?}"
    );
}

#[test]
fn the_history_has_what_the_log_showed_elsewhere_and_ends() {
    let (folder, log) = (tempfile::tempdir().unwrap(), log());
    log.write(folder.path(), 600);
    let sizes = [3, 300, 512, 599, 600];
    let whole: Vec<CheckpointInfo> = sizes.iter().map(|size| info(&log, *size)).collect();
    let notes =
        |sizes: &[u64]| -> Vec<String> { sizes.iter().map(|size| log.note(*size, &log_key())).collect() };
    let client = serve(folder.path().to_owned(), whole.clone());
    for after in [0, 300, 600] {
        let (_, found) = faults_after(&client, &log, after, &notes(&[3, 512, 600]));
        assert_eq!(found, [], "{after}");
    }
    // The empty tree is published by nobody, and what is newer than the tree cannot be asked for yet.
    let mut longer = log.clone();
    longer.entries.push(vec![7]);
    let (_, found) = faults_after(&client, &log, 0, &[longer.note(601, &log_key()), log.note(0, &log_key())]);
    assert_eq!(found, []);
    // Left out, wherever the reading begins.
    for after in [0, 300, 599] {
        let (_, found) = faults_after(&client, &log, after, &notes(&[299, 600]));
        assert_eq!(found, [(299, HistoryFault::Omitted)], "{after}");
    }
    let client = serve(folder.path().to_owned(), Vec::new());
    assert_eq!(faults_after(&client, &log, 0, &notes(&[600])), (0, vec![(600, HistoryFault::Omitted)]));
    // One that the log does have, with a note that nobody signed.
    let mut foreign = whole.clone();
    foreign[4].note = log.note(600, &key(9));
    let client = serve(folder.path().to_owned(), foreign);
    let (_, found) = faults_after(&client, &log, 0, &notes(&[600]));
    assert!(
        matches!(found.as_slice(), [(600, HistoryFault::Note { .. }), (600, HistoryFault::Omitted)]),
        "{found:?}"
    );
    // The same page for ever.
    let client = serve_with(folder.path().to_owned(), move |_| CheckpointList {
        checkpoints: vec![whole[1].clone()],
        next: Some(300),
    });
    assert_eq!(faults(&client, &log), (2, vec![(300, HistoryFault::Order)]));
}

#[test]
fn a_wrong_history_is_told_in_every_later_audit() {
    let (folder, log) = (tempfile::tempdir().unwrap(), log());
    log.write(folder.path(), 600);
    let mut other = log.clone();
    other.entries.truncate(299);
    other.entries.push(vec![7]);
    let audit = |client: &Client, state: &str| {
        let policy = folder.path().join("policy");
        fs::write(&policy, format!("log {}\nquorum none\n", log::verifier())).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_touchstone"))
            .args(["log", "verify", "--json", "--history", "--policy", policy.to_str().unwrap(), "--state"])
            .args([folder.path().join(state).to_str().unwrap(), client.url()])
            .env("XDG_CONFIG_HOME", folder.path().join("settings"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let faults: Vec<_> = lines[..lines.len() - 1]
            .iter()
            .map(|line| (line["size"].as_u64().unwrap(), line["fault"].clone()))
            .collect();
        (output.status.code().unwrap(), faults)
    };
    let right = [info(&log, 300), info(&log, 600)];
    let client = serve(folder.path().to_owned(), right.to_vec());
    assert_eq!(audit(&client, "right"), (0, Vec::new()));
    assert_eq!(audit(&client, "right"), (0, Vec::new()));
    // Signed, of another past: it stays, even if it is no longer shown.
    let forked = serve(folder.path().to_owned(), vec![info(&other, 300), right[1].clone()]);
    let expected = (5, vec![(300, "root".into())]);
    assert_eq!(audit(&forked, "forked"), expected);
    assert_eq!(audit(&forked, "forked"), expected);
    assert_eq!(audit(&client, "forked"), expected);
    // Left out: nobody signed that, and it can be mended.
    let without = serve(folder.path().to_owned(), vec![right[0].clone()]);
    let expected = (5, vec![(600, "omitted".into())]);
    assert_eq!(audit(&without, "without"), expected);
    assert_eq!(audit(&without, "without"), expected);
    assert_eq!(audit(&client, "without"), (0, Vec::new()));
}
