//! A private PostgreSQL for tests: one cluster for each test process, one database for each test.
//!
//! It listens on a Unix socket in its own temporary folder and nowhere else, so that test processes never meet. It
//! stops, and its folder goes, when the process ends, however it ends.

use diesel::{Connection, PgConnection, RunQueryDsl};
use std::{
    ffi::OsString,
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

const REMEDY: &str = "these tests need PostgreSQL and found none (initdb in PATH or /usr/lib/postgresql/*/bin); \
                      `make test` installs it, or install the package `postgresql`";
const SUPERUSER: &str = "touchstone";
/// PostgreSQL refuses to run as root; these do instead, the first that exists.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(25);

/// A running cluster.
pub(crate) struct Cluster {
    folder: PathBuf,
    guard: Child,
    /// Held open: when it closes, with this value or with the process, the guard stops PostgreSQL.
    leash: Option<ChildStdin>,
    databases: AtomicU32,
}

impl Cluster {
    /// The cluster of this process; started on first use.
    ///
    /// # Panics
    /// With the remedy if PostgreSQL is not installed or does not start.
    pub(crate) fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    /// Initialises and starts a cluster of its own.
    ///
    /// # Panics
    /// As [`Cluster::shared`].
    pub(crate) fn start() -> Self {
        let programs = programs().unwrap_or_else(|| panic!("{REMEDY}"));
        // Short, since the path of a socket has at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("touchstone-pg-").tempdir().unwrap().keep();
        let mut prefix: Vec<OsString> = Vec::new();
        if fs::metadata("/proc/self").map_or_else(|_| id("-u", None) == Some(0), |m| m.uid() == 0) {
            let (name, uid, gid) = UNPRIVILEGED
                .iter()
                .find_map(|name| Some((name, id("-u", Some(name))?, id("-g", Some(name))?)))
                .expect("root needs a user `postgres` or `nobody` to run PostgreSQL as");
            chown(&folder, Some(uid), Some(gid)).unwrap();
            prefix = if found("setpriv").is_some() {
                ["setpriv", &format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]
                    .map(OsString::from)
                    .to_vec()
            } else {
                ["runuser", "-u", name, "--"].map(OsString::from).to_vec()
            };
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        let data = folder.join("data");
        let mut command = prefix.clone();
        command.push(programs.join("initdb").into());
        // Only the fresh files are not flushed; the server itself runs with fsync on.
        for argument in ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", SUPERUSER, "-D"]
        {
            command.push(argument.into());
        }
        command.push(data.clone().into());
        let made = Command::new(&command[0]).args(&command[1..]).current_dir("/").output().unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

        let mut command = prefix;
        command.push(programs.join("postgres").into());
        for argument in ["-c", "listen_addresses=", "-c", "fsync=on", "-c", "max_connections=200", "-D"] {
            command.push(argument.into());
        }
        command.extend([data.into(), "-k".into(), folder.clone().into()]);
        // The shell outlives the tests by a moment: it starts PostgreSQL again for every line of its input, and at the
        // end of it stops and removes.
        let script = r#"trap '' INT TERM HUP; folder=$1; shift
                        run() { "$@" >>"$folder/server.log" 2>&1 </dev/null & server=$!; }
                        run "$@"; while read -r _; do wait $server; run "$@"; done
                        kill -QUIT $server; wait $server; rm -rf "$folder""#;
        let mut guard = Command::new("sh")
            .args(["-c", script, "guard"])
            .arg(&folder)
            .args(&command)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let leash = guard.stdin.take();
        let cluster = Self { folder, guard, leash, databases: AtomicU32::new(0) };
        cluster.await_start();
        cluster
    }

    fn await_start(&self) {
        let mut waited = Duration::ZERO;
        while let Err(error) = PgConnection::establish(&self.url("postgres")) {
            let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            assert!(waited < START_TIMEOUT, "PostgreSQL does not start: {error}\n{log}");
            thread::sleep(POLL);
            waited += POLL;
        }
    }

    /// Kills PostgreSQL where it stands, with every process that serves a connection.
    #[allow(dead_code, reason = "not every test kills it")]
    pub(crate) fn kill_all(&self) {
        let server = self.server();
        let mut processes = backends(server);
        processes.push(server);
        kill(&processes);
        // A new one does not start as long as any of them holds the old one's memory.
        while processes.iter().any(|process| runs(*process)) {
            thread::sleep(POLL);
        }
    }

    /// Kills the process of one connection: PostgreSQL then ends all others and recovers.
    #[allow(dead_code, reason = "not every test kills it")]
    pub(crate) fn kill_one_backend(&self) {
        let youngest = backends(self.server()).pop();
        kill(youngest.as_slice());
    }

    /// Starts it after [`Cluster::kill_all`] and returns when it answers.
    #[allow(dead_code, reason = "not every test kills it")]
    pub(crate) fn start_again(&mut self) {
        self.leash.as_mut().unwrap().write_all(b"again\n").unwrap();
        self.await_start();
    }

    fn server(&self) -> u32 {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{SUPERUSER}@{socket}/{database}")
    }

    /// Connection URL of a new, empty database.
    ///
    /// # Panics
    /// If it cannot be made.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&self.url("postgres")).unwrap();
        diesel::sql_query(format!("CREATE DATABASE {name}")).execute(&mut connection).unwrap();
        self.url(&name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.leash.take());
        drop(self.guard.wait());
    }
}

/// The processes that PostgreSQL has started, the youngest last.
fn backends(server: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
    children.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// Whether a process still runs; one that has ended may wait for its parent.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
}

fn kill(processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    // One that has just ended by itself is no matter.
    let _ = Command::new("kill").arg("-KILL").args(processes).stderr(Stdio::null()).status().unwrap();
}

/// Numeric identity of a user, or of this process.
fn id(which: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(which).args(user).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().parse().ok())?
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).is_file())
}

/// Folder of `initdb` and `postgres`: the newest installed version, else what PATH names.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| version(&entry.ok()?.path()))
        .collect();
    versions.sort_unstable();
    let installed = versions.into_iter().rev().map(|v| PathBuf::from(format!("/usr/lib/postgresql/{v}/bin")));
    installed
        .chain(found("initdb"))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
