//! When something happened, by what the message says: an exact instant or none, never a guess.

use crate::base::doc::Doc;
use crate::base::time::parse_instant;
use crate::base::{Decimal, Timestamp};

/// What a field says about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Absent,
    At {
        instant: Timestamp,
        /// Nanoseconds below its millisecond.
        nanos: u32,
        zone_missing: bool,
    },
    Unreadable,
    WrongType,
}

impl Clock {
    pub(crate) fn instant(self) -> Option<Timestamp> {
        if let Self::At { instant, .. } = self { Some(instant) } else { None }
    }

    /// Nanoseconds since 1970.
    pub(crate) fn nanoseconds(self) -> Option<i128> {
        let Self::At { instant, nanos, .. } = self else { return None };
        Some(i128::from(instant.as_millisecond()) * 1_000_000 + i128::from(nanos))
    }

    pub(crate) fn zone_missing(self) -> bool {
        matches!(self, Self::At { zone_missing: true, .. })
    }
}

/// A smaller number is seconds, zero or a mistake.
const EPOCH_MS_MIN: i64 = 100_000_000_000;
/// The end of the year 9999, and the start of the year 1.
const EPOCH_MS_MAX: i64 = 253_402_300_799_999;
pub(crate) const YEAR_ONE_MS: i64 = -62_135_596_800_000;

/// Reads a field that is not `null`, blank or missing as an instant.
pub(crate) fn read(field: Option<Doc<'_>>) -> Clock {
    let Some(value) = field else { return Clock::Absent };
    if let Some(instant) = value.as_instant() {
        return Clock::At { instant, nanos: 0, zone_missing: false };
    }
    if value.is_string() {
        let parsed = value.as_str().and_then(|text| parse_instant(&text));
        return parsed.map_or(Clock::Unreadable, |parsed| Clock::At {
            instant: parsed.instant,
            nanos: parsed.nanos,
            zone_missing: parsed.zone_missing,
        });
    }
    if !value.is_number() {
        return Clock::WrongType;
    }
    let ms = value.as_i64().or_else(|| value.as_decimal().and_then(floor)).or_else(|| whole(value));
    match ms {
        Some(ms) if (EPOCH_MS_MIN..=EPOCH_MS_MAX).contains(&ms) => {
            Clock::At { instant: Timestamp::from_millisecond(ms), nanos: 0, zone_missing: false }
        }
        _ => Clock::Unreadable,
    }
}

fn floor(decimal: Decimal) -> Option<i64> {
    let (rounded, _) = decimal.to_units(0)?;
    Some(if Decimal::from(rounded) > decimal { rounded - 1 } else { rounded })
}

/// The digits before the point of a number with more decimals than can be computed with.
fn whole(value: Doc<'_>) -> Option<i64> {
    let text = value.as_number()?;
    let (whole, _) = text.split_once('.').filter(|(_, decimals)| !decimals.contains(['e', 'E']))?;
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::doc::DocWriter;

    fn number(text: &str) -> Clock {
        let mut doc = Vec::new();
        DocWriter::new(&mut doc).number(text);
        read(Some(Doc::new(&doc)))
    }

    #[test]
    fn numbers_are_milliseconds_or_nothing() {
        let at = |ms| Clock::At { instant: Timestamp::from_millisecond(ms), nanos: 0, zone_missing: false };
        assert_eq!(number("100000000000"), at(100_000_000_000));
        assert_eq!(number("1700000000000.9"), at(1_700_000_000_000));
        assert_eq!(number("1.7e12"), at(1_700_000_000_000));
        assert_eq!(number(&format!("1700000000000.{}", "9".repeat(60))), at(1_700_000_000_000));
        for bad in ["99999999999", "0", "-1700000000000", "1700000000", "253402300800000", "1e300"] {
            assert_eq!(number(bad), Clock::Unreadable, "{bad}");
        }
    }
}
