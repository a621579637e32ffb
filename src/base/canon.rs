//! Documents by what they say, not by how they were spelled: member order and the spelling of numbers do not count.
//!
//! Recursion is bounded by the depth that messages may have.

use super::bytes::{put_bytes, put_varint};
use super::doc::{Doc, Member};
use std::cmp::Ordering;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const NUMBER: u64 = 1;
const LIST: u64 = 2;
const OBJECT: u64 = 3;
const KEY: u64 = 4;
const OTHER: u64 = 5;

/// A 64-bit digest of a value. Equal values have equal digests; others practically never. Kept in facts: a format.
pub(crate) fn digest(value: Doc<'_>) -> u64 {
    if value.is_object() {
        let mut object = Digest::object();
        value.whole_members().for_each(|member| object.add_member(member));
        return object.finish();
    }
    if value.is_list() {
        let mut list = Digest::list();
        value.items().for_each(|item| list.add_item(digest(item)));
        return list.finish();
    }
    if value.is_number() {
        return number_digest(value);
    }
    // Every other value has one encoding only.
    xxh3_64_with_seed(value.bytes(), OTHER)
}

/// The digest of a container while its contents come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Digest(u64);

impl Digest {
    /// Of an object: shares of members are added, so their order does not count.
    pub(crate) fn object() -> Self {
        Self(OBJECT)
    }

    /// Of a list, whose items come in order.
    pub(crate) fn list() -> Self {
        Self(LIST)
    }

    pub(crate) fn add_member(&mut self, member: Member<'_>) {
        self.0 = self.0.wrapping_add(share(member));
    }

    /// A member that shall not count after all.
    pub(crate) fn remove_member(&mut self, member: Member<'_>) {
        self.0 = self.0.wrapping_sub(share(member));
    }

    /// A member that is neither a container nor a number, by its bytes: the key with its length, then the value.
    #[inline]
    pub(crate) fn add_plain_member(&mut self, member: &[u8]) {
        self.0 = self.0.wrapping_add(plain_share(member));
    }

    /// A member with a container or a number, whose digest is known.
    #[inline]
    pub(crate) fn add_digested_member(&mut self, key: &[u8], value: u64) {
        self.0 = self.0.wrapping_add(digested_share(key, value));
    }

    #[inline]
    pub(crate) fn add_item(&mut self, item: u64) {
        self.0 = finish(self.0).wrapping_add(item);
    }

    pub(crate) fn finish(self) -> u64 {
        finish(self.0)
    }
}

/// The share of one member in its object's digest.
fn share(Member { bytes, key, value }: Member<'_>) -> u64 {
    let digested = value.is_object() || value.is_list() || value.is_number();
    if digested { digested_share(key, digest(value)) } else { plain_share(bytes) }
}

#[inline]
fn plain_share(member: &[u8]) -> u64 {
    xxh3_64_with_seed(member, OTHER)
}

#[inline]
fn digested_share(key: &[u8], value: u64) -> u64 {
    finish(xxh3_64_with_seed(key, KEY) ^ value.rotate_left(31))
}

/// A finalizer that spreads every bit (the one of splitmix64).
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

pub(crate) fn number_digest(value: Doc<'_>) -> u64 {
    let parts = |mantissa: i64, exponent: i64| {
        let hash = finish(mantissa.cast_unsigned().wrapping_add(NUMBER));
        finish(hash.wrapping_add(exponent.cast_unsigned()))
    };
    if let Some((digits, decimals)) = value.as_fixed() {
        let (mantissa, exponent) = without_zeros(digits);
        return parts(mantissa, if digits == 0 { 0 } else { exponent - i64::from(decimals) });
    }
    let text = value.as_number().unwrap_or_default();
    let (digits, exponent) = canonical_number(&text);
    match digits.as_i64() {
        Some(mantissa) => parts(mantissa, exponent),
        None => xxh3_64_with_seed(digits.text().as_bytes(), NUMBER ^ exponent.cast_unsigned()),
    }
}

/// Digits with their sign, in two pieces: what stood before the point, and behind it.
#[derive(Clone, Copy)]
struct Digits<'a> {
    sign: &'a str,
    whole: &'a str,
    fraction: &'a str,
}

impl Digits<'_> {
    fn as_i64(self) -> Option<i64> {
        // Negative first: the smallest integer has no positive counterpart.
        let digits = self.whole.bytes().chain(self.fraction.bytes());
        let below = digits.map(|digit| i64::from(digit.wrapping_sub(b'0'))).try_fold(0i64, |value, digit| {
            if (0..10).contains(&digit) { value.checked_mul(10)?.checked_sub(digit) } else { None }
        })?;
        if self.sign.is_empty() { below.checked_neg() } else { Some(below) }
    }

    fn text(self) -> String {
        [self.sign, self.whole, self.fraction].concat()
    }
}

/// A JSON number as signed digits without zeros at either end, and the power of ten that they are multiplied with.
fn canonical_number(text: &str) -> (Digits<'_>, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = fraction.trim_end_matches('0');
    let (first, last) = if decimals.is_empty() { (whole.trim_end_matches('0'), "") } else { (whole, decimals) };
    let cut = whole.len() + fraction.len() - first.len() - last.len();
    let first = first.trim_start_matches('0');
    let last = if first.is_empty() { last.trim_start_matches('0') } else { last };
    if first.is_empty() && last.is_empty() {
        return (Digits { sign: "", whole: "0", fraction: "" }, 0);
    }
    let shift = i64::try_from(cut).ok().zip(i64::try_from(fraction.len()).ok()).map(|(cut, decimals)| cut - decimals);
    let exponent = exponent.trim_start_matches('+').parse::<i64>().ok().zip(shift).and_then(|(e, s)| e.checked_add(s));
    match exponent {
        Some(exponent) => (Digits { sign, whole: first, fraction: last }, exponent),
        // An exponent of 20 digits: such a number is compared as it was spelled.
        None => (Digits { sign: "", whole: text, fraction: "" }, 0),
    }
}

