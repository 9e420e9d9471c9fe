//! Witnesses: the state machine against C2SP tlog-witness, the program, the registry's side of the protocol against honest
//! and hostile witnesses, and a registry that publishes nothing without its quorum.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod asking;
mod program;
mod registry;
mod state;
mod support;
