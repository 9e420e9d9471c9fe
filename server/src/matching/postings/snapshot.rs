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

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::index::{Entries, Options, PostingIndex};
use super::posting::Posting;
use super::segment::{MAX_POSTINGS, Segment};
use super::vocabulary::Vocabulary;
use crate::matching::withdrawn::{PAGE_WORDS, PAGES, Withdrawn};

const MAGIC: [u8; 8] = *b"TSPOSTIX";
const VERSION: u32 = 1;
/// Bytes before the table of segments, of the digest at the end, and of a page with its number.
const HEADER: u64 = 64;
const DIGEST: u64 = 32;
const PAGE: u64 = 4 + 8 * PAGE_WORDS as u64;
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
    #[error("the file is not a snapshot of a posting index")]
    Foreign,
    /// Written by another version of the format.
    #[error("snapshot version {0} is not supported")]
    Version(u32),
    /// Its words are those of another vocabulary: the index has to be built anew from the stored descriptors.
    #[error("the snapshot was made with another vocabulary")]
    Vocabulary,
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

impl PostingIndex {
    /// Writes the index to `path`, replacing what is there only once the new file is complete on disk.
    /// `watermark` is kept for the caller: how far the source had been followed. It must not be ahead of what
    /// had been inserted and withdrawn before the call. Queries and changes go on meanwhile; changes made
    /// during the call may or may not be in the file.
    ///
    /// # Errors
    /// The file cannot be written; what was at `path` is still there.
    pub fn save(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        let written = self.write_file(partial, watermark).and_then(|()| {
            fs::rename(partial, path)?;
            // The new name is durable once its directory is.
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok(File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?)
        });
        if written.is_err() {
            // Best effort: the error that matters is the first one.
            let _ = fs::remove_file(partial);
        }
        written
    }

    fn write_file(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        // Pages first: a withdrawal that comes later is the caller's to repeat, as the watermark says.
        let pages: Vec<(u32, Vec<u64>)> = self.withdrawn().pages().collect();
        let state = self.state();
        let tail: Entries = state.tail.iter().flat_map(|entries| entries.iter().copied()).collect();
        let tail = Segment::build(tail, self.vocabulary().words(), self.withdrawn());
        let segments: Vec<&Segment> = state.segments.iter().map(AsRef::as_ref).chain([&tail]).collect();
        let mut writer =
            Writer { file: BufWriter::with_capacity(BUFFER, File::create(path)?), digest: Sha256::new() };
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
        let file = File::open(path)?;
        let actual = file.metadata()?.len();
        let mut reader = Reader { file, digest: Sha256::new() };
        let header = Header::read(&mut reader, actual, vocabulary.digest())?;
        let mut parts = Vec::new();
        for (words, postings) in &header.segments {
            let lists = reader.all(*words, |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
                (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))
            })?;
            let postings = reader.all(*postings, |bytes: &[u8; 8]| Posting(u64::from_le_bytes(*bytes)))?;
            parts.push((lists, postings));
        }
        let withdrawn = Withdrawn::new();
        for _ in 0..header.pages {
            let number = u32::from_le_bytes(reader.bytes()?);
            if number as usize >= PAGES {
                return Err(SnapshotError::Invalid("a page of withdrawn pictures has no such number"));
            }
            let words = reader.all(PAGE_WORDS as u64, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes))?;
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

    fn finish(mut self) -> Result<(), SnapshotError> {
        let mut stored = [0; 32];
        self.file.read_exact(&mut stored)?;
        if self.digest.finalize().as_slice() == stored { Ok(()) } else { Err(SnapshotError::Digest) }
    }
}
