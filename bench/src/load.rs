//! Load over the loopback interface: connections that each send one request after the other.

use super::BenchError;
use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};
use touchstone_sdk::entropy::Stopwatch;

/// What a load run measured.
pub(crate) struct Measured {
    /// Answers in a second.
    pub(crate) per_second: f64,
    /// Milliseconds of each request, sorted.
    pub(crate) milliseconds: Vec<f64>,
}

impl Measured {
    /// The value below which `share` of the requests lie.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.milliseconds, share)
    }
}

/// As [`Measured::percentile`], of any sorted values.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (share * last as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

struct Connection {
    stream: BufReader<TcpStream>,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream: BufReader::new(stream), head: Vec::new(), body: Vec::new() })
    }

    /// Sends a request and reads its answer, which must be 200 and state its length.
    fn ask(&mut self, request: &[u8]) -> Result<(), BenchError> {
        self.stream.get_mut().write_all(request)?;
        self.head.clear();
        let mut byte = [0];
        while !self.head.ends_with(b"\r\n\r\n") {
            self.stream.read_exact(&mut byte)?;
            self.head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(BenchError::Other(head.lines().next().unwrap_or_default().to_owned()));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
        self.body.resize(length, 0);
        Ok(self.stream.read_exact(&mut self.body)?)
    }
}

/// Sends `each` requests over each of `connections`; `path` gives the path of request number `n`.
pub(crate) fn get(
    address: &str,
    connections: usize,
    each: usize,
    path: impl Fn(usize) -> String + Sync,
) -> Result<Measured, BenchError> {
    let (path, watch) = (&path, Stopwatch::start());
    let parts: Vec<Result<Vec<f64>, BenchError>> = thread::scope(|scope| {
        let run = |connection: usize| {
            move || {
                let requests: Vec<Vec<u8>> = (0..each)
                    .map(|n| {
                        let path = path(connection * each + n);
                        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
                    })
                    .collect();
                let mut open = Connection::open(address)?;
                let mut times = Vec::with_capacity(each);
                for request in &requests {
                    let watch = Stopwatch::start();
                    open.ask(request)?;
                    times.push(watch.elapsed().as_secs_f64() * 1_000.0);
                }
                Ok(times)
            }
        };
        let threads: Vec<_> = (0..connections).map(|connection| scope.spawn(run(connection))).collect();
        let gone = || Err(BenchError::Other("a load thread panicked".to_owned()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
    });
    let seconds = watch.elapsed().as_secs_f64();
    let mut milliseconds = Vec::with_capacity(connections * each);
    for part in parts {
        milliseconds.extend(part?);
    }
    milliseconds.sort_unstable_by(f64::total_cmp);
    Ok(Measured { per_second: milliseconds.len() as f64 / seconds, milliseconds })
}
