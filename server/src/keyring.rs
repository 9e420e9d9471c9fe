//! The registry's own Ed25519 keys, sealed in the database under a passphrase.
//!
//! Three distinct keys: one for the log's checkpoints, one for verdicts and observations, one for the operator's
//! decisions; and a secret under which API tokens are hashed. Each is sealed with XChaCha20-Poly1305 under a key that Argon2id (RFC 9106) derives from the
//! passphrase; the purpose is authenticated too, so that sealed keys cannot be swapped. Salt and cost stand beside
//! them. It knows neither who gave the passphrase nor what is signed.

use crate::{
    clock::{Entropy, EntropyError, random},
    store::{Reader, RegistryKeyRow, StoreError, Writer},
};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use std::fmt;
use zeroize::Zeroizing;

/// Where salt and cost of the derivation stand in the registry's state.
const DERIVATION: &str = "keyring.derivation";
/// Cost for new keyrings: 64 MiB, three passes, one lane (RFC 9106 section 4, second recommendation, one lane).
const COST: Cost = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };
/// More is not believed when a keyring is opened: the values come from the database.
const MAX_COST: Cost = Cost { memory_kib: 1 << 20, passes: 64, lanes: 16 };
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const LOG: &str = "log";
const VERDICT: &str = "verdict";
const OPERATOR: &str = "operator";
const TOKENS: &str = "tokens";
/// Where the sealed secret for tokens stands in the registry's state, in hexadecimal.
const TOKEN_SECRET: &str = "keyring.tokens";

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The passphrase is empty.
    #[error("the passphrase of the keyring is empty")]
    EmptyPassphrase,
    /// The passphrase opens none of the keys.
    #[error("the passphrase of the keyring is wrong")]
    WrongPassphrase,
    /// There are no keys yet.
    #[error("this registry has no keys yet; run `touchstone-server bootstrap`")]
    Missing,
    /// There are keys already; they are never overwritten.
    #[error("this registry has its keys already")]
    Exists,
    /// What is stored is not a keyring.
    #[error("the keyring is damaged: {0}")]
    Damaged(&'static str),
    /// The derivation failed.
    #[error("the passphrase cannot be turned into a key: {0}")]
    Derivation(argon2::Error),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The registry's signing keys. Wiped from memory when dropped.
pub struct Keyring {
    log: SigningKey,
    verdict: SigningKey,
    operator: SigningKey,
    token_secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// Makes three new keys and stores them sealed.
    ///
    /// # Errors
    /// [`KeyringError::Exists`] if there are keys; [`KeyringError::EmptyPassphrase`]; those of the database.
    pub fn create(
        writer: &mut Writer<'_>,
        entropy: &dyn Entropy,
        passphrase: &[u8],
    ) -> Result<Self, KeyringError> {
        if passphrase.is_empty() {
            return Err(KeyringError::EmptyPassphrase);
        }
        if writer.state(DERIVATION)?.is_some() {
            return Err(KeyringError::Exists);
        }
        let derivation = Derivation { cost: COST, salt: random(entropy)? };
        let cipher = derivation.cipher(passphrase)?;
        writer.set_state(DERIVATION, &derivation.to_string())?;
        let token_secret = Zeroizing::new(random(entropy)?);
        let sealed = seal(&cipher, entropy, TOKENS, &token_secret)?;
        writer.set_state(TOKEN_SECRET, &HEXLOWER.encode(&sealed))?;
        let mut make = |purpose: &str| {
            let secret = Zeroizing::new(random(entropy)?);
            let key = SigningKey::from_bytes(&secret);
            writer.insert_registry_key(&RegistryKeyRow {
                purpose: purpose.to_owned(),
                public_key: key.verifying_key().to_bytes(),
                sealed: seal(&cipher, entropy, purpose, &secret)?,
            })?;
            Ok::<_, KeyringError>(key)
        };
        Ok(Self { log: make(LOG)?, verdict: make(VERDICT)?, operator: make(OPERATOR)?, token_secret })
    }

    /// Opens the stored keys.
    ///
    /// # Errors
    /// [`KeyringError::Missing`] if there are none; [`KeyringError::WrongPassphrase`] if it opens none;
    /// [`KeyringError::Damaged`] if only some do, or a key is not the one its public part promises.
    pub fn open(reader: &mut Reader<'_>, passphrase: &[u8]) -> Result<Self, KeyringError> {
        let text = reader.state(DERIVATION)?.ok_or(KeyringError::Missing)?;
        let derivation =
            Derivation::parse(&text).ok_or(KeyringError::Damaged("salt and cost are unreadable"))?;
        let missing = || KeyringError::Damaged("a key is missing");
        let tokens = reader.state(TOKEN_SECRET)?.ok_or_else(missing)?;
        let tokens = HEXLOWER
            .decode(tokens.as_bytes())
            .map_err(|_| KeyringError::Damaged("the secret for tokens is unreadable"))?;
        let mut stored = |purpose| reader.registry_key(purpose)?.ok_or_else(missing);
        let rows = [stored(LOG)?, stored(VERDICT)?, stored(OPERATOR)?];
        let cipher = derivation.cipher(passphrase)?;
        // What the passphrase does not open at all is its fault; what it opens in part is not.
        let opens = |purpose: &str, sealed: &[u8]| unseal(&cipher, purpose, sealed);
        let token_secret = opens(TOKENS, &tokens);
        let secrets: Vec<_> = rows.iter().map(|row| opens(&row.purpose, &row.sealed)).collect();
        if token_secret.is_none() && secrets.iter().all(Option::is_none) {
            return Err(KeyringError::WrongPassphrase);
        }
        let partial = || KeyringError::Damaged("the passphrase opens some keys and not others");
        let mut keys = rows.iter().zip(secrets).map(|(row, secret)| {
            let secret = secret.ok_or_else(partial)?;
            let key = SigningKey::from_bytes(&secret);
            if key.verifying_key().as_bytes() == &row.public_key {
                Ok(key)
            } else {
                Err(KeyringError::Damaged("a key does not belong to its public part"))
            }
        });
        let mut next = || keys.next().unwrap_or_else(|| Err(missing()));
        let (log, verdict, operator) = (next()?, next()?, next()?);
        Ok(Self { log, verdict, operator, token_secret: token_secret.ok_or_else(partial)? })
    }

    /// Signs the log's checkpoints.
    #[must_use]
    pub const fn log(&self) -> &SigningKey {
        &self.log
    }

    /// Signs verdicts and observations.
    #[must_use]
    pub const fn verdict(&self) -> &SigningKey {
        &self.verdict
    }

    /// Signs the operator's decisions.
    #[must_use]
    pub const fn operator(&self) -> &SigningKey {
        &self.operator
    }

    /// Under which API tokens are hashed: whoever reads the database alone can neither use nor make one.
    #[must_use]
    pub fn token_secret(&self) -> &[u8; 32] {
        &self.token_secret
    }
}

fn context(purpose: &str) -> Vec<u8> {
    format!("touchstone keyring v1 {purpose}").into_bytes()
}

/// Nonce and ciphertext of `secret`.
fn seal(
    cipher: &XChaCha20Poly1305,
    entropy: &dyn Entropy,
    purpose: &str,
    secret: &[u8; 32],
) -> Result<Vec<u8>, KeyringError> {
    let nonce = random::<NONCE_LEN>(entropy)?;
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &context(purpose) })
        .map_err(|_| KeyringError::Damaged("a key cannot be sealed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// The secret, if it was sealed under this key and for this purpose.
fn unseal(cipher: &XChaCha20Poly1305, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let payload = Payload { msg: sealed, aad: &context(purpose) };
    let secret = Zeroizing::new(cipher.decrypt(&XNonce::from(*nonce), payload).ok()?);
    secret.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Cost of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// How the passphrase becomes a key. Text form: `argon2id v=19 m=<KiB> t=<passes> p=<lanes> <salt, hexadecimal>`.
struct Derivation {
    cost: Cost,
    salt: [u8; SALT_LEN],
}

impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory_kib, passes, lanes } = self.cost;
        write!(f, "argon2id v=19 m={memory_kib} t={passes} p={lanes} {}", HEXLOWER.encode(&self.salt))
    }
}