/// The order of two JSON numbers by their exact values.
pub(crate) fn compare_numbers(a: &str, b: &str) -> Ordering {
    let key = |text| {
        let (digits, exponent) = canonical_number(text);
        let len = i64::try_from(digits.whole.len() + digits.fraction.len()).unwrap_or(i64::MAX);
        let sign = match (digits.whole, digits.sign) {
            ("0", _) => 0,
            (_, "") => 1,
            _ => -1,
        };
        (sign, exponent.saturating_add(len), digits)
    };
    let ((a_sign, a_size, a), (b_sign, b_size, b)) = (key(a), key(b));
    let digits = |of: Digits<'_>| of.text().trim_start_matches('-').to_owned();
    // Digits begin at the first that is not zero, so of equally many in front of the point the first that differs tells.
    let size = || a_size.cmp(&b_size).then_with(|| digits(a).cmp(&digits(b)));
    a_sign.cmp(&b_sign).then_with(|| match a_sign {
        0 => Ordering::Equal,
        1 => size(),
        _ => size().reverse(),
    })
}

/// Appends bytes that are equal for equal values only: members sorted, numbers canonical.
pub(crate) fn bytes(value: Doc<'_>, out: &mut Vec<u8>) {
    if value.is_object() {
        return object_bytes(value.members(), out);
    }
    if value.is_list() {
        out.push(b'[');
        put_varint(out, value.items().count() as u64);
        return value.items().for_each(|item| bytes(item, out));
    }
    if !value.is_number() {
        out.push(b'=');
        return put_bytes(out, value.bytes());
    }
    out.push(b'#');
    let start = out.len();
    if let Some(value) = value.as_i64() {
        let (mantissa, exponent) = without_zeros(value);
        put_number(out, format_args!("{mantissa}e{exponent}"));
    } else {
        let text = value.as_number().unwrap_or_default();
        let (Digits { sign, whole, fraction }, exponent) = canonical_number(&text);
        put_number(out, format_args!("{sign}{whole}{fraction}e{exponent}"));
    }
    // The length stands in front of the text; it is known behind it.
    let end = out.len();
    put_varint(out, (end - start) as u64);
    let len = out.len() - end;
    out.get_mut(start..).unwrap_or_default().rotate_right(len);
}

fn put_number(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = std::io::Write::write_fmt(out, text);
}

/// The integer without zeros at its end, and how many those were.
fn without_zeros(mut mantissa: i64) -> (i64, i64) {
    let mut exponent = 0;
    while mantissa != 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        exponent += 1;
    }
    (mantissa, exponent)
}

/// The bytes of an object with these members.
pub(crate) fn object_bytes<'a>(members: impl Iterator<Item = (&'a [u8], Doc<'a>)>, out: &mut Vec<u8>) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    out.push(b'{');
    put_varint(out, members.len() as u64);
    for (key, value) in members {
        put_bytes(out, key);
        bytes(value, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::doc::DocWriter;
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> (u64, Vec<u8>) {
        let mut doc = Vec::new();
        DocWriter::new(&mut doc).number(text);
        let mut out = Vec::new();
        bytes(Doc::new(&doc), &mut out);
        (digest(Doc::new(&doc)), out)
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered =
            ["-1e40", "-100", "-1.5", "-0.02", "0", "1e-40", "0.019", "0.02", "1.5", "99.99", "1e2", "1.0001e40"];
        for (at, one) in ordered.iter().enumerate() {
            for (beside, other) in ordered.iter().enumerate() {
                assert_eq!(compare_numbers(one, other), at.cmp(&beside), "{one} {other}");
            }
        }
        assert_eq!(compare_numbers("1e2", "100.0"), Ordering::Equal);
        assert_eq!(compare_numbers("-0", "0e5"), Ordering::Equal);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let groups: [&[&str]; 7] = [
            &["100", "1e2", "100.0", "1E+2", "1000e-1", "0.1e3"],
            &["0", "-0", "0.00", "0e99999999999999999999"],
            &["-1.5", "-15e-1", "-1.50"],
            &["12345678901234567890123", "12345678901234567890123.0", "1234567890123456789012.3e1"],
            &["9223372036854775807", "9223372036854775807.0"],
            &["12345678901234567890124"],
            &["1e-99999999999999999999"],
        ];
        for (at, group) in groups.iter().enumerate() {
            for text in *group {
                assert_eq!(number(text), number(group[0]), "{text}");
                for other in groups.iter().skip(at + 1) {
                    assert_ne!(number(text).0, number(other[0]).0, "{text}");
                    assert_ne!(number(text).1, number(other[0]).1, "{text}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn integers_and_decimals_agree(value: i64, zeros in 0usize..4) {
            prop_assert_eq!(number(&value.to_string()), number(&format!("{value}.{}", "0".repeat(zeros + 1))));
        }
    }
}
