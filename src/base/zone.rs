//! Time zones: which calendar day an instant lies on.
//!
//! The zone data is compiled in, so that a day is the same day on every machine.

use super::time::{DAY_MS, Timestamp};
use jiff::tz::TimeZone;

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// The zone of a name such as `Europe/Copenhagen`; `None` for a name that is not in the database.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The instant of a wall clock's reading, in milliseconds since 1970-01-01 as if it were UTC; `None` for a reading
    /// that the zone skips or has twice.
    pub(crate) fn instant(&self, local_ms: i64) -> Option<Timestamp> {
        if self.0 == TimeZone::UTC {
            return Some(Timestamp::from_millisecond(local_ms));
        }
        let local = TimeZone::UTC.to_datetime(jiff::Timestamp::from_millisecond(local_ms).ok()?);
        let instant = self.0.to_ambiguous_timestamp(local).unambiguous().ok()?;
        Some(Timestamp::from_millisecond(instant.as_millisecond()))
    }

    /// The calendar day of an instant, in days since 1970-01-01.
    pub(crate) fn day(&self, ts: Timestamp) -> i64 {
        let ms = ts.as_millisecond();
        let offset_seconds = match jiff::Timestamp::from_millisecond(ms) {
            Ok(ts) if self.0 != TimeZone::UTC => self.0.to_offset(ts).seconds(),
            // Beyond the calendar there are no zones either.
            _ => 0,
        };
        ms.saturating_add(i64::from(offset_seconds) * 1000).div_euclid(DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_the_midnight_of_the_zone() {
        let day = |zone: &str, ts: &str| Zone::named(zone).unwrap().day(ts.parse().unwrap());
        let utc = day("UTC", "2026-07-01T12:00:00Z");
        assert_eq!(day("Europe/Copenhagen", "2026-06-30T21:59:59Z"), utc - 1);
        assert_eq!(day("Europe/Copenhagen", "2026-06-30T22:00:00Z"), utc);
        assert_eq!(day("Europe/Copenhagen", "2026-01-01T22:59:59Z"), day("UTC", "2026-01-01T00:00:00Z"));
        assert_eq!(day("America/New_York", "2026-07-02T03:59:59Z"), utc);
        assert!(Zone::named("Europe/Atlantis").is_none());
        assert_eq!(Zone::named("Asia/Tokyo").unwrap().day(Timestamp::MAX), Zone::default().day(Timestamp::MAX));
    }
}
