//! Time and randomness: the only place here that asks the system for either.
//!
//! Everything else takes an [`Entropy`], so that its rules can be tested with fixed values.

use ed25519_dalek::SigningKey;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use touchstone_schema::{Timestamp, statement::Nonce};
use zeroize::Zeroizing;

/// Why time or randomness could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntropyError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// The system's clock stands before 1970 or after 9999.
    #[error("the system's clock is wrong: set it right")]
    Clock,
}

/// Source of the current time and of random bytes fit for keys.
pub trait Entropy: Send + Sync {
    /// The current time.
    ///
    /// # Errors
    /// [`EntropyError::Clock`] if the clock stands outside the years 1970 to 9999.
    fn now(&self) -> Result<Timestamp, EntropyError>;

    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// [`EntropyError::Random`] if there are none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's clock and random generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that others take")]
    fn now(&self) -> Result<Timestamp, EntropyError> {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| EntropyError::Clock)?;
        let micros = i64::try_from(elapsed.as_micros()).map_err(|_| EntropyError::Clock)?;
        Timestamp::from_micros(micros).map_err(|_| EntropyError::Clock)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the randomness that others take")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|error| EntropyError::Random(error.to_string()))
    }
}

/// 128 random bits.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn nonce(entropy: &dyn Entropy) -> Result<Nonce, EntropyError> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(Nonce(bytes))
}

/// A new Ed25519 key.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn signing_key(entropy: &dyn Entropy) -> Result<SigningKey, EntropyError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut())?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "a duration for people; no rule depends on it")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Milliseconds since the start, rounded.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        u64::try_from((self.elapsed().as_micros() + 500) / 1000).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_time_and_different_bytes() {
        let now = SystemEntropy.now().unwrap();
        assert!(now > "2025-01-01T00:00:00Z".parse().unwrap());
        assert_ne!(nonce(&SystemEntropy).unwrap(), nonce(&SystemEntropy).unwrap());
        assert_ne!(
            signing_key(&SystemEntropy).unwrap().to_bytes(),
            signing_key(&SystemEntropy).unwrap().to_bytes()
        );
    }
}
