//! Candidate search: which registered pictures may this photo be?
//!
//! Two global codes find what looks alike as a whole, in any of the eight orientations; local features find parts.
//! Everything here proposes: only the comparison of the pixels decides. It knows log indexes, codes and features,
//! nothing of statements. A query takes a snapshot and holds no lock while it searches; pictures are added and
//! withdrawn meanwhile.

mod folder;
pub mod hamming;
mod locals;
pub mod postings;
mod snapshot;
mod withdrawn;

use folder::Folder;
use hamming::{HammingIndex, Limits};
use locals::Codes;
use postings::{CodeFile, CodesError, Local, PostingIndex, Vocabulary, VocabularyError};
pub use snapshot::SnapshotError;
use std::{collections::BTreeMap, io, path::Path, sync::Arc};
use touchstone_inspect::features;

/// Visual words, trained on descriptors of rendered pictures: no photograph is in it.
const WORDS: &[u8] = include_bytes!("words.voc");

/// Largest distance of PDQ at which two pictures are proposed as one: 31 of 256 bits is Meta's recommendation.
pub const PDQ_RADIUS: u32 = 31;
/// The same for the gradient hash: about one false proposal in a million pairs of unrelated pictures.
pub const DHASH_RADIUS: u32 = 36;
/// Most proposals of one code.
const MAX_HITS: usize = 256;
/// Agreeing features from which a proposal convinces: more than an unrelated one of a million had in 99 of 100 look-ups
/// that allowed 44 bits. It decides only whether a mirrored photo is looked for, too.
const CONVINCING: u32 = 12;
/// What looking for a mirrored photo may cost, at most, as a part of the look before: hardly anybody mirrors, and mirrored
/// whole pictures are found by their codes.
const MIRRORED_PART: usize = 4;
/// Codes in the unsorted tail from which it is sealed.
const SEAL: usize = 16_384;

/// How a photo is looked at: as it is or mirrored.
type Face = fn(&features::Query) -> Vec<Local>;

/// A registered picture that looks alike as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// Log index of the statement.
    pub index: u64,
    /// Differing bits of PDQ, if within [`PDQ_RADIUS`].
    pub pdq: Option<u32>,
    /// Differing bits of the gradient hash, if within [`DHASH_RADIUS`].
    pub dhash: Option<u32>,
    /// Which of the query's orientations it was, an index into `Symmetry::ALL`; that of the nearer code.
    pub orientation: u8,
}

impl Near {
    /// How far it is, in thousandths of the code's radius: the two codes are comparable in this.
    fn rank(&self) -> u32 {
        let of =
            |distance: Option<u32>, radius| distance.map_or(u32::MAX, |distance| distance * 1_000 / radius);
        of(self.pdq, PDQ_RADIUS).min(of(self.dhash, DHASH_RADIUS))
    }
}

/// What global codes proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nearest {
    /// Nearest first, then oldest first.
    pub near: Vec<Near>,
    /// Some were left out: the photo looks like very many registered pictures.
    pub flooded: bool,
}

/// All searchable pictures.
#[derive(Debug)]
pub struct PictureIndex {
    pdq: HammingIndex,
    dhash: HammingIndex,
    parts: PostingIndex,
    codes: Codes,
    /// Where it is kept over a restart.
    folder: Option<Folder>,
}

/// How far a restored index had followed its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The last change that is surely in it.
    pub watermark: u64,
    /// What the source was known by.
    pub source: Vec<u8>,
}

/// Why the index cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The built-in words are damaged.
    #[error(transparent)]
    Words(#[from] VocabularyError),
    /// The stored descriptors cannot be read or written.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// The folder of the index cannot be used.
    #[error("the folder of the index: {0}")]
    Folder(#[from] io::Error),
}

/// What a registered picture is found by.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// Log index of the statement. Those beyond 32 bits are not searchable.
    pub index: u64,
    /// PDQ, if it tells enough.
    pub pdq: Option<[u8; 32]>,
    /// Gradient hash, if it tells enough.
    pub dhash: Option<[u8; 32]>,
    /// Local features, if they are kept.
    pub features: Option<features::Reference>,
}

impl PictureIndex {
    /// The index that was kept in `folder`, with its watermark, or an empty one. What was kept is used only whole and
    /// undamaged, and if `is_current` says that it belongs to the source as it is now. Without a folder, or if another
    /// server has it, the index lies in memory alone.
    ///
    /// # Errors
    /// [`IndexError`] if the folder cannot be used.
    pub fn open(
        folder: Option<&Path>,
        is_current: impl FnOnce(&Restored) -> bool,
    ) -> Result<(Self, Option<u64>), IndexError> {
        let words = Arc::new(Vocabulary::decode(WORDS)?);
        let taken = folder.map(Folder::take).transpose()?;
        if matches!(taken, Some(None)) {
            tracing::warn!("another server uses the folder of the index: this one keeps its index in memory");
        }
        let folder = taken.flatten();
        let kept =
            folder.as_ref().and_then(|folder| restore(folder, &words)).filter(|(_, it)| is_current(it));
        let (parts, watermark) = match (kept, &folder) {
            (Some((parts, restored)), _) => (parts, Some(restored.watermark)),
            (None, Some(folder)) => {
                folder.clear()?;
                (Parts::empty(words, Codes::in_file(CodeFile::open(&folder.descriptors())?)), None)
            }
            (None, None) => (Parts::empty(words, Codes::in_memory()), None),
        };
        let Parts { pdq, dhash, postings, codes } = parts;
        Ok((Self { pdq, dhash, parts: postings, codes, folder }, watermark))
    }

