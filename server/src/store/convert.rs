//! Conversions at the border: database values to the types of the contract, and back.

use super::error::StoreError;
use std::{fmt::Display, str::FromStr};
use touchstone_schema::{Sha256Digest, Timestamp, api::Scope, statement::Issuer};

const REGISTRY: &str = "registry";

pub(super) fn corrupt(what: &str, value: impl Display) -> StoreError {
    StoreError::Corrupt(format!("{what}: {value}"))
}

/// A log index as engines store it.
pub(super) fn signed(index: u64) -> Result<i64, StoreError> {
    i64::try_from(index).map_err(StoreError::other)
}

pub(super) fn signed_option(index: Option<u64>) -> Result<Option<i64>, StoreError> {
    index.map(signed).transpose()
}

/// Indexes to look for. One that no engine can store is in no table.
pub(super) fn signed_all(indexes: &[u64]) -> Vec<i64> {
    indexes.iter().filter_map(|index| i64::try_from(*index).ok()).collect()
}

pub(super) fn unsigned(index: i64) -> Result<u64, StoreError> {
    u64::try_from(index).map_err(|_| corrupt("log index", index))
}

pub(super) fn unsigned_option(index: Option<i64>) -> Result<Option<u64>, StoreError> {
    index.map(unsigned).transpose()
}

pub(super) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(micros).map_err(|_| corrupt("time", micros))
}

pub(super) fn bytes32(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| corrupt("32 bytes expected, length", bytes.len()))
}

pub(super) fn digest(bytes: &[u8]) -> Result<Sha256Digest, StoreError> {
    bytes32(bytes).map(Sha256Digest)
}

pub(super) fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| corrupt("identifier", error))
}

pub(super) fn id_option<T: FromStr<Err: Display>>(text: Option<&str>) -> Result<Option<T>, StoreError> {
    text.map(id).transpose()
}

pub(super) fn named<T>(name: &str, from_name: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
    from_name(name).ok_or_else(|| corrupt("unknown name", name))
}

pub(super) fn issuer(text: &str) -> Result<Issuer, StoreError> {
    if text == REGISTRY { Ok(Issuer::Registry) } else { id(text).map(Issuer::Organisation) }
}

pub(super) fn issuer_text(issuer: Issuer) -> String {
    match issuer {
        Issuer::Registry => REGISTRY.to_owned(),
        Issuer::Organisation(id) => id.to_string(),
    }
}

/// Scopes stand in one column, separated by spaces, as in OAuth 2.0 (RFC 6749 section 3.3).
pub(super) fn scopes(text: &str) -> Result<Vec<Scope>, StoreError> {
    text.split_ascii_whitespace().map(|name| named(name, Scope::from_name)).collect()
}

pub(super) fn scopes_text(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}
