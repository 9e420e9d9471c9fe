//! System calls on the registry's files that fail, or that the process does not survive: strace injects them.
//!
//! Only calls on files of the registry are hit, since no system lets a wake-up between threads fail. Calls are counted
//! for each thread and from the moment on in which strace attaches.

use crate::{
    eventually,
    program::{Served, Site},
    rounds,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Calls that are made to fail together, and with what; not every machine knows all of them.
const CALLS: [(&str, &str); 11] = [
    ("?write,?pwrite64", "EIO"),
    ("?fsync,?fdatasync", "EIO"),
    ("?openat", "EIO"),
    ("?rename,?renameat,?renameat2", "EIO"),
    ("?mkdir,?mkdirat", "ENOSPC"),
    ("?write,?pwrite64", "ENOSPC"),
    ("?read,?pread64", "EIO"),
    ("?read,?pread64", "ENOMEM"),
    ("?fstat,?newfstatat,?statx", "EIO"),
    ("?ftruncate", "EIO"),
    ("?unlink,?unlinkat,?rmdir", "EIO"),
];
/// The process writes, flushes, opens, renames and makes folders in every round; it need not do the rest.
const INEVITABLE: usize = 6;
/// Entries before the first call fails: the first tile is about to be full, and its partial forms to be removed.
const BEGUN: u64 = 244;
/// Widths of the next tile's partial forms that are watched.
const WATCHED: u64 = 160;
const CLIENTS: usize = 2;
/// How long the server is under load.
const LOAD: Duration = Duration::from_millis(700);

/// strace on a server.
struct Tracer {
    child: Child,
    report: PathBuf,
}

impl Tracer {
    /// Attaches, and lets `injection` happen to `calls`. Nothing if this machine does not permit it.
    fn attach(served: &Served, data: &Path, calls: &str, injection: &str) -> Option<Self> {
        let report = data.join("strace");
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &served.id().to_string(), "-o"]).arg(&report);
        for path in files(data) {
            command.arg("-P").arg(path);
        }
        let expression = format!("inject={calls}:{injection}");
        command.args(["-e", &format!("trace={calls}"), "-e", &expression]);
        let said = data.join("strace.said");
        let output = fs::File::create(&said).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn();
        let mut child = child.unwrap_or_else(|error| {
            panic!("strace does not start: {error}; `make test` installs it, or install the package `strace`")
        });
        let attached = eventually("strace attaches", || {
            let said = fs::read_to_string(&said).unwrap();
            match child.try_wait().unwrap() {
                Some(_) if said.contains("attached") => Some(true),
                Some(_) if said.contains("ptrace") || said.contains("permitted") => Some(false),
                Some(status) => panic!("strace: {status}: {said}"),
                None => said.contains("attached").then_some(true),
            }
        });
        attached.then_some(Self { child, report })
    }

    /// Detaches and tells how many calls were hit.
    fn detach(mut self) -> usize {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        self.child.wait().unwrap();
        let report = fs::read_to_string(&self.report).unwrap();
        report.lines().filter(|line| line.contains("(INJECTED)") || line.contains("killed by")).count()
    }
}

/// The registry's files, before they exist too.
fn files(data: &Path) -> Vec<PathBuf> {
    let log = data.join("log");
    let mut files: Vec<PathBuf> =
        ["registry.db", "registry.db-wal", "registry.db-shm"].map(|name| data.join(name)).to_vec();
    for kind in ["tile/0", "tile/1", "tile/entries"] {
        let folder = log.join(kind);
        let widths = |from, to| (from..=to).map(|width: u64| width.to_string());
        let first = if kind == "tile/1" { widths(1, 2) } else { widths(BEGUN, 255) };
        let forms = first.map(|width| format!("000.p/{width}"));
        let next = widths(1, WATCHED).filter(|_| kind != "tile/1").map(|width| format!("001.p/{width}"));
        for name in ["000", "001"].map(str::to_owned).into_iter().chain(forms).chain(next) {
            files.extend([folder.join(format!("{name}.unfinished")), folder.join(name)]);
        }
        files.extend([folder.join("000.p"), folder.join("001.p"), folder]);
    }
    files.extend(["checkpoint", "checkpoint.unfinished", "tile"].map(|name| log.join(name)));
    files.push(log);
    files
}

/// Whether strace may attach here; says so if not.
fn permitted(site: &Site) -> bool {
    let served = site.serve(&[]);
    let tracer = Tracer::attach(&served, &site.data, "?unlink", "error=EIO:when=60000");
    let permitted = tracer.map(Tracer::detach).is_some();
    served.stop();
    if !permitted {
        println!("skipped: this machine does not permit ptrace");
    }
    permitted
}

/// A registry whose first tile is nearly full.
fn begun() -> Site {
    let site = Site::new();
    let served = site.serve(&[]);
    let client = site.client(&served);
    // The operator's entries and the one that settles count, too.
    assert!(site.batch(&client, usize::try_from(BEGUN).unwrap() - 6));
    site.settle(&client);
    served.stop();
    site
}

#[test]
fn calls_that_fail_lose_nothing() {
    if !permitted(&Site::new()) {
        return;
    }
    for round in 0..rounds() {
        for (number, (calls, error)) in CALLS.iter().enumerate() {
            let site = begun();
            let served = site.serve(&[]);
            let client = site.client(&served);
            let before = site.ledger.len();
            let injection = format!("error={error}:when={}+{}", 1 + round, 3 + round % 4);
            let tracer = Tracer::attach(&served, &site.data, calls, &injection).unwrap();
            site.under_load(&[&site.client(&served)], CLIENTS, || thread::sleep(LOAD));
            let hit = tracer.detach();
            println!("{calls} {injection}: {hit} hit, {} acknowledged", site.ledger.len() - before);
            assert!(hit > 0 || number >= INEVITABLE, "{calls} {injection}: nothing was hit");
            // The same process goes on.
            site.settle(&client);
            site.audit_with_files(&client, &site.data);
            served.stop();
            let served = site.serve(&[]);
            site.audit_with_files(&site.client(&served), &site.data);
            served.stop();
        }
    }
}

#[test]
fn calls_that_are_not_survived_lose_nothing() {
    if !permitted(&Site::new()) {
        return;
    }
    for round in 0..rounds() {
        for (number, (calls, _)) in CALLS.iter().enumerate() {
            if CALLS[..number].iter().any(|(earlier, _)| earlier == calls) {
                continue; // the same calls as before: a signal knows no error
            }
            let site = begun();
            let mut served = site.serve(&[]);
            let before = site.ledger.len();
            let injection = format!("signal=SIGKILL:when={}", 1 + round);
            let tracer = Tracer::attach(&served, &site.data, calls, &injection).unwrap();
            site.under_load(&[&site.client(&served)], CLIENTS, || thread::sleep(LOAD));
            let died = served.ended().is_some();
            served.kill();
            tracer.detach();
            println!("{calls} {injection}: died {died}, {} acknowledged", site.ledger.len() - before);
            assert!(died || number >= INEVITABLE || round > 0, "{calls} {injection}: nothing was hit");
            let served = site.serve(&[]);
            let client = site.client(&served);
            site.settle(&client);
            site.audit_with_files(&client, &site.data);
            served.stop();
        }
    }
}
