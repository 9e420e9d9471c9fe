//! The built command line on many files, against a registry that answers as a test wants: a line for each file, and one
//! word for what would fail them all.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Cursor, Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use touchstone_schema::{
    CheckId, KeyId, OrganisationId, Sha256Digest, StatementId, envelope, key::PublicKey, log::VerifierKey,
    problem::ProblemCode,
};

/// What a registry answers: its status and its body.
type Answer = (u16, Vec<u8>);

/// Serves `answer` of a request's first line and body until the tests end; gives the address.
fn serve(answer: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).unwrap() > 2 {}
                let length = head.lines().find_map(|line| {
                    let line = line.to_ascii_lowercase();
                    line.strip_prefix("content-length:").map(|n| n.trim().parse().unwrap())
                });
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                let (status, answer) = answer(head.lines().next().unwrap_or_default(), &body);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                );
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer)).unwrap();
            });
        }
    });
    url
}

fn good(value: &Value) -> Answer {
    (200, value.to_string().into_bytes())
}

fn problem(code: ProblemCode) -> Answer {
    (code.status(), serde_json::to_vec(&code.document(None, Some("req-1".into()))).unwrap())
}

const VERDICT_SEED: [u8; 32] = [5; 32];

fn verdict_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&VERDICT_SEED)
}

fn registry() -> Answer {
    let key = PublicKey::from(&verdict_key());
    let log_key = VerifierKey::ed25519("r.example/log", key).unwrap().to_string();
    good(&json!({
        "origin": "r.example/log", "version": "0", "log_verifier_key": log_key, "verdict_key": key, "operator_key": key,
        "log_size": 1, "published_size": 1, "time": "2026-11-22T09:00:00Z", "max_upload_bytes": 1_000_000,
        "max_batch": 10
    }))
}

/// A signed verdict on these bytes, with an altered region.
fn verdict(photo: &[u8]) -> Answer {
    let check = CheckId::from_parts(1, [1; 10]);
    let verdict = json!({
        "check": check, "registry": "r.example/log", "checked_at": "2026-11-22T09:00:00Z", "log_size": 1,
        "photo": { "sha256": Sha256Digest::of(photo), "width": 4, "height": 4 }, "context": {},
        "conclusion": "altered", "reason": { "en": "e", "zh": "z" }, "recommendation": "human_review",
        "match": null, "alterations": [{ "x": 1, "y": 1, "width": 2, "height": 2, "strength": 0.5 }],
        "findings": [], "limits": []
    });
    let signed = envelope::sign(envelope::VERDICT_TYPE, verdict.to_string().as_bytes(), &verdict_key());
    let envelope = String::from_utf8(signed).unwrap();
    good(&json!({ "id": check, "verdict": verdict, "envelope": envelope }))
}

/// The photo that a form holds: its own bytes are all that a test's photo says.
fn photo_in(form: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(form);
    let photo = text.split("photo ").nth(1).unwrap().split('\r').next().unwrap();
    format!("photo {photo}").into_bytes()
}

fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::GrayImage::from_fn(4, 4, |x, _| image::Luma([if x > 1 { 255 } else { 0 }]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A folder of its own, and the command line in it.
struct Desk(tempfile::TempDir, String);

impl Desk {
    fn new(url: String) -> Self {
        Self(tempfile::tempdir().unwrap(), url)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// Photos `0.jpg`, `1.jpg`, ...
    fn photos(&self, count: usize) -> Vec<String> {
        let photo = |n: usize| {
            let name = format!("{n}.jpg");
            self.write(&name, format!("photo {n}").as_bytes());
            name
        };
        (0..count).map(photo).collect()
    }

    fn command(&self, words: &[&str], files: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("LANG");
        command.env("XDG_CONFIG_HOME", self.0.path().join("settings"));
        command.args(["--url", &self.1, "--token", "t"]).args(words).args(files);
        command
    }

    fn run(&self, words: &[&str], files: &[String]) -> Output {
        self.command(words, files).output().unwrap()
    }

    /// Exit status, JSON lines and what was said beside.
    fn json(&self, words: &[&str], files: &[String]) -> (i32, Vec<Value>, String) {
        let output = self.run(&[&["--json"], words].concat(), files);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), lines, text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn named(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| line["file"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_file_gives_one_line_in_its_place() {
    let url = serve(|line, body| match line.split(' ').nth(1).unwrap() {
        "/v1/registry" => registry(),
        "/v1/checks" if photo_in(body) == b"photo 1" => problem(ProblemCode::CorruptPicture),
        _ => verdict(&photo_in(body)),
    });
    let desk = Desk::new(url);
    let mut files = desk.photos(4);
    files.insert(3, "none.jpg".to_owned());
    let (status, lines, said) = desk.json(&["check"], &files);
    assert_eq!((status, named(&lines)), (1, files), "{said}");
    for (line, code) in lines.iter().zip([None, Some("corrupt-picture"), None, Some("file"), None]) {
        assert_eq!(line["error"]["code"].as_str(), code, "{line}");
        assert_eq!(line["conclusion"] == "altered", code.is_none(), "{line}");
        assert!(line.get("tried").is_none(), "{line}");
    }
    assert_eq!(lines[1]["error"]["instance"], "req-1");
    assert!(said.contains("1.jpg: ") && said.contains("none.jpg: "), "people are told as before: {said}");
}

#[test]
fn a_token_that_is_refused_is_said_once_and_ends_the_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let url = serve(move |line, _| match line.split(' ').nth(1).unwrap() {
        "/v1/registry" => registry(),
        _ => {
            counted.fetch_add(1, Ordering::Relaxed);
            problem(ProblemCode::Unauthenticated)
        }
    });
    let desk = Desk::new(url);
    let files = desk.photos(20);
    let (status, lines, said) = desk.json(&["check"], &files);
    assert_eq!((status, lines.len()), (4, 20), "{said}");
    assert!(lines.iter().all(|line| line["error"]["code"] == "unauthenticated"));
    assert!(lines[0].get("tried").is_none());
    // Those that were under way with the first count with those that were not.
    assert!(lines[1..].iter().all(|line| line["tried"] == false), "{lines:?}");
    assert!(said.contains("19 further files have no answer"), "{said}");
    assert!(asked.load(Ordering::Relaxed) <= 4, "what was under way when the first was refused");
    for (language, left) in [("en", "19 further files have no answer"), ("zh", "另有 19 个文件没有结果")]
    {
        let said = text(&desk.run(&["--lang", language, "check"], &files).stderr);
        assert_eq!(said.matches("unauthenticated").count(), 1, "{said}");
        assert!(said.contains(left), "{said}");
    }
}

#[test]
fn a_registry_that_goes_away_ends_the_run() {
    // It says who it is, and is never there again.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let once = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while reader.read_line(&mut String::new()).unwrap() > 2 {}
        let (_, body) = registry();
        drop(listener);
        let head = format!("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
    });
    let desk = Desk::new(url);
    let files = desk.photos(9);
    let (status, lines, said) = desk.json(&["check"], &files);
    once.join().unwrap();
    assert_eq!((status, lines.len()), (3, 9), "{said}");
    assert!(lines.iter().all(|line| line["error"]["code"] == "unreachable"));
    assert_eq!(said.matches("cannot be reached").count(), 1, "{said}");
    // Nor was it there to begin with; a key is not, either.
    for (words, expected) in [(&["check"][..], 3), (&["register", "--key", "none"][..], 2)] {
        let (status, lines, said) = desk.json(words, &files);
        assert_eq!((status, lines.len()), (expected, 9), "{words:?}: {said}");
        assert!(lines.iter().all(|line| line["tried"] == false && line["error"]["title"].is_string()));
        assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
    }
}

#[test]
fn what_nobody_reads_any_more_is_no_success() {
    let url = serve(|line, _| match line.split(' ').nth(1).unwrap() {
        "/v1/registry" => registry(),
        _ => problem(ProblemCode::Unauthenticated),
    });
    let desk = Desk::new(url);
    let files = desk.photos(2);
    for (words, expected, error) in
        [(&["check"][..], 4, "unauthenticated"), (&["register", "--key", "none"][..], 2, "none")]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk.command(&[&["--json"], words].concat(), &files).stdout(writer).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{said}");
        assert!(said.contains("error: ") && said.contains(error), "{said}");
    }
}

#[test]
fn marked_photos_come_with_a_legend() {
    let url = serve(|line, body| match line.split(' ').nth(1).unwrap() {
        "/v1/registry" => registry(),
        "/v1/checks" => verdict(&photo_in(body)),
        _ => (200, png()),
    });
    let desk = Desk::new(url);
    let files = desk.photos(2);
    let check = ["check", "--overlay", "seen"];
    for (language, legend) in [("en", "a white box and yellow to red"), ("zh", "白框及黄至红色")] {
        let output = desk.run(&[&["--lang", language], &check[..]].concat(), &files);
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(shown.matches(legend).count(), 1, "{shown}");
        assert!(shown.trim_end().lines().last().unwrap().contains(legend), "{shown}");
    }
    assert!(desk.0.path().join("seen/1.overlay.png").is_file());
    let (_, lines, said) = desk.json(&check, &files);
    assert_eq!((lines.len(), said.as_str()), (2, ""), "scripts need no legend");
}

#[test]
fn marked_photos_that_are_refused_are_named_each() {
    let url = serve(|line, body| match line.split(' ').nth(1).unwrap() {
        "/v1/registry" => registry(),
        "/v1/checks" => verdict(&photo_in(body)),
        _ => problem(ProblemCode::Forbidden),
    });
    let desk = Desk::new(url);
    let files = desk.photos(2);
    let (status, lines, said) = desk.json(&["check", "--overlay", "seen"], &files);
    assert_eq!((status, named(&lines)), (4, files), "{said}");
    assert!(
        lines.iter().all(|line| line["conclusion"] == "altered" && line.get("error").is_none()),
        "{lines:?}"
    );
    assert!(said.contains("0.jpg: ") && said.contains("1.jpg: "), "{said}");
    assert!(!said.contains("stopped here"), "{said}");
}

/// A desk with a key `k` and pictures `0.png`, `1.png`, ... at a registry that knows the key and takes statements. What
/// `answer` leaves, such as uploads, is refused.
fn shop(
    pictures: usize,
    answer: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
) -> (Desk, Vec<String>) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = PublicKey::from(&key);
    let url = serve(move |line, body| {
        let path = line.split([' ', '?']).nth(1).unwrap();
        if let Some(answer) = answer(path) {
            return answer;
        }
        match path {
            "/v1/registry" => registry(),
            "/v1/caller" => good(&json!({
                "organisation": merchant(), "name": "Tea", "role": "merchant",
                "scopes": ["register"], "expires_at": null,
                "keys": [{ "key": KeyId::from_parts(1, [1; 10]), "public_key": public, "valid_from_index": 0 }]
            })),
            "/v1/statements" => {
                let batch: Value = serde_json::from_slice(body).unwrap();
                let accepted = |n: usize| {
                    json!({
                        "id": StatementId::from_parts(1, [n as u8; 10]), "log_index": 9 + n,
                        "accepted_at": "2026-11-22T09:00:00Z", "duplicate": false
                    })
                };
                let results: Vec<Value> =
                    (0..batch["statements"].as_array().unwrap().len()).map(accepted).collect();
                good(&json!({ "results": results }))
            }
            path if path.starts_with("/v1/content/") => {
                good(&json!({ "sha256": Sha256Digest::of(b""), "statements": [] }))
            }
            _ => problem(ProblemCode::Unauthenticated),
        }
    });
    let desk = Desk::new(url);
    touchstone_sdk::keys::write_pair(&desk.0.path().join("k"), &key).unwrap();
    let picture = |n: usize| {
        let (name, mut bytes) = (format!("{n}.png"), Cursor::new(Vec::new()));
        image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 3, y as u8 * 2, n as u8 * 20]))
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        desk.write(&name, &bytes.into_inner());
        name
    };
    let files = (0..pictures).map(picture).collect();
    (desk, files)
}

