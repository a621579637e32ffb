//! Instants in milliseconds since 1970-01-01T00:00:00Z.

use std::fmt;

/// Milliseconds of one rolling day (calendar days are another matter).
pub(crate) const DAY_MS: i64 = 86_400_000;

/// An instant, cut to milliseconds, UTC.
///
/// Prints as RFC 3339 with milliseconds and `Z`; parses RFC 3339 and plain dates.
///
/// ```
/// use regulars::Timestamp;
/// let t: Timestamp = "2011-03-01".parse()?;
/// assert_eq!(t.as_millisecond(), 1_298_937_600_000);
/// assert_eq!(t.to_string(), "2011-03-01T00:00:00.000Z");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every instant.
    pub(crate) const MIN: Self = Self(i64::MIN);
    /// After every instant: a question asked at `MAX` sees everything.
    pub(crate) const MAX: Self = Self(i64::MAX);

    /// The instant `ms` milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// ```
    /// assert_eq!(regulars::Timestamp::from_millisecond(0).to_string(), "1970-01-01T00:00:00.000Z");
    /// ```
    #[must_use]
    pub const fn from_millisecond(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// ```
    /// assert_eq!(regulars::Timestamp::from_millisecond(7).as_millisecond(), 7);
    /// ```
    #[must_use]
    pub const fn as_millisecond(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds; stops at the ends of time instead of wrapping.
    ///
    /// ```
    /// let t = regulars::Timestamp::from_millisecond(10);
    /// assert_eq!(t.plus_millisecond(-3).as_millisecond(), 7);
    /// ```
    #[must_use]
    pub const fn plus_millisecond(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, ms) = (civil(self.0.div_euclid(DAY_MS)), self.0.rem_euclid(DAY_MS));
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}.{:03}Z", date.0, date.1, date.2, ms % 1000)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || crate::Error::invalid("an instant is RFC 3339, for example 2026-01-31T09:30:00Z, or a date");
        parse_instant(text).map(|parsed| parsed.instant).ok_or_else(bad)
    }
}

/// What a text said about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParsedInstant {
    pub(crate) instant: Timestamp,
    /// What was cut: nanoseconds below the millisecond.
    pub(crate) nanos: u32,
    /// The text named neither `Z` nor an offset, so it was read as UTC.
    pub(crate) zone_missing: bool,
}

/// The milliseconds of the years 0001 to 9999, in UTC.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

/// Reads `YYYY-MM-DD`, then optionally `T`, `t` or a blank, `hh:mm`, `:ss`, up to 9 decimals, and `Z`, `z` or an offset
/// below 24 h.
///
/// Strict on purpose: whatever else a text might mean would be a guessed instant. 23:59:60 is 23:59:59.999. Digits
/// beyond the third decimal are cut.
pub(crate) fn parse_instant(text: &str) -> Option<ParsedInstant> {
    let mut scan = Scan(text.as_bytes());
    let (year, month, day) = scan.date()?;
    let midnight = days_from_civil(year, month, day)? * DAY_MS;
    if scan.0.is_empty() {
        return Some(ParsedInstant { instant: Timestamp(midnight), nanos: 0, zone_missing: true });
    }
    if !(scan.eat(b'T') || scan.eat(b't') || scan.eat(b' ')) {
        return None;
    }
    let (of_day, nanos) = scan.time_of_day()?;
    let offset = scan.offset()?;
    let instant = Timestamp(midnight + of_day - offset.unwrap_or(0));
    // An offset must not lead into a year that cannot be written.
    YEARS.contains(&instant.0).then_some(ParsedInstant { instant, nanos, zone_missing: offset.is_none() })
}

struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.0.first() == Some(&byte);
        if hit {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        hit
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        head.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.digits(4)?;
        self.eat(b'-').then_some(())?;
        let month = self.digits(2)?;
        self.eat(b'-').then_some(())?;
        Some((year, month, self.digits(2)?))
    }

    /// Milliseconds, and nanoseconds below.
    fn time_of_day(&mut self) -> Option<(i64, u32)> {
        let hour = self.digits(2)?;
        self.eat(b':').then_some(())?;
        let minute = self.digits(2)?;
        // Decimals of a minute would be a guess: they stand behind seconds only.
        let (second, (ms, nanos)) = if self.eat(b':') {
            let second = self.digits(2)?;
            (second, if self.eat(b'.') { self.decimals()? } else { (0, 0) })
        } else {
            (0, (0, 0))
        };
        let leap = (hour, minute, second) == (23, 59, 60);
        let (second, ms, nanos) = if leap { (59, 999, 0) } else { (second, ms, nanos) };
        (hour < 24 && minute < 60 && second < 60).then(|| (((hour * 60 + minute) * 60 + second) * 1000 + ms, nanos))
    }

    fn decimals(&mut self) -> Option<(i64, u32)> {
        let len = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&len) {
            return None;
        }
        let scaled = |digits: i64, len: usize, of: usize| (len..of).fold(digits, |digits, _| digits * 10);
        let ms = scaled(self.digits(len.min(3))?, len, 3);
        let below = len.saturating_sub(3);
        let nanos = scaled(self.digits(below)?, below, 6);
        Some((ms, u32::try_from(nanos).ok()?))
    }

    /// Milliseconds east of UTC; `Some(None)` where the text ends without a zone.
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.0.is_empty() {
            return Some(None);
        }
        if self.eat(b'Z') || self.eat(b'z') {
            return self.0.is_empty().then_some(Some(0));
        }
        let sign = if self.eat(b'+') {
            1
        } else if self.eat(b'-') {
            -1
        } else {
            return None;
        };
        let hour = self.digits(2)?;
        let minute = if self.eat(b':') || !self.0.is_empty() { self.digits(2)? } else { 0 };
        let good = self.0.is_empty() && hour < 24 && minute < 60;
        good.then_some(Some(sign * (hour * 60 + minute) * 60_000))
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years 0001 to 9999; `None` for a day that does not exist.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    };
    if !((1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=last).contains(&day)) {
        return None;
    }
    // Howard Hinnant's algorithm: years start in March, so the leap day comes last.
    let (y, m, d) = (if month <= 2 { year - 1 } else { year }, month, day);
    let (era, of_era) = (y / 400, y % 400);
    let day_of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468)
}

/// The date of a day number: year, month, day.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * mp + 2) / 5 + 1)
}

/// A length of time as rules and options spell it: a whole number and one of `ms s m h d w`.
pub(crate) fn parse_span_ms(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_ms)
}

/// The span in its largest exact unit, so that parsing it gives the same length.
pub(crate) fn span_text(ms: i64) -> String {
    let units = [(7 * DAY_MS, "w"), (DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    // Weeks read badly where people think in days: 28d, not 4w.
    let fit = units.iter().skip(1).find(|(unit, _)| ms != 0 && ms % unit == 0);
    fit.map_or_else(|| format!("{ms}ms"), |(unit, name)| format!("{}{name}", ms / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Option<i64> {
        parse_instant(text).map(|p| p.instant.0)
    }

    #[test]
    fn reads_what_sdks_send_and_nothing_else() {
        assert_eq!(ms("1970-01-01"), Some(0));
        assert_eq!(ms("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(ms("1970-01-01 00:01"), Some(60_000));
        assert_eq!(ms("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(ms("1970-01-01T00:00:00.123456789Z"), Some(123));
        assert_eq!(ms("1970-01-01T23:59:60Z"), Some(DAY_MS - 1));
        // RFC 3339 allows both letters in both cases.
        for (t, z) in [("T", "z"), ("t", "Z"), ("t", "z"), (" ", "z"), ("t", "+00:00"), ("t", "")] {
            assert_eq!(ms(&format!("1970-01-01{t}00:00:01.5{z}")), Some(1500), "{t}{z}");
        }
        for bad in [
            "",
            "1970",
            "1970-02-29",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:60Z",
            "0000-01-01",
            "1970-01-01T",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+01:",
            "1970-01-01T00:00:00zz",
            "1970-01-01tt00:00:00Z",
            "1970-01-01t",
            "1970-01-01T00:00.5Z",
            "1970-13-01",
            "1970-00-01",
            "1970-01-00",
            "1900-02-29",
            "1298937600000",
            "Tue, 01 Mar 2011 00:00:00 GMT",
            "1970-01-01T00:00:00Zx",
            "+970-01-01",
        ] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_agree_with_jiff() {
        for days in (-719_162..2_932_896).step_by(97) {
            let (y, m, d) = civil(days);
            let date = jiff::civil::Date::new(y.try_into().unwrap(), m.try_into().unwrap(), d.try_into().unwrap());
            let date = date.unwrap();
            let epoch = jiff::civil::date(1970, 1, 1);
            assert_eq!(i64::from((date - epoch).get_days()), days);
            assert_eq!(days_from_civil(y, m, d), Some(days));
        }
        for (year, month, day) in
            (0..=10_000).step_by(4).flat_map(|y| (0..14).flat_map(move |m| (28..=32).map(move |d| (y, m, d))))
        {
            let exists = year > 0 && jiff::civil::Date::new(year, month, day).is_ok();
            assert_eq!(
                days_from_civil(year.into(), month.into(), day.into()).is_some(),
                exists,
                "{year}-{month}-{day}"
            );
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn instants_round_trip(ms in -62_135_596_800_000i64..253_402_300_799_999) {
            let text = Timestamp(ms).to_string();
            prop_assert_eq!(parse_instant(&text), Some(ParsedInstant { instant: Timestamp(ms), nanos: 0, zone_missing: false }));
        }

        #[test]
        fn spans_round_trip(ms in 0i64..1_000_000_000_000) {
            prop_assert_eq!(parse_span_ms(&span_text(ms)), Some(ms));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = parse_instant(&text);
            let _ = parse_span_ms(&text);
        }
    }
}
