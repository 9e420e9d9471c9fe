//! Public keys, and those that the operator pinned for producers.

use super::USER_ID;
use crate::labels::provider_code::ORGANISATION_LENGTH;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use sm2::{
    dsa::VerifyingKey,
    pkcs8::{DecodePublicKey, EncodePublicKey},
};
use std::collections::BTreeMap;
use thiserror::Error;
use touchstone_schema::Sha256Digest;

/// How many keys a file of pinned keys may hold.
pub const MAX_PINS: usize = 10_000;
/// The longest code or name for which a key is pinned, in bytes.
const MAX_PRODUCER: usize = 128;
/// Stands before the producer above each key of a PEM file.
const PEM_PRODUCER: &str = "Producer:";
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// An SM2 public key with its DER form.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    key: VerifyingKey,
    /// SubjectPublicKeyInfo with the uncompressed point, however the key was given.
    der: Vec<u8>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl PublicKey {
    /// The longest DER form that is read, in bytes. An uncompressed key has 91.
    pub(super) const MAX_DER: usize = 128;

    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        Self::new(sm2::PublicKey::from_public_key_der(der).ok()?)
    }

    fn from_pem(pem: &str) -> Option<Self> {
        Self::new(sm2::PublicKey::from_public_key_pem(pem).ok()?)
    }

    pub(super) fn new(key: sm2::PublicKey) -> Option<Self> {
        let der = key.to_public_key_der().ok()?.as_bytes().to_vec();
        Some(Self { key: VerifyingKey::new(USER_ID, key).ok()?, der })
    }

    pub(super) const fn verifying(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.der)
    }
}

/// Why a file of pinned keys cannot be used. Positions count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProducerKeysError {
    /// Neither the JSON nor the PEM form.
    #[error("the file is neither JSON ({{\"keys\":[{{\"producer\":...,\"spki\":...}}]}}) nor PEM: {0}")]
    Form(String),
    /// No key in it.
    #[error("the file holds no key")]
    Empty,
    /// More than [`MAX_PINS`].
    #[error("the file holds more than {MAX_PINS} keys")]
    TooMany,
    /// A key cannot be read.
    #[error("key {position} is not an SM2 public key (SubjectPublicKeyInfo)")]
    Key {
        /// Its position.
        position: usize,
    },
    /// A PEM key without the line that says whose it is.
    #[error("key {position} has no line \"Producer: CODE\" above it")]
    NoProducer {
        /// Its position.
        position: usize,
    },
    /// The producer is empty, too long, or the beginning of the codes of several organisations.
    #[error(
        "the producer of key {position} is not a name or at least the first 22 characters of a provider code"
    )]
    Producer {
        /// Its position.
        position: usize,
    },
}

impl ProducerKeysError {
    /// What to do about it, in English and Chinese.
    #[must_use]
    pub const fn remedy(&self) -> (&'static str, &'static str) {
        match self {
            Self::Form(_) | Self::Empty => (
                "Write each key with its producer, as the guide's section on pinned producer keys shows.",
                "请按指南中“固定生成方密钥”一节，逐一写明密钥及其生成方。",
            ),
            Self::TooMany => ("Keep the keys that are in use.", "请只保留在用的密钥。"),
            Self::Key { .. } => (
                "Ask the producer for the key again, or take the entry out: openssl pkey -pubin -in KEY -outform DER shows \
                 what spki holds.",
                "请向生成方重新索取该密钥，或删除该条目：spki 的内容即 openssl pkey -pubin -in KEY -outform DER 的输出。",
            ),
            Self::NoProducer { .. } => (
                "Write the line above the key's BEGIN line, or take the key out.",
                "请在该密钥的 BEGIN 行之前写上这一行，或删除该密钥。",
            ),
            Self::Producer { .. } => (
                "Write ContentProducer as it stands in the producer's labels, or the first 22 characters of its code.",
                "请照生成方标识中的 ContentProducer 填写，或填写其编码的前 22 位。",
            ),
        }
    }
}

