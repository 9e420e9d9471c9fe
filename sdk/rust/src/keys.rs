//! Key files: the private key as PKCS#8 PEM (RFC 8410) that its owner alone may read, the public key as SPKI PEM.
//!
//! The private file holds the seed alone (version 1 of the form), which common tools read as well.

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
        spki::der::pem::LineEnding,
    },
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use touchstone_schema::key::PublicKey;
use zeroize::Zeroizing;

/// Longest key file that is read, in bytes.
const MAX_KEY_FILE: u64 = 16_384;

/// Why a key file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A file is there already; keys are never overwritten.
    #[error("{0} exists; keys are never overwritten: choose another name or move it away")]
    Exists(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is too long to be a key.
    #[error("{0} is too long to be a key file")]
    TooLong(PathBuf),
    /// Not a private key of the expected form.
    #[error("{0} is not an Ed25519 private key in PKCS#8 PEM: make one with touchstone keygen")]
    NotPrivate(PathBuf),
    /// A public key where the private one is needed.
    #[error("{0} is a public key; the private key is needed: the file without .pub")]
    PublicInsteadOfPrivate(PathBuf),
    /// Not a public key of the expected form.
    #[error("{0} is not an Ed25519 public key in SPKI PEM: touchstone keygen writes it as FILE.pub")]
    NotPublic(PathBuf),
    /// A private key where the public one is needed.
    #[error("{0} is a private key; give the public one: the file with .pub")]
    PrivateInsteadOfPublic(PathBuf),
    /// The key cannot be written in its form.
    #[error("the key cannot be encoded")]
    Encoding,
}

/// A private key read from a file.
#[derive(Debug)]
pub struct PrivateKeyFile {
    /// The key.
    pub key: SigningKey,
    /// Others than the owner may read the file.
    pub readable_by_others: bool,
}

/// Where the public half of `private` is kept: the same name with `.pub` appended.
#[must_use]
pub fn public_path(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Writes `key` to `path` (mode 0600) and its public half to [`public_path`]. Returns the public file's path.
///
/// # Errors
/// [`KeyFileError::Exists`] if either file is there; then nothing is written. Otherwise [`KeyFileError::Io`].
pub fn write_pair(path: &Path, key: &SigningKey) -> Result<PathBuf, KeyFileError> {
    let public = public_path(path);
    if fs::symlink_metadata(&public).is_ok() {
        return Err(KeyFileError::Exists(public));
    }
    let seed = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let private_pem = seed.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyFileError::Encoding)?;
    let public_pem =
        key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| KeyFileError::Encoding)?;
    create(path, private_pem.as_bytes(), true)?;
    if let Err(error) = create(&public, public_pem.as_bytes(), false) {
        // Half a pair is of no use; the private file is ours, it did not exist before.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(public)
}

/// Creates `path` with `bytes`, never overwriting; `private` files can be read by their owner alone.
pub(crate) fn create(path: &Path, bytes: &[u8], private: bool) -> Result<(), KeyFileError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), source },
    };
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| {
        let _ = fs::remove_file(path);
        KeyFileError::Io { path: path.to_owned(), source }
    })
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    if fs::metadata(path).map_err(io)?.len() > MAX_KEY_FILE {
        return Err(KeyFileError::TooLong(path.to_owned()));
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(io)
}

/// Reads a private key.
///
/// # Errors
/// [`KeyFileError`] says what the file is instead.
pub fn read_private(path: &Path) -> Result<PrivateKeyFile, KeyFileError> {
    let text = read_text(path)?;
    match SigningKey::from_pkcs8_pem(&text) {
        Ok(key) => Ok(PrivateKeyFile { key, readable_by_others: readable_by_others(path) }),
        Err(_) if text.contains("PUBLIC KEY") => Err(KeyFileError::PublicInsteadOfPrivate(path.to_owned())),
        Err(_) => Err(KeyFileError::NotPrivate(path.to_owned())),
    }
}

/// Reads a public key: SPKI PEM, or its 64 hexadecimal digits.
///
/// # Errors
/// [`KeyFileError`] says what the file is instead.
pub fn read_public(path: &Path) -> Result<PublicKey, KeyFileError> {
    let text = read_text(path)?;
    if let Ok(key) = text.trim().parse() {
        return Ok(key);
    }
    if text.contains("PRIVATE KEY") {
        return Err(KeyFileError::PrivateInsteadOfPublic(path.to_owned()));
    }
    VerifyingKey::from_public_key_pem(&text)
        .ok()
        .and_then(|key| PublicKey::from_bytes(key.as_bytes()).ok())
        .ok_or_else(|| KeyFileError::NotPublic(path.to_owned()))
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_round_trip_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.pem");
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = write_pair(&path, &key).unwrap();
        assert_eq!(public, folder.path().join("shop.pem.pub"));
        let read = read_private(&path).unwrap();
        assert_eq!(read.key.to_bytes(), key.to_bytes());
        assert!(!read.readable_by_others);
        assert_eq!(read_public(&public).unwrap(), PublicKey::from(&key));

        let other = SigningKey::from_bytes(&[8; 32]);
        assert!(matches!(write_pair(&path, &other), Err(KeyFileError::Exists(_))));
        fs::remove_file(&public).unwrap();
        assert!(matches!(write_pair(&path, &other), Err(KeyFileError::Exists(p)) if p == path));
        assert_eq!(read_private(&path).unwrap().key.to_bytes(), key.to_bytes());
        assert!(!public.exists());
    }

    #[test]
    fn the_private_form_is_rfc_8410_with_the_seed_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write_pair(&path, &SigningKey::from_bytes(&[0; 32])).unwrap();
        // 30 2e 02 01 00 30 05 06 03 2b 65 70 04 22 04 20, then the seed.
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().nth(1).unwrap(), format!("MC4CAQAwBQYDK2VwBCIEI{}", "A".repeat(43)));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_set_and_looked_at() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write_pair(&path, &SigningKey::from_bytes(&[1; 32])).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read_private(&path).unwrap().readable_by_others);
    }

    #[test]
    fn mistaken_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        let public = write_pair(&path, &SigningKey::from_bytes(&[1; 32])).unwrap();
        assert!(matches!(read_private(&public), Err(KeyFileError::PublicInsteadOfPrivate(_))));
        assert!(matches!(read_public(&path), Err(KeyFileError::PrivateInsteadOfPublic(_))));
        let other = folder.path().join("x");
        fs::write(&other, "hello").unwrap();
        assert!(matches!(read_private(&other), Err(KeyFileError::NotPrivate(_))));
        assert!(matches!(read_public(&other), Err(KeyFileError::NotPublic(_))));
        fs::write(&other, PublicKey::from(&SigningKey::from_bytes(&[1; 32])).to_string() + "\n").unwrap();
        assert!(read_public(&other).is_ok());
        fs::write(&other, vec![b'a'; 20_000]).unwrap();
        assert!(matches!(read_public(&other), Err(KeyFileError::TooLong(_))));
        assert!(matches!(read_public(&folder.path().join("none")), Err(KeyFileError::Io { .. })));
    }
}
