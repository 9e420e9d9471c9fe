//! Makes an empty registry on disk: data directory, passphrase, database, keys, operator's token.

use crate::{
    clock::{Entropy, EntropyError, SystemClock, SystemEntropy, random},
    config::{ConfigError, DataConfig, read_file},
    files,
    registry::{Refusal, Registry},
    store::{Store, StoreError},
};
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
};
use touchstone_schema::key::PublicKey;
use zeroize::Zeroizing;

/// What a new registry tells, once.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The operator's token. It is shown here and never again.
    pub operator_token: String,
    /// Verifier key of the log's checkpoints.
    pub log_verifier_key: String,
    /// Key that signs verdicts and observations.
    pub verdict_key: PublicKey,
    /// Key that signs the operator's decisions.
    pub operator_key: PublicKey,
    /// Origin of the log: the audience of statements.
    pub origin: String,
    /// The data directory.
    pub data: String,
}

/// Why no registry was made.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// There is one already.
    #[error(
        "there is a registry with {entries} log entries in this database already, and bootstrap makes new ones only; \
         serve it with `touchstone-server serve`, or choose another data directory or database"
    )]
    NotEmpty {
        /// Entries of its log.
        entries: u64,
    },
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// A directory or file cannot be made.
    #[error("{path:?} cannot be made: {cause}")]
    Make {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The passphrase is too short to protect anything.
    #[error("the passphrase in {0:?} has fewer than 16 bytes")]
    ShortPassphrase(PathBuf),
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The registry refuses.
    #[error("{}", .0.with_causes())]
    Refused(Refusal),
}

/// Shortest passphrase, in bytes.
const MIN_PASSPHRASE: usize = 16;

/// Makes a registry with that origin. An existing passphrase file is used, otherwise one is written.
///
/// # Errors
/// [`BootstrapError`]; a registry that exists already is left as it is.
pub fn run(data: &DataConfig, origin: &str) -> Result<Made, BootstrapError> {
    let made = |cause| BootstrapError::Make { path: data.data.clone(), cause };
    files::private_directory(&data.data).map_err(made)?;
    let store = Store::open(&data.store()?)?;
    refuse_existing(&store)?;
    store.migrate()?;
    let passphrase = passphrase(&data.passphrase_path(), &SystemEntropy)?;
    let made = Registry::bootstrap(&store, &SystemClock, &SystemEntropy, origin, &passphrase);
    let made = made.map_err(BootstrapError::Refused)?;
    Ok(Made {
        operator_token: made.operator_token,
        log_verifier_key: made.log_verifier_key,
        verdict_key: made.verdict_key,
        operator_key: made.operator_key,
        origin: made.origin,
        data: data.data.display().to_string(),
    })
}

/// Nothing is changed in a database that holds a log: no migration, no passphrase.
fn refuse_existing(store: &Store) -> Result<(), BootstrapError> {
    if store.check_schema().is_err() {
        return Ok(());
    }
    match store.read(|reader| reader.log_size())? {
        0 => Ok(()),
        entries => Err(BootstrapError::NotEmpty { entries }),
    }
}

fn passphrase(path: &Path, entropy: &dyn Entropy) -> Result<Zeroizing<Vec<u8>>, BootstrapError> {
    if path.exists() {
        let mut bytes = Zeroizing::new(read_file(path)?);
        while bytes.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            bytes.pop();
        }
        if bytes.len() < MIN_PASSPHRASE {
            return Err(BootstrapError::ShortPassphrase(path.to_owned()));
        }
        return Ok(bytes);
    }
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random(entropy)?);
    let text = Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(secret.as_slice()));
    // The keys are lost without the passphrase: it must be on the disk before they are sealed with it.
    files::write_secret(path, &text)
        .map_err(|cause| BootstrapError::Make { path: path.to_owned(), cause })?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedEntropy;
    use std::fs;

    #[test]
    fn the_passphrase_is_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        let first = passphrase(&path, &FixedEntropy::new(1)).unwrap();
        let second = passphrase(&path, &FixedEntropy::new(2)).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.len(), 43);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn short_passphrases_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        fs::write(&path, "short\n").unwrap();
        let error = passphrase(&path, &FixedEntropy::new(1)).unwrap_err();
        assert!(matches!(error, BootstrapError::ShortPassphrase(_)));
    }
}
