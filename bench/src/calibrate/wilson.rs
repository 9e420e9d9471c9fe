//! Rates with the interval that the sample allows.

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Times that it happened.
    pub(crate) hits: usize,
    /// Times that it could have.
    pub(crate) of: usize,
}

impl Rate {
    /// Counts what holds.
    pub(crate) fn of(outcomes: impl IntoIterator<Item = bool>) -> Self {
        let mut rate = Self::default();
        for outcome in outcomes {
            rate.of += 1;
            rate.hits += usize::from(outcome);
        }
        rate
    }

    /// The share, 0 to 1; none if it could never happen.
    pub(crate) fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// The 95 % interval of Wilson (1927), 0 to 1.
    pub(crate) fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        let Some(share) = self.share() else { return (0.0, 1.0) };
        let n = self.of as f64;
        let widened = 1.0 + Z * Z / n;
        let middle = (share + Z * Z / (2.0 * n)) / widened;
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / widened;
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }

    /// As `11/12`, or a dash.
    pub(crate) fn count(self) -> String {
        if self.of == 0 { "–".to_owned() } else { format!("{}/{}", self.hits, self.of) }
    }

    /// As `91.7 % (11/12, 64.6–98.5)`, or a dash.
    pub(crate) fn text(self) -> String {
        let Some(share) = self.share() else { return "–".to_owned() };
        let (low, high) = self.interval();
        let Self { hits, of } = self;
        format!("{:.1} % ({hits}/{of}, {:.1}–{:.1})", 100.0 * share, 100.0 * low, 100.0 * high)
    }
}

impl std::iter::Sum for Rate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::default(), |sum, rate| Self { hits: sum.hits + rate.hits, of: sum.of + rate.of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(rate: Rate, low: f64, high: f64) {
        let found = rate.interval();
        assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{found:?}");
    }

    /// Newcombe (1998), table I, method 3; its last two rows are 0 of 20 and 1 of 29.
    #[test]
    fn published_intervals() {
        close(Rate { hits: 81, of: 263 }, 0.2553, 0.3662);
        close(Rate { hits: 15, of: 148 }, 0.0624, 0.1605);
        close(Rate { hits: 0, of: 20 }, 0.0, 0.1611);
        close(Rate { hits: 1, of: 29 }, 0.0061, 0.1718);
    }

    #[test]
    fn nothing_measured_allows_anything() {
        let none = Rate::of([]);
        assert_eq!((none.share(), none.interval()), (None, (0.0, 1.0)));
        assert_eq!(none.text(), "–");
    }

    #[test]
    fn text_gives_share_count_and_interval() {
        assert_eq!(Rate::of([true, true, true, false]).text(), "75.0 % (3/4, 30.1–95.4)");
    }
}
