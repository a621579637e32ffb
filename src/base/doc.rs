//! A JSON value as compact bytes: what the log, the tail and the parts hold of a message.
//!
//! Every value starts with a tag; containers carry their length in bytes, so skipping one costs nothing. Nothing of the
//! JSON is lost: members and their order, strings by code point (lone surrogates too), numbers by their exact decimal
//! text. Canonical UUIDs and instants, which make up much of a message, take 17 and 7 bytes instead of 38 and 26.
//!
//! ```text
//! 0 null   1 false   2 true
//! 3 integer     zigzag varint
//! 4 number      len, decimal text as it was spelled
//! 5 string      len, UTF-8
//! 6 string      len, UTF-8 with lone surrogates as three bytes (WTF-8)
//! 7 string      a lower-case UUID, 16 bytes
//! 8 string      an instant spelled YYYY-MM-DDThh:mm:ss.mmmZ, zigzag varint of its milliseconds
//! 9 list        u32 length in bytes, values
//! 10 object     u32 length in bytes, (key: len, UTF-8 or WTF-8; value)*
//! 11 number     decimals u8, zigzag varint of its digits without the point: 19.90 as 2, 1990
//! ```

use super::bytes::{Reader, put_bytes, put_zigzag, row32};
use super::decimal::Decimal;
use super::ident::{parse_uuid, push_uuid, uuid_text};
use super::name::is_same_name;
use super::time::{Timestamp, parse_instant};
use std::borrow::Cow;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const NUMBER: u8 = 4;
const STRING: u8 = 5;
const WTF8: u8 = 6;
const UUID: u8 = 7;
const INSTANT: u8 = 8;
const LIST: u8 = 9;
const OBJECT: u8 = 10;
const FIXED: u8 = 11;

/// Writes one document, value by value, into a buffer that the caller may share among many.
pub(crate) struct DocWriter<'b> {
    out: &'b mut Vec<u8>,
}

/// An open container: give it back to [`DocWriter::close`].
#[must_use]
pub(crate) struct Open(usize);

impl<'b> DocWriter<'b> {
    pub(crate) fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(crate) fn null(&mut self) {
        self.out.push(NULL);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.out.push(if value { TRUE } else { FALSE });
    }

    pub(crate) fn int(&mut self, value: i64) {
        self.out.push(INT);
        put_zigzag(self.out, value);
    }

    /// A number in JSON spelling. Integers and prices are stored as such; everything else keeps its text.
    pub(crate) fn number(&mut self, text: &str) {
        match fixed_point(text) {
            Some((value, 0)) => self.int(value),
            Some((digits, decimals)) => {
                self.out.extend_from_slice(&[FIXED, decimals]);
                put_zigzag(self.out, digits);
            }
            None => match text.parse::<i64>() {
                Ok(value) if text != "-0" => self.int(value),
                _ => {
                    self.out.push(NUMBER);
                    put_bytes(self.out, text.as_bytes());
                }
            },
        }
    }

    #[inline]
    pub(crate) fn string(&mut self, text: &str) {
        // The length tells nearly always that it is neither.
        if !(matches!(text.len(), 24 | 36) && self.compact(text)) {
            match u8::try_from(text.len()) {
                // Two bytes at once, as `put_bytes` would write them.
                Ok(len @ 0..0x80) => {
                    self.out.extend_from_slice(&[STRING, len]);
                    self.out.extend_from_slice(text.as_bytes());
                }
                _ => {
                    self.out.push(STRING);
                    put_bytes(self.out, text.as_bytes());
                }
            }
        }
    }

    /// Writes a UUID or an instant; false for any other text.
    fn compact(&mut self, text: &str) -> bool {
        if let Some(uuid) = parse_uuid(text) {
            self.out.push(UUID);
            self.out.extend_from_slice(&uuid);
        } else if let Some(instant) = canonical_instant(text) {
            self.out.push(INSTANT);
            put_zigzag(self.out, instant.as_millisecond());
        } else {
            return false;
        }
        true
    }

