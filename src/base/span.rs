//! Lengths of time, in milliseconds.

use serde::{Deserialize, Serialize};

/// A length of time in milliseconds; in text a whole number and one of `ms s m h d w`, for example `"30m"`.
///
/// ```
/// let span: regulars::Span = serde_json::from_str("\"30m\"")?;
/// assert_eq!(span.as_millisecond(), 1_800_000);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// A span of `ms` milliseconds.
    ///
    /// ```
    /// assert_eq!(regulars::Span::from_millisecond(1000).to_string(), "1s");
    /// ```
    #[must_use]
    pub const fn from_millisecond(ms: i64) -> Self {
        Self(ms)
    }

    /// A span of rolling days of 86,400 s.
    ///
    /// ```
    /// assert_eq!(regulars::Span::days(30).as_millisecond(), 2_592_000_000);
    /// ```
    #[must_use]
    pub const fn days(days: u32) -> Self {
        // u32 days in milliseconds stay below 2^59.
        Self(days as i64 * super::time::DAY_MS)
    }

    /// The length in milliseconds.
    ///
    /// ```
    /// assert_eq!(regulars::Span::days(1).as_millisecond(), 86_400_000);
    /// ```
    #[must_use]
    pub const fn as_millisecond(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::time::span_text(self.0))
    }
}

impl std::str::FromStr for Span {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        super::time::parse_span_ms(text).map(Self).ok_or_else(|| {
            crate::Error::invalid("a span is a whole number and one of ms, s, m, h, d, w: for example 30d")
        })
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("expected a span such as \"30d\" (ms, s, m, h, d, w)"))
    }
}
