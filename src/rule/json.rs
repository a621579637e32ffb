//! JSON as rules need it: members in order, none twice, numbers exact.

use crate::base::Decimal;
use crate::base::doc::write_text;
use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// Nesting that a rule may have.
pub(crate) const DEPTH_MAX: usize = 64;

/// Bytes that the text of a rule may have.
const TEXT_MAX: usize = 4 << 20;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What it is, for a message that must not show what it says.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads JSON text.
pub(crate) fn read(text: &str) -> Result<Json> {
    if text.len() > TEXT_MAX {
        return Err(Error::invalid(format!("the text of a rule has at most {TEXT_MAX} bytes")));
    }
    value(serde_json::from_str(text).map_err(not_json)?, 0)
}

fn not_json(error: serde_json::Error) -> Error {
    // The parser's own text may quote what it read; only the place is safe to repeat.
    Error::invalid(format!("a rule is JSON: it goes wrong at line {}, column {}", error.line(), error.column()))
}

/// Text by text, so that a number keeps the digits that `f64` would lose. Depth is bounded here.
fn value(raw: &RawValue, depth: usize) -> Result<Json> {
    // A rule's `and` takes an object and a list; a condition at the bottom has a list of its own.
    if depth > DEPTH_MAX * 2 + 2 {
        return Err(too_deep());
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(not_json)?;
            let read = members.into_iter().map(|(key, raw)| Ok((key, value(raw, depth + 1)?)));
            Json::Object(distinct(read.collect::<Result<_>>()?)?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(not_json)?;
            Json::List(items.into_iter().map(|raw| value(raw, depth + 1)).collect::<Result<_>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text).map_err(not_json)?),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') => Json::Null,
        _ => Json::Number(Decimal::parse(text).ok_or_else(|| Error::invalid(DIGITS))?),
    })
}

const DIGITS: &str = "a number in a rule has at most 38 digits";

pub(crate) fn too_deep() -> Error {
    Error::invalid(format!("a rule nests at most {DEPTH_MAX} deep"))
}

fn distinct(members: Vec<(String, Json)>) -> Result<Vec<(String, Json)>> {
    // Objects of a rule have a handful of members; many would be refused anyway.
    let twice = members.len() > 16
        || members.iter().enumerate().any(|(at, (key, _))| members.iter().take(at).any(|(other, _)| other == key));
    if twice { Err(Error::invalid("an object in a rule has at most 16 members, each once")) } else { Ok(members) }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        // Depth is the format's own concern: serde_json stops at 128.
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(Json::Number(Decimal::new(i128::from(value), 0)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Json, E> {
        // The shortest decimal that reads back as this f64 is what was written, up to 15 digits.
        Decimal::parse(&value.to_string()).map(Json::Number).ok_or_else(|| E::custom(DIGITS))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        distinct(members).map(Json::Object).map_err(A::Error::custom)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number_through_serde(*number, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// serde knows no decimals: what `f64` would change is refused, not changed.
fn number_through_serde<S: Serializer>(number: Decimal, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    if let Some((integer, false)) = number.to_units(0) {
        return serializer.serialize_i64(integer);
    }
    let near: f64 = number.to_string().parse().map_err(S::Error::custom)?;
    if Decimal::parse(&near.to_string()) != Some(number) {
        return Err(S::Error::custom("a number of the rule has more digits than f64 holds; use Rule::to_json"));
    }
    serializer.serialize_f64(near)
}

/// The JSON text, compact.
pub(crate) fn write(json: &Json) -> String {
    let mut out = String::new();
    write_value(json, &mut out);
    out
}

fn write_value(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number.to_string()),
        Json::Text(text) => write_text(text, out),
        Json::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
    }
}
