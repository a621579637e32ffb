//! Phone numbers as E.164: every number that is possible by country code and length, assigned or not.
//!
//! The numbering plans come from `phonenumber`, a port of libphonenumber without logging (numbers are personal data,
//! and a
//! port that traces what it parses would put them into the host's log). What people type around the digits is read
//! here.

use super::plans::{self, Lengths};
use crate::base::bytes::low8;
use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;

/// Country code, national number and a national prefix: more digits than that are no phone number.
const DIGITS_MAX: usize = 20;

/// The region of an ISO 3166 code. Does not load the numbering plans: opening a store should not wait for them.
pub(crate) fn region(code: &str) -> Option<Id> {
    let capitals = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if capitals { code.parse().ok() } else { None }
}

/// Appends the number as E.164; `None` for what is no possible number. Without `+` or `00` the region decides.
pub(crate) fn normalize(raw: &str, region: Option<Id>, out: &mut String) -> Option<()> {
    let raw = raw.trim();
    let rest = match raw.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => raw.get(4..)?,
        _ => raw,
    };
    let digits = Dialed::read(rest)?;
    let dialed = digits.as_str();
    let region = if dialed.starts_with('+') { None } else { Some(region?) };
    if let Some((code, national)) = quick(dialed, region) {
        match code {
            Some(code) => out.extend(["+", &code.to_string(), national]),
            None => out.push_str(dialed),
        }
        return Some(());
    }
    let mut number = read(dialed, region)?;
    if number == dialed {
        out.push_str(&number);
        return Some(());
    }
    // A few odd texts (`+49 00 ...`) lose a prefix at each reading. What is stored must find itself again.
    for _ in 0..DIGITS_MAX {
        let again = read(&number, None)?;
        if again == number {
            out.push_str(&number);
            return Some(());
        }
        number = again;
    }
    None
}

/// The number where nothing has to be found out, as no country of its code could take its first digit for a prefix: the
/// code, if it has to be put in front, and the rest.
fn quick(dialed: &str, region: Option<Id>) -> Option<(Option<u16>, &str)> {
    if let Some(rest) = dialed.strip_prefix('+') {
        let known = |len| rest.get(..len)?.parse::<usize>().ok().filter(|code| plans::is_code(*code));
        let (len, code) = (1..=3).find_map(|len| Some((len, known(len)?)))?;
        let national = rest.get(len..)?;
        return plans::is_plain(code, national).then_some((None, national));
    }
    let country = DATABASE.by_id(region?.as_ref())?;
    let code = country.country_code();
    // A number that starts like an international one has to be looked at closely.
    let abroad = country.international_prefix()?.find(dialed).is_some_and(|found| found.start() == 0);
    if abroad || dialed.starts_with(&code.to_string()) {
        return None;
    }
    plans::is_plain(usize::from(code), dialed).then_some((Some(code), dialed))
}

fn read(dialed: &str, region: Option<Id>) -> Option<String> {
    let number = phonenumber::parse(region, dialed).ok()?;
    let (code, national) = (number.country().code(), number.national().to_string());
    let lengths = Lengths::of(code)?;
    if lengths.has(national.len(), false) {
        return Some(format!("+{code}{national}"));
    }
    // As libphonenumber does: a prefix whose removal leaves too little was none.
    let at_home = |region: Id| DATABASE.by_id(region.as_ref()).is_some_and(|home| home.country_code() == code);
    if !region.is_none_or(at_home) {
        return None;
    }
    let code = code.to_string();
    let whole = dialed.strip_prefix('+').map_or(Some(dialed), |rest| rest.strip_prefix(code.as_str()))?;
    lengths.has(whole.len(), true).then(|| format!("+{code}{whole}"))
}

/// The digits that were dialed, after a `+` if there is one.
struct Dialed {
    text: [u8; DIGITS_MAX + 3],
    len: usize,
}

impl Dialed {
    /// `None` where anything but digits and punctuation stands, or too many of them.
    fn read(text: &str) -> Option<Self> {
        let mut all = Self { text: [0; DIGITS_MAX + 3], len: 0 };
        for c in text.chars() {
            if let Some(digit) = digit(c) {
                all.push(digit)?;
            } else if matches!(c, '+' | '＋') && matches!(all.as_str(), "" | "+") {
                all.len = 0;
                all.push(b'+')?;
            } else if !is_punctuation(c) {
                return None;
            }
        }
        if let Some(international) = all.as_str().strip_prefix("00") {
            let len = international.len();
            all.text.copy_within(1..all.len, 0);
            *all.text.first_mut()? = b'+';
            all.len = len + 1;
        }
        Some(all)
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.text.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }

    fn as_str(&self) -> &str {
        self.text.get(..self.len).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// ASCII, full-width and Arabic-Indic digits.
fn digit(c: char) -> Option<u8> {
    let value = match u32::from(c) {
        code @ 0x30..=0x39 => code - 0x30,
        code @ 0x660..=0x669 => code - 0x660,
        code @ 0x6f0..=0x6f9 => code - 0x6f0,
        code @ 0xff10..=0xff19 => code - 0xff10,
        _ => return None,
    };
    Some(b'0' + low8(u64::from(value)))
}

fn is_punctuation(c: char) -> bool {
    let mark =
        matches!(c, '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let wide = matches!(c, '\u{30fc}' | '\u{ff0d}'..='\u{ff0f}' | '\u{ff08}' | '\u{ff09}' | '\u{ff3b}' | '\u{ff3d}');
    mark || wide
        || c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn e164(raw: &str, region_code: &str) -> Option<String> {
        let mut out = String::new();
        normalize(raw, region(region_code), &mut out).map(|()| out)
    }

    #[test]
    fn the_short_way_is_taken() {
        assert_eq!(quick("20123456", region("DK")), Some((Some(45), "20123456")));
        assert_eq!(quick("+4520123456", None), Some((None, "20123456")));
        for ordinary in ["+442079460018", "+12125550123", "+4915123456789", "+33612345678"] {
            assert!(quick(ordinary, None).is_some_and(|(code, _)| code.is_none()), "{ordinary}");
            assert_eq!(e164(ordinary, "").as_deref(), Some(ordinary));
        }
        assert_eq!(quick("+390612345678", None), None, "a zero may be a prefix, or part of the number");
    }

    #[test]
    fn spellings_of_one_number_are_one() {
        for spelling in [
            "20 12 34 56",
            "20.12.34.56",
            "20-12-34-56",
            "+45 20123456",
            "0045 20 12 34 56",
            "tel:+45-20-12-34-56",
            "TEL:20123456",
            "(+45) 20123456",
            "+４５ ２０１２３４５６",
            "４５20123456",
            "20/123456",
            "٢٠١٢٣٤٥٦",
        ] {
            assert_eq!(e164(spelling, "DK").as_deref(), Some("+4520123456"), "{spelling}");
        }
        assert_eq!(e164("06 698 12345", "IT").as_deref(), Some("+390669812345"), "the Italian zero is significant");
        assert_eq!(e164("+39 06 698 12345", "").as_deref(), Some("+390669812345"));
        assert_eq!(e164("020 7946 0018", "GB").as_deref(), Some("+442079460018"));
        assert_eq!(e164("+44 (0)20 7946 0018", "DK").as_deref(), Some("+442079460018"));
        assert_eq!(e164("(202) 555-0173", "US").as_deref(), Some("+12025550173"));
        assert_eq!(e164("011 15 1234 5678", "AR").as_deref(), Some("+5491112345678"));
        assert_eq!(e164("8 495 123-45-67", "RU").as_deref(), Some("+74951234567"));
        assert_eq!(e164("+80012345678", "").as_deref(), Some("+80012345678"));
        assert_eq!(e164("+1 242 123 4567", "").as_deref(), Some("+12421234567"), "possible, not assigned");
    }

    #[test]
    fn what_is_no_possible_number_is_refused() {
        for bad in [
            "(0)20 12 34 56",
            "112",
            "+45201234",
            "+999123456",
            "1-800-FLOWERS",
            "+1 202-555-0173 ext. 89",
            "",
            "+",
            "tel:",
            "20123456;ext=1",
            "+3900",
            "20+123456",
            "+00451234",
            "1234567890123456789012345",
            "20 12 34 56 #",
        ] {
            assert_eq!(e164(bad, "DK"), None, "{bad}");
        }
        assert_eq!(e164("20 12 34 56", ""), None, "no region, no country code");
        assert!(region("DK").is_some() && region("XX").is_none() && region("dk").is_none());
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn normal_forms_are_fixed_points(raw in "(\\+|00)?[0-9]{0,18}", at in 0usize..4) {
            let home = ["DK", "US", "DE", "IT"][at];
            if let Some(once) = e164(&raw, home) {
                prop_assert_eq!(e164(&once, home), Some(once.clone()));
            }
        }

        #[test]
        fn the_short_way_equals_the_long_one(plus: bool, raw in "[0-9]{2,16}", code in 1u16..999, which in 0usize..12, at in 0usize..12) {
            let home = region(["DK", "NO", "ES", "CZ", "PT", "SG", "US", "GB", "DE", "FR", "IT", "BS"][at]);
            let code = [code, 1, 44, 49, 33, 39, 7, 61, 55, 52, 54, 86][which];
            let dialed = if plus { format!("+{code}{raw}") } else { raw };
            let home = if plus { None } else { home };
            if let Some((code, national)) = quick(&dialed, home) {
                let short = code.map_or(dialed.clone(), |code| format!("+{code}{national}"));
                prop_assert_eq!(read(&dialed, home), Some(short.clone()));
                prop_assert_eq!(read(&short, None), Some(short));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(raw: String) {
            let _ = e164(&raw, "DK");
        }
    }
}
