//! Instants as files write them: a date, a time of day and a zone, in one cell or in three; surely, or not at all.

use super::zones::{Place, offset, place};
use crate::base::Timestamp;
use crate::base::time::{DAY_MS, days_from_civil};
use crate::base::zone::Zone;
use serde::Serialize;

/// Which of two numbers of a date is the day, where the year does not come first.
///
/// ```
/// use regulars::import::{DateOrder, OrdersCsv};
/// let file = OrdersCsv::new(&b"order_id,date,total,email\n"[..]).date_order(DateOrder::MonthFirst);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31/12/2026
    DayFirst,
    /// 12/31/2026
    MonthFirst,
}

impl std::fmt::Display for DateOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DayFirst => "day first",
            Self::MonthFirst => "month first",
        })
    }
}

/// How dates and times without a zone are read.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) order: Option<DateOrder>,
    pub(super) place: Place,
    /// The zone was said for this file. Then a date alone is midnight there. Else the zone is that of the shop's calendar,
    /// and a date alone is the first instant that has this date in UTC as well: a file of dates was written in whatever
    /// zone, and its days must not slip into the day before for whoever reads them in either.
    pub(super) place_is_said: bool,
}

impl Clock {
    #[cfg(test)]
    pub(super) fn utc(order: Option<DateOrder>) -> Self {
        Self { order, place: Place::Zone(Zone::default()), place_is_said: true }
    }

    pub(super) fn of_zone(zone: Zone, is_said: bool, order: Option<DateOrder>) -> Self {
        Self { order, place: Place::Zone(zone), place_is_said: is_said }
    }

    /// The instant of a cell; `None` for what is ambiguous, impossible or a serial number.
    pub(super) fn instant(&self, text: &str) -> Option<Timestamp> {
        self.instant_of(text, None, None)
    }

    /// The same, where time of day and zone stand in cells of their own.
    pub(super) fn instant_of(&self, date: &str, time: Option<&str>, zone: Option<&str>) -> Option<Timestamp> {
        let (day, rest) = date_and_rest(date.trim(), self.order)?;
        let clock = match (rest, time) {
            ("", Some(time)) => Some(time_of(time.trim())?),
            ("", None) => None,
            // A whole instant is not made truer by a time beside it.
            (rest, _) => Some(time_of(rest)?),
        };
        let (of_day, own_offset) = clock.unwrap_or((0, None));
        let local_ms = day * DAY_MS + of_day;
        if let Some(offset_ms) = own_offset {
            return Some(Timestamp::from_millisecond(local_ms - offset_ms));
        }
        if let Some(zone) = zone {
            return place(zone)?.instant(local_ms);
        }
        if clock.is_none() && !self.place_is_said {
            let utc = Timestamp::from_millisecond(local_ms);
            return Some(self.place.instant(local_ms).map_or(utc, |local| local.max(utc)));
        }
        self.place.instant(local_ms)
    }
}

/// Months by how their names begin, without accents, in the languages of the headers.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "sty"],
    &["feb", "fev", "lut"],
    &["mar", "maa", "maerz", "mrz"],
    &["apr", "avr", "abr", "kwi"],
    &["may", "mai", "mei", "maj", "mag"],
    &["jun", "juin", "giu", "cze"],
    &["jul", "juil", "lug", "lip"],
    &["aug", "aou", "ago", "sie"],
    &["sep", "set", "wrz"],
    &["oct", "okt", "ott", "out", "paz"],
    &["nov", "lis"],
    &["dec", "dez", "dic", "des", "gru"],
];

/// The month of a word, whole or cut; `None` for other words.
fn month_of(word: &str) -> Option<i64> {
    let word = super::header::folded(word);
    let is_word = word.chars().count() >= 3 && word.chars().all(char::is_alphabetic);
    // July and June begin alike in French.
    let begins = |names: &&[&str]| names.iter().any(|name| word.starts_with(name));
    let at = match word.as_str() {
        w if w.starts_with("juil") => 6,
        w if w.starts_with("juin") => 5,
        _ => MONTHS.iter().position(begins)?,
    };
    (is_word && word.len() <= 10).then_some(i64::try_from(at).ok()? + 1)
}

