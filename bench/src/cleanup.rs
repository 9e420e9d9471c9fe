//! What must not outlive the program: processes that it started and folders that it works in.
//!
//! Owns both until they are dropped, and ends them when a signal stops the program: then nothing else is dropped. What is
//! started and awaited in one call (FAISS, `bootstrap`) is not among them and ends by itself.

use super::BenchError;
use std::{
    collections::BTreeMap,
    future::poll_fn,
    io,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    thread,
};
use tempfile::TempDir;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

static KEPT: Mutex<Kept> = Mutex::new(Kept { processes: BTreeMap::new(), folders: Vec::new() });

/// What there is to end. A number stays taken until its process was waited for, so it names one process.
struct Kept {
    processes: BTreeMap<u32, Child>,
    folders: Vec<TempDir>,
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(mut process: Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// From now on SIGTERM and SIGINT end what is left, and then the program. A hangup is left alone, so that `nohup`
/// keeps its meaning.
pub(crate) fn on_signals() -> Result<(), BenchError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminated, mut interrupted) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        // 128 and the number of the signal, as shells say it.
        let code = runtime.block_on(poll_fn(|context| match terminated.poll_recv(context) {
            Poll::Ready(_) => Poll::Ready(143),
            Poll::Pending => interrupted.poll_recv(context).map(|_| 130),
        }));
        // Held to the end, so that nothing is started any more. Folders come last: the processes write into them.
        let mut kept = kept();
        std::mem::take(&mut kept.processes).into_values().for_each(end);
        kept.folders.clear();
        std::process::exit(code)
    })?;
    Ok(())
}

/// A process that ends when this is dropped.
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        // Locked first: there is no moment at which a started process is not known.
        let mut kept = kept();
        let process = command.spawn()?;
        let id = process.id();
        kept.processes.insert(id, process);
        Ok(Self(id))
    }

    /// The system's number of it.
    pub(crate) const fn id(&self) -> u32 {
        self.0
    }

    /// Its standard input and output, if both are pipes that were not taken before.
    pub(crate) fn pipes(&self) -> Option<(ChildStdin, ChildStdout)> {
        let mut kept = kept();
        let process = kept.processes.get_mut(&self.0)?;
        process.stdin.take().zip(process.stdout.take())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut kept = kept();
        if let Some(process) = kept.processes.remove(&self.0) {
            end(process);
        }
    }
}

/// An empty folder that is removed with all it holds when this is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Beside the program: the system's own may be in memory, where nothing is durable.
    pub(crate) fn new() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut kept = kept();
        let folder = tempfile::tempdir_in(program.parent().unwrap_or_else(|| Path::new(".")))?;
        let path = folder.path().to_owned();
        kept.folders.push(folder);
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        kept().folders.retain(|folder| folder.path() != self.0);
    }
}
