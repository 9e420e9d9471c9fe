//! `touchstone-server witness`, as an operator runs it and as logs and monitors speak to it.

use crate::support::{Running, TestLog, eventually, run};
use std::fs;
use touchstone_schema::{
    Sha256Digest,
    log::{
        checkpoint::open_checkpoint,
        cosignature::verify_cosignature,
        note::KeyKind,
        witness::{MAX_REQUEST_BYTES, parse_cosignatures},
    },
};

const TEXT: &str = "text/plain; charset=utf-8";

#[test]
fn it_answers_as_the_specification_says_and_remembers_after_kill() {
    let log = TestLog::new();
    let mut witness = Running::start("witness.test/w1", &[&log.verifier().to_string()]);
    assert_eq!(witness.key.kind(), KeyKind::CosignatureV1);
    let monitoring = format!("/{}/checkpoint", Sha256Digest::of(log.origin.as_bytes()));
    assert_eq!(witness.get(&monitoring).0, 404);

    let (status, media_type, body) = witness.post(&log.request(0, 5).to_bytes());
    assert_eq!((status, media_type.as_str()), (200, TEXT), "{body}");
    let cosignatures = parse_cosignatures(body.as_bytes()).unwrap();
    assert_eq!(cosignatures.len(), 1);
    assert!(verify_cosignature(log.note(5).text(), &cosignatures[0], &witness.key).is_some_and(|at| at > 0));
    eventually("it says what it cosigned", || {
        witness.log().contains("cosigned 5 entries of log.test/log").then_some(())
    });

    let (status, media_type, body) = witness.post(&log.request(3, 6).to_bytes());
    assert_eq!((status, media_type.as_str(), body.as_str()), (409, "text/x.tlog.size", "5\n"));
    let stranger = TestLog { key: log.forked().key, origin: "elsewhere.test".to_owned(), ..log.clone() };
    let forged = TestLog { key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]), ..log.clone() };
    for (request, expected) in [
        (log.forked().request(5, 6).to_bytes(), 422),
        (stranger.request(0, 6).to_bytes(), 404),
        (forged.request(5, 6).to_bytes(), 403),
        (b"old 5\n".to_vec(), 400),
        (vec![b'x'; MAX_REQUEST_BYTES + 1], 413),
    ] {
        let (status, _, body) = witness.post(&request);
        assert_eq!(status, expected, "{body}");
        assert!(body.len() < 300, "{body}");
    }
    assert_eq!(witness.get("/add-checkpoint").0, 405);
    assert_eq!(witness.get("/").0, 404);

    witness.kill();
    witness.serve();
    let (status, media_type, note) = witness.get(&monitoring);
    assert_eq!((status, media_type.as_str()), (200, TEXT));
    let (checkpoint, note) = open_checkpoint(note.as_bytes(), &log.verifier()).unwrap();
    assert_eq!(checkpoint.size, 5);
    assert!(note.verified_by(&witness.key));
    assert_eq!(witness.post(&log.request(0, 5).to_bytes()).0, 409);
    assert_eq!(witness.post(&log.request(5, 6).to_bytes()).0, 200);
    assert_eq!(witness.stop(), Some(0));
    let text = witness.log();
    assert!(
        text.trim_end().ends_with("stopped") && !text.contains("WARN") && !text.contains("ERROR"),
        "{text}"
    );
}

#[test]
fn an_operator_is_told_what_is_wrong() {
    let log = TestLog::new();
    let key = log.verifier().to_string();
    let witness = Running::start("witness.test/w1", &[&key]);
    let data = witness.data();
    let data = data.to_str().unwrap();
    let failed = |arguments: &[&str], words: &[&str]| {
        let output = run(arguments);
        let why = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{why}");
        assert!(why.starts_with("touchstone-server: ") && why.lines().count() == 1, "{why}");
        words.iter().for_each(|word| assert!(why.contains(word), "{word} in {why}"));
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&witness.data()), mode(&witness.data().join("key"))), (0o700, 0o600));
    }
    failed(&["witness", "init", "--name", "w", "--data", data], &["already"]);
    let running = ["witness", "serve", "--data", data, "--listen", "127.0.0.1:0", "--log", &key];
    failed(&running, &["another process"]);
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    let empty = empty.to_str().unwrap();
    failed(&["witness", "serve", "--data", empty, "--log", &key], &["witness init"]);
    failed(&["witness", "serve", "--data", data, "--log", "no/such.policy"], &["no/such.policy", "neither"]);
    failed(&["witness", "serve", "--data", data, "--log", &witness.key.to_string()], &["cosigner"]);
    failed(&["witness", "init", "--name", "two words", "--data", empty], &["two words"]);
    assert!(fs::metadata(empty).is_err(), "nothing is made");
    let policy = folder.path().join("policy");
    fs::write(&policy, "log what\nquorum none\n").unwrap();
    failed(&["witness", "serve", "--data", data, "--log", policy.to_str().unwrap()], &["line 1"]);
    fs::write(&policy, "quorum none\n").unwrap();
    failed(&["witness", "serve", "--data", data, "--log", policy.to_str().unwrap()], &["no log"]);
}

#[test]
fn a_policy_file_names_the_logs() {
    let (log, other) = (TestLog::new(), TestLog { origin: "other.test/log".to_owned(), ..TestLog::new() });
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy");
    let other_key = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let other = TestLog { key: other_key, ..other };
    fs::write(&policy, format!("log {}\nlog {}\nquorum none\n", log.verifier(), other.verifier())).unwrap();
    let witness = Running::start("witness.test/w1", &[policy.to_str().unwrap()]);
    assert_eq!(witness.post(&log.request(0, 5).to_bytes()).0, 200);
    assert_eq!(witness.post(&other.request(0, 7).to_bytes()).0, 200);
    assert_eq!(witness.post(&log.request(5, 6).to_bytes()).0, 200);
}
