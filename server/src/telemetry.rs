//! Logging, request identifiers and stopwatches. Numbers for monitoring stand in [`crate::web::metrics`].
//!
//! Log lines are collected in memory and written by a thread of their own every few milliseconds, so that a line
//! costs a request no system call. Warnings and errors are written at once.

use crate::clock::{Entropy, EntropyError, random};
use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// How long lines may wait before they are written.
const WRITE_EVERY: Duration = Duration::from_millis(20);
/// Lines in memory beyond which the thread that logs writes them itself, in bytes.
const MAX_PENDING: usize = 4 << 20;
/// Libraries that tell of their own start and stop at INFO are heard from WARN on. The HTTP/1 parser is not heard at
/// all: it reports bytes from strangers that are no HTTP as errors.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=warn,actix_http::h1=off,c2pa=warn";

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One compact line of text for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not understood.
    #[error("the log level {0:?} is not understood; try info, or touchstone_server=debug")]
    Filter(String),
    /// A subscriber is installed already, or the writer's thread cannot start.
    #[error("the log cannot be set up: {0}")]
    Setup(String),
}

/// Sends the log of this process to standard error. `level` is a filter such as `info` or
/// `touchstone_server=debug`; without it the usual filter holds. Keep the guard until the end: dropping it writes
/// what is still in memory.
///
/// # Errors
/// [`TelemetryError`] if the filter is wrong or a log is set up already.
pub fn init(format: LogFormat, level: Option<&str>) -> Result<LogGuard, TelemetryError> {
    let filter = level.filter(|level| !level.is_empty()).unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(filter).map_err(|_| TelemetryError::Filter(filter.to_owned()))?;
    let log = BufferedLog::start(io::stderr()).map_err(|error| TelemetryError::Setup(error.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).with_ansi(false);
    let result = match format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    result.map_err(|error| TelemetryError::Setup(error.to_string()))?;
    Ok(LogGuard(log))
}

/// Writes the rest of the log when it is dropped.
#[derive(Debug)]
pub struct LogGuard(BufferedLog);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.0.write_out();
    }
}

#[derive(Debug, Clone)]
struct BufferedLog(Arc<Lines>);

struct Lines {
    pending: Mutex<Vec<u8>>,
    filled: Condvar,
    // Held while writing, and always taken before `pending`, so that lines keep their order.
    out: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl BufferedLog {
    fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Arc::new(Lines {
            pending: Mutex::default(),
            filled: Condvar::new(),
            out: Mutex::new(Box::new(out)),
        });
        let writer = Arc::clone(&lines);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                writer.wait_for_lines();
                std::thread::sleep(WRITE_EVERY);
                writer.write_out();
            }
        })?;
        Ok(Self(lines))
    }
}

impl Lines {
    fn pending(&self) -> MutexGuard<'_, Vec<u8>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_lines(&self) {
        let mut pending = self.pending();
        while pending.is_empty() {
            pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn append(&self, line: &[u8], at_once: bool) {
        let (was_empty, full) = {
            let mut pending = self.pending();
            let was_empty = pending.is_empty();
            pending.extend_from_slice(line);
            (was_empty, pending.len() > MAX_PENDING)
        };
        if at_once || full {
            self.write_out();
        } else if was_empty {
            self.filled.notify_one();
        }
    }

    fn write_out(&self) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut *self.pending());
        // There is nowhere to report that the log itself cannot be written.
        let _ = out.write_all(&lines).and_then(|()| out.flush());
    }
}

impl<'a> MakeWriter<'a> for BufferedLog {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { lines: &self.0, at_once: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter { lines: &self.0, at_once: *metadata.level() <= Level::WARN }
    }
}

struct LineWriter<'a> {
    lines: &'a Lines,
    at_once: bool,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.append(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Identifier of a request, in the log and in the header `X-Request-Id`: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The 16 digits in ASCII.
    #[must_use]
    pub fn digits(self) -> [u8; 16] {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(self.0 >> (60 - 4 * place) & 15) as usize];
        }
        digits
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Gives every request its identifier. None repeats within a process; they do not tell how many came before.
#[derive(Debug)]
pub struct RequestIds {
    seed: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// With a random start.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no randomness.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self { seed: u64::from_le_bytes(random(entropy)?), next: AtomicU64::new(0) })
    }

    /// The next identifier. The finaliser of SplitMix64 is a bijection, so counting gives distinct results.
    pub fn next(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut z = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        RequestId(z ^ (z >> 31))
    }
}

/// Measures how long something takes. It decides nothing.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        #[allow(clippy::disallowed_methods, reason = "measurements do not influence behaviour")]
        Self(Instant::now())
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedEntropy;
    use std::collections::HashSet;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn request_identifiers_do_not_repeat() {
        let ids = RequestIds::new(&FixedEntropy::new(1)).unwrap();
        let seen: HashSet<_> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(seen.len(), 10_000);
        let id = ids.next();
        assert_eq!(String::from_utf8(id.digits().to_vec()).unwrap(), id.to_string());
    }

    #[test]
    fn lines_keep_their_order_and_none_is_lost() {
        let sink = Sink::default();
        let log = BufferedLog::start(sink.clone()).unwrap();
        let mut expected = Vec::new();
        for number in 0..200 {
            let line = format!("{number}\n");
            log.0.append(line.as_bytes(), number % 50 == 0);
            expected.extend_from_slice(line.as_bytes());
        }
        drop(LogGuard(log));
        assert_eq!(*sink.0.lock().unwrap(), expected);
    }
}
