//! Texts of the `onMetaData` message of FLV files (Adobe Flash Video File Format Specification 10.1, annex E; Action
//! Message Format 0).

use super::be32;

/// What opens a file, before version, flags and the size of the header.
pub const SIGNATURE: &[u8; 3] = b"FLV";
/// How many tags one walk visits. Metadata stands in the first ones.
pub const MAX_TAGS: usize = 65_536;
/// How many properties of a message are looked at.
pub const MAX_PROPERTIES: usize = 4096;
/// How deep values may stand in each other.
const MAX_DEPTH: usize = 8;
/// Kind of a tag with a message for scripts.
const SCRIPT: u8 = 18;
/// Bytes of kind, size, time and stream of a tag.
const TAG_HEADER: usize = 11;

/// Kinds of AMF 0 values.
const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const ECMA_ARRAY: u8 = 8;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;

/// A property of the metadata whose value is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its text, UTF-8.
    pub text: &'a [u8],
    /// Offset of the name's length in the file.
    pub offset: usize,
}

/// Texts of the metadata, and how many tags and properties were looked at.
#[must_use]
pub fn properties(bytes: &[u8]) -> (Vec<Property<'_>>, usize) {
    let mut found = Vec::new();
    let mut seen = 0;
    let Some(mut at) = be32(bytes, 5).and_then(|at| usize::try_from(at).ok()) else { return (found, seen) };
    while seen < MAX_TAGS {
        // The size of the tag before stands in front of each.
        let Some(start) = at.checked_add(4) else { break };
        let Some(size) = be32(bytes, start).map(|word| word & 0x00FF_FFFF) else { break };
        let data_at = start + TAG_HEADER;
        at = data_at + size as usize;
        seen += 1;
        let Some(data) = bytes.get(data_at..at) else { break };
        if bytes.get(start) == Some(&SCRIPT) {
            let mut message = Message { bytes: data, at: 0, start: data_at, seen: 0 };
            let _ended = message.metadata(&mut found);
            seen += message.seen;
        }
    }
    (found, seen)
}

struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Offset of the message in the file.
    start: usize,
    /// Properties so far.
    seen: usize,
}

impl<'a> Message<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn kind(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A text with its length in two bytes, or in four.
    fn text(&mut self, long: bool) -> Option<&'a [u8]> {
        let length = self.take(if long { 4 } else { 2 })?;
        let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length)
    }

    /// The texts of the message, if it is the metadata. `None` where it breaks off.
    fn metadata(&mut self, found: &mut Vec<Property<'a>>) -> Option<()> {
        if self.kind()? != STRING || self.text(false)? != b"onMetaData" {
            return Some(());
        }
        match self.kind()? {
            ECMA_ARRAY => self.take(4).map(|_| ())?,
            OBJECT => {}
            _ => return Some(()),
        }
        self.object(MAX_DEPTH, &mut |property| found.push(property))
    }

    /// Properties up to the mark that ends them.
    fn object(&mut self, depth: usize, tell: &mut dyn FnMut(Property<'a>)) -> Option<()> {
        while self.seen < MAX_PROPERTIES {
            let offset = self.start + self.at;
            let name = self.text(false)?;
            self.seen += 1;
            match self.kind()? {
                9 if name.is_empty() => return Some(()),
                kind @ (STRING | LONG_STRING) => {
                    let text = self.text(kind == LONG_STRING)?;
                    tell(Property { name, text, offset });
                }
                kind => self.skip(kind, depth.checked_sub(1)?)?,
            }
        }
        None
    }

    /// Steps over a value.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            NUMBER => self.take(8).map(|_| ()),
            BOOLEAN => self.take(1).map(|_| ()),
            STRING | LONG_STRING => self.text(kind == LONG_STRING).map(|_| ()),
            NULL | UNDEFINED => Some(()),
            DATE => self.take(10).map(|_| ()),
            OBJECT => self.object(depth, &mut |_| ()),
            ECMA_ARRAY => {
                self.take(4)?;
                self.object(depth, &mut |_| ())
            }
            STRICT_ARRAY => {
                // Each value has a byte at least, so that a wrong count ends with the message.
                for _ in 0..be32(self.take(4)?, 0)? {
                    let kind = self.kind()?;
                    self.skip(kind, depth.checked_sub(1)?)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}
