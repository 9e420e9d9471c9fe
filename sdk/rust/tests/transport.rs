//! The client against a peer that answers from a script: faults that a healthy registry does not show.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Command,
    thread::{self, JoinHandle},
};
use touchstone_schema::{
    api::{NewCode, SignIn},
    problem::ProblemCode,
};
use touchstone_sdk::client::{Client, ClientError, ClientSettings};

/// Answers one scripted response to each connection and returns the requests' heads and bodies.
struct Peer {
    url: String,
    thread: JoinHandle<Vec<String>>,
}

impl Peer {
    fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            answers
                .into_iter()
                .map(|answer| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut request = String::new();
                    while reader.read_line(&mut request).unwrap() > 2 {}
                    let length = request.lines().find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length:")
                            .map(|n| n.trim().parse().unwrap())
                    });
                    let mut body = vec![0; length.unwrap_or(0)];
                    reader.read_exact(&mut body).unwrap();
                    request.push_str(&String::from_utf8_lossy(&body));
                    stream.write_all(answer.as_bytes()).unwrap();
                    request
                })
                .collect()
        });
        Self { url, thread }
    }

    fn client(&self, token: Option<&str>) -> Client {
        Client::new(&ClientSettings::new(self.url.as_str(), token)).unwrap()
    }

    fn requests(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn problem(code: ProblemCode, headers: &str) -> String {
    let body =
        serde_json::to_string(&code.document(Some("the detail".into()), Some("req-1".into()))).unwrap();
    answer(
        &format!("{} X", code.status()),
        &format!("Content-Type: application/problem+json\r\n{headers}"),
        &body,
    )
}

const TOKENS: &str = r#"{"tokens":[]}"#;

#[test]
fn busy_answers_are_waited_out_where_that_is_harmless() {
    let busy = || problem(ProblemCode::Unavailable, "Retry-After: 0\r\n");
    let peer = Peer::new(vec![busy(), busy(), answer("200 OK", "", TOKENS)]);
    assert!(peer.client(Some("t0ken")).tokens().unwrap().tokens.is_empty());
    let requests = peer.requests();
    assert_eq!(requests.len(), 3);
    let head = requests[2].to_ascii_lowercase();
    assert!(
        head.starts_with("get /v1/tokens http/1.1\r\n") && head.contains("authorization: bearer t0ken\r\n")
    );
    assert!(head.contains(concat!("user-agent: touchstone/", env!("CARGO_PKG_VERSION"))), "{head}");
}

#[test]
fn what_acts_is_sent_once() {
    let peer = Peer::new(vec![problem(ProblemCode::TooManyRequests, "Retry-After: 0\r\n")]);
    let sign_in = SignIn { name: "ann".into(), password: "correct horse".into() };
    let error = peer.client(None).sign_in(&sign_in).unwrap_err();
    assert_eq!(error.problem().unwrap().code, "too-many-requests");
    assert!(!error.to_string().contains("horse"));
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn patience_ends() {
    let busy = || problem(ProblemCode::Unavailable, "Retry-After: 0\r\n");
    let peer = Peer::new((0..5).map(|_| busy()).collect());
    let error = peer.client(Some("t")).caller().unwrap_err();
    assert_eq!(error.problem().unwrap().code, "unavailable");
    assert_eq!(peer.requests().len(), 5);
}

#[test]
fn redirects_are_reported_and_never_followed() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let location = format!("Location: http://{}/v1/caller\r\n", other.local_addr().unwrap());
    let peer = Peer::new(vec![answer("307 Temporary Redirect", &location, "")]);
    let error = peer.client(Some("t")).caller().unwrap_err();
    assert!(
        matches!(&error, ClientError::UnexpectedAnswer { reason, .. } if reason.contains("redirects")),
        "{error}"
    );
    assert!(other.accept().is_err(), "nobody came to the other place");
}

#[test]
fn strange_answers_are_named() {
    for (text, part) in [
        (answer("502 Bad Gateway", "", "<html>"), "status 502"),
        (answer("200 OK", "", "<html>"), "not JSON"),
        (answer("200 OK", "", r#"{"x":1}"#), "another form"),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), "malformed"),
    ] {
        let peer = Peer::new(vec![text]);
        let error = peer.client(Some("t")).tokens().unwrap_err();
        assert!(matches!(error, ClientError::UnexpectedAnswer { .. }));
        assert!(error.to_string().contains(part), "{error}");
    }
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"tok".to_owned();
    assert!(Peer::new(vec![cut]).client(Some("t")).tokens().is_err());
}

#[test]
fn names_in_paths_and_bodies_are_escaped() {
    let peer = Peer::new(vec![answer("200 OK", "", r#"{"labels":[]}"#)]);
    peer.client(None).labels("ACME/厂", "a b").unwrap();
    assert!(peer.requests()[0].starts_with("GET /v1/labels/ACME%2F%E5%8E%82/a%20b HTTP/1.1\r\n"));
    let peer = Peer::new(vec![problem(ProblemCode::Conflict, "")]);
    let organisation = "org_01JDAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let error = peer.client(Some("t")).bind_code(&organisation, &NewCode { code: "\"x".into() }).unwrap_err();
    assert_eq!(error.problem().unwrap().status, 409);
    assert!(peer.requests()[0].ends_with(r#"{"code":"\"x"}"#));
}

#[test]
fn a_refusal_of_the_command_is_status_4_with_the_remedy() {
    let peer = Peer::new(vec![problem(ProblemCode::Unauthenticated, "")]);
    let output = Command::new(env!("CARGO_BIN_EXE_touchstone"))
        .args(["--url", &peer.url, "--token", "old", "--lang", "en", "admin", "token", "list"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8(output.stderr).unwrap();
    let remedy = "Run touchstone login again";
    assert!(text.contains("unauthenticated") && text.contains(remedy) && text.contains("req-1"), "{text}");
    assert!(!text.contains("old"));
}

#[test]
fn an_output_whose_own_label_is_another_is_refused_unless_that_is_wanted() {
    use ed25519_dalek::SigningKey;
    use touchstone_inspect::labels::{LabelToWrite, produced, write_labels};
    use touchstone_schema::{label::AiAttribute, label::OutputLabel};
    use touchstone_sdk::{
        entropy::SystemEntropy,
        register::{Claim, LabelDoubt, RegisterError, Registrar, Upload},
    };

    let key = SigningKey::from_bytes(&[7; 32]);
    let public = serde_json::to_value(touchstone_schema::key::PublicKey::from(&key)).unwrap();
    let registry = serde_json::json!({
        "origin": "registry.example/log", "version": "0", "log_verifier_key": "", "verdict_key": public,
        "operator_key": public, "log_size": 1, "published_size": 1, "time": "2026-11-22T09:00:00Z", "max_upload_bytes": 1_000_000,
        "max_batch": 10
    });
    let caller = serde_json::json!({
        "organisation": touchstone_schema::OrganisationId::from_parts(1, [1; 10]), "name": "Vendor",
        "role": "ai-vendor", "scopes": ["register"], "expires_at": null,
        "keys": [{ "key": touchstone_schema::KeyId::from_parts(1, [1; 10]), "public_key": public, "valid_from_index": 0 }]
    });
    let answers =
        || vec![answer("200 OK", "", &registry.to_string()), answer("200 OK", "", &caller.to_string())];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.png");
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 3, y as u8 * 2, 9]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    let own = LabelToWrite {
        gb45438: Some(produced(AiAttribute::Confirmed, "maker", "7")),
        digital_source_type: None,
    };
    std::fs::write(&file, write_labels(&bytes.into_inner(), &own).unwrap()).unwrap();
    let claim = |producer: &str| {
        let label: OutputLabel = serde_json::from_value(serde_json::json!({
            "producer": producer, "content_id": "7", "attribute": "1", "basis": "produced",
            "digital_source_type": "trainedAlgorithmicMedia", "system": "Painter"
        }))
        .unwrap();
        Claim::Output { label: Box::new(label), parents: Vec::new() }
    };
    for (producer, taking, expected) in [
        ("maker", false, Ok(None)),
        ("other", true, Ok(Some(LabelDoubt::Differs))),
        ("other", false, Err("maker / 7")),
    ] {
        let peer = Peer::new(answers());
        let client = peer.client(Some("t0ken"));
        let registrar =
            Registrar::new(&client, key.clone(), &SystemEntropy).unwrap().taking_other_labels(taking);
        match (registrar.prepare(&file, &claim(producer), Upload::Pixels), expected) {
            (Ok(prepared), Ok(doubt)) => assert_eq!(prepared.label_doubt, doubt),
            (Err(RegisterError::OtherLabel { found, given }), Err(own)) => {
                assert_eq!((found.as_str(), given.as_str()), (own, "other / 7"));
            }
            (other, _) => assert!(other.is_err() && expected.is_ok(), "{producer} {taking}: {other:?}"),
        }
        drop(peer.requests());
    }
}
