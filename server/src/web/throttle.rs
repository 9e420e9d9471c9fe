//! Slows down guessing of passwords: a bounded number of attempts for each name and address.

use crate::registry::Refusal;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};
use touchstone_schema::{Sha256Digest, Timestamp, problem::ProblemCode};

/// Most names and addresses that are remembered. Beyond it the oldest window is forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// Counts attempts in fixed windows.
#[derive(Debug)]
pub struct Throttle {
    attempts: u32,
    window_seconds: u32,
    windows: Mutex<HashMap<(Sha256Digest, Option<IpAddr>), Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    start: Timestamp,
    attempts: u32,
}

impl Throttle {
    /// At most `attempts` in `window_seconds`.
    #[must_use]
    pub fn new(attempts: u32, window_seconds: u32) -> Self {
        Self { attempts, window_seconds, windows: Mutex::default() }
    }

    /// Counts one attempt. The name is kept as its digest, so that a long one costs no more memory.
    ///
    /// # Errors
    /// Too many requests, with the seconds until the window ends.
    pub fn attempt(&self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Refusal> {
        let key = (Sha256Digest::of(name.as_bytes()), address);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_REMEMBERED && !windows.contains_key(&key) {
            windows.retain(|_, window| self.remaining(*window, now) > 0);
            if windows.len() >= MAX_REMEMBERED
                && let Some(oldest) =
                    windows.iter().min_by_key(|(_, window)| window.start).map(|(key, _)| *key)
            {
                windows.remove(&oldest);
            }
        }
        let window = windows.entry(key).or_insert(Window { start: now, attempts: 0 });
        if self.remaining(*window, now) == 0 {
            *window = Window { start: now, attempts: 0 };
        }
        if window.attempts >= self.attempts {
            let seconds = self.remaining(*window, now);
            return Err(Refusal {
                retry_after_seconds: Some(seconds),
                ..Refusal::new(ProblemCode::TooManyRequests)
            });
        }
        window.attempts += 1;
        Ok(())
    }

    /// Seconds until the window ends, rounded up; 0 when it has ended or when the clock was set back before it.
    fn remaining(&self, window: Window, now: Timestamp) -> u32 {
        let age = now.as_micros() - window.start.as_micros();
        let Ok(age) = u64::try_from(age) else { return 0 };
        let left = (u64::from(self.window_seconds) * 1_000_000).saturating_sub(age);
        u32::try_from(left.div_ceil(1_000_000)).unwrap_or(self.window_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn attempts_are_counted_by_name_and_address() {
        let throttle = Throttle::new(2, 300);
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        throttle.attempt("a", here, at(0)).unwrap();
        throttle.attempt("a", here, at(10)).unwrap();
        let refusal = throttle.attempt("a", here, at(20)).unwrap_err();
        assert_eq!(refusal.retry_after_seconds, Some(280));
        throttle.attempt("a", there, at(20)).unwrap();
        throttle.attempt("b", here, at(20)).unwrap();
        throttle.attempt("a", here, at(300)).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::new(1, 300);
        for number in 0..MAX_REMEMBERED + 50 {
            throttle.attempt(&number.to_string(), None, at(number as i64 / 1_000)).unwrap();
        }
        assert!(throttle.windows.lock().unwrap().len() <= MAX_REMEMBERED);
        throttle.attempt("10049", None, at(10)).unwrap_err();
    }
}
