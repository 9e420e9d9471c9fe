//! The auditor's side of the transparency log: read it as files, verify it whole, follow it, and hold receipts and
//! answers to it.
//!
//! Nothing here trusts the registry. A checkpoint counts once it satisfies a policy of the auditor's; every other byte
//! counts once it is bound to a checkpoint's root; a statement counts once its admission was judged again by log index.

pub mod answers;
pub mod audit;
pub mod finding;
pub mod history;
pub mod receipt;
pub mod replay;
mod scan;
pub mod source;
pub mod state;
pub mod tree;
pub mod watch;
pub mod witness;
