//! The program itself, as an operator runs it: bootstrap, serve, stop. Its log must be clean.

use crate::client::{Client, Seen};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::{
    api::{CallerInfo, RegistryInfo, Scope},
    key::PublicKey,
    label::DigitalSourceType,
};

/// Longest time to stop after SIGTERM, in steps of [`STEP`].
const STEPS: u32 = 100;
const STEP: Duration = Duration::from_millis(100);

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone-server"));
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("TOUCHSTONE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn bootstrap(data: &Path, more: &[&str]) -> Output {
    run(&[&["bootstrap", "--data", data.to_str().unwrap()], more].concat())
}

/// A bootstrapped registry and what the program said.
pub(crate) fn made() -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let output = bootstrap(&folder.path().join("registry"), &["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let out = text(&output.stdout);
    assert_eq!(out.lines().count(), 1, "exactly one object: {out}");
    (folder, serde_json::from_str(out).unwrap())
}

/// The running program.
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
    log: BufReader<ChildStderr>,
    head: String,
}

impl Served {
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_in(data, more, &[])
    }

    /// As [`Self::start`], with variables of the environment.
    pub(crate) fn start_in(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = program()
            .args(["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"])
            .args(more)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut head = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {head}");
            head.push_str(&line);
            let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
            if let Some(address) = address {
                break address;
            }
        };
        Self { child, address, log, head }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, Seen::default())
    }

    /// Sends SIGTERM, waits for the end, and returns the whole log.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = (0..STEPS).find_map(|_| {
            thread::sleep(STEP);
            self.child.try_wait().unwrap()
        });
        let status = status.unwrap_or_else(|| {
            self.child.kill().unwrap();
            panic!("it did not end within {:?}", STEP * STEPS)
        });
        assert_eq!(status.code(), Some(0));
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "", "the log goes to standard error");
        self.head.clone() + &rest
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn bootstrap_prints_one_object_and_refuses_to_do_it_again() {
    let (folder, object) = made();
    let data = folder.path().join("registry");
    let mut members: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = ["data", "log_verifier_key", "operator_key", "operator_token", "origin", "verdict_key"];
    assert_eq!(members, expected);
    assert!(object["operator_token"].as_str().unwrap().starts_with("tstk_"));
    assert_eq!(object["origin"], "touchstone.local/log");
    let verifier = object["log_verifier_key"].as_str().unwrap();
    assert!(verifier.starts_with("touchstone.local/log+"), "{verifier}");
    let keys = ["verdict_key", "operator_key"]
        .map(|name| object[name].as_str().unwrap().parse::<PublicKey>().unwrap());
    assert_ne!(keys[0], keys[1]);
    for key in keys {
        assert_ne!(key.verifier_key("touchstone.local/log"), verifier);
    }

    let database = fs::read(data.join("registry.db")).unwrap();
    let passphrase = fs::read(data.join("passphrase")).unwrap();
    let again = bootstrap(&data, &["--json"]);
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(1), ""));
    let why = text(&again.stderr);
    assert!(why.contains("there is a registry") && why.contains("serve"), "{why}");
    assert_eq!(fs::read(data.join("registry.db")).unwrap(), database);
    assert_eq!(fs::read(data.join("passphrase")).unwrap(), passphrase);
}

#[cfg(unix)]
#[test]
fn secrets_on_disk_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = made();
    let data = folder.path().join("registry");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("passphrase")), 0o600);
}

#[test]
fn it_serves_and_ends_on_sigterm_with_a_clean_log() {
    let (folder, object) = made();
    let data = folder.path().join("registry");
    let token = object["operator_token"].as_str().unwrap();
    for format in ["text", "json"] {
        let served = Served::start(&data, &["--log-format", format]);
        let client = served.client();
        assert_eq!(client.get("/readyz").text(), "ready\n");
        assert_eq!(client.get("/healthz").status, 200);
        let info: RegistryInfo = client.get("/v1/registry").json_with(200);
        assert_eq!((info.origin.as_str(), info.log_size), ("touchstone.local/log", 3));
        assert_eq!(info.log_verifier_key, object["log_verifier_key"].as_str().unwrap());
        assert_eq!(info.verdict_key.to_string(), object["verdict_key"].as_str().unwrap());
        assert_eq!(info.operator_key.to_string(), object["operator_key"].as_str().unwrap());
        let caller: CallerInfo = client.with_token(token).get("/v1/caller").json_with(200);
        assert_eq!((caller.organisation, caller.scopes.contains(&Scope::Operate)), (None, true));
        let refused = client.get("/v1/caller");
        assert_eq!(refused.status, 401);
        let id = refused.request_id().to_owned();
        // Somebody who keeps a connection open does not keep the server from stopping.
        let mut idle = TcpStream::connect(served.address).unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: registry\r\n\r\n").unwrap();
        assert!(idle.read(&mut [0; 64]).unwrap() > 0);
        let log = served.stop();
        for level in ["WARN", "ERROR", "panicked"] {
            assert!(!log.contains(level), "{log}");
        }
        let line = log.lines().find(|line| line.contains(&id)).unwrap_or_else(|| panic!("no {id} in {log}"));
        assert!(line.contains("/v1/caller") && line.contains("401"), "{line}");
        assert!(!log.contains(token), "no token in the log");
        assert!(log.trim_end().lines().last().unwrap().contains("stopped"), "{log}");
        if format == "json" {
            for line in log.lines() {
                serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            }
        }
    }
}

