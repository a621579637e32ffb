//! How files call time zones: by offset, by abbreviation, by the names of the IANA, of Windows and of Rails.

use crate::base::Timestamp;
use crate::base::zone::Zone;

/// Where a wall clock hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// So many milliseconds east of UTC.
    Offset(i64),
    /// A zone with rules of its own.
    Zone(Zone),
}

impl Place {
    /// The instant of a wall clock's reading; `None` for one that the zone skips or has twice.
    pub(super) fn instant(&self, local_ms: i64) -> Option<Timestamp> {
        match self {
            Self::Offset(offset_ms) => Some(Timestamp::from_millisecond(local_ms - offset_ms)),
            Self::Zone(zone) => zone.instant(local_ms),
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

/// Abbreviations that mean one offset, in minutes east of UTC: those of RFC 2822, and those of Europe, Australia and
/// Japan.
const ABBREVIATIONS: [(&str, i64); 28] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("MET", 60),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("JST", 540),
    ("AEST", 600),
    ("AEDT", 660),
    ("AWST", 480),
    ("NZST", 720),
    ("NZDT", 780),
];

/// Names of zones that are not those of the IANA.
const NAMES: [(&str, &str); 50] = [
    ("eastern time", "America/New_York"),
    ("eastern standard time", "America/New_York"),
    ("eastern", "America/New_York"),
    ("central time", "America/Chicago"),
    ("central standard time", "America/Chicago"),
    ("mountain time", "America/Denver"),
    ("mountain standard time", "America/Denver"),
    ("us mountain standard time", "America/Phoenix"),
    ("arizona", "America/Phoenix"),
    ("pacific time", "America/Los_Angeles"),
    ("pacific standard time", "America/Los_Angeles"),
    ("pacific", "America/Los_Angeles"),
    ("alaska", "America/Anchorage"),
    ("hawaii", "Pacific/Honolulu"),
    ("atlantic time", "America/Halifax"),
    ("atlantic standard time", "America/Halifax"),
    ("newfoundland", "America/St_Johns"),
    ("mexico city", "America/Mexico_City"),
    ("brasilia", "America/Sao_Paulo"),
    ("london", "Europe/London"),
    ("edinburgh", "Europe/London"),
    ("gmt standard time", "Europe/London"),
    ("dublin", "Europe/Dublin"),
    ("lisbon", "Europe/Lisbon"),
    ("berlin", "Europe/Berlin"),
    ("w. europe standard time", "Europe/Berlin"),
    ("romance standard time", "Europe/Paris"),
    ("central europe standard time", "Europe/Budapest"),
    ("central european time", "Europe/Berlin"),
    ("amsterdam", "Europe/Amsterdam"),
    ("brussels", "Europe/Brussels"),
    ("paris", "Europe/Paris"),
    ("madrid", "Europe/Madrid"),
    ("rome", "Europe/Rome"),
    ("vienna", "Europe/Vienna"),
    ("bern", "Europe/Zurich"),
    ("zurich", "Europe/Zurich"),
    ("copenhagen", "Europe/Copenhagen"),
    ("stockholm", "Europe/Stockholm"),
    ("oslo", "Europe/Oslo"),
    ("helsinki", "Europe/Helsinki"),
    ("warsaw", "Europe/Warsaw"),
    ("prague", "Europe/Prague"),
    ("athens", "Europe/Athens"),
    ("tokyo", "Asia/Tokyo"),
    ("singapore", "Asia/Singapore"),
    ("sydney", "Australia/Sydney"),
    ("melbourne", "Australia/Melbourne"),
    ("brisbane", "Australia/Brisbane"),
    ("auckland", "Pacific/Auckland"),
];

/// The place of a text; `None` for what names none.
pub(super) fn place(text: &str) -> Option<Place> {
    let text = text.trim();
    if let Some(offset_ms) = offset(text) {
        return Some(Place::Offset(offset_ms));
    }
    if text.contains('/')
        && let Some(zone) = Zone::named(text)
    {
        return Some(Place::Zone(zone));
    }
    // `Eastern Time (US & Canada)`, `(GMT-05:00) Eastern Time`: the name says more than the offset, which is the winter's.
    let mut depth = 0;
    let outside = |c: &char| {
        depth += i32::from(*c == '(');
        let out = depth <= 0;
        depth -= i32::from(*c == ')');
        out
    };
    let without: String = text.chars().filter(outside).collect();
    let name = without.trim().to_lowercase();
    let (_, iana) = NAMES.iter().find(|(known, _)| *known == name)?;
    Zone::named(iana).map(Place::Zone)
}

/// `+02:00`, `-0500`, `UTC+2`, `PDT`: milliseconds east of UTC.
pub(super) fn offset(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    if let Some((_, minutes)) = ABBREVIATIONS.iter().find(|(name, _)| *name == upper) {
        return Some(minutes * 60_000);
    }
    let bare = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")).unwrap_or(&upper).trim();
    let sign = match bare.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match bare.get(1..)?.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if bare.len() == 5 => (bare.get(1..3)?, bare.get(3..)?),
        None => (bare.get(1..)?, "0"),
    };
    let number = |text: &str| {
        let good = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if good { text.parse::<i64>().ok() } else { None }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * HOUR_MS + minutes * 60_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_every_name() {
        for (text, expected) in [
            ("+02:00", "2026-07-01T10:00:00.000Z"),
            ("-0500", "2026-07-01T17:00:00.000Z"),
            ("UTC+2", "2026-07-01T10:00:00.000Z"),
            ("GMT-05:00", "2026-07-01T17:00:00.000Z"),
            ("gmt", "2026-07-01T12:00:00.000Z"),
            ("PDT", "2026-07-01T19:00:00.000Z"),
            ("CEST", "2026-07-01T10:00:00.000Z"),
            ("Europe/Berlin", "2026-07-01T10:00:00.000Z"),
            ("Eastern Time (US & Canada)", "2026-07-01T16:00:00.000Z"),
            ("(GMT-05:00) Eastern Time (US & Canada)", "2026-07-01T16:00:00.000Z"),
            ("W. Europe Standard Time", "2026-07-01T10:00:00.000Z"),
            ("Pacific Time", "2026-07-01T19:00:00.000Z"),
        ] {
            let noon = 1_782_907_200_000;
            let read = place(text).and_then(|place| place.instant(noon)).map(|ts| ts.to_string());
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
        for none in ["", "XYZ", "+25:00", "+1:75", "inc tax", "Atlantis/Harbor", "+"] {
            assert_eq!(place(none), None, "{none}");
        }
        assert!(NAMES.iter().all(|(_, iana)| Zone::named(iana).is_some()));
    }
}