    /// A string that may hold lone surrogates, as WTF-8.
    pub(crate) fn wtf8(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.string(text),
            Err(_) => {
                self.out.push(WTF8);
                put_bytes(self.out, bytes);
            }
        }
    }

    #[inline]
    pub(crate) fn key(&mut self, key: &[u8]) {
        put_bytes(self.out, key);
    }

    pub(crate) fn list(&mut self) -> Open {
        self.container(LIST)
    }

    pub(crate) fn object(&mut self) -> Open {
        self.container(OBJECT)
    }

    fn container(&mut self, tag: u8) -> Open {
        self.out.push(tag);
        let open = Open(self.out.len());
        self.out.extend_from_slice(&[0; 4]);
        open
    }

    pub(crate) fn close(&mut self, open: Open) {
        let body = open.0 + 4;
        let len = row32(self.out.len().saturating_sub(body));
        if let Some(slot) = self.out.get_mut(open.0..body) {
            slot.copy_from_slice(&len.to_le_bytes());
        }
    }

    /// A value that is a document already.
    pub(crate) fn copy(&mut self, value: Doc<'_>) {
        self.out.extend_from_slice(value.0);
    }

    /// A member that stands in a document already.
    pub(crate) fn copy_member(&mut self, member: Member<'_>) {
        self.out.extend_from_slice(member.bytes);
    }
}

/// The digits of a number without its point, and how many stand behind it; `None` for exponents, a zero with a sign and
/// more digits than surely fit.
fn fixed_point(text: &str) -> Option<(i64, u8)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.len() > 18 {
        return None;
    }
    let (mut digits, mut point) = (0, None);
    for (at, byte) in (1u8..).zip(unsigned.bytes()) {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() && at > 1 => point = Some(at),
            _ => return None,
        }
    }
    let decimals = match point {
        Some(at) => u8::try_from(unsigned.len()).ok()?.checked_sub(at).filter(|decimals| *decimals > 0)?,
        None => 0,
    };
    match unsigned.len() == text.len() {
        true => Some((digits, decimals)),
        false => (digits > 0).then_some((-digits, decimals)),
    }
}

/// How [`fixed_point`] was spelled.
fn fixed_text(digits: i64, decimals: u8) -> String {
    let (sign, decimals) = (if digits < 0 { "-" } else { "" }, usize::from(decimals));
    let mut text = format!("{sign}{:0width$}", digits.unsigned_abs(), width = decimals + 1);
    text.insert(text.len() - decimals, '.');
    text
}

/// The instant, if this is the one spelling that [`Timestamp`] prints.
fn canonical_instant(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', leap, _, b'.', _, _, _, b'Z'] = bytes else {
        return None;
    };
    let parsed = parse_instant(text)?;
    (*leap != b'6').then_some(parsed.instant)
}

/// One value of a document, borrowed. Malformed bytes read as absent, never panic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doc<'a>(&'a [u8]);

impl<'a> Doc<'a> {
    /// The value that starts at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The encoded bytes of this value.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    #[inline]
    fn tag(self) -> Option<u8> {
        self.0.first().copied()
    }