    /// Makes what was added so far durable, while queries and changes go on: [`Self::save_directory`], for which
    /// changes wait, then has little left to make so.
    ///
    /// # Errors
    /// [`IndexError::Codes`] if the file cannot be written.
    pub fn synchronise(&self) -> Result<(), IndexError> {
        Ok(self.codes.file().map_or(Ok(()), CodeFile::synchronise)?)
    }

    /// Writes where the descriptors stand: the first half of keeping the index in its folder. Nothing may be added or
    /// withdrawn meanwhile. `watermark` says how far the source has been followed.
    ///
    /// # Errors
    /// [`SnapshotError`] if a file cannot be written.
    pub fn save_directory(&self, watermark: u64) -> Result<(), SnapshotError> {
        match (&self.folder, self.codes.file()) {
            (Some(folder), Some(file)) => file.save_directory(&folder.directory(), watermark),
            _ => Ok(()),
        }
    }

    /// Writes everything else: the second half. Queries and changes go on. What was withdrawn is not written.
    ///
    /// # Errors
    /// [`SnapshotError`] if a file cannot be written.
    pub fn save(&self, state: &Restored) -> Result<(), SnapshotError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for (index, path) in [(&self.pdq, folder.pdq()), (&self.dhash, folder.dhash())] {
            index.purge();
            index.save(&path, state.watermark)?;
        }
        self.parts.save(&folder.postings(), state.watermark)?;
        folder.save_source(&state.source)
    }

    /// Adds pictures. One that was withdrawn stays away; one that is there may be added again with other codes.
    ///
    /// # Errors
    /// [`IndexError::Codes`] if descriptors cannot be written.
    pub fn insert(&self, pictures: &[Registered]) -> Result<(), IndexError> {
        let (pdq, dhash) = entries(pictures);
        if pictures.len() > SEAL {
            self.pdq.insert_sealed(&pdq);
            self.dhash.insert_sealed(&dhash);
        } else {
            self.pdq.insert_all(&pdq);
            self.dhash.insert_all(&dhash);
        }
        for picture in pictures {
            let (Ok(id), Some(found)) = (u32::try_from(picture.index), &picture.features) else { continue };
            let stored: Vec<Local> = found.features.iter().map(locals::local).collect();
            // First the codes: a posting without them proposes nothing.
            self.codes.put(id, &stored)?;
            self.parts.insert(id, &stored);
        }
        Ok(())
    }

    /// Withdraws a picture for ever.
    ///
    /// # Errors
    /// [`IndexError::Codes`] if its descriptors cannot be overwritten.
    pub fn withdraw(&self, index: u64) -> Result<(), IndexError> {
        let Ok(id) = u32::try_from(index) else { return Ok(()) };
        self.pdq.withdraw(id);
        self.dhash.withdraw(id);
        self.parts.withdraw(id);
        Ok(self.codes.remove(id)?)
    }

    /// Pictures that show, somewhere, what the photo shows: most agreeing features first.
    ///
    /// # Errors
    /// [`IndexError::Codes`] if stored descriptors cannot be read.
    pub fn parts(&self, photo: &features::Query) -> Result<Vec<u64>, IndexError> {
        let far = postings::Limits::default();
        let near = postings::Limits {
            probes: far.probes / MIRRORED_PART,
            postings: far.postings / MIRRORED_PART,
            examined: far.examined / MIRRORED_PART,
            ..far
        };
        self.proposed(photo, &[(locals::plain, far), (locals::mirrored, near)])
    }

    /// The same for a photo with grain of which nothing was found: descriptors that differ more, but of more places.
    ///
    /// Of 182 poor photographs of screens 172 are found with it, 164 without. Of 188 such photographs of other captures of
    /// the registered things none is.
    ///
    /// # Errors
    /// As [`Self::parts`].
    pub fn parts_despite_grain(&self, photo: &features::Query) -> Result<Vec<u64>, IndexError> {
        let limits = postings::Limits { signature: 5, distance: 60, votes: 5, ..postings::Limits::default() };
        self.proposed(photo, &[(locals::plain, limits)])
    }

    /// What is proposed under either of the faces, most votes first; no further face than convinces.
    fn proposed(
        &self,
        photo: &features::Query,
        faces: &[(Face, postings::Limits)],
    ) -> Result<Vec<u64>, IndexError> {
        if self.parts.stats().postings == 0 {
            return Ok(Vec::new());
        }
        let mut votes: BTreeMap<u32, u32> = BTreeMap::new();
        for (face, limits) in faces {
            for candidate in self.parts.search(&face(photo), &self.codes, limits)?.candidates {
                let known = votes.entry(candidate.picture).or_default();
                *known = candidate.votes.max(*known);
            }
            // A mirrored photo is looked for when nothing else convinces.
            if votes.values().any(|votes| *votes >= CONVINCING) {
                break;
            }
        }
        let mut found: Vec<(u32, u32)> = votes.into_iter().collect();
        found.sort_by_key(|(picture, votes)| (std::cmp::Reverse(*votes), *picture));
        Ok(found.into_iter().map(|(picture, _)| picture.into()).collect())
    }

    /// Number of searchable pictures, withdrawn ones included until they leave memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pdq.stats().entries.max(self.codes.len())
    }

    /// Whether nothing is searchable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pdq.stats().bytes + self.dhash.stats().bytes + self.parts.stats().bytes
    }

    /// Brings what was added into searchable order. Takes long: for a thread of its own.
    pub fn maintain(&self) {
        for index in [&self.pdq, &self.dhash] {
            if index.stats().tail >= SEAL {
                index.seal();
            }
            while index.merge() {}
        }
        while self.parts.maintain() {}
    }

    /// Pictures that look alike as a whole, given the codes of the photo's orientations.
    #[must_use]
    pub fn near(&self, pdq: &[hamming::Code], dhash: &[hamming::Code]) -> Nearest {
        let limits = Limits { hits: MAX_HITS, ..Limits::default() };
        let mut found: BTreeMap<u32, Near> = BTreeMap::new();
        let pdq = self.pdq.search(pdq, PDQ_RADIUS, &limits);
        for hit in &pdq.hits {
            let near =
                Near { index: hit.id.into(), pdq: Some(hit.distance), dhash: None, orientation: hit.variant };
            found.insert(hit.id, near);
        }
        let dhash = self.dhash.search(dhash, DHASH_RADIUS, &limits);
        for hit in &dhash.hits {
            let other =
                Near { index: hit.id.into(), pdq: None, dhash: Some(hit.distance), orientation: hit.variant };
            let near = found.entry(hit.id).or_insert(other);
            let orientation = if other.rank() < near.rank() { hit.variant } else { near.orientation };
            *near = Near { dhash: Some(hit.distance), orientation, ..*near };
        }
        let mut near: Vec<Near> = found.into_values().collect();
        near.sort_by_key(|near| (near.rank(), near.index));
        let flooded = [&pdq, &dhash].iter().any(|answer| answer.truncated || !answer.complete);
        Nearest { near, flooded }
    }
}