#[test]
fn what_is_no_http_is_no_fault_of_the_server() {
    let (folder, _) = made();
    let served = Served::start(&folder.path().join("registry"), &[]);
    let requests: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /v1/caller HTTP/1.1\r\nAuthorization: Bearer \x7f\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/checks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/reg",
    ];
    for request in requests {
        let mut stream = TcpStream::connect(served.address).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(!answer.contains("::"), "{answer}");
    }
    assert_eq!(served.client().get("/readyz").status, 200);
    let log = served.stop();
    // Whoever scans ports must not be able to wake the operator.
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let failed = |arguments: &[&str], words: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let why = text(&output.stderr).to_owned();
        assert!(why.starts_with("touchstone-server: ") && why.lines().count() == 1, "{why}");
        for word in words {
            assert!(why.contains(word), "{word} in {why}");
        }
        assert!(!why.contains("panicked") && !why.contains("::"), "{why}");
    };
    let data = nowhere.to_str().unwrap();
    failed(&["serve", "--data", data, "--listen", "127.0.0.1:0"], &["passphrase", "bootstrap"]);
    assert!(!nowhere.exists(), "serve makes nothing");
    failed(&["bootstrap", "--data", data, "--origin", "https://registry.example/"], &["origin"]);
    failed(&["bootstrap", "--data", data, "--database-url", "registry.db"], &["sqlite://"]);

    let (made, _) = made();
    let data = made.path().join("registry");
    let serve = ["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    fs::write(data.join("passphrase"), "another passphrase that is wrong\n").unwrap();
    failed(&serve, &["passphrase", "wrong"]);
    fs::remove_file(data.join("registry.db")).unwrap();
    failed(&serve, &["migrate"]);
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join("passphrase"), "short\n").unwrap();
    failed(&["bootstrap", "--data", empty.to_str().unwrap()], &["16 bytes"]);

    let usage = run(&["serve"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("--data"));
    let help = run(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("bootstrap --data"));
    let printed = run(&["openapi"]);
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
}

#[test]
fn a_taken_port_is_said() {
    let (folder, _) = made();
    let data = folder.path().join("registry");
    let served = Served::start(&data, &[]);
    let address = served.address.to_string();
    let output = run(&["serve", "--data", data.to_str().unwrap(), "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&address), "{}", text(&output.stderr));
    assert_eq!(served.client().get("/readyz").status, 200, "the first one goes on");
}

#[test]
fn the_operator_replaces_a_trust_list_wholly_or_not_at_all() {
    let (folder, _) = made();
    let data = folder.path().join("registry");
    let data = data.to_str().unwrap();
    let show = || text(&run(&["trust-list", "show", "--data", data]).stdout).to_owned();
    assert_eq!(show().lines().filter(|line| line.ends_with("none")).count(), 5, "{}", show());
    let list = folder.path().join("list.pem");
    let install = |pem: &str| {
        fs::write(&list, pem).unwrap();
        run(&["trust-list", "install", "--data", data, "registrants", list.to_str().unwrap()])
    };
    let (authority, other) = (crate::pictures::Authority::new(), crate::pictures::Authority::new());
    let first = install(&authority.pem());
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("1 certificates, 0 ended"), "{}", text(&first.stdout));
    let shown = show();
    // A damaged list changes nothing, and the error says which block is wrong.
    let damaged =
        install(&format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", other.pem()));
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged.stderr).contains("PEM block 2"), "{}", text(&damaged.stderr));
    assert_eq!(show(), shown);
    let both = install(&format!("{}{}", authority.pem(), other.pem()));
    assert!(text(&both.stdout).contains("before: 1 certificates"), "{}", text(&both.stdout));
    assert!(show().contains("2 certificates"), "{}", show());
    // A server takes it up when it starts: what one of its authorities vouches for is trusted.
    let photo = other
        .sign(&crate::pictures::jpeg(&crate::pictures::picture(5), 90), DigitalSourceType::DigitalCapture);
    let config = touchstone_server::config::Config::local(data);
    let anchors = config.settings().unwrap().trust_anchors;
    let reader = touchstone_inspect::c2pa::C2paReader::new(anchors).unwrap();
    let report = reader.read(&photo, "image/jpeg").unwrap();
    assert_eq!(report.state, touchstone_inspect::c2pa::C2paState::Trusted, "{report:?}");
}
