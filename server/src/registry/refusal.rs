//! Why a use case refuses: a stable problem for the client, a cause for the registry's own log.

use crate::{clock::EntropyError, keyring::KeyringError, store::StoreError};
use std::{error::Error, fmt};
use touchstone_inspect::InspectError;
use touchstone_schema::{
    envelope::EnvelopeError, json::StrictJsonError, problem::ProblemCode, record::RecordError,
    statement::StatementError,
};

/// A refusal. `detail` goes to the client, `cause` never does.
#[derive(Debug)]
pub struct Refusal {
    /// The problem.
    pub code: ProblemCode,
    /// What was wrong with this request, for the client.
    pub detail: Option<String>,
    /// What went wrong inside, for the log.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
    /// When to try again.
    pub retry_after_seconds: Option<u32>,
    /// Back-pressure that was meant: nothing failed, too much was asked at once.
    pub busy: bool,
}

impl Refusal {
    /// A problem that needs no further words.
    #[must_use]
    pub const fn new(code: ProblemCode) -> Self {
        Self { code, detail: None, cause: None, retry_after_seconds: None, busy: false }
    }

    /// A problem with words for the client.
    pub fn with(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(code) }
    }

    /// A failure of the registry.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Self::new(ProblemCode::Internal) }
    }

    /// The registry cannot answer now.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            retry_after_seconds: Some(1),
            ..Self::new(ProblemCode::Unavailable)
        }
    }

    /// Too much is asked of the registry now; nothing failed.
    pub fn busy(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { busy: true, ..Self::unavailable(cause) }
    }
}

impl Refusal {
    /// The same refusal for somebody else who shared the failed work.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self {
            code: self.code,
            detail: self.detail.clone(),
            cause: self.cause.as_deref().map(|cause| cause.to_string().into()),
            retry_after_seconds: self.retry_after_seconds,
            busy: self.busy,
        }
    }

    /// The refusal with its causes, for the operator's own terminal and log.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let cause = self.cause.as_deref().map(|cause| format!(" ({cause})"));
        format!("{self}{}", cause.unwrap_or_default())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) => Self::busy(error),
            StoreError::Unavailable(_) | StoreError::Unreadable(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<EntropyError> for Refusal {
    fn from(error: EntropyError) -> Self {
        Self::internal(error)
    }
}

impl From<KeyringError> for Refusal {
    fn from(error: KeyringError) -> Self {
        Self::internal(error)
    }
}

impl From<StrictJsonError> for Refusal {
    fn from(error: StrictJsonError) -> Self {
        let code = match error {
            StrictJsonError::DuplicateName(_) => ProblemCode::DuplicateName,
            _ => ProblemCode::MalformedJson,
        };
        Self::with(code, error.to_string())
    }
}

impl From<EnvelopeError> for Refusal {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Json(json) => json.into(),
            EnvelopeError::TooLong(_) => Self::with(ProblemCode::EnvelopeTooLarge, error.to_string()),
            _ => Self::with(ProblemCode::MalformedEnvelope, error.to_string()),
        }
    }
}

impl From<StatementError> for Refusal {
    fn from(error: StatementError) -> Self {
        let code = match error {
            StatementError::Json(json) => return json.into(),
            StatementError::UnknownField(_) => ProblemCode::UnknownField,
            StatementError::UnknownKind(_) => ProblemCode::UnknownKind,
            StatementError::Field(_) | StatementError::Rule(_) => ProblemCode::InvalidField,
            StatementError::Audience { .. } => ProblemCode::WrongAudience,
            StatementError::Stale(_) | StatementError::Ahead(_) => ProblemCode::StaleStatement,
        };
        Self::with(code, error.to_string())
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        let code = match error {
            RecordError::Json(json) => return json.into(),
            RecordError::TooLong(_) => ProblemCode::BodyTooLarge,
            RecordError::Shape(_) => ProblemCode::InvalidField,
        };
        Self::with(code, error.to_string())
    }
}

impl From<InspectError> for Refusal {
    fn from(error: InspectError) -> Self {
        Self::with(error.problem(), error.to_string())
    }
}