impl Derivation {
    fn parse(text: &str) -> Option<Self> {
        let [memory, passes, lanes, salt] =
            text.strip_prefix("argon2id v=19 ")?.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let number = |text: &str, prefix: &str, max: u32| {
            text.strip_prefix(prefix)?.parse::<u32>().ok().filter(|n| (1..=max).contains(n))
        };
        let cost = Cost {
            memory_kib: number(memory, "m=", MAX_COST.memory_kib)?,
            passes: number(passes, "t=", MAX_COST.passes)?,
            lanes: number(lanes, "p=", MAX_COST.lanes)?,
        };
        Some(Self { cost, salt: HEXLOWER.decode(salt.as_bytes()).ok()?.try_into().ok()? })
    }

    fn cipher(&self, passphrase: &[u8]) -> Result<XChaCha20Poly1305, KeyringError> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(KeyringError::Derivation)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, &self.salt, key.as_mut_slice())
            .map_err(KeyringError::Derivation)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivations_round_trip_and_absurd_costs_are_not_believed() {
        let text = Derivation { cost: COST, salt: [7; SALT_LEN] }.to_string();
        let read = Derivation::parse(&text).unwrap();
        assert_eq!((read.cost, read.salt), (COST, [7; SALT_LEN]));
        let changes = [
            ("v=19", "v=16"),
            ("m=65536", "m=4294967295"),
            ("t=3", "t=0"),
            ("p=1", "p=99"),
            (" 07", " "),
            ("07", "x7"),
        ];
        for (from, to) in changes {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(Derivation::parse(&changed).is_none(), "{changed}");
        }
    }
}
