//! ORB and a plane map from OpenCV, in a child process (`bench/peers/orb.py`).
//!
//! OpenCV is no part of the product and of no crate of it: where Python or OpenCV is missing, the tables say
//! so.

use crate::{BenchError, cleanup::Process};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

const SCRIPT: &str = include_str!("../../peers/orb.py");
/// Features that a plane map must explain to be called a match.
pub(crate) const LEAST_INLIERS: u32 = 10;
/// What people can do where it does not run.
const REMEDY: &str = "not run: install opencv-python-headless";

/// The child process.
pub(crate) struct Orb {
    folder: PathBuf,
    version: String,
    pipes: Mutex<Pipes>,
    /// Ends with this value.
    _process: Process,
}

struct Pipes {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    photos: usize,
}

impl Orb {
    /// Starts it on the registered pictures; photos are handed over in `folder`.
    ///
    /// # Errors
    /// What the tables say instead of its figures.
    pub(crate) fn start(python: &str, folder: &Path, registered: &[&Path]) -> Result<Self, String> {
        let script = folder.join("orb.py");
        fs::write(&script, SCRIPT).map_err(|error| format!("not run: {error}"))?;
        let process = Process::start(
            Command::new(python)
                .arg(&script)
                .args(registered)
                .env("OMP_NUM_THREADS", "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let process = process.map_err(|_| REMEDY.to_owned())?;
        let (to, from) = process.pipes().ok_or_else(|| REMEDY.to_owned())?;
        let mut from = BufReader::new(from);
        let mut line = String::new();
        let ready = from.read_line(&mut line).is_ok();
        let version = line.trim().strip_prefix("ready ").filter(|_| ready).map(str::to_owned);
        let version = version.ok_or_else(|| REMEDY.to_owned())?;
        let pipes = Mutex::new(Pipes { to, from, photos: 0 });
        Ok(Self { folder: folder.to_owned(), version, pipes, _process: process })
    }

    /// OpenCV's version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The registered picture that explains most features of a photo, and how many.
    pub(crate) fn best(&self, photo: &[u8]) -> Result<(usize, u32), BenchError> {
        let stopped = || BenchError::Other("orb.py stopped".to_owned());
        let mut pipes = self.pipes.lock().map_err(|_| stopped())?;
        pipes.photos += 1;
        let path = self.folder.join(format!("photo-{}", pipes.photos));
        fs::write(&path, photo)?;
        writeln!(pipes.to, "{}", path.display())?;
        pipes.to.flush()?;
        let mut line = String::new();
        pipes.from.read_line(&mut line)?;
        fs::remove_file(&path)?;
        let mut words = line.split_whitespace();
        let best = words.next().and_then(|word| word.parse().ok());
        let inliers = words.next().and_then(|word| word.parse().ok());
        best.zip(inliers).ok_or_else(stopped)
    }
}
