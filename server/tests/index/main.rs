//! The search structures of the matching: the exact index of global codes, the inverted index of local features.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::many_single_char_names,
    reason = "a test fails by panicking; its numbers are small"
)]

mod hamming {
    pub(crate) mod common;
    mod concurrent;
    mod hostile;
    mod oracle;
    mod snapshot;
}
mod grain;
mod kept;
mod postings {
    mod common;
    mod search;
    mod stored;
}
