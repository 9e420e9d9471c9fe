//! A reader that asks, now and then, whether to go on.
//!
//! Owns the polling interval. It must not know what is being read.

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use crate::limits::Limits;

/// Reads between two polls. Decoders read a few bytes at a time; asking for the time at each would cost more than the
/// reading.
const READS_PER_POLL: u32 = 256;

/// Bytes handed out at most by one read, so that a large read is polled too.
const MAX_READ: usize = 64 << 10;

/// Whether the caller has asked to stop; shared with the readers, which the decoders own.
pub(super) struct Poll<'a> {
    limits: &'a Limits,
    stopped: Cell<bool>,
    reads: Cell<u32>,
}

impl<'a> Poll<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, stopped: Cell::new(false), reads: Cell::new(0) }
    }

    /// Whether a read was refused because the caller asked to stop.
    pub(super) fn stopped(&self) -> bool {
        self.stopped.get()
    }

    pub(super) fn reader<'r>(&'r self, bytes: &'r [u8]) -> PolledReader<'r> {
        PolledReader { cursor: Cursor::new(bytes), poll: self }
    }

    fn count(&self) -> io::Result<()> {
        let reads = self.reads.get();
        self.reads.set((reads + 1) % READS_PER_POLL);
        if reads == 0 && self.limits.check_cancelled().is_err() {
            self.stopped.set(true);
        }
        if self.stopped.get() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(()) }
    }
}

/// The bytes of a file, with a [`Poll`] on the way.
pub(super) struct PolledReader<'r> {
    cursor: Cursor<&'r [u8]>,
    poll: &'r Poll<'r>,
}

impl Read for PolledReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.poll.count()?;
        let length = buffer.len().min(MAX_READ);
        self.cursor.read(&mut buffer[..length])
    }
}

impl BufRead for PolledReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.poll.count()?;
        let rest = self.cursor.fill_buf()?;
        Ok(&rest[..rest.len().min(MAX_READ)])
    }

    fn consume(&mut self, amount: usize) {
        self.cursor.consume(amount);
    }
}

impl Seek for PolledReader<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.cursor.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn reads_stop_when_the_caller_says_so() {
        let polls = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&polls);
        let cancelled = move || counter.fetch_add(1, Ordering::Relaxed) >= 2;
        let limits = Limits { cancelled: Some(Arc::new(cancelled)), ..Limits::default() };
        let poll = Poll::new(&limits);
        let bytes = vec![7; 4096];
        let mut reader = poll.reader(&bytes);
        let mut one = [0];
        let read = (0..4096).take_while(|_| reader.read(&mut one).is_ok()).count();
        assert_eq!(read, 2 * READS_PER_POLL as usize);
        assert!(poll.stopped());
        assert_eq!(polls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn without_a_test_everything_is_read() {
        let limits = Limits::default();
        let poll = Poll::new(&limits);
        let bytes: Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
        let mut all = Vec::new();
        poll.reader(&bytes).read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        assert!(!poll.stopped());
    }
}
