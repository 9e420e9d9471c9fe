//! The running server, from outside: everything here speaks HTTP to a server on a free port.
//!
//! Each test has a registry of its own. When it ends, the log is read as an auditor would read it, and the server
//! must have logged no warning and no error that the test did not provoke ([`support::TestApp`]).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// Makes a test of each function for each engine.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name(&crate::support::TestApp::start(crate::support::Engine::Sqlite)); })*
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name(&crate::support::TestApp::start(crate::support::Engine::Postgres)); })*
        }
    };
}

mod actors;
mod bad_bodies;
mod bad_paths;
mod bad_pictures;
mod bad_statements;
mod bucket;
mod built_binary;
mod client;
#[path = "../support/closing.rs"]
mod closing;
mod contract;
mod coverage;
mod credentials;
mod faults;
mod flow;
mod forging;
mod honest;
mod house;
mod labels;
mod log;
mod matching;
mod media;
mod pictures;
#[path = "../support/postgres.rs"]
mod postgres;
mod relabelling;
mod restarts;
mod sbr;
mod squatting;
mod support;
mod tokens;
mod verdicts;
mod verifiers;
