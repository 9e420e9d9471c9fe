//! The index on disk: one file, written whole and atomically, checked whole when read.
//!
//! Layout, version 1; integers are little-endian, sections follow each other without padding:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic `TSPOSTIX` |
//! | 4 | version, 1. It also stands for the fields of a posting (module `posting`) |
//! | 4 | S, number of segments |
//! | 4 | P, number of pages of withdrawn pictures |
//! | 4 | zero |
//! | 8 | watermark, the caller's |
//! | 32 | digest of the vocabulary |
//! | 16 S | for each segment: number of words that occur W, number of postings N (8 bytes each) |
//! | 8 W + 8 N, for each segment | W pairs of word and length of its list (4 bytes each, ascending), N postings |
//! | 131,076 P | for each page: its number (4 bytes), 2^14 words of 64 bits |
//! | 32 | SHA-256 of everything before |

use std::path::Path;
use std::sync::Arc;

use super::index::{Entries, Options, PostingIndex};
use super::posting::Posting;
use super::segment::{MAX_POSTINGS, Segment};
use super::vocabulary::Vocabulary;
use crate::matching::{
    snapshot::{self, DIGEST, PAGE, Reader, SnapshotError, Writer},
    withdrawn::{PAGES, Withdrawn},
};

const MAGIC: [u8; 8] = *b"TSPOSTIX";
const VERSION: u32 = 1;
/// Bytes before the table of segments.
const HEADER: u64 = 64;
/// Most segments a snapshot may hold.
const MAX_SEGMENTS: u32 = 1 << 16;

impl PostingIndex {
    /// Writes the index to `path`, replacing what is there only once the new file is complete on disk.
    /// `watermark` is kept for the caller: how far the source had been followed. It must not be ahead of what
    /// had been inserted and withdrawn before the call. Queries and changes go on meanwhile; changes made
    /// during the call may or may not be in the file.
    ///
    /// # Errors
    /// The file cannot be written; what was at `path` is still there.
    pub fn save(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        snapshot::replace(path, |writer| self.write_file(writer, watermark))
    }

    fn write_file(&self, mut writer: Writer, watermark: u64) -> Result<(), SnapshotError> {
        // Pages first: a withdrawal that comes later is the caller's to repeat, as the watermark says.
        let pages: Vec<(u32, Vec<u64>)> = self.withdrawn().pages().collect();
        let state = self.state();
        let tail: Entries = state.tail.iter().flat_map(|entries| entries.iter().copied()).collect();
        let tail = Segment::build(tail, self.vocabulary().words(), self.withdrawn());
        let segments: Vec<&Segment> = state.segments.iter().map(AsRef::as_ref).chain([&tail]).collect();
        writer.put(&MAGIC)?;
        let count =
            |number: usize| u32::try_from(number).map_err(|_| SnapshotError::Invalid("too many segments"));
        writer.put_all([VERSION, count(segments.len())?, count(pages.len())?, 0], u32::to_le_bytes)?;
        writer.put(&watermark.to_le_bytes())?;
        writer.put(self.vocabulary().digest())?;
        for segment in &segments {
            writer.put_all([segment.lists().count() as u64, segment.len() as u64], u64::to_le_bytes)?;
        }
        for segment in &segments {
            writer.put_all(segment.lists().flat_map(|(word, len)| [word, len]), u32::to_le_bytes)?;
            writer.put_all(segment.postings().iter().map(|posting| posting.0), u64::to_le_bytes)?;
        }
        for (number, words) in pages {
            writer.put(&number.to_le_bytes())?;
            writer.put_all(words, u64::to_le_bytes)?;
        }
        writer.finish()
    }

    /// Reads a snapshot; answers the index and the watermark.
    ///
    /// # Errors
    /// The file cannot be read, is not a snapshot, was made with another vocabulary, or is damaged. Nothing of such
    /// a file is used, and no more memory is taken than the file is long.
    pub fn load(
        path: &Path,
        vocabulary: Arc<Vocabulary>,
        options: Options,
    ) -> Result<(Self, u64), SnapshotError> {
        let (mut reader, actual) = Reader::open(path)?;
        let header = Header::read(&mut reader, actual, vocabulary.digest())?;
        let mut parts = Vec::new();
        for (words, postings) in &header.segments {
            let lists = reader.pairs(*words)?;
            let postings = reader.all(*postings, |bytes: &[u8; 8]| Posting(u64::from_le_bytes(*bytes)))?;
            parts.push((lists, postings));
        }
        let withdrawn = Withdrawn::new();
        for _ in 0..header.pages {
            let (number, words) = reader.page()?;
            withdrawn.add_page(number, &words);
        }
        reader.finish()?;
        let mut segments = Vec::new();
        for (lists, postings) in parts {
            let segment = Segment::restore(&lists, postings, vocabulary.words());
            segments.push(segment.ok_or(SnapshotError::Invalid("a segment is not in order"))?);
        }
        segments.retain(|segment| segment.len() > 0);
        Ok((Self::restore(vocabulary, options, segments, withdrawn), header.watermark))
    }
}

/// The first rows of the layout, checked against the length of the file.
struct Header {
    watermark: u64,
    /// Words and postings of each segment.
    segments: Vec<(u64, u64)>,
    pages: u32,
}

impl Header {
    fn read(reader: &mut Reader, actual: u64, vocabulary: &[u8; 32]) -> Result<Self, SnapshotError> {
        if actual < HEADER || reader.bytes::<8>()? != MAGIC {
            return Err(SnapshotError::Foreign);
        }
        let mut number = || reader.bytes().map(u32::from_le_bytes);
        let (version, count, pages, zero) = (number()?, number()?, number()?, number()?);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        if zero != 0 || count > MAX_SEGMENTS || pages as usize > PAGES {
            return Err(SnapshotError::Invalid("the header counts what cannot be"));
        }
        let watermark = u64::from_le_bytes(reader.bytes()?);
        if reader.bytes::<32>()? != *vocabulary {
            return Err(SnapshotError::Vocabulary);
        }
        let mut expected = HEADER + DIGEST + 16 * u64::from(count) + PAGE * u64::from(pages);
        if actual < expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        let mut segments = Vec::new();
        for _ in 0..count {
            let (words, postings) =
                (u64::from_le_bytes(reader.bytes()?), u64::from_le_bytes(reader.bytes()?));
            if postings > MAX_POSTINGS as u64 || words > postings {
                return Err(SnapshotError::Invalid("a segment is too large"));
            }
            // At most 2^16 segments of 16 x 2^31 bytes: no overflow.
            expected += 8 * (words + postings);
            segments.push((words, postings));
        }
        if actual != expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        Ok(Self { watermark, segments, pages })
    }
}
