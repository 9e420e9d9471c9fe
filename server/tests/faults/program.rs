//! The built program under load: made, served, asked by clients that outlive it.

use crate::{
    audit::{Audited, Ledger, audit},
    eventually,
    registrant::{Registrant, applicant},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::{
    OrganisationId,
    api::{Acknowledgement, AdmittedOrganisation, BatchItem, BatchResult, CheckpointList},
    problem::Problem,
};
use touchstone_server::clock::{Clock, SystemClock};
use ureq::{Agent, http::Request};

/// Longest wait for an answer. The machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

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

/// A registry and an organisation that registers with it.
pub(crate) struct Site {
    pub(crate) data: PathBuf,
    database_url: Option<String>,
    pub(crate) verifier_key: String,
    operator_token: String,
    registrant: Registrant,
    token: String,
    /// Everything that was acknowledged, by whichever process.
    pub(crate) ledger: Ledger,
    /// Envelopes whose answer was lost.
    unsure: Mutex<Vec<Vec<u8>>>,
    /// Goes with the site.
    folder: Option<TempDir>,
}

impl Site {
    /// On SQLite in a folder of its own.
    pub(crate) fn new() -> Self {
        Self::in_folder(None)
    }

    /// On PostgreSQL.
    pub(crate) fn on_postgres(url: String) -> Self {
        Self::in_folder(Some(url))
    }

    fn in_folder(database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self::at(&folder.path().join("registry"), database_url);
        site.folder = Some(folder);
        site
    }

    /// In this folder.
    pub(crate) fn at(data: &Path, database_url: Option<String>) -> Self {
        let mut command = program();
        command.args(["bootstrap", "--json", "--data"]).arg(data);
        if let Some(url) = &database_url {
            command.args(["--database-url", url]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let (key, application) = applicant();
        let nobody = OrganisationId::from_parts(0, [0; 10]);
        let mut site = Self {
            data: data.to_owned(),
            database_url,
            verifier_key: text("log_verifier_key"),
            operator_token: text("operator_token"),
            registrant: Registrant::new(&text("origin"), nobody, key.clone()),
            token: String::new(),
            ledger: Ledger::default(),
            unsure: Mutex::default(),
            folder: None,
        };
        let served = site.serve(&[]);
        let operator = Client { token: site.operator_token.clone(), ..site.client(&served) };
        let admitted: AdmittedOrganisation =
            operator.post_json("/v1/organisations", &application).unwrap().json(201);
        site.registrant = Registrant::new(&text("origin"), admitted.organisation, key);
        site.token = admitted.token;
        served.stop();
        site
    }

    /// Serves it.
    pub(crate) fn serve(&self, more: &[&str]) -> Served {
        Served::start(&mut self.command(&self.data, more))
    }

    /// Serves it beside another process, with a folder of its own.
    pub(crate) fn serve_beside(&self, data: &Path, more: &[&str]) -> Served {
        let mut command = self.command(data, more);
        command.arg("--passphrase-file").arg(self.data.join("passphrase"));
        Served::start(&mut command)
    }

    /// The command that serves it from `data`.
    pub(crate) fn command(&self, data: &Path, more: &[&str]) -> Command {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--publish-interval-ms", "20", "--data"]).arg(data);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        // What the disk of this machine holds besides is no matter of these tests.
        if !more.contains(&"--min-free-disk") {
            command.args(["--min-free-disk", "0"]);
        }
        command.args(more);
        command
    }

    /// Why it is not served.
    pub(crate) fn refuses_to_start(&self) -> String {
        let output = self.command(&self.data, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn client(&self, served: &Served) -> Client {
        Client::new(served.address, &self.token)
    }

    /// A statement that nobody made before.
    pub(crate) fn envelope(&self) -> Vec<u8> {
        self.registrant.envelope(SystemClock.now())
    }

    /// Submits one statement after the other until the server is gone or `enough` says so.
    pub(crate) fn load(&self, client: &Client, enough: &dyn Fn() -> bool) {
        while !enough() {
            let envelope = self.envelope();
            match client.post("/v1/statements?receipt=true", &envelope) {
                Some(answer) if answer.status == 503 => answer.is_a_refusal_for_now(),
                Some(answer) => self.ledger.enter(envelope, answer.json(201)),
                None => {
                    self.unsure.lock().unwrap().push(envelope);
                    return;
                }
            }
        }
    }

    /// Submits from several threads to each server while `meanwhile` runs.
    pub(crate) fn under_load<T>(
        &self,
        clients: &[&Client],
        threads: usize,
        meanwhile: impl FnOnce() -> T,
    ) -> T {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for client in clients {
                for _ in 0..threads {
                    scope.spawn(|| self.load(client, &|| over.load(Ordering::Relaxed)));
                }
            }
            // However it ends, the threads end with it.
            let _ends = Ends(&over);
            meanwhile()
        })
    }

    /// Submits statements together; those that were acknowledged are remembered. `false` if the server refused for now.
    pub(crate) fn batch(&self, client: &Client, count: usize) -> bool {
        let envelopes: Vec<Vec<u8>> = (0..count).map(|_| self.envelope()).collect();
        let list: Vec<&str> = envelopes.iter().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect();
        let body = format!("{{\"statements\":[{}]}}", list.join(","));
        let answer = client.post("/v1/statements", body.as_bytes()).unwrap();
        if answer.status == 503 {
            answer.is_a_refusal_for_now();
            return false;
        }
        let result: BatchResult = answer.json(200);
        for (item, envelope) in result.results.into_iter().zip(envelopes) {
            let BatchItem::Accepted(accepted) = item else { panic!("{item:?}") };
            self.ledger.enter(envelope, accepted);
        }
        true
    }

    /// The service goes on: statements whose answer was lost are acknowledged now, repeated ones as they were the first
    /// time, and everything that was acknowledged has its receipt.
    pub(crate) fn settle(&self, client: &Client) {
        let unsure = std::mem::take(&mut *self.unsure.lock().unwrap());
        for envelope in unsure {
            let acknowledgement = self.submit(client, &envelope);
            self.ledger.enter(envelope, acknowledgement);
        }
        let fresh = self.envelope();
        let acknowledgement = self.submit(client, &fresh);
        self.ledger.enter(fresh, acknowledgement);
        let all = self.ledger.all();
        // Some of many: each costs a transaction.
        for (envelope, first) in all.iter().rev().step_by(all.len().div_ceil(8)) {
            let again = self.submit(client, envelope);
            assert!(again.duplicate, "{again:?}");
            assert_eq!(
                (again.id, again.log_index, again.accepted_at),
                (first.id, first.log_index, first.accepted_at)
            );
        }
    }

    fn submit(&self, client: &Client, envelope: &[u8]) -> Acknowledgement {
        eventually("a statement is accepted", || {
            let answer = client.post("/v1/statements?receipt=true", envelope)?;
            if answer.status == 503 {
                answer.is_a_refusal_for_now();
                return None;
            }
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
            Some(serde_json::from_slice(&answer.body).unwrap())
        })
    }

    /// Audits the log over HTTP, and every receipt that the server gives now.
    pub(crate) fn audit(&self, client: &Client) -> Audited {
        let last = self.ledger.all().into_iter().map(|(_, entry)| entry.log_index).max().unwrap_or(0);
        let read = |path: &str| client.get(&format!("/log/{path}")).filter(|answer| answer.status == 200);
        let audited = eventually("everything acknowledged is published", || {
            let audited = audit(|path| Some(read(path)?.body), &self.verifier_key);
            Some(audited.unwrap_or_else(|error| panic!("{error}"))).filter(|audited| audited.size() > last)
        });
        audited.holds(&self.ledger);
        for (envelope, acknowledgement) in self.ledger.all() {
            let answer = client.get(&format!("/v1/statements/{}/receipt", acknowledgement.id)).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            audited.verifies(answer.text(), &envelope, &acknowledgement);
            let given = acknowledgement.receipt.as_deref().unwrap_or(answer.text());
            assert_eq!(answer.text(), given, "a receipt stays the same for ever");
        }
        let (mut checkpoints, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/v1/log/checkpoints?after={after}&limit=1000");
            let list: CheckpointList = client.get(&path).unwrap().json(200);
            checkpoints.extend(list.checkpoints);
            let Some(next) = list.next else { break };
            after = next;
        }
        audited.continues(&checkpoints);
        audited
    }

    /// As [`Self::audit`], with the files of the folder in addition.
    pub(crate) fn audit_with_files(&self, client: &Client, data: &Path) -> Audited {
        let audited = self.audit(client);
        eventually("the files are those of the log", || {
            let found = audit(crate::audit::of_directory(&data.join("log")), &self.verifier_key);
            let found = found.unwrap_or_else(|error| panic!("{error}"));
            Some(found.leaves() == audited.leaves()).filter(|same| *same)
        });
        audited
    }
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The running program.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Served {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let Some(line) = lines.next() else {
                panic!("it ended: {:?} {}", child.wait(), log.lock().unwrap());
            };
            let line = line.unwrap();
            log.lock().unwrap().push_str(&(line.clone() + "\n"));
            let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
            if let Some(address) = address {
                break address;
            }
        };
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&(line + "\n")));
        });
        Self { child, address, log }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended, by itself or by others.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Kills it where it stands.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end as an operator would.
    pub(crate) fn stop(mut self) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = eventually("it ends", || self.ended());
        assert!(status.success(), "{status}: {}", self.log.lock().unwrap());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log.lock().unwrap();
        if thread::panicking() {
            println!("the server said: {log}");
        } else {
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// It says 503, that the registry is not available, and when to come back.
    #[track_caller]
    pub(crate) fn is_a_refusal_for_now(&self) {
        let problem: Problem = self.json(503);
        assert_eq!(problem.code, "unavailable", "{problem:?}");
        assert!(self.retry_after.is_some(), "{problem:?}");
    }
}

/// Asks a server that may be gone.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    agent: Agent,
    token: String,
}

impl Client {
    fn new(address: SocketAddr, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self { address, agent: config.new_agent(), token: token.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        self.send("GET", path, &[])
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Option<Answer> {
        self.send("POST", path, body)
    }

    fn post_json(&self, path: &str, body: &impl Serialize) -> Option<Answer> {
        self.post(path, &serde_json::to_vec(body).unwrap())
    }

    /// One exchange; nothing if the server went away in its midst.
    fn send(&self, method: &str, path: &str, body: &[u8]) -> Option<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        let response = if method == "GET" {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.header("content-type", "application/json").body(body).unwrap())
        };
        let mut response = response.ok()?;
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?;
        Some(Answer { status, retry_after, body })
    }
}