    #[inline]
    fn body(self) -> Reader<'a> {
        Reader::new(self.0.get(1..).unwrap_or_default())
    }

    #[inline]
    pub(crate) fn is_null(self) -> bool {
        self.tag() == Some(NULL)
    }

    #[inline]
    pub(crate) fn is_object(self) -> bool {
        self.tag() == Some(OBJECT)
    }

    #[inline]
    pub(crate) fn is_list(self) -> bool {
        self.tag() == Some(LIST)
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.tag()? {
            FALSE => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    /// The integer, if the value is a plain one of 64 bits.
    pub(crate) fn as_i64(self) -> Option<i64> {
        if self.tag()? == INT { self.body().zigzag() } else { None }
    }

    /// The number as JSON spells it.
    pub(crate) fn as_number(self) -> Option<Cow<'a, str>> {
        match self.tag()? {
            INT => Some(Cow::Owned(self.body().zigzag()?.to_string())),
            NUMBER => self.body().str().map(Cow::Borrowed),
            FIXED => self.as_fixed().map(|(digits, decimals)| Cow::Owned(fixed_text(digits, decimals))),
            _ => None,
        }
    }

    /// The number as digits and how many of them stand behind the point, if it is spelled plainly and not too long.
    #[inline]
    pub(crate) fn as_fixed(self) -> Option<(i64, u8)> {
        let mut body = self.body();
        match self.tag()? {
            INT => Some((body.zigzag()?, 0)),
            FIXED => {
                let decimals = body.u8().filter(|decimals| (1..18).contains(decimals))?;
                Some((body.zigzag()?, decimals))
            }
            _ => None,
        }
    }

    /// The number exactly, where 38 digits hold it.
    pub(crate) fn as_decimal(self) -> Option<Decimal> {
        if self.tag()? == NUMBER {
            return Decimal::parse(self.body().str()?);
        }
        self.as_fixed().map(|(digits, decimals)| Decimal::new(i128::from(digits), decimals))
    }

    /// The text of a string without lone surrogates.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        match self.tag()? {
            STRING => self.body().str().map(Cow::Borrowed),
            UUID => Some(Cow::Owned(uuid_text(&self.body().array()?))),
            INSTANT => Some(Cow::Owned(Timestamp::from_millisecond(self.body().zigzag()?).to_string())),
            _ => None,
        }
    }

    /// Appends the text of a string without lone surrogates, without allocating.
    pub(crate) fn push_text(self, out: &mut String) -> Option<()> {
        match self.as_uuid() {
            Some(uuid) => push_uuid(&uuid, out),
            None => out.push_str(&self.as_str()?),
        }
        Some(())
    }

    /// What counts as absent in a documented field: `null` and blank strings.
    #[inline]
    pub(crate) fn is_absent(self) -> bool {
        match self.tag() {
            // A first byte that is visible ASCII decides without looking at the rest.
            Some(STRING) => match self.body().bytes().and_then(<[u8]>::first) {
                Some(0x21..0x7f) => false,
                _ => self.body().str().is_some_and(|text| text.trim().is_empty()),
            },
            Some(tag) => tag == NULL,
            None => true,
        }
    }

    /// The 16 bytes of a string that is a canonical UUID.
    #[inline]
    pub(crate) fn as_uuid(self) -> Option<[u8; 16]> {
        if self.tag()? == UUID { self.body().array() } else { None }
    }

    /// The instant of a string spelled as [`Timestamp`] prints.
    #[inline]
    pub(crate) fn as_instant(self) -> Option<Timestamp> {
        if self.tag()? == INSTANT { self.body().zigzag().map(Timestamp::from_millisecond) } else { None }
    }

    /// A name: a text, trimmed, or the digits of an integer; `None` for a blank one and for any other value.
    pub(crate) fn as_name(self) -> Option<String> {
        let text = self.as_str().or_else(|| self.as_integer())?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The digits of a JSON integer: no fraction, no exponent, any length.
    pub(crate) fn as_integer(self) -> Option<Cow<'a, str>> {
        let text = if self.tag()? == FIXED { None } else { self.as_number() }?;
        text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then_some(text)
    }

    /// The bytes of a string that holds lone surrogates.
    pub(crate) fn as_wtf8(self) -> Option<&'a [u8]> {
        if self.tag()? == WTF8 { self.body().bytes() } else { None }
    }

    /// True for every string, also one with lone surrogates.
    #[inline]
    pub(crate) fn is_string(self) -> bool {
        matches!(self.tag(), Some(STRING | WTF8 | UUID | INSTANT))
    }

    /// True for every number.
    #[inline]
    pub(crate) fn is_number(self) -> bool {
        matches!(self.tag(), Some(INT | NUMBER | FIXED))
    }

    /// The members of an object, in order; nothing for any other value.
    #[inline]
    pub(crate) fn members(self) -> Members<'a> {
        Members(self.inner(OBJECT))
    }

    /// The same, each with all of its bytes.
    #[inline]
    pub(crate) fn whole_members(self) -> impl Iterator<Item = Member<'a>> {
        let mut rest = self.inner(OBJECT);
        std::iter::from_fn(move || {
            let start = rest.rest();
            let (key, value) = next_member(&mut rest)?;
            let bytes = start.get(..start.len() - rest.rest().len())?;
            Some(Member { bytes, key, value })
        })
    }

    /// The values of a list, in order; nothing for any other value.
    #[inline]
    pub(crate) fn items(self) -> Items<'a> {
        Items(self.inner(LIST))
    }

    #[inline]
    fn inner(self, tag: u8) -> Reader<'a> {
        let inner = || {
            let mut body = self.body();
            let len = usize::try_from(body.u32()?).ok()?;
            body.take(len)
        };
        let bytes = if self.tag() == Some(tag) { inner() } else { None };
        Reader::new(bytes.unwrap_or_default())
    }

    /// The last member of that name.
    pub(crate) fn get(self, key: &str) -> Option<Doc<'a>> {
        self.members().filter(|(name, _)| *name == key.as_bytes()).last().map(|(_, value)| value)
    }

    /// The value at a dotted path: `address.country`. At every level the longest own name wins, one whose value is null
    /// too, so one that holds the dot itself before its parts. Names compare as NFC.
    pub(crate) fn path(self, path: &str) -> Option<Doc<'a>> {
        let (mut at, mut rest) = (self, path);
        'level: loop {
            if let Some(value) = at.named(rest) {
                return Some(value);
            }
            for (dot, _) in rest.rmatch_indices('.') {
                let (head, tail) = rest.split_at_checked(dot)?;
                if let Some(value) = at.named(head) {
                    (at, rest) = (value, tail.get(1..)?);
                    continue 'level;
                }
            }
            return None;
        }
    }

    /// The last member whose name is that, however its letters are composed.
    fn named(self, name: &str) -> Option<Doc<'a>> {
        self.members().filter(|(key, _)| is_same_name(key, name.as_bytes())).last().map(|(_, value)| value)
    }

    /// Appends the value as JSON text.
    pub(crate) fn write_json(self, out: &mut String) {
        match self.tag() {
            Some(FALSE) => out.push_str("false"),
            Some(TRUE) => out.push_str("true"),
            Some(INT | NUMBER | FIXED) => out.push_str(&self.as_number().unwrap_or(Cow::Borrowed("null"))),
            Some(WTF8) => write_wtf8(self.body().bytes().unwrap_or_default(), out),
            Some(STRING | UUID | INSTANT) => write_text(&self.as_str().unwrap_or_default(), out),
            Some(LIST) => {
                out.push('[');
                for (at, item) in self.items().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Some(OBJECT) => {
                out.push('{');
                for (at, (key, value)) in self.members().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_wtf8(key, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
            _ => out.push_str("null"),
        }
    }

    /// The value as JSON text.
    pub(crate) fn to_json(self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }
}

/// Cuts one value off the front of a reader.
#[inline(always)]
fn next_value<'a>(reader: &mut Reader<'a>) -> Option<Doc<'a>> {
    let start = reader.rest();
    match reader.u8()? {
        NULL | FALSE | TRUE => {}
        INT | INSTANT => {
            reader.varint()?;
        }
        FIXED => {
            reader.u8()?;
            reader.varint()?;
        }
        NUMBER | STRING | WTF8 => {
            reader.bytes()?;
        }
        UUID => {
            reader.take(16)?;
        }
        LIST | OBJECT => {
            let len = usize::try_from(reader.u32()?).ok()?;
            reader.take(len)?;
        }
        _ => return None,
    }
    start.get(..start.len() - reader.rest().len()).map(Doc)
}