fn merchant() -> OrganisationId {
    OrganisationId::from_parts(1, [1; 10])
}

#[test]
fn a_statement_without_its_upload_is_named_in_the_line() {
    let (desk, files) = shop(6, |_| None);
    fs::remove_file(desk.0.path().join("2.png")).unwrap();
    let (status, lines, said) = desk.json(&["register", "--key", "k"], &files);
    assert_eq!((status, named(&lines)), (4, files), "{said}");
    for (n, line) in lines.iter().enumerate() {
        let code = if n == 2 { "file" } else { "unauthenticated" };
        assert_eq!((&line["error"]["code"], line["statement"].is_string()), (&code.into(), n != 2), "{line}");
        assert!(line.get("tried").is_none(), "a script must not register it again: {line}");
    }
    assert_eq!(said.matches("unauthenticated").count(), 1, "{said}");
    assert_eq!(said.matches("touchstone statement upload stm_").count(), 5, "{said}");
    assert!(!said.contains("have no answer"), "each was told by itself: {said}");
}

#[test]
fn nobody_is_asked_for_receipts_once_the_run_ended() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let (desk, files) = shop(5, move |path| {
        counted.fetch_add(usize::from(path.ends_with("/receipt")), Ordering::Relaxed);
        None
    });
    let (status, lines, said) = desk.json(&["register", "--key", "k", "--receipts", "kept"], &files);
    assert_eq!((status, lines.len()), (4, 5), "{said}");
    assert_eq!(said.matches("touchstone statement receipt stm_").count(), 5, "{said}");
    assert_eq!(said.matches("unauthenticated").count(), 1, "{said}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn one_failed_look_up_hides_no_other_statement() {
    let asked = AtomicUsize::new(0);
    let (desk, files) = shop(4, move |path| {
        let look_up = path.starts_with("/v1/content/");
        look_up.then(|| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => problem(ProblemCode::Internal),
            _ => good(&json!({
                "sha256": Sha256Digest::of(b""),
                "statements": [{
                    "id": StatementId::from_parts(1, [9; 10]), "kind": "image.registered", "log_index": 3,
                    "accepted_at": "2026-11-22T08:00:00Z", "issuer": merchant(), "whole_file": true,
                    "withdrawn": false
                }]
            })),
        })
    });
    let (_, _, said) = desk.json(&["register", "--key", "k"], &files);
    assert_eq!(said.matches("registered before as stm_").count(), 3, "{said}");
}
