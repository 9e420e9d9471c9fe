//! A witness: cosigns the checkpoints of other people's logs as long as each continues the last (C2SP tlog-witness).
//!
//! [`key`] is who it is, [`state`] what it cosigned; a directory holds both. It knows nothing of a registry and nothing
//! of HTTP.

pub mod key;
pub mod state;

pub use key::WitnessKey;
pub use state::{Refused, Witness};

use std::{
    io,
    path::{Path, PathBuf},
};
use touchstone_schema::log::{
    note::{KeyKind, VerifierKey, VerifierKeyError},
    policy::{Policy, PolicyLog, PolicyParseError},
};

/// Why a witness cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// There is one already.
    #[error(
        "there is a witness in {0:?} already; serve it with `touchstone-server witness serve`, or choose another directory"
    )]
    Exists(PathBuf),
    /// There is none.
    #[error("there is no witness in {0:?}: make one with `touchstone-server witness init` first")]
    Missing(PathBuf),
    /// Another process has it.
    #[error("another process serves the witness in {0:?}: two would not know of each other's cosignatures")]
    Locked(PathBuf),
    /// The name cannot be that of a key.
    #[error("the witness's name: {0}")]
    Name(#[from] VerifierKeyError),
    /// The key file is damaged.
    #[error("{0:?} holds no witness key: restore it from a copy")]
    Key(PathBuf),
    /// A record is damaged, or another witness's. Without it a rollback would go unnoticed.
    #[error(
        "{path:?} is no checkpoint that this witness cosigned ({reason}): restore the directory from a newer copy. \
         Never delete it: the witness would forget what it cosigned"
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Neither a log's key nor a policy.
    #[error("{value:?} is neither a log's verifier key ({key}) nor a file")]
    Log {
        /// As given.
        value: String,
        /// Why it is no key.
        key: VerifierKeyError,
    },
    /// A key that signs no logs.
    #[error("{0} is the key of a cosigner, not of a log")]
    LogKey(Box<VerifierKey>),
    /// A policy file is malformed.
    #[error("the policy {path:?}: {cause}")]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: PolicyParseError,
    },
    /// No log is named.
    #[error("no log is named that could be witnessed")]
    NoLogs,
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] crate::clock::EntropyError),
    /// Reading or writing failed.
    #[error("{path:?} cannot be used: {cause}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl WitnessError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }
}

/// The keys of logs, from verifier keys and from policy files, whose `log` lines count.
///
/// # Errors
/// [`WitnessError`] names what is neither, or that no log is left.
pub fn log_keys(values: &[String]) -> Result<Vec<VerifierKey>, WitnessError> {
    let mut keys = Vec::new();
    for value in values {
        match value.parse::<VerifierKey>() {
            Ok(key) if key.kind() == KeyKind::Ed25519 => keys.push(key),
            Ok(key) => return Err(WitnessError::LogKey(Box::new(key))),
            Err(key) => {
                let path = Path::new(value);
                if !path.is_file() {
                    return Err(WitnessError::Log { value: value.clone(), key });
                }
                let text = std::fs::read_to_string(path).map_err(WitnessError::file(path))?;
                let policy = Policy::parse(&text)
                    .map_err(|cause| WitnessError::Policy { path: path.to_owned(), cause })?;
                keys.extend(policy.logs().iter().map(PolicyLog::key).cloned());
            }
        }
    }
    if keys.is_empty() { Err(WitnessError::NoLogs) } else { Ok(keys) }
}
