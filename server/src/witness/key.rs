//! A witness's key: made once, kept in a private file, and what it is known by.
//!
//! The file has one line in the form of C2SP signed-note's private keys: `PRIVATE+KEY+name+hex(key ID)+base64(type ‖
//! seed)`, with the type of cosigners.

use super::WitnessError;
use crate::{
    clock::{Entropy, random},
    files,
};
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::SigningKey;
use std::{fmt, fs, io, path::Path};
use touchstone_schema::{
    base64,
    key::PublicKey,
    log::{
        cosignature,
        note::{KeyKind, NoteSignature, VerifierKey},
    },
};
use zeroize::Zeroizing;

const FILE: &str = "key";
const PREFIX: &str = "PRIVATE+KEY+";

/// The key of a witness.
pub struct WitnessKey {
    signing: SigningKey,
    verifier: VerifierKey,
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WitnessKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl WitnessKey {
    fn new(name: &str, seed: &[u8; 32]) -> Result<Self, WitnessError> {
        let signing = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::cosigner(name, PublicKey::from(&signing))?;
        Ok(Self { signing, verifier })
    }

    /// Makes a witness with that name in a private directory. The name is best a URL without its scheme.
    ///
    /// # Errors
    /// [`WitnessError`]; a witness that exists is left as it is.
    pub fn init(folder: &Path, name: &str, entropy: &dyn Entropy) -> Result<Self, WitnessError> {
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(random(entropy)?);
        let key = Self::new(name, &seed)?;
        let typed = Zeroizing::new([[KeyKind::CosignatureV1.byte()].as_slice(), seed.as_slice()].concat());
        let id = HEXLOWER.encode(&key.verifier.key_id());
        let encoded = Zeroizing::new(BASE64.encode(&typed));
        let text = Zeroizing::new(format!("{PREFIX}{name}+{id}+{}", *encoded));
        files::private_directory(folder).map_err(WitnessError::file(folder))?;
        let path = folder.join(FILE);
        files::write_secret(&path, &text).map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => WitnessError::Exists(folder.to_owned()),
            _ => WitnessError::File { path, cause },
        })?;
        Ok(key)
    }

    /// The key of the witness in that directory.
    ///
    /// # Errors
    /// [`WitnessError`] if there is none or its file is damaged.
    pub fn open(folder: &Path) -> Result<Self, WitnessError> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => WitnessError::Missing(folder.to_owned()),
            _ => WitnessError::File { path: path.clone(), cause },
        })?;
        Self::parse(&Zeroizing::new(text)).ok_or(WitnessError::Key(path))
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_suffix('\n')?.strip_prefix(PREFIX)?.split_once('+')?;
        let (id, typed) = rest.split_once('+')?;
        let typed = Zeroizing::new(base64::decode(typed)?);
        let (kind, seed) = typed.split_first()?;
        let key = Self::new(name, seed.try_into().ok()?).ok()?;
        let is_whole =
            *kind == KeyKind::CosignatureV1.byte() && HEXLOWER.encode(&key.verifier.key_id()) == id;
        is_whole.then_some(key)
    }

    /// What policies know the witness by.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Its cosignature of a checkpoint's text at that time.
    pub(super) fn cosign(&self, text: &str, unix_seconds: u64) -> NoteSignature {
        cosignature::cosign(text, self.verifier.name(), &self.signing, unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedEntropy;

    #[test]
    fn a_key_is_made_once_and_opened_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("witness");
        assert!(matches!(WitnessKey::open(&data), Err(WitnessError::Missing(_))));
        let made = WitnessKey::init(&data, "witness.test/w1", &FixedEntropy::new(1)).unwrap();
        assert_eq!(made.verifier().kind(), KeyKind::CosignatureV1);
        assert_eq!(WitnessKey::open(&data).unwrap().verifier(), made.verifier());
        let again = WitnessKey::init(&data, "witness.test/w1", &FixedEntropy::new(2));
        assert!(matches!(again, Err(WitnessError::Exists(_))));
        assert_eq!(WitnessKey::open(&data).unwrap().verifier(), made.verifier());
        assert!(!format!("{made:?}").contains("signing"));
    }

    /// The base64 of a key may hold the sign that separates the parts.
    #[test]
    fn whatever_the_key_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut with_plus = 0;
        for seed in 0..100 {
            let data = folder.path().join(seed.to_string());
            let made = WitnessKey::init(&data, "w", &FixedEntropy::new(seed)).unwrap();
            assert_eq!(WitnessKey::open(&data).unwrap().verifier(), made.verifier(), "{seed}");
            with_plus += usize::from(made.verifier().to_string().matches('+').count() > 2);
        }
        assert!(with_plus > 10);
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        WitnessKey::init(folder.path(), "w", &FixedEntropy::new(1)).unwrap();
        let path = folder.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("PRIVATE+KEY+w+"));
        for at in [0, 12, 15, 30, text.len() - 2] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            fs::write(&path, bytes).unwrap();
            assert!(matches!(WitnessKey::open(folder.path()), Err(WitnessError::Key(_))), "{at}");
        }
        for bad in ["", "\n", text.trim_end()] {
            fs::write(&path, bad).unwrap();
            assert!(matches!(WitnessKey::open(folder.path()), Err(WitnessError::Key(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_no_note_can_carry_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("witness");
        for name in ["", "a b", "a+b"] {
            let refused = WitnessKey::init(&data, name, &FixedEntropy::new(1));
            assert!(matches!(refused, Err(WitnessError::Name(_))), "{name:?}");
        }
        assert!(!data.exists());
    }
}
