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

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::code::Spread;
use super::index::{HammingIndex, Options};
use super::merge;
use super::segment::Segment;
use crate::matching::withdrawn::{PAGE_WORDS, PAGES, Withdrawn};

const MAGIC: [u8; 8] = *b"TSHAMIDX";
const VERSION: u32 = 1;
/// Bytes before the table of segments.
const HEADER: u64 = 32;
/// Bytes of the digest at the end.
const DIGEST: u64 = 32;
/// Bytes of a page of withdrawn identifiers with its number.
const PAGE: u64 = 4 + 8 * PAGE_WORDS as u64;
/// Largest segment a snapshot may hold, as in [`Options::max_segment`].
const MAX_CODES: u64 = 1 << 28;
/// Most segments a snapshot may hold.
const MAX_SEGMENTS: u32 = 1 << 16;
/// Bytes converted at a time.
const BUFFER: usize = 1 << 16;

/// Why a snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file could not be read or written.
    #[error("snapshot file: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("the file is not a snapshot of a Hamming index")]
    Foreign,
    /// Written by another version of the format.
    #[error("snapshot version {0} is not supported")]
    Version(u32),
    /// The file is shorter or longer than its header says.
    #[error("the snapshot has {actual} bytes instead of {expected}")]
    Length {
        /// Bytes its header announces.
        expected: u64,
        /// Bytes it has.
        actual: u64,
    },
    /// The digest does not fit the content.
    #[error("the snapshot is damaged: its digest does not match")]
    Digest,
    /// The content contradicts itself.
    #[error("the snapshot is invalid: {0}")]
    Invalid(&'static str),
}

impl HammingIndex {
    /// Writes the index to `path`, replacing what is there only once the new file is complete on disk.
    /// `watermark` is kept for the caller: how far the source had been followed. It must not be ahead of what
    /// had been inserted and withdrawn before the call. Queries and changes go on meanwhile; changes made
    /// during the call may or may not be in the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let written = self.write_file(&partial, watermark).and_then(|()| {
            fs::rename(&partial, path)?;
            // The rename itself is durable only with the directory.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok(File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?)
        });
        if written.is_err() {
            // Best effort: the error that matters is the first one.
            let _ = fs::remove_file(&partial);
        }
        written
    }

    /// Reads a snapshot and builds its tables; answers the index and the watermark.
    ///
    /// # Errors
    /// The file cannot be read, is not a snapshot, or is damaged. Nothing of such a file is used, and no more
    /// memory is taken than the file is long.
    pub fn load(path: &Path, options: Options) -> Result<(Self, u64), SnapshotError> {
        let file = File::open(path)?;
        let actual = file.metadata()?.len();
        let mut reader = Reader { file, digest: Sha256::new() };
        let header = Header::read(&mut reader, actual)?;
        let mut parts = Vec::new();
        for (codes, more) in &header.segments {
            parts.push((reader.codes(*codes)?, reader.words(*codes)?, reader.pairs(*more)?));
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
            segments.push(Segment::from_parts(codes.into(), ids.into(), more.into()));
        }
        Ok((Self::restore(options, segments, withdrawn), header.watermark))
    }

    fn write_file(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        // Pages first: a withdrawal that comes later is the caller's to repeat, as the watermark says.
        let pages: Vec<(u32, Vec<u64>)> = self.withdrawn().pages().collect();
        let state = self.state();
        let tail: Vec<_> = state.tail.iter().flat_map(|chunk| chunk.entries()).collect();
        let tail = (!tail.is_empty()).then(|| merge::sort(tail, self.withdrawn())).filter(|it| it.len() > 0);
        let segments: Vec<&Segment> = state.segments.iter().map(AsRef::as_ref).chain(tail.as_ref()).collect();
        let mut writer =
            Writer { file: BufWriter::with_capacity(BUFFER, File::create(path)?), digest: Sha256::new() };
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

struct Writer {
    file: BufWriter<File>,
    digest: Sha256,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    fn put_all<T, const N: usize>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        bytes_of: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(BUFFER);
        for value in values {
            buffer.extend_from_slice(&bytes_of(value));
            if buffer.len() >= BUFFER {
                self.put(&buffer)?;
                buffer.clear();
            }
        }
        self.put(&buffer)
    }

    fn finish(mut self) -> Result<(), SnapshotError> {
        let digest = self.digest.finalize();
        self.file.write_all(&digest)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(file.sync_all()?)
    }
}

struct Reader {
    file: File,
    digest: Sha256,
}

impl Reader {
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact(bytes)?;
        self.digest.update(&*bytes);
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads `count` values of `N` bytes. The header has been checked: the file is long enough for them.
    fn all<T, const N: usize>(
        &mut self,
        count: u64,
        value_of: impl Fn(&[u8; N]) -> T,
    ) -> Result<Vec<T>, SnapshotError> {
        let count = usize::try_from(count).map_err(|_| SnapshotError::Invalid("a segment is too large"))?;
        let mut values = Vec::with_capacity(count);
        let mut buffer = vec![0; BUFFER / N * N];
        while values.len() < count {
            let wanted = buffer.len().min((count - values.len()) * N);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            self.fill(part)?;
            values.extend(part.as_chunks().0.iter().map(&value_of));
        }
        Ok(values)
    }

    fn codes(&mut self, count: u64) -> Result<Vec<Spread>, SnapshotError> {
        self.all(count, |bytes: &[u8; 32]| {
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            Spread(words)
        })
    }

    fn words(&mut self, count: u64) -> Result<Vec<u32>, SnapshotError> {
        self.all(count, |bytes: &[u8; 4]| u32::from_le_bytes(*bytes))
    }

    fn pairs(&mut self, count: u64) -> Result<Vec<(u32, u32)>, SnapshotError> {
        self.all(count, |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))
        })
    }

    fn page(&mut self) -> Result<(u32, Vec<u64>), SnapshotError> {
        let number = u32::from_le_bytes(self.bytes()?);
        if number as usize >= PAGES {
            return Err(SnapshotError::Invalid("a page of withdrawn identifiers has no such number"));
        }
        Ok((number, self.all(PAGE_WORDS as u64, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes))?))
    }

    fn finish(mut self) -> Result<(), SnapshotError> {
        let mut stored = [0; 32];
        self.file.read_exact(&mut stored)?;
        if self.digest.finalize().as_slice() == stored { Ok(()) } else { Err(SnapshotError::Digest) }
    }
}