/// Days since 1970-01-01, and what stands behind the date.
fn date_and_rest(text: &str, order: Option<DateOrder>) -> Option<(i64, &str)> {
    if text.chars().any(char::is_alphabetic)
        && let Some(read) = written_date(text)
    {
        return Some(read);
    }
    let (date, rest) = match text.find([' ', 'T', '\u{a0}', ',']) {
        Some(at) => {
            let (date, rest) = text.split_at_checked(at)?;
            (date, rest.trim_start_matches([' ', 'T', '\u{a0}', ',']))
        }
        None => (text, ""),
    };
    // A mark that nothing follows promises a time.
    if rest.is_empty() && date.len() < text.len() {
        return None;
    }
    Some((date_of(date, order)?, rest))
}

/// `Sep 3, 2026`, `3 September 2026`, `3. September 2026`, `3 de septiembre de 2026`, `03-Sep-2026`; and the rest.
fn written_date(text: &str) -> Option<(i64, &str)> {
    let (mut month, mut numbers): (Option<i64>, Vec<(i64, usize)>) = (None, Vec::new());
    let mut day_before = false;
    let mut rest = text;
    while numbers.len() < 2 || month.is_none() {
        rest = rest.trim_start_matches([' ', ',', '.', '-', '/', '\u{a0}']);
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail;
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.push((word.parse().ok().filter(|_| matches!(word.len(), 1 | 2 | 4))?, word.len()));
        } else if month.is_none() && month_of(word).is_some() {
            month = month_of(word);
            day_before = numbers.len() == 1;
        } else if let Some(day) = ordinal(word) {
            numbers.push((day, 2));
        } else if !matches!(word, "de" | "of" | "del" | "di" | "den") || word.is_empty() {
            return None;
        }
        if numbers.len() > 2 {
            return None;
        }
    }
    let (day, year) = match numbers.as_slice() {
        [(day, 1 | 2), (year, 4)] | [(year, 4), (day, 1 | 2)] => (*day, *year),
        // `3-Sep-26`, as spreadsheets write it: the day in front of the month, the year behind it.
        [(day, 1 | 2), (year, 2)] if day_before => (*day, 2000 + *year),
        _ => return None,
    };
    let rest = rest.trim_start_matches([' ', ',', '\u{a0}']);
    let rest = rest.strip_prefix("at ").or(rest.strip_prefix("um ")).or(rest.strip_prefix('T')).unwrap_or(rest);
    Some((days_from_civil(year, month?, day)?, rest))
}

/// `3rd`
fn ordinal(word: &str) -> Option<i64> {
    let digits = ["st", "nd", "rd", "th", "er"].iter().find_map(|end| word.strip_suffix(end))?;
    digits.parse().ok().filter(|_| digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The first two numbers of a date that ends with its year, if the text starts with one, and what stands between them.
pub(super) fn unordered(text: &str) -> Option<(char, u32, u32)> {
    let date = text.trim().split([' ', 'T', ',']).next()?;
    let mark = date.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
    let mut parts = date.split(mark);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=2).contains(&part.len());
    // A year of two digits may be the first number as well, unless the file is sure of its dates elsewhere.
    let good = short(first) && short(second) && matches!(year.len(), 2 | 4) && parts.next().is_none();
    good.then_some(())?;
    Some((mark, first.parse().ok()?, second.parse().ok()?))
}

/// Whether a cell is the number under which a spreadsheet keeps a date: days since 1900, of the years 1990 to 2100.
pub(super) fn is_serial(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    number(whole) && number(fraction) && whole.parse().is_ok_and(|days: u64| (32_874..73_051).contains(&days))
}

/// Whether a cell is a time of day and no date.
pub(super) fn is_time_of_day(text: &str) -> bool {
    time_of(text.trim()).is_some()
}

/// Days since 1970-01-01.
fn date_of(date: &str, order: Option<DateOrder>) -> Option<i64> {
    let mark = date.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = date.split(mark).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let number = |part: &str, most: usize| {
        let digits = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<i64>().ok() } else { None }
    };
    if first.len() == 4 {
        return days_from_civil(number(first, 4)?, number(second, 2)?, number(third, 2)?);
    }
    let year = match third.len() {
        4 => number(third, 4)?,
        // Of two digits it is a year only where the file or whoever knows it says what the others are, or dots do.
        2 if order.is_some() || mark == '.' => 2000 + number(third, 2)?,
        _ => return None,
    };
    let (first, second) = (number(first, 2)?, number(second, 2)?);
    // Dots are written behind the day, then behind the month, unless the file or whoever knows it says otherwise.
    let order = if mark == '.' { order.or(Some(DateOrder::DayFirst)) } else { order };
    match order {
        Some(DateOrder::DayFirst) => days_from_civil(year, second, first),
        Some(DateOrder::MonthFirst) => days_from_civil(year, first, second),
        None if first == second || first > 12 => days_from_civil(year, second, first),
        None if second > 12 => days_from_civil(year, first, second),
        None => None,
    }
}

