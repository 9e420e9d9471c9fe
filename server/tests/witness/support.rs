//! A log to be witnessed, HTTP ends that answer as they are told, and the program `touchstone-server witness`.

use ed25519_dalek::SigningKey;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    leaf,
    log::{
        checkpoint::{Checkpoint, sign_checkpoint},
        frontier::Frontier,
        note::{Note, VerifierKey},
        proof::prove_consistency,
        tree::{NodeId, node_hash},
        witness::AddCheckpoint,
    },
};
use touchstone_server::log::view::ViewError;
use ureq::Agent;

/// Longest wait for anything. The machine may be busy.
pub(crate) const LONG: Duration = Duration::from_secs(120);
pub(crate) const STEP: Duration = Duration::from_millis(20);

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LONG.as_millis() / STEP.as_millis() {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(STEP);
    }
    panic!("in vain: {what}")
}

/// A log in memory. `seed` says what its entries are.
#[derive(Clone)]
pub(crate) struct TestLog {
    pub(crate) origin: String,
    pub(crate) key: SigningKey,
    pub(crate) seed: &'static str,
}

impl TestLog {
    pub(crate) fn new() -> Self {
        Self { origin: "log.test/log".to_owned(), key: SigningKey::from_bytes(&[7; 32]), seed: "entry" }
    }

    /// The same log, as if it had other entries.
    pub(crate) fn forked(&self) -> Self {
        Self { seed: "other", ..self.clone() }
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::ed25519(&self.origin, PublicKey::from(&self.key)).unwrap()
    }

    fn leaf(&self, index: u64) -> Sha256Digest {
        leaf::hash(format!("{} {index}", self.seed).as_bytes())
    }

    fn node(&self, id: NodeId) -> Sha256Digest {
        let below = |index| self.node(NodeId { level: id.level - 1, index });
        if id.level == 0 {
            self.leaf(id.index)
        } else {
            node_hash(&below(id.index * 2), &below(id.index * 2 + 1))
        }
    }

    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        let mut tree = Frontier::new();
        (0..size).for_each(|index| tree.push(self.leaf(index)));
        Checkpoint { origin: self.origin.clone(), size, root: tree.root() }
    }

    pub(crate) fn note(&self, size: u64) -> Note {
        sign_checkpoint(&self.checkpoint(size), &self.key).unwrap()
    }

    pub(crate) fn proof(&self, old: u64, new: u64) -> Vec<Sha256Digest> {
        prove_consistency(old, new, &mut |id| Ok::<_, ()>(self.node(id))).unwrap()
    }

    /// The proofs that lead to `new`, as a publisher makes them.
    pub(crate) fn consistency(&self, new: u64) -> impl Fn(u64) -> Result<Vec<Sha256Digest>, ViewError> + '_ {
        move |old| {
            prove_consistency(old, new, &mut |id| Ok::<_, ViewError>(self.node(id)))
                .map_err(|_| ViewError::NotPublished)
        }
    }

    /// A request of this log.
    pub(crate) fn request(&self, old: u64, new: u64) -> AddCheckpoint {
        AddCheckpoint { old, proof: self.proof(old.min(new), new), checkpoint: self.note(new).to_string() }
    }
}

/// Text of an HTTP answer.
pub(crate) fn http(status: u16, media_type: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What an end does with a request whose body it read.
type Answering = dyn Fn(&[u8], &mut TcpStream) + Send + Sync;

/// An HTTP end that answers each request as it is told.
pub(crate) struct End {
    pub(crate) url: String,
}

impl End {
    /// Runs until the test's process ends.
    pub(crate) fn new(answer: impl Fn(&[u8], &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer: Arc<Answering> = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                thread::spawn(move || {
                    let body = read_request(&stream);
                    answer(&body, &mut stream);
                });
            }
        });
        Self { url }
    }

    /// Always answers these bytes.
    pub(crate) fn saying(answer: Vec<u8>) -> Self {
        Self::new(move |_, stream| {
            let _ = stream.write_all(&answer);
        })
    }
}

fn read_request(stream: &TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    body
}

/// Speaks HTTP without any rules of the registry.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_idle_connections(0)
        .timeout_global(Some(LONG))
        .build()
        .new_agent()
}

/// Runs `touchstone-server` without what the environment says of it.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone-server"));
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("TOUCHSTONE_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// A witness as an operator runs it.
pub(crate) struct Running {
    folder: TempDir,
    pub(crate) key: VerifierKey,
    logs: Vec<String>,
    address: SocketAddr,
    child: Option<Child>,
}

impl Running {
    /// Makes a witness and serves it for these logs.
    pub(crate) fn start(name: &str, logs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("witness");
        let output = run(&["witness", "init", "--name", name, "--data", data.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let key = String::from_utf8(output.stdout).unwrap().trim_end().parse().unwrap();
        let mut made = Self {
            folder,
            key,
            logs: logs.iter().map(|log| (*log).to_owned()).collect(),
            address: "127.0.0.1:0".parse().unwrap(),
            child: None,
        };
        made.serve();
        made
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("witness")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it logged since it was served last.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let data = self.data();
        let mut arguments: Vec<String> = [
            "witness",
            "serve",
            "--data",
            data.to_str().unwrap(),
            "--listen",
            &self.address.to_string(),
            "--log",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(self.logs.iter().cloned());
        arguments
    }

    /// Serves it, at the address that it had before.
    pub(crate) fn serve(&mut self) {
        assert!(self.child.is_none());
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let spawn = || {
            let log = File::create(self.log_file()).unwrap();
            program(&arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap()
        };
        let mut child = spawn();
        self.address = eventually("the witness listens", || {
            if child.try_wait().unwrap().is_some() {
                // Another test's connection may have that port for a moment.
                assert!(self.log().contains("Address already in use"), "it ended: {}", self.log());
                child = spawn();
                return None;
            }
            self.log().split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok())
        });
        self.child = Some(child);
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Ends it as an operator does; its exit status.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap().code()
    }

    /// Status, media type and body of its answer.
    pub(crate) fn post(&self, body: &[u8]) -> (u16, String, String) {
        let response = agent().post(format!("{}/add-checkpoint", self.url())).send(body).unwrap();
        told(response)
    }

    /// As [`Self::post`].
    pub(crate) fn get(&self, path: &str) -> (u16, String, String) {
        told(agent().get(format!("{}{path}", self.url())).call().unwrap())
    }
}

fn told(mut response: ureq::http::Response<ureq::Body>) -> (u16, String, String) {
    let media_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let body = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), media_type.unwrap_or_default(), body)
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            assert!(fs::copy(entry.path(), &target).is_ok());
        }
    }
}
