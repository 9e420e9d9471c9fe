//! The index on disk: one file, written whole and atomically, checked whole when read.
//!
//! Layout, version 1; integers are little-endian, sections follow each other without padding:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic `TSHAMIDX` |
//! | 4 | version, 1. It also stands for the order in which the bits of a code are kept |
//! | 4 | S, number of segments |
//! | 4 | P, number of pages of withdrawn identifiers |
//! | 4 | zero |
//! | 8 | watermark, the caller's |
//! | 16 S | for each segment: N distinct codes, M further identifiers (8 bytes each) |
//! | 36 N + 8 M, for each segment | N codes (four words of 64 bits, ascending), N identifiers, M pairs of place and identifier (ascending) |
//! | 131,076 P | for each page: its number (4 bytes), 2^14 words of 64 bits |
//! | 32 | SHA-256 of everything before |
//!
//! The tables are not stored: they are built again in less time than reading them would save, and what is not
//! in the file cannot be wrong in it.

use std::path::Path;

use super::code::Spread;
use super::index::{HammingIndex, Options};
use super::merge;
use super::segment::Segment;
use crate::matching::{
    snapshot::{self, DIGEST, PAGE, Reader, SnapshotError, Writer},
    withdrawn::{PAGES, Withdrawn},
};

const MAGIC: [u8; 8] = *b"TSHAMIDX";
const VERSION: u32 = 1;
/// Bytes before the table of segments.
const HEADER: u64 = 32;
/// Largest segment a snapshot may hold, as in [`Options::max_segment`].
const MAX_CODES: u64 = 1 << 28;
/// Most segments a snapshot may hold.
const MAX_SEGMENTS: u32 = 1 << 16;

impl HammingIndex {
    /// Writes the index to `path`, replacing what is there only once the new file is complete on disk.
    /// `watermark` is kept for the caller: how far the source had been followed. It must not be ahead of what
    /// had been inserted and withdrawn before the call. Queries and changes go on meanwhile; changes made
    /// during the call may or may not be in the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        snapshot::replace(path, |writer| self.write_file(writer, watermark))
    }

    /// Reads a snapshot and builds its tables; answers the index and the watermark.
    ///
    /// # Errors
    /// The file cannot be read, is not a snapshot, or is damaged. Nothing of such a file is used, and no more
    /// memory is taken than the file is long.
    pub fn load(path: &Path, options: Options) -> Result<(Self, u64), SnapshotError> {
        let (mut reader, actual) = Reader::open(path)?;
        let header = Header::read(&mut reader, actual)?;
        let mut parts = Vec::new();
        for (codes, more) in &header.segments {
            let sorted = reader.all(*codes, spread)?;
            let ids = reader.all(*codes, |bytes: &[u8; 4]| u32::from_le_bytes(*bytes))?;
            parts.push((sorted, ids, reader.pairs(*more)?));
        }
        let withdrawn = Withdrawn::new();
        for _ in 0..header.pages {
            let (number, words) = reader.page()?;
            withdrawn.add_page(number, &words);
        }
        reader.finish()?;
        // Only now, when the digest has been found right, is the content worth building tables for.
        let mut segments = Vec::new();
        for (codes, ids, more) in parts {
            check_order(&codes, &ids, &more)?;
            segments.push(Segment::from_parts_at_once(codes.into(), ids.into(), more.into()));
        }
        Ok((Self::restore(options, segments, withdrawn), header.watermark))
    }

    fn write_file(&self, mut writer: Writer, watermark: u64) -> Result<(), SnapshotError> {
        // Pages first: a withdrawal that comes later is the caller's to repeat, as the watermark says.
        let pages: Vec<(u32, Vec<u64>)> = self.withdrawn().pages().collect();
        let state = self.state();
        let tail: Vec<_> = state.tail.iter().flat_map(|chunk| chunk.entries()).collect();
        let tail = (!tail.is_empty()).then(|| merge::sort(tail, self.withdrawn())).filter(|it| it.len() > 0);
        let segments: Vec<&Segment> = state.segments.iter().map(AsRef::as_ref).chain(tail.as_ref()).collect();
        writer.put(&MAGIC)?;
        let counts = [VERSION, count(segments.len())?, count(pages.len())?, 0];
        writer.put_all(counts, u32::to_le_bytes)?;
        writer.put(&watermark.to_le_bytes())?;
        for segment in &segments {
            let (codes, _, more) = segment.parts();
            writer.put_all([codes.len() as u64, more.len() as u64], u64::to_le_bytes)?;
        }
        for segment in &segments {
            let (codes, ids, more) = segment.parts();
            writer.put_all(codes.iter().flat_map(|code| code.0), u64::to_le_bytes)?;
            writer.put_all(ids.iter().copied(), u32::to_le_bytes)?;
            writer.put_all(more.iter().flat_map(|(place, id)| [*place, *id]), u32::to_le_bytes)?;
        }
        for (number, words) in pages {
            writer.put(&number.to_le_bytes())?;
            writer.put_all(words, u64::to_le_bytes)?;
        }
        writer.finish()
    }
}

/// The first two rows of the layout, checked against the length of the file.
struct Header {
    watermark: u64,
    /// Distinct codes and further identifiers of each segment.
    segments: Vec<(u64, u64)>,
    pages: u32,
}

impl Header {
    fn read(reader: &mut Reader, actual: u64) -> Result<Self, SnapshotError> {
        if actual < HEADER {
            return Err(SnapshotError::Foreign);
        }
        if reader.bytes::<8>()? != MAGIC {
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
        let mut expected = HEADER + DIGEST + 16 * u64::from(count) + PAGE * u64::from(pages);
        if actual < expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        let mut segments = Vec::new();
        for _ in 0..count {
            let (codes, more) = (u64::from_le_bytes(reader.bytes()?), u64::from_le_bytes(reader.bytes()?));
            if codes > MAX_CODES || more > MAX_CODES {
                return Err(SnapshotError::Invalid("a segment is too large"));
            }
            // At most 2^16 segments of 44 x 2^28 bytes: no overflow.
            expected += 36 * codes + 8 * more;
            segments.push((codes, more));
        }
        if actual != expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        Ok(Self { watermark, segments, pages })
    }
}

/// The invariants a segment relies on.
fn check_order(codes: &[Spread], ids: &[u32], more: &[(u32, u32)]) -> Result<(), SnapshotError> {
    let ascending = codes.is_sorted_by(|a, b| a < b) && more.is_sorted_by(|a, b| a < b);
    let last = more.last().map_or(0, |(place, _)| *place as usize);
    if !ascending || (last >= codes.len() && !more.is_empty()) || ids.len() != codes.len() {
        return Err(SnapshotError::Invalid("a segment is not in order"));
    }
    Ok(())
}

fn count(number: usize) -> Result<u32, SnapshotError> {
    u32::try_from(number).map_err(|_| SnapshotError::Invalid("too many segments"))
}

/// A stored code, its words in the order in which they are kept.
fn spread(bytes: &[u8; 32]) -> Spread {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Spread(words)
}
