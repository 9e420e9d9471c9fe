//! Load over the loopback interface: connections that each send one request after the other.

use super::BenchError;
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};
use touchstone_sdk::entropy::Stopwatch;

/// Threads that make the load.
const THREADS: usize = 2;
/// Bytes that are read at once.
const ROOM: usize = 65_536;

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

/// A connection with at most one request under way.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    sent: Option<Stopwatch>,
}

impl Connection {
    fn open(address: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, answer: Vec::with_capacity(ROOM), sent: None })
    }

    fn ask(&mut self, request: &[u8]) -> Result<(), BenchError> {
        self.sent = Some(Stopwatch::start());
        Ok(self.stream.write_all(request)?)
    }

    /// Reads the answer, which must be 200 and state its length; milliseconds since the question.
    fn answered(&mut self) -> Result<f64, BenchError> {
        self.answer.clear();
        let mut chunk = [0; ROOM];
        let mut whole = None;
        while whole.is_none_or(|whole| self.answer.len() < whole) {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(BenchError::Other("the server closed a connection".to_owned()));
            }
            self.answer.extend_from_slice(&chunk[..read]);
            if whole.is_none() {
                whole = whole_length(&self.answer)?;
            }
        }
        Ok(self.sent.take().map_or(0.0, |sent| sent.elapsed().as_secs_f64() * 1_000.0))
    }
}

/// Length of head and body together, once the head is there.
fn whole_length(answer: &[u8]) -> Result<Option<usize>, BenchError> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    if !text.starts_with("http/1.1 200") && !text.starts_with("http/1.1 201") {
        return Err(BenchError::Other(text.lines().next().unwrap_or_default().to_owned()));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    let length = length.ok_or_else(|| BenchError::Other("an answer without its length".to_owned()))?;
    Ok(Some(head + 4 + length))
}

/// What a request was answered with.
pub(crate) struct Answered {
    /// Milliseconds until the answer was read.
    pub(crate) milliseconds: f64,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Sends the bodies of each client one after the other, all clients at the same time; answers how many seconds all took
/// and what each client was answered.
pub(crate) fn post(
    address: &str,
    path: &str,
    token: &str,
    clients: &[Vec<Vec<u8>>],
) -> Result<(f64, Vec<Vec<Answered>>), BenchError> {
    let run = |bodies: &[Vec<u8>]| -> Result<Vec<Answered>, BenchError> {
        let mut connection = Connection::open(address)?;
        let mut answers = Vec::with_capacity(bodies.len());
        for body in bodies {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: \
                 application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.ask(&[head.as_bytes(), body].concat())?;
            let milliseconds = connection.answered()?;
            let start = connection.answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0) + 4;
            answers.push(Answered { milliseconds, body: connection.answer.split_off(start) });
        }
        Ok(answers)
    };
    let watch = Stopwatch::start();
    let answers: Vec<Result<Vec<Answered>, BenchError>> = thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = clients.iter().map(|bodies| scope.spawn(move || run(bodies))).collect();
        let gone = || Err(BenchError::Other("a load thread panicked".to_owned()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
    });
    let seconds = watch.elapsed().as_secs_f64();
    Ok((seconds, answers.into_iter().collect::<Result<_, _>>()?))
}

/// Sends `each` requests over each of `connections`; `path` gives the path of request number `n`.
///
/// Two threads share the connections, so that the load takes little from the server on the same cores: each reads
/// the answers in turn and asks again on the connection at once. A time counts until its answer was read, so it
/// includes waiting behind the other connections.
pub(crate) fn get(
    address: &str,
    connections: usize,
    each: usize,
    path: impl Fn(usize) -> String + Sync,
) -> Result<Measured, BenchError> {
    let request = |n: usize| format!("GET {} HTTP/1.1\r\nHost: {address}\r\n\r\n", path(n)).into_bytes();
    let share = connections.div_ceil(THREADS);
    let run = |first: usize| -> Result<Vec<f64>, BenchError> {
        let count = share.min(connections.saturating_sub(first));
        let mut open = (0..count).map(|_| Connection::open(address)).collect::<Result<Vec<_>, _>>()?;
        let mut times = Vec::with_capacity(count * each);
        for (at, connection) in open.iter_mut().enumerate() {
            connection.ask(&request((first + at) * each))?;
        }
        for round in 1..=each {
            for (at, connection) in open.iter_mut().enumerate() {
                times.push(connection.answered()?);
                if round < each {
                    connection.ask(&request((first + at) * each + round))?;
                }
            }
        }
        Ok(times)
    };
    let watch = Stopwatch::start();
    let parts: Vec<Result<Vec<f64>, BenchError>> = thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..THREADS).map(|part| scope.spawn(move || run(part * share))).collect();
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
