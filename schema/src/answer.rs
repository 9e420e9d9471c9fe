//! Signed answers to exact look-ups: which log entries bind a digest or register a label, "none" included.
//!
//! An answer is a DSSE envelope of payload type [`ANSWER_TYPE`], signed with the registry's verdict key. It can be
//! replayed: whoever reads the first [`Answer::log_size`] entries of the log finds exactly [`Answer::entries`], or holds
//! proof that the registry answered wrongly.

use crate::{
    digest::Sha256Digest,
    envelope,
    key::PublicKey,
    statement::{Body, Statement},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Payload type of answers.
pub const ANSWER_TYPE: &str = "application/vnd.touchstone.answer.v1+json";

/// Most hits that a registry looks up for an answer.
pub const MAX_HITS: usize = 1_000;
/// Fewest entries in an answer that is cut. An entry can be hit twice: a file without a C2PA manifest binds one digest as
/// that of the file and as that of the file without manifest.
pub const LEAST_CUT: usize = MAX_HITS / 2;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Question {
    /// Which statements bind this digest, as that of a file or of a file without its C2PA manifest?
    Content {
        /// SHA-256.
        sha256: Sha256Digest,
    },
    /// Which outputs are registered under this label?
    Label {
        /// Provider code or name, as in `ContentProducer`.
        producer: String,
        /// Content number, as in `ProduceID`.
        content_id: String,
    },
}

/// What the registry answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Origin of the registry's log.
    pub registry: String,
    /// When it answered; never before the last entry that it takes into account.
    pub answered_at: Timestamp,
    /// Number of log entries that the answer takes into account.
    pub log_size: u64,
    /// What was asked.
    pub question: Question,
    /// Indexes of the log entries below `log_size` that answer it, in order; withdrawn ones included. Empty: none.
    pub entries: Vec<u64>,
    /// Whether there may be more entries than are listed: these are the first, at least 500 of them.
    pub truncated: bool,
    /// The checkpoint that was published last before it was looked up: a signed note of at most `log_size` entries.
    pub checkpoint: Option<String>,
}

/// Why an answer is not believed.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Not an envelope with an answer.
    #[error(transparent)]
    Envelope(#[from] envelope::EnvelopeError),
    /// The payload is no answer.
    #[error("not an answer of a registry: {0}")]
    Form(#[from] serde_json::Error),
    /// The signature is not that of the key.
    #[error("the answer is not signed with the registry's verdict key")]
    Signature,
}

impl Answer {
    /// Opens a signed answer.
    ///
    /// # Errors
    /// [`AnswerError`] if it is malformed or not signed with `verdict_key`.
    pub fn open(bytes: &[u8], verdict_key: &PublicKey) -> Result<Self, AnswerError> {
        let opened = envelope::open(bytes, ANSWER_TYPE)?;
        if !opened.verifies(verdict_key) {
            return Err(AnswerError::Signature);
        }
        Ok(serde_json::from_slice(&opened.payload)?)
    }
}

impl Question {
    /// Whether a statement answers the question by itself. A corrected label answers for the statement that it corrects:
    /// [`Self::asks_for_label`] tells.
    #[must_use]
    pub fn is_answered_by(&self, statement: &Statement) -> bool {
        match (self, &statement.body) {
            (Self::Content { sha256 }, Body::ImageRegistered(_) | Body::OutputLabelled(_)) => {
                statement.body.content().is_some_and(|content| {
                    content.sha256 == *sha256 || content.sha256_without_manifest == *sha256
                })
            }
            (Self::Label { .. }, Body::OutputLabelled(output)) => {
                self.asks_for_label(&output.label.producer, &output.label.content_id)
            }
            _ => false,
        }
    }

    /// Whether it asks for this label.
    #[must_use]
    pub fn asks_for_label(&self, producer: &str, content_id: &str) -> bool {
        matches!(self, Self::Label { producer: p, content_id: c } if p == producer && c == content_id)
    }
}
