//! Client of a Touchstone registry: register pictures and AI outputs, check photos, verify answers offline.
//!
//! Owns the REST client, key files, the stored settings, and the use cases on files that the command line and other
//! programs share. It must not know how the registry works inside, and it never prints.
//!
//! ```no_run
//! use touchstone_sdk::{check, client::{Client, ClientSettings}};
//! use touchstone_schema::verdict::Context;
//!
//! let client = Client::new(&ClientSettings::new("https://registry.example", Some("token")))?;
//! let key = client.registry()?.verdict_key;
//! let result = check::check_file(&client, "photo.jpg".as_ref(), &Context::default(), Some(&key))?;
//! println!("{}", result.verdict.reason.en);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod check;
pub mod client;
pub mod config;
pub mod entropy;
pub mod files;
pub mod inspecting;
pub mod keys;
pub mod label;
pub mod log;
pub mod register;
mod transport;
pub mod verify;

pub use touchstone_inspect as inspect;
pub use touchstone_schema as schema;
