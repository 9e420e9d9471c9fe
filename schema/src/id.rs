//! Identifiers: a prefix that names the type, then 26 characters that sort by time of creation.
//!
//! The 26 characters are Crockford base 32 of 48 bits of milliseconds and 80 bits of randomness, as in ULID. The
//! caller gives both: this crate reads no clock and draws no randomness. Statements have a digest in place of randomness,
//! so that auditors can name them too.

use crate::{digest::Sha256Digest, time::Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT_LEN: usize = 26;

/// The text is not an identifier of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an identifier of the form {0}_ followed by 26 characters of Crockford base 32")]
pub struct InvalidId(pub &'static str);

fn encode(value: u128) -> [u8; TEXT_LEN] {
    let mut text = [0; TEXT_LEN];
    let mut rest = value;
    for slot in text.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text
}

fn decode(text: &[u8]) -> Option<u128> {
    // 26 characters carry 130 bits: the first may use only its low three.
    if text.len() != TEXT_LEN || text[0] > b'7' {
        return None;
    }
    text.iter().try_fold(0_u128, |value, character| {
        let digit = ALPHABET.iter().position(|a| a == character)?;
        Some(value << 5 | digit as u128)
    })
}

macro_rules! identifier {
    ($name:ident, $prefix:literal, $pattern:literal, $what:literal) => {
        #[doc = concat!("Identifier of ", $what, ": `", $prefix, "_` and 26 characters that sort by creation.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The type's prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// From milliseconds since the epoch (48 bits are kept) and 80 random bits.
            #[must_use]
            pub fn from_parts(milliseconds: u64, random: [u8; 10]) -> Self {
                let mut low = [0; 16];
                low[6..].copy_from_slice(&random);
                let time = u128::from(milliseconds & ((1 << 48) - 1));
                Self(time << 80 | u128::from_be_bytes(low))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                write!(f, "{}_{}", $prefix, std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(InvalidId($prefix))?;
                decode(rest.as_bytes()).map(Self).ok_or(InvalidId($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        crate::json::string_schema!($name, "touchstone-id", $pattern, $what);
    };
}

identifier!(OrganisationId, "org", "^org_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "an organisation");
identifier!(KeyId, "key", "^key_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "a signing key");
identifier!(StatementId, "stm", "^stm_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "a statement");
impl StatementId {
    /// The identifier of a log entry: the milliseconds of its acceptance and the first 80 bits of its deduplication key
    /// ([`crate::envelope::Opened::deduplication_key`]). Whoever holds the entry and the key that signed it computes the
    /// same, so statements that name others can be followed through the log alone.
    #[must_use]
    pub fn of_entry(accepted_at: Timestamp, deduplication_key: &Sha256Digest) -> Self {
        let mut head = [0; 10];
        head.copy_from_slice(&deduplication_key.0[..10]);
        Self::from_parts(u64::try_from(accepted_at.as_micros() / 1_000).unwrap_or(0), head)
    }

    /// Whether both identifiers are of the same millisecond.
    #[must_use]
    pub const fn is_of_time_of(&self, other: &Self) -> bool {
        self.0 >> 80 == other.0 >> 80
    }
}

identifier!(CheckId, "chk", "^chk_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "a check");
identifier!(TokenId, "tok", "^tok_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "an API token");
identifier!(UserId, "usr", "^usr_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "a console user");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips_and_sorts(a in 0_u64..1 << 48, b in 0_u64..1 << 48, r: [u8; 10], s: [u8; 10]) {
            let (x, y) = (StatementId::from_parts(a, r), StatementId::from_parts(b, s));
            prop_assert_eq!(x.to_string().parse::<StatementId>().unwrap(), x);
            prop_assert_eq!(x.to_string().cmp(&y.to_string()), x.cmp(&y));
            if a < b { prop_assert!(x < y); }
        }
    }

    #[test]
    fn other_prefixes_and_overflow_are_refused() {
        let text = KeyId::from_parts(1, [7; 10]).to_string();
        assert!(text.parse::<StatementId>().is_err());
        assert!("key_8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<KeyId>().is_err());
        assert!("key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<KeyId>().is_ok());
        assert!(text.to_lowercase().parse::<KeyId>().is_err());
    }
}