/// Milliseconds of the day, and the offset east of UTC if the text names one.
fn time_of(text: &str) -> Option<(i64, Option<i64>)> {
    let (clock, rest) =
        text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len()));
    let mut rest = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let mut parts = clock.split(':');
    let digits = |part: &str| {
        let good = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if good { part.parse::<i64>().ok() } else { None }
    };
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (digits(seconds)?, 0),
            Some((whole, fraction)) => (digits(whole)?, milliseconds(fraction)?),
        },
    };
    if parts.next().is_some() || minute > 59 {
        return None;
    }
    // A leap second is the last millisecond before it, as in messages.
    let (second, ms) = match second {
        60 if (hour, minute) == (23, 59) => (59, 999),
        0..60 => (second, ms),
        _ => return None,
    };
    let mut hour = hour;
    for (half, afternoon) in [("A.M.", 0), ("P.M.", 12), ("AM", 0), ("PM", 12)] {
        if rest.get(..half.len()).is_some_and(|start| start.eq_ignore_ascii_case(half)) {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + afternoon;
            rest = rest.get(half.len()..).unwrap_or_default().trim_start();
            break;
        }
    }
    if hour > 23 {
        return None;
    }
    let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    // `10:15 Uhr`
    match rest {
        "" | "Uhr" | "h" => Some((of_day, None)),
        rest => Some((of_day, Some(offset(rest)?))),
    }
}

