//! Witnesses: the state machine against C2SP tlog-witness, the program, the registry's side of the protocol against honest
//! and hostile witnesses, and a registry that publishes nothing without its quorum.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "time-outs are measured by what passes")]

mod asking;
#[path = "../support/closing.rs"]
mod closing;
mod program;
mod registry;
mod state;
mod support;
