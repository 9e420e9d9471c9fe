//! Points in time with microsecond resolution. Text form: RFC 3339 in UTC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// Microseconds since 1970-01-01T00:00:00Z. JSON form: RFC 3339, for example `2026-11-22T09:00:00.123456Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 point in time between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as RFC 3339 with an offset, for example 2026-11-22T09:00:00Z")]
pub struct InvalidTime;

/// 9999-12-31T23:59:59.999999Z.
const LATEST: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the epoch. Times before 1970 or after 9999 are not representable in RFC 3339 here.
    ///
    /// # Errors
    /// [`InvalidTime`] outside that range.
    pub const fn from_micros(micros: i64) -> Result<Self, InvalidTime> {
        if micros < 0 || micros > LATEST { Err(InvalidTime) } else { Ok(Self(micros)) }
    }

    /// Microseconds since the epoch; never negative.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The first moment that lies after this time as far as it was told: the next second's beginning for a time in
    /// whole seconds, otherwise the next microsecond.
    #[must_use]
    pub const fn end_of_second(self) -> Self {
        if self.0 % 1_000_000 == 0 { self.saturating_add_seconds(1) } else { Self(self.0.saturating_add(1)) }
    }

    /// This time moved by `seconds`, held within the representable range.
    #[must_use]
    pub const fn saturating_add_seconds(self, seconds: i64) -> Self {
        let moved = self.0.saturating_add(seconds.saturating_mul(1_000_000));
        Self(if moved < 0 {
            0
        } else if moved > LATEST {
            LATEST
        } else {
            moved
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        // jiff also accepts RFC 9557 annotations; RFC 3339 has none.
        if text.len() > 40 || text.contains('[') {
            return Err(InvalidTime);
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTime)?;
        Self::from_micros(time.as_microsecond())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

crate::json::string_schema!(Timestamp, "date-time", "", "RFC 3339 point in time, microseconds, UTC");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips(micros in 0..=LATEST) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }

    #[test]
    fn whole_seconds_stand_for_all_of_their_second() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(at("2026-11-22T09:00:00Z").end_of_second(), at("2026-11-22T09:00:01Z"));
        assert_eq!(at("2026-11-22T09:00:00.25Z").end_of_second(), at("2026-11-22T09:00:00.250001Z"));
    }

    #[test]
    fn offsets_are_converted_and_local_times_refused() {
        let utc: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        assert_eq!("2026-11-22T17:00:00+08:00".parse::<Timestamp>().unwrap(), utc);
        assert_eq!(utc.to_string(), "2026-11-22T09:00:00.000000Z");
        for bad in
            ["2026-11-22T09:00:00", "2026-11-22", "1969-12-31T23:59:59Z", "", "2026-11-22T09:00:00Z[UTC]"]
        {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }
}