fn milliseconds(fraction: &str) -> Option<i64> {
    let good = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(())?;
    format!("{fraction}00").get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_sure_or_nothing() {
        let at = |text: &str, order| Clock::utc(order).instant(text).map(|ts| ts.to_string());
        for (text, expected) in [
            ("2010-12-01 08:26:00", "2010-12-01T08:26:00.000Z"),
            ("2024-01-15 10:30:00 -0500", "2024-01-15T15:30:00.000Z"),
            ("2024-01-15T10:30:00.1234+01:00", "2024-01-15T09:30:00.123Z"),
            ("2024/1/5", "2024-01-05T00:00:00.000Z"),
            ("31.12.2024 9:05", "2024-12-31T09:05:00.000Z"),
            ("05.06.2024", "2024-06-05T00:00:00.000Z"),
            ("05.06.24", "2024-06-05T00:00:00.000Z"),
            ("31/12/2024", "2024-12-31T00:00:00.000Z"),
            ("12/31/2024 3:04 PM", "2024-12-31T15:04:00.000Z"),
            ("12/31/2024 12:04 am", "2024-12-31T00:04:00.000Z"),
            ("05/05/2024", "2024-05-05T00:00:00.000Z"),
            ("Sep 3, 2026", "2026-09-03T00:00:00.000Z"),
            ("September 10, 2026 9:00 AM", "2026-09-10T09:00:00.000Z"),
            ("3 Sep 2026", "2026-09-03T00:00:00.000Z"),
            ("03-Sep-2026 10:15", "2026-09-03T10:15:00.000Z"),
            ("Sep. 3rd, 2026", "2026-09-03T00:00:00.000Z"),
            ("Sep 4, 2026 1:05:07 AM PDT", "2026-09-04T08:05:07.000Z"),
            ("3-Sep-26", "2026-09-03T00:00:00.000Z"),
            ("2026-Sep-03", "2026-09-03T00:00:00.000Z"),
            ("3. März 2026 10:15 Uhr", "2026-03-03T10:15:00.000Z"),
            ("3 de septiembre de 2026", "2026-09-03T00:00:00.000Z"),
            ("14 juillet 2026", "2026-07-14T00:00:00.000Z"),
            ("14 juin 2026", "2026-06-14T00:00:00.000Z"),
            ("2 ottobre 2026", "2026-10-02T00:00:00.000Z"),
            ("1 mei 2026", "2026-05-01T00:00:00.000Z"),
            ("1. december 2026", "2026-12-01T00:00:00.000Z"),
            ("12/31/2024, 3:04 p.m.", "2024-12-31T15:04:00.000Z"),
            ("2026-09-03 10:15:00 UTC+2", "2026-09-03T08:15:00.000Z"),
            ("2026-09-03 10:15 CEST", "2026-09-03T08:15:00.000Z"),
        ] {
            assert_eq!(at(text, None).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(at("05/06/2024", Some(DateOrder::DayFirst)).as_deref(), Some("2024-06-05T00:00:00.000Z"));
        assert_eq!(at("05/06/2024", Some(DateOrder::MonthFirst)).as_deref(), Some("2024-05-06T00:00:00.000Z"));
        // Years of two digits where the order of the others is known.
        assert_eq!(at("09/28/26", Some(DateOrder::MonthFirst)).as_deref(), Some("2026-09-28T00:00:00.000Z"));
        assert_eq!(at("28.09.26", Some(DateOrder::DayFirst)).as_deref(), Some("2026-09-28T00:00:00.000Z"));
        for text in [
            "05/06/2024",
            "2024-02-30",
            "45292",
            "45292.5",
            "20240115",
            "1/2/24",
            "2024-01-15 24:00",
            "2024-01-15 10:60",
            "yesterday",
            "2024-13-01",
            "32/01/2024",
            "2024-01-15 10",
            "2024-01-15 13:00 PM",
            "2024-01-15 10:00 XYZ",
            "2024-01-15T",
            "Sep 2026",
            "Sep 31, 2026",
            "Sep 3 26",
            "3 4 Sep 2026",
            "Smarch 3, 2026",
            "3 Sep 2026 later",
        ] {
            assert_eq!(at(text, None), None, "{text}");
        }
    }

    #[test]
    fn an_hour_that_is_missing_or_twice_there_is_no_instant() {
        let zone = Zone::named("Europe/Copenhagen").unwrap();
        let clock = Clock::of_zone(zone, true, None);
        let at = |text: &str| clock.instant(text).map(|ts| ts.to_string());
        assert_eq!(at("2026-07-01 12:00").as_deref(), Some("2026-07-01T10:00:00.000Z"));
        assert_eq!((at("2026-03-29 02:30"), at("2026-10-25 02:30")), (None, None));
    }

    #[test]
    fn date_time_and_zone_are_one_time() {
        let clock = Clock::utc(None);
        let at = |date: &str, time: &str, zone: &str| {
            let said = |text: &'_ str| Some(text.to_owned()).filter(|text| !text.is_empty());
            clock.instant_of(date, said(time).as_deref(), said(zone).as_deref()).map(|ts| ts.to_string())
        };
        for (date, time, zone, expected) in [
            ("2026-09-13", "10:02:11", "Eastern Time (US & Canada)", "2026-09-13T14:02:11.000Z"),
            ("2026-09-13", "10:02", "", "2026-09-13T10:02:00.000Z"),
            ("2026-09-13", "", "", "2026-09-13T00:00:00.000Z"),
            ("13.09.2026", "9:05 PM", "+02:00", "2026-09-13T19:05:00.000Z"),
            ("2026-09-13 08:00", "10:02", "UTC", "2026-09-13T08:00:00.000Z"),
            ("2026-09-13", "10:02+01:00", "PDT", "2026-09-13T09:02:00.000Z"),
        ] {
            assert_eq!(at(date, time, zone).as_deref(), Some(expected), "{date} {time} {zone}");
        }
        assert_eq!((at("2026-09-13", "late", ""), at("2026-09-13", "10:00", "Atlantis")), (None, None));
    }

    #[test]
    fn a_date_alone_keeps_its_day_on_both_sides_of_the_sea() {
        let at = |zone: &str, said| {
            let clock = Clock::of_zone(Zone::named(zone).unwrap(), said, None);
            clock.instant("2026-07-01").map(|ts| ts.to_string()).unwrap()
        };
        assert_eq!(at("Europe/Berlin", false), "2026-07-01T00:00:00.000Z");
        assert_eq!(at("America/New_York", false), "2026-07-01T04:00:00.000Z");
        assert_eq!(at("Europe/Berlin", true), "2026-06-30T22:00:00.000Z");
        assert_eq!(at("America/New_York", true), "2026-07-01T04:00:00.000Z");
    }

    #[test]
    fn serial_numbers_and_times_of_day_are_told_apart() {
        assert!(["46268", "46268.4266", "45292,5"].into_iter().all(is_serial));
        assert!(!["2026", "1001", "20260903", "46268-1", ""].into_iter().any(is_serial));
        assert!(["10:15", "9:05 PM", "23:59:59.5"].into_iter().all(is_time_of_day));
        assert!(!["2026-09-03 10:15", "10", "25:00", ""].into_iter().any(is_time_of_day));
    }
}
