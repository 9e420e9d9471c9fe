//! Lines as the C2SP formats have them: each ends in a newline, numbers and hashes stand in one form only.

use crate::{Sha256Digest, base64};
use data_encoding::BASE64;

/// Most hashes that a proof may list: a tree of 2^63 leaves needs no more (C2SP tlog-witness).
pub(super) const MAX_HASHES: usize = 63;

/// A line is missing or is not what the format has in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct LineError {
    /// Counted from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// What is left of a text, and the number of the last line taken.
pub(super) struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text, line: 0 }
    }

    /// All that was not taken yet.
    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) const fn error(&self, expected: &'static str) -> LineError {
        LineError { line: self.line, expected }
    }

    /// The next line without its newline. A line that does not end in one is an error.
    pub(super) fn next(&mut self, expected: &'static str) -> Result<&'a str, LineError> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or(self.error(expected))?;
        self.rest = rest;
        Ok(line)
    }

    /// The next line, made a value by `read`.
    pub(super) fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, LineError> {
        let line = self.next(expected)?;
        read(line).ok_or(self.error(expected))
    }

    /// At most [`MAX_HASHES`] lines of one hash each, and the empty line after them.
    pub(super) fn hashes(&mut self) -> Result<Vec<Sha256Digest>, LineError> {
        let mut hashes = Vec::new();
        loop {
            let line = self.next("a hash in base64, or an empty line")?;
            if line.is_empty() {
                return Ok(hashes);
            }
            if hashes.len() == MAX_HASHES {
                return Err(self.error("an empty line: a proof has at most 63 hashes"));
            }
            hashes.push(hash(line).ok_or(self.error("a hash in base64"))?);
        }
    }
}

/// An unsigned number in its only form: decimal digits without sign or leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// A SHA-256 hash in padded standard base64 (RFC 4648 section 4).
pub(super) fn hash(text: &str) -> Option<Sha256Digest> {
    const ENCODED: usize = 44;
    if text.len() != ENCODED {
        return None;
    }
    base64::decode(text)?.try_into().ok().map(Sha256Digest)
}

/// The line of a hash, with its newline.
pub(super) fn push_hash(out: &mut String, hash: &Sha256Digest) {
    BASE64.encode_append(hash.as_bytes(), out);
    out.push('\n');
}