/// The values of a list.
pub(crate) struct Items<'a>(Reader<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Doc<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        next_value(&mut self.0)
    }
}

/// The members of an object: key bytes and value.
pub(crate) struct Members<'a>(Reader<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], Doc<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        next_member(&mut self.0)
    }
}

/// A member of an object.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    /// The key with its length, then the value.
    pub(crate) bytes: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) value: Doc<'a>,
}

/// Cuts one member off the front of a reader.
#[inline(always)]
fn next_member<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], Doc<'a>)> {
    let key = reader.bytes()?;
    Some((key, next_value(reader)?))
}

/// Appends a JSON string.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => push_escape(u32::from(c), out),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push_escape(unit: u32, out: &mut String) {
    out.push_str(&format!("\\u{unit:04x}"));
}

/// Appends a JSON string from WTF-8: lone surrogates come out as escapes.
fn write_wtf8(bytes: &[u8], out: &mut String) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        write_text(text, out);
        return;
    }
    out.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(rest.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
        };
        let mut quoted = String::new();
        write_text(good, &mut quoted);
        out.push_str(quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
        rest = rest.get(good.len()..).unwrap_or_default();
        if let Some((unit, tail)) = rest.split_first_chunk::<3>() {
            let [a, b, c] = unit.map(u32::from);
            push_escape((a & 15) << 12 | (b & 63) << 6 | (c & 63), out);
            rest = tail;
        } else {
            rest = &[];
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        let mut doc = DocWriter::new(&mut out);
        let root = doc.object();
        doc.key(b"id");
        doc.string("022bb90c-bbac-11e4-8dfc-aa07a5b093db");
        doc.key(b"at");
        doc.string("2015-02-23T22:28:55.387Z");
        doc.key(b"address");
        let address = doc.object();
        doc.key(b"country");
        doc.string("DK");
        doc.close(address);
        doc.key(b"n");
        doc.number("19.90");
        doc.key(b"list");
        let list = doc.list();
        doc.int(-7);
        doc.bool(true);
        doc.null();
        doc.wtf8(b"a\xed\xa0\x80b");
        doc.close(list);
        doc.close(root);
        out
    }

    #[test]
    fn values_read_back_as_json() {
        let bytes = sample();
        let doc = Doc::new(&bytes);
        assert_eq!(
            doc.to_json(),
            r#"{"id":"022bb90c-bbac-11e4-8dfc-aa07a5b093db","at":"2015-02-23T22:28:55.387Z","address":{"country":"DK"},"n":19.90,"list":[-7,true,null,"a\ud800b"]}"#
        );
        assert_eq!(doc.path("address.country").and_then(Doc::as_str).as_deref(), Some("DK"));
        assert_eq!(doc.get("n").and_then(Doc::as_decimal), Decimal::parse("19.9"));
        assert_eq!(doc.get("list").map(|list| list.items().count()), Some(4));
    }

    #[test]
    fn a_leap_second_keeps_its_spelling() {
        let mut out = Vec::new();
        DocWriter::new(&mut out).string("2016-12-31T23:59:60.000Z");
        assert_eq!(Doc::new(&out).to_json(), "\"2016-12-31T23:59:60.000Z\"");
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn strings_and_numbers_survive(text: String, number: i64) {
            let mut out = Vec::new();
            DocWriter::new(&mut out).string(&text);
            let read = Doc::new(&out).as_str().map(Cow::into_owned);
            prop_assert_eq!(read.as_deref(), Some(text.as_str()));
            let json: String = serde_json::from_str(&Doc::new(&out).to_json()).unwrap();
            prop_assert_eq!(json, text);
            let mut out = Vec::new();
            DocWriter::new(&mut out).number(&number.to_string());
            prop_assert_eq!(Doc::new(&out).as_i64(), Some(number));
        }

        #[test]
        fn numbers_keep_their_spelling(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?") {
            let mut out = Vec::new();
            DocWriter::new(&mut out).number(&text);
            let doc = Doc::new(&out);
            prop_assert_eq!(doc.to_json(), text.clone());
            prop_assert!(doc.is_number());
            prop_assert_eq!(doc.as_decimal(), Decimal::parse(&text));
            prop_assert_eq!(doc.as_integer().is_some(), !text.contains(['.', 'e', 'E']));
        }

        #[test]
        fn damaged_documents_never_panic(at in 0usize..200, to: u8, cut in 0usize..200) {
            let mut bytes = sample();
            if let Some(byte) = bytes.get_mut(at) { *byte = to; }
            bytes.truncate(cut);
            let doc = Doc::new(&bytes);
            let _ = (doc.to_json(), doc.path("address.country"), doc.get("list").map(|l| l.items().count()));
        }
    }
}
