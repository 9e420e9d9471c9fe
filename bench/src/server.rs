//! The built server as a child process.

use super::{BenchError, cleanup::Process};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use touchstone_sdk::{
    client::{Client, ClientSettings},
    entropy::Stopwatch,
};

const READY_POLL: Duration = Duration::from_millis(10);
const READY_POLLS: u32 = 6_000;

/// A running server; it ends with this value.
pub(crate) struct Server {
    pub(crate) address: String,
    /// From start to the first ready answer.
    pub(crate) started_in: Duration,
    process: Process,
}

fn program(bin: Option<&Path>) -> Result<PathBuf, BenchError> {
    let folder = match bin {
        Some(bin) => bin.to_owned(),
        None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let path = folder.join("touchstone-server");
    if path.exists() { Ok(path) } else { Err(BenchError::Other(format!("{} is not there", path.display()))) }
}

/// Makes an empty registry in `data` and returns the operator's token.
pub(crate) fn bootstrap(bin: Option<&Path>, data: &Path) -> Result<String, BenchError> {
    let output = Command::new(program(bin)?).args(["bootstrap", "--json", "--data"]).arg(data).output()?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(BenchError::other)?;
    let token = answer["operator_token"].as_str();
    token.map(str::to_owned).ok_or_else(|| BenchError::Other("bootstrap gave no token".to_owned()))
}

impl Server {
    pub(crate) fn start(bin: Option<&Path>, data: &Path) -> Result<Self, BenchError> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let watch = Stopwatch::start();
        let process = Process::start(
            Command::new(program(bin)?)
                .args(["serve", "--log-level", "warn", "--listen", &address, "--data"])
                .arg(data)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let mut server = Self { address, started_in: Duration::ZERO, process };
        let client = server.client(None)?;
        for _ in 0..READY_POLLS {
            if client.ready().is_ok() {
                server.started_in = watch.elapsed();
                return Ok(server);
            }
            thread::sleep(READY_POLL);
        }
        Err(BenchError::Other("the server did not get ready".to_owned()))
    }

    pub(crate) fn client(&self, token: Option<&str>) -> Result<Client, BenchError> {
        Ok(Client::new(&ClientSettings::new(format!("http://{}", self.address), token))?)
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64, BenchError> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.map(|kib| kib / 1_024.0).ok_or_else(|| BenchError::Other("no VmRSS".to_owned()))
    }
}
