//! An auditor with the built programs: a registry is made, filled and verified from outside, and then tampered with.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits by the clock"
)]

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Where the programs are: beside the one that cargo built for this test.
fn program(name: &str) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_main-job")).with_file_name(name);
    assert!(path.exists(), "{} is not there: cargo build --workspace makes it", path.display());
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

/// A running registry and an auditor's desk beside it.
struct World {
    folder: tempfile::TempDir,
    server: Child,
    log: BufReader<ChildStderr>,
    url: String,
    operator: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made =
            program("touchstone-server").args(["bootstrap", "--json", "--data"]).arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let mut server = program("touchstone-server")
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
            if let Some(rest) = line.split("http://").nth(1) {
                break format!("http://{}", rest.split(['/', ' ', '\n']).next().unwrap());
            }
        };
        let operator = made["operator_token"].as_str().unwrap().to_owned();
        Self { folder, server, log, url, operator }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, token: &str, words: &[&str]) -> Output {
        let mut command = program("touchstone");
        command.current_dir(self.folder.path()).env("XDG_CONFIG_HOME", self.path("settings"));
        command.env("TOUCHSTONE_URL", &self.url);
        if !token.is_empty() {
            command.env("TOUCHSTONE_TOKEN", token);
        }
        command.args(words).output().unwrap()
    }

    /// Exit status and JSON lines.
    fn json(&self, token: &str, words: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(token, &[words, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let status = output.status.code().unwrap();
        assert!(matches!(status, 0 | 5 | 6), "{words:?}: {}{text}", String::from_utf8_lossy(&output.stderr));
        (status, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn admit(&self, name: &str, role: &str) -> (String, String) {
        let key = format!("{name}.pem");
        self.json("", &["keygen", "--out", &key]);
        let public = format!("{key}.pub");
        let words =
            ["admin", "organisation", "create", "--name", name, "--role", role, "--public-key", &public];
        let (_, lines) = self.json(&self.operator, &words);
        let text = |name: &str| lines[0][name].as_str().unwrap().to_owned();
        (text("organisation"), text("token"))
    }

    /// Waits for a published checkpoint of `size` entries: uploads are answered before it.
    fn published(&self, size: u64) {
        let written = || -> Option<u64> {
            fs::read_to_string(self.path("data/log/checkpoint")).ok()?.lines().nth(1)?.parse().ok()
        };
        let until = Instant::now() + Duration::from_secs(30);
        while written().is_none_or(|there| there < size) {
            assert!(Instant::now() < until, "{:?} of {size} entries are published", written());
            sleep(Duration::from_millis(20));
        }
    }

    fn picture(&self, name: &str, phase: f64) {
        let picture = image::RgbImage::from_fn(240, 180, |x, y| {
            let (x, y) = (f64::from(x), f64::from(y));
            let rings = ((x - 90.0).hypot(y - 70.0) / 9.0 + phase).sin();
            let stripes = (x / 17.0 + y / 31.0).cos();
            let byte = |value: f64| (127.5 + 127.5 * value.clamp(-1.0, 1.0)) as u8;
            image::Rgb([byte(rings), byte((rings + stripes) / 2.0), byte(stripes)])
        });
        picture.save(self.path(name)).unwrap();
    }

    /// Stops the server; its log must be clean.
    fn stop(&mut self) {
        let pid = self.server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        assert!(self.server.wait().unwrap().success());
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The last line of an audit that found nothing.
fn verified((status, lines): (i32, Vec<Value>)) -> Value {
    let last = lines.last().unwrap().clone();
    assert_eq!((status, &last["verified"], lines.len()), (0, &true.into(), 1), "{lines:?}");
    last
}

#[test]
fn everything_that_a_registry_says_is_verified_from_outside() {
    let mut world = World::new();
    let (shop, token) = world.admit("Tea House", "merchant");
    for (name, phase) in [("a.png", 0.0), ("b.png", 2.0)] {
        world.picture(name, phase);
    }
    let register = ["register", "--key", "Tea House.pem", "--receipts", "kept", "a.png", "b.png"];
    let (status, registered) = world.json(&token, &register);
    assert_eq!((status, registered.len()), (0, 2));

    let policy = world.run("", &["log", "policy"]);
    fs::write(world.path("policy"), &policy.stdout).unwrap();
    assert!(String::from_utf8_lossy(&policy.stdout).contains("another channel"));
    let trusting = |words: &[&'static str]| [words, &["--policy", "policy"]].concat();
    let url = world.url.clone();

    // Receipts that came with the registration prove it offline.
    let mut first = String::new();
    for line in &registered {
        let (id, receipt) = (line["statement"].as_str().unwrap(), line["receipt"].as_str().unwrap());
        let envelope = format!("kept/{id}.json");
        let words = [
            "verify-receipt",
            "--policy",
            "policy",
            "--envelope",
            &envelope,
            "--signer",
            "Tea House.pem.pub",
            receipt,
        ];
        let (status, proven) = world.json("", &words);
        assert_eq!((status, &proven[0]["statement"]), (0, &id.into()));
        assert_eq!(proven[0]["log_index"], line["log_index"]);
        // The same receipt for ever.
        let again = world.run("", &["statement", "receipt", id]);
        assert_eq!(again.stdout, fs::read(world.path(receipt)).unwrap());
        let exact = world.run("", &["statement", "envelope", id]);
        assert_eq!(exact.stdout, fs::read(world.path(&envelope)).unwrap());
        first = id.to_owned();
    }

    // The whole log, over HTTP and as files, once and again.
    world.published(8);
    let over_http = trusting(&["log", "verify", "--state", "state", "--history"]);
    let line = verified(world.json("", &[over_http.as_slice(), &[url.as_str()]].concat()));
    // Three policies, an admission, two statements, two observations.
    assert_eq!(
        (&line["size"], &line["from"], &line["origin"]),
        (&8.into(), &0.into(), &"touchstone.local/log".into())
    );
    assert!(line["history"].as_u64().unwrap() >= 1);
    let as_files = trusting(&["log", "verify", "data/log"]);
    assert_eq!(verified(world.json("", &as_files))["root"], line["root"]);
    assert_eq!(verified(world.json("", &over_http))["from"], 8);

    // Signed answers, one of them "nothing".
    let (_, seen) = world.json("", &["inspect", "a.png"]);
    let digest = seen[0]["sha256"].as_str().unwrap().to_owned();
    for (sha256, entries) in [(digest, 1), ("ab".repeat(32), 0)] {
        world.run("", &["log", "answer", "--sha256", &sha256, "--out", "answer.json"]);
        let words = trusting(&["log", "verify", "--answer", "answer.json"]);
        let line = verified(world.json("", &words));
        assert_eq!(line["answers"][0]["held"], "confirmed", "{line}");
        assert_eq!(line["answers"][0]["entries"].as_array().unwrap().len(), entries);
    }

    // The monitor tells what the audit has verified, once, and the owner of a stranger.
    let follow = trusting(&["log", "monitor", "--state", "state", "--once"]);
    let follow = [follow.as_slice(), &["--organisation", &shop]].concat();
    let (status, alerts) = world.json("", &follow);
    assert_eq!((status, alerts.len(), &alerts[0]["alert"]), (6, 1, &"organisation-admitted".into()));
    assert_eq!(world.json("", &follow), (0, Vec::new()));
    let (_, rival) = world.admit("Rival", "merchant");
    let (status, _) =
        world.json(&rival, &["register", "--key", "Rival.pem", "--receipts", "theirs", "a.png"]);
    assert_eq!(status, 0);
    let (status, alerts) = world.json("", &follow);
    assert_eq!(
        (status, alerts.len(), &alerts[0]["alert"]),
        (6, 1, &"picture-registered".into()),
        "{alerts:?}"
    );

    // A withdrawn key, a withdrawn record: all of it is admissible.
    let (_, deleted) = world.json(&token, &["statement", "delete-record", &first]);
    let index = deleted[0]["log_index"].as_u64().unwrap();
    let id = deleted[0]["statement"].as_str().unwrap();
    assert_eq!(world.run("", &["statement", "receipt", id]).status.code(), Some(0), "waits for publication");
    assert_eq!(verified(world.json("", &over_http))["size"], index + 1);

    // Behind the registry's back.
    world.stop();
    for file in bundles(&world.path("data/log/tile/entries")) {
        let mut bytes = fs::read(&file).unwrap();
        bytes[40] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let (status, findings) = world.json("", &as_files);
    assert_eq!((status, &findings[0]["finding"]), (5, &"entry".into()), "{findings:?}");
}

/// Every bundle below a folder.
fn bundles(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { bundles(&path) } else { vec![path] }).collect()
}
