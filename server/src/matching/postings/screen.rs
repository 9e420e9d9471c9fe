//! Which descriptors of a query say nothing: those that occur in pictures of nothing in particular.
//!
//! A fixed sample of descriptors stands for what is common: straight edges, corners, the strokes of letters. A
//! descriptor of the query that has more than a few near neighbours in it does not vote. The sample is sorted by
//! visual word and searched like the index, so that screening costs little.
//!
//! Owns the file of the sample. Layout: magic `TSCOMMON`; number N of codes (4 bytes, little-endian); 4 bytes of
//! zero; N codes (four words of 64 bits, little-endian); SHA-256 of everything before.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::local::{Code, Local, distance_within};
use super::vocabulary::Vocabulary;

const MAGIC: [u8; 8] = *b"TSCOMMON";
const HEADER: usize = 16;
const DIGEST: usize = 32;
/// Most codes of a sample: 32 MiB.
const MAX_CODES: usize = 1 << 20;
/// Words visited for each descriptor. A common code has neighbours in many words; these suffice to see a few.
const PROBES: usize = 64;
/// Neighbours within this distance count as the same pattern ...
const NEAR: u32 = 34;
/// ... and this many of them are allowed.
const ALLOWED: usize = 2;

/// Why bytes are no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// The bytes are something else.
    #[error("the file is not a sample of common descriptors")]
    Foreign,
    /// The length does not fit the number of codes, or there are more than 2^20.
    #[error("the sample of common descriptors has an unsupported size")]
    Size,
    /// The digest does not fit the content.
    #[error("the sample of common descriptors is damaged: its digest does not match")]
    Digest,
}

/// Descriptors of pictures of nothing in particular.
#[derive(Debug)]
pub struct Screen {
    vocabulary: Arc<Vocabulary>,
    /// By word; words may repeat.
    words: Vec<u32>,
    codes: Vec<Code>,
}

impl Screen {
    /// A screen of the given codes; none lets everything pass.
    #[must_use]
    pub fn new(vocabulary: Arc<Vocabulary>, codes: &[Code]) -> Self {
        let codes = codes.iter().take(MAX_CODES);
        let mut sorted: Vec<(u32, Code)> = codes.map(|code| (vocabulary.word(code), *code)).collect();
        sorted.sort_unstable();
        let (words, codes) = sorted.into_iter().unzip();
        Self { vocabulary, words, codes }
    }

    /// The file of the given codes.
    ///
    /// # Errors
    /// There are more than 2^20.
    pub fn encode(codes: &[Code]) -> Result<Vec<u8>, ScreenError> {
        let count = u32::try_from(codes.len()).map_err(|_| ScreenError::Size)?;
        if codes.len() > MAX_CODES {
            return Err(ScreenError::Size);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(count.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(codes.iter().flatten().flat_map(|word| word.to_le_bytes()));
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// Reads a file of codes.
    ///
    /// # Errors
    /// The bytes are no sample, have the wrong length or are damaged.
    pub fn decode(bytes: &[u8], vocabulary: Arc<Vocabulary>) -> Result<Self, ScreenError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(ScreenError::Foreign)?;
        let (numbers, _) = rest.split_first_chunk::<8>().ok_or(ScreenError::Foreign)?;
        let [n0, n1, n2, n3, 0, 0, 0, 0] = *numbers else { return Err(ScreenError::Size) };
        let count = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        if count > MAX_CODES || bytes.len() != HEADER + 32 * count + DIGEST {
            return Err(ScreenError::Size);
        }
        let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or(ScreenError::Size)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(ScreenError::Digest);
        }
        let words = body.get(HEADER..).unwrap_or_default().as_chunks::<8>().0;
        let codes: Vec<Code> =
            words.as_chunks().0.iter().map(|code: &[[u8; 8]; 4]| code.map(u64::from_le_bytes)).collect();
        Ok(Self::new(vocabulary, &codes))
    }

    /// Whether the descriptor is common.
    #[must_use]
    pub fn is_common(&self, code: &Code) -> bool {
        let mut words = Vec::new();
        self.vocabulary.probes(code, PROBES, &mut words);
        let mut near = 0;
        for word in words {
            let start = self.words.partition_point(|other| *other < word);
            let list = self.words.get(start..).unwrap_or_default().iter().zip(self.codes.iter().skip(start));
            for (_, other) in list.take_while(|(other, _)| **other == word) {
                near += usize::from(distance_within(code, other, NEAR).is_some());
                if near > ALLOWED {
                    return true;
                }
            }
        }
        false
    }

    /// The descriptors that are not common, in their order.
    #[must_use]
    pub fn keep_telling(&self, query: &[Local]) -> Vec<Local> {
        query.iter().filter(|local| !self.is_common(&local.code)).copied().collect()
    }
}
