//! The built programs: finding them, running them, stopping the server.

use super::{JobError, file_error};
use serde_json::Value;
use std::{
    env, fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How long the server may take to answer after its start: 100 times this.
const READY_POLL: Duration = Duration::from_millis(100);
const READY_POLLS: u32 = 300;

/// Where the two programs are.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) touchstone: PathBuf,
    server: PathBuf,
}

/// A path as an argument.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A text member of an answer.
pub(super) fn field(answer: Option<&Value>, name: &str) -> Result<String, JobError> {
    let value = answer.and_then(|answer| answer.get(name)).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| JobError::Program(format!("the answer has no {name}")))
}

fn json_lines(output: &[u8]) -> Result<Vec<Value>, JobError> {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).map_err(|e| JobError::Program(format!("{e}: {line}"))))
        .collect()
}

fn run(command: &mut Command) -> Result<Vec<u8>, JobError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let first = command.get_args().next().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default();
    let output = command.output().map_err(|e| JobError::Program(format!("{program}: {e}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let cause = String::from_utf8_lossy(&output.stderr);
    Err(JobError::Program(format!("{program} {first}: {}\n{}", output.status, cause.trim())))
}

impl Programs {
    /// Beside this program, or where `bin` says.
    pub(super) fn find(bin: Option<&Path>) -> Result<Self, JobError> {
        let folder = match bin {
            Some(bin) => bin.to_owned(),
            None => {
                let own = env::current_exe().map_err(|e| JobError::Program(e.to_string()))?;
                own.parent().map(Path::to_owned).unwrap_or_default()
            }
        };
        let find = |name: &str| {
            let path = folder.join(name);
            let missing =
                || JobError::Program(format!("{} is not there: run make build first", path.display()));
            path.exists().then(|| path.clone()).ok_or_else(missing)
        };
        Ok(Self { touchstone: find("touchstone")?, server: find("touchstone-server")? })
    }

    /// Runs the command line without a registry.
    pub(super) fn touchstone(&self, arguments: &[&str]) -> Result<Vec<u8>, JobError> {
        let mut command = Command::new(&self.touchstone);
        // What a person has stored or exported must not reach this registry.
        command.env_remove("TOUCHSTONE_TOKEN").env_remove("TOUCHSTONE_URL").env_remove("TOUCHSTONE_KEY");
        run(command.args(arguments).env("LC_ALL", "C.UTF-8"))
    }
}

/// A running registry.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) programs: Programs,
    pub(super) url: String,
    pub(super) operator_token: String,
    log: PathBuf,
    child: Child,
}

fn free_address(wanted: &str) -> Result<String, JobError> {
    let (host, _) = wanted.rsplit_once(':').unwrap_or(("127.0.0.1", ""));
    let any = format!("{host}:0");
    let listener = TcpListener::bind(wanted).or_else(|_| TcpListener::bind(&any));
    let listener = listener.map_err(|e| JobError::Program(format!("cannot listen on {wanted}: {e}")))?;
    let address = listener.local_addr().map_err(|e| JobError::Program(e.to_string()))?;
    Ok(address.to_string())
}

impl Registry {
    /// Makes an empty registry and starts it.
    pub(super) fn start(
        programs: Programs,
        data: &Path,
        listen: &str,
        database_url: Option<&str>,
    ) -> Result<Self, JobError> {
        let mut common = vec!["--data".to_owned(), text(data)];
        if let Some(url) = database_url {
            common.extend(["--database-url".to_owned(), url.to_owned()]);
        }
        let mut bootstrap = Command::new(&programs.server);
        let answer = json_lines(&run(bootstrap.arg("bootstrap").args(&common).arg("--json"))?)?;
        let operator_token = field(answer.first(), "operator_token")?;
        let address = free_address(listen)?;
        let log = data.with_file_name("server.log");
        let file = fs::File::create(&log).map_err(file_error(&log))?;
        let child = Command::new(&programs.server)
            .arg("serve")
            .args(&common)
            .args(["--listen", &address])
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(file_error(&log))?)
            .stderr(file)
            .spawn()
            .map_err(|e| JobError::Program(format!("touchstone-server: {e}")))?;
        let mut registry = Self { programs, url: format!("http://{address}"), operator_token, log, child };
        registry.await_ready()?;
        Ok(registry)
    }

    fn await_ready(&mut self) -> Result<(), JobError> {
        for _ in 0..READY_POLLS {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.stopped(status));
            }
            if self.programs.touchstone(&["registry", "--json", "--url", &self.url]).is_ok() {
                return Ok(());
            }
            thread::sleep(READY_POLL);
        }
        Err(JobError::Program(format!("the server did not get ready; see {}", self.log.display())))
    }

    fn stopped(&self, status: ExitStatus) -> JobError {
        let mut log = String::new();
        let _ = fs::File::open(&self.log).and_then(|mut file| file.read_to_string(&mut log));
        JobError::Program(format!("touchstone-server stopped: {status}\n{}", log.trim()))
    }

    /// Runs the command line against this registry and reads its JSON lines.
    pub(super) fn command(&self, token: &str, arguments: &[&str]) -> Result<Vec<Value>, JobError> {
        let mut command = Command::new(&self.programs.touchstone);
        command.env("TOUCHSTONE_URL", &self.url).env("TOUCHSTONE_TOKEN", token).env_remove("TOUCHSTONE_KEY");
        json_lines(&run(command.args(arguments).env("LC_ALL", "C.UTF-8"))?)
    }

    /// Stops the server as an operator would, and reports if it did not end cleanly.
    pub(super) fn stop(mut self) -> Result<(), JobError> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let status = self.child.wait().map_err(|e| JobError::Program(e.to_string()))?;
        if status.success() { Ok(()) } else { Err(self.stopped(status)) }
    }

    /// Waits for Ctrl-C or a termination signal, then stops the server.
    pub(super) fn wait(mut self) -> Result<(), JobError> {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))
            .map_err(|e| JobError::Program(e.to_string()))?;
        while !asked.load(Ordering::SeqCst) {
            if let Ok(Some(status)) = self.child.try_wait() {
                // Ctrl-C reaches the server too; that is no failure.
                return if status.success() { Ok(()) } else { Err(self.stopped(status)) };
            }
            thread::sleep(READY_POLL);
        }
        self.stop()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // A job that failed half-way leaves no server behind.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
