//! The records of the log: what kinds there are, and their bytes.

use crate::Result;
use crate::base::bytes::{Reader, low32, put_bytes, put_varint};
use crate::base::{Currency, NamespaceRule, Rate, Timestamp};
use crate::error::Error;
use crate::rule::node::Segment;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// The version of every kind of record.
pub(super) const RECORD_VERSION: u8 = 1;

/// Kinds of log records. An unknown one is refused as `Version`; 18 to 31 are kept for products, lists, holdouts,
/// deliveries, annotations and retention.
pub(super) mod kind {
    pub(in crate::store) const FACTS: u8 = 1;
    pub(in crate::store) const DEFINE: u8 = 2;
    pub(in crate::store) const UNDEFINE: u8 = 3;
    pub(in crate::store) const ADVANCE: u8 = 4;
    pub(in crate::store) const RATES: u8 = 5;
    pub(in crate::store) const RULES: u8 = 16;
    pub(in crate::store) const BLOCK: u8 = 17;
}

/// A log record, read back.
pub(super) enum Record {
    Facts { facts: FactList, advance: Option<Timestamp> },
    Define(Box<Segment>),
    Undefine(String),
    Advance(Timestamp),
    Rates(Vec<Rate>),
    Rules(BTreeMap<String, NamespaceRule>),
    Block(Vec<String>),
}

/// Facts of one record, in one buffer.
pub(super) struct FactList {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl FactList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().filter_map(|range| self.bytes.get(range.clone()))
    }
}

/// Facts of fewer bytes are logged as they are: they would hardly shrink, and the table that LZ4 fills costs more.
const COMPRESSED_MIN: usize = 1024;

/// The payload of a facts record: the instant to advance to (`i64::MIN`: none), then the facts, LZ4 in one piece behind
/// the length before; where that is the length behind it too, as they are.
///
/// # Errors
/// `Invalid` for more than one record can hold.
pub(super) fn encode_facts(facts: &[&[u8]], advance: Option<Timestamp>) -> Result<Vec<u8>> {
    let bytes = facts.iter().map(|fact| fact.len() + 10).sum::<usize>() + 20;
    if u32::try_from(bytes).is_err() {
        let text = "one commit holds at most 4 GiB of messages; nothing was stored: send the body in smaller batches";
        return Err(Error::invalid(text));
    }
    let mut raw = Vec::with_capacity(bytes);
    raw.extend(advance.map_or(i64::MIN, Timestamp::as_millisecond).to_le_bytes());
    put_varint(&mut raw, facts.len() as u64);
    facts.iter().for_each(|fact| put_bytes(&mut raw, fact));
    if raw.len() >= COMPRESSED_MIN {
        let packed = lz4_flex::block::compress_prepend_size(&raw);
        if packed.len() < raw.len() + 4 {
            return Ok(packed);
        }
    }
    Ok([&low32(raw.len() as u64).to_le_bytes(), raw.as_slice()].concat())
}

fn decode_facts(payload: &[u8]) -> Option<Record> {
    // LZ4 makes at most 255 bytes of one: a length beyond that is damage, not a reason to allocate.
    let len = usize::try_from(Reader::new(payload).u32()?).ok()?;
    if len > payload.len().saturating_mul(255) {
        return None;
    }
    let bytes = match payload.get(4..)? {
        raw if raw.len() == len => raw.to_vec(),
        _ => lz4_flex::block::decompress_size_prepended(payload).ok()?,
    };
    let mut reader = Reader::new(&bytes);
    let advance = Some(reader.i64()?).filter(|ms| *ms != i64::MIN).map(Timestamp::from_millisecond);
    let count = reader.len()?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        let fact = reader.bytes()?;
        let end = bytes.len() - reader.rest().len();
        ranges.push(end - fact.len()..end);
    }
    Some(Record::Facts { facts: FactList { bytes, ranges }, advance })
}

/// Rates as bytes: day, from, to, and the rate as text, each.
pub(super) fn encode_rates(rates: &[Rate]) -> Vec<u8> {
    let mut out = Vec::new();
    for rate in rates {
        out.extend(rate.day.to_le_bytes());
        out.extend(rate.from.bytes());
        out.extend(rate.to.bytes());
        put_bytes(&mut out, rate.rate.to_string().as_bytes());
    }
    out
}

pub(super) fn decode_rates(bytes: &[u8]) -> Option<Vec<Rate>> {
    let mut reader = Reader::new(bytes);
    let mut rates = Vec::new();
    while !reader.is_empty() {
        let day = reader.i64()?;
        let [from, to] = [Currency::from_bytes(reader.array()?)?, Currency::from_bytes(reader.array()?)?];
        rates.push(Rate { day, from, to, rate: reader.str()?.parse().ok()? });
    }
    Some(rates)
}

/// Reads a record of the log.
///
/// # Errors
/// `Version` for a kind or version that this program does not know.
pub(super) fn decode(record_kind: u8, version: u8, payload: &[u8]) -> Result<Record> {
    if version != RECORD_VERSION {
        return Err(Error::version(format!(
            "the log holds records of version {version}; open it with a newer version"
        )));
    }
    let text = || std::str::from_utf8(payload).ok();
    let record = match record_kind {
        kind::FACTS => decode_facts(payload),
        kind::DEFINE => {
            text().and_then(|text| serde_json::from_str(text).ok()).map(|segment| Record::Define(Box::new(segment)))
        }
        kind::UNDEFINE => text().map(|name| Record::Undefine(name.to_owned())),
        kind::ADVANCE => Reader::new(payload).i64().map(|ms| Record::Advance(Timestamp::from_millisecond(ms))),
        kind::RATES => decode_rates(payload).map(Record::Rates),
        kind::RULES => text().and_then(|text| serde_json::from_str(text).ok()).map(Record::Rules),
        kind::BLOCK => text().and_then(|text| serde_json::from_str(text).ok()).map(Record::Block),
        other => {
            return Err(Error::version(format!("the log holds facts of kind {other}; open it with a newer version")));
        }
    };
    record.ok_or_else(|| Error::corrupt(Path::new("log"), 0, "a record cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_record_could_give_back_is_refused_before_it_is_logged() {
        let fact = vec![0; 1 << 26];
        assert_eq!(encode_facts(&vec![fact.as_slice(); 64], None).unwrap_err().kind(), crate::ErrorKind::Invalid);
        let Some(Record::Facts { facts, advance }) = decode_facts(&encode_facts(&[&fact[..9], b"x"], None).unwrap())
        else {
            panic!("it was just written");
        };
        assert_eq!((facts.iter().collect::<Vec<_>>(), advance), (vec![&fact[..9], b"x"], None));
    }
}