/// SM2 keys that the operator pinned for producers of implicit labels.
///
/// A pin names a producer by its `ContentProducer`, or by the beginning of it: the first 22 characters of a
/// provider code stand for one organisation with all its services. Of several pins that fit, the longest
/// counts. A producer may have several keys.
#[derive(Debug, Clone, Default)]
pub struct ProducerKeys {
    pins: BTreeMap<String, Vec<PublicKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    keys: Vec<JsonKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonKey {
    producer: String,
    /// SubjectPublicKeyInfo, as hexadecimal DER or as PEM.
    spki: String,
}

impl ProducerKeys {
    /// Reads a file of pinned keys.
    ///
    /// JSON: `{"keys":[{"producer":"001191310104MACE0YX639","spki":"3059..."}]}`; `spki` is hexadecimal DER or
    /// PEM text. PEM: blocks `PUBLIC KEY`, above each a line `Producer: 001191310104MACE0YX639`; other text
    /// between the blocks is a comment (RFC 7468).
    ///
    /// # Errors
    /// [`ProducerKeysError`] on the first entry that cannot be used: a key that is silently missing would turn
    /// forged labels into signed ones.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProducerKeysError> {
        let form = |error: &dyn std::fmt::Display| ProducerKeysError::Form(error.to_string());
        let text = std::str::from_utf8(bytes).map_err(|error| form(&error))?;
        let mut pins = Self::default();
        if text.trim_start().starts_with('{') {
            let file: JsonFile = serde_json::from_str(text).map_err(|error| form(&error))?;
            for (at, JsonKey { producer, spki }) in file.keys.iter().enumerate() {
                pins.pin(at + 1, producer, || {
                    let spki = spki.trim();
                    if spki.starts_with(PEM_BEGIN) {
                        return PublicKey::from_pem(spki);
                    }
                    PublicKey::from_der(&HEXLOWER_PERMISSIVE.decode(spki.as_bytes()).ok()?)
                })?;
            }
        } else {
            pins.pem(text)?;
        }
        if pins.is_empty() { Err(ProducerKeysError::Empty) } else { Ok(pins) }
    }

    fn pem(&mut self, text: &str) -> Result<(), ProducerKeysError> {
        let mut rest = text;
        let mut position = 0;
        while let Some((above, from)) = rest.find(PEM_BEGIN).map(|at| rest.split_at(at)) {
            position += 1;
            let end = from.find(PEM_END).ok_or(ProducerKeysError::Key { position })? + PEM_END.len();
            let (block, after) = from.split_at(end);
            let producer = above.lines().rev().find_map(|line| line.trim().strip_prefix(PEM_PRODUCER));
            let producer = producer.ok_or(ProducerKeysError::NoProducer { position })?;
            self.pin(position, producer, || PublicKey::from_pem(block))?;
            rest = after;
        }
        if position == 0 && !rest.trim().is_empty() {
            return Err(ProducerKeysError::Form("no PUBLIC KEY block was found".to_owned()));
        }
        Ok(())
    }

    fn pin(
        &mut self,
        position: usize,
        producer: &str,
        key: impl FnOnce() -> Option<PublicKey>,
    ) -> Result<(), ProducerKeysError> {
        if position > MAX_PINS {
            return Err(ProducerKeysError::TooMany);
        }
        let producer = producer.trim();
        let code = producer.starts_with("00")
            && producer.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        if producer.is_empty()
            || producer.len() > MAX_PRODUCER
            || code && producer.len() < ORGANISATION_LENGTH
        {
            return Err(ProducerKeysError::Producer { position });
        }
        let key = key().ok_or(ProducerKeysError::Key { position })?;
        let keys = self.pins.entry(producer.to_owned()).or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
        Ok(())
    }

    /// Whether no key is pinned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty()
    }

    /// How many keys are pinned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pins.values().map(Vec::len).sum()
    }

    /// The longest pin that `producer` begins with, and its keys.
    pub(super) fn pinned_for(&self, producer: &str) -> Option<(&str, &[PublicKey])> {
        let longest = producer.floor_char_boundary(MAX_PRODUCER);
        (1..=longest).rev().filter_map(|length| producer.get(..length)).find_map(|beginning| {
            let (pinned_for, keys) = self.pins.get_key_value(beginning)?;
            Some((pinned_for.as_str(), keys.as_slice()))
        })
    }
}
