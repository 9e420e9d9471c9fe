//! Time and randomness, injected so that every rule can be tested.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};
use touchstone_schema::{Timestamp, statement::Nonce};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now. It may go backwards; the log's acceptance times never do.
    fn now(&self) -> Timestamp;
}

/// Gives unpredictable bytes.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives none; nothing secret may be made then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The system gives no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct EntropyError;

/// `N` unpredictable bytes.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// A fresh nonce.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn nonce(entropy: &dyn Entropy) -> Result<Nonce, EntropyError> {
    random(entropy).map(Nonce)
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        let elapsed = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros).unwrap_or(Timestamp::EPOCH)
    }
}

/// How long somebody who waits still has. It runs in real time, whatever the clocks say.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    begun: Instant,
    patience: Duration,
}

impl Deadline {
    /// Passes once `patience` is over, from now on.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        #[allow(clippy::disallowed_methods, reason = "waiting takes real time")]
        let begun = Instant::now();
        Self { begun, patience }
    }

    /// What is left; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.patience.saturating_sub(self.begun.elapsed())
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        #[allow(clippy::disallowed_methods, reason = "the one place that draws randomness")]
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}

/// A clock that tests set.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `time`.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.as_micros()))
    }

    /// Moves by `seconds`, forwards or backwards.
    pub fn move_by(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::EPOCH)
    }
}

/// Bytes of a fixed sequence (SplitMix64), for tests that must repeat exactly.
#[derive(Debug)]
pub struct FixedEntropy(Mutex<u64>);

impl FixedEntropy {
    /// Starts the sequence at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for FixedEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
