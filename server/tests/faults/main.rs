//! What becomes of the log when something below it fails: steps that fail, processes that are killed, disks that are
//! full or wrong, clocks that go back, several servers at once.
//!
//! After each fault the same must hold ([`audit`]): no acknowledged statement is lost, every receipt verifies, the log
//! is one log. `TOUCHSTONE_FAULT_ROUNDS` says how often each fault is provoked, in another way each time: once without
//! it, more often under `make faults`. Everything stays on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]
#![cfg(unix)]

mod audit;
mod bucket;
mod crashes;
mod disk;
mod flips;
mod injected;
#[path = "../support/postgres.rs"]
mod postgres;
mod program;
mod registrant;
mod servers;
mod steps;
mod system_calls;

use std::{thread, time::Duration};

/// How often each fault is provoked.
fn rounds() -> u64 {
    match std::env::var("TOUCHSTONE_FAULT_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("TOUCHSTONE_FAULT_ROUNDS is a number"),
        Err(_) => 1,
    }
}

/// Asks until there is an answer, for a minute: the machine may be busy.
#[track_caller]
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("in vain: {what}");
}