/// What is kept in the folder.
struct Parts {
    pdq: HammingIndex,
    dhash: HammingIndex,
    postings: PostingIndex,
    codes: Codes,
}

impl Parts {
    fn empty(words: Arc<Vocabulary>, codes: Codes) -> Self {
        let postings = PostingIndex::new(words, postings::Options::default());
        Self { pdq: HammingIndex::default(), dhash: HammingIndex::default(), postings, codes }
    }

    /// All of what the folder holds, or nothing. The global codes are loaded side by side.
    fn load(folder: &Folder, words: &Arc<Vocabulary>) -> Result<(Self, Restored), SnapshotError> {
        let source = folder.load_source()?;
        let (pdq, dhash) = std::thread::scope(|scope| {
            let beside = scope.spawn(|| HammingIndex::load(&folder.pdq(), hamming::Options::default()));
            let dhash = HammingIndex::load(&folder.dhash(), hamming::Options::default());
            (beside.join().unwrap_or(Err(SnapshotError::Invalid("its loading broke off"))), dhash)
        });
        let ((pdq, one), (dhash, two)) = (pdq?, dhash?);
        let options = postings::Options::default();
        let (postings, three) = PostingIndex::load(&folder.postings(), Arc::clone(words), options)?;
        let (file, four) = CodeFile::restore(&folder.descriptors(), &folder.directory())?;
        // Written one after the other: what the oldest lacks comes again from the source.
        let watermark = one.min(two).min(three).min(four);
        Ok((Self { pdq, dhash, postings, codes: Codes::in_file(file) }, Restored { watermark, source }))
    }
}

/// What the folder holds, if it is all there and undamaged.
fn restore(folder: &Folder, words: &Arc<Vocabulary>) -> Option<(Parts, Restored)> {
    match Parts::load(folder, words) {
        Ok(kept) => Some(kept),
        Err(SnapshotError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!("the index on the disk is made anew: {error}");
            None
        }
    }
}

type Entries = Vec<(hamming::Code, u32)>;

fn entries(pictures: &[Registered]) -> (Entries, Entries) {
    let id = |picture: &Registered| u32::try_from(picture.index).ok();
    let pdq = pictures.iter().filter_map(|picture| Some((picture.pdq?, id(picture)?)));
    let dhash = pictures.iter().filter_map(|picture| Some((picture.dhash?, id(picture)?)));
    (pdq.collect(), dhash.collect())
}
