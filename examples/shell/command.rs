//! Commands: one JSON object a line, read field by field.

use super::reply::Failure;
use regulars::{Id, ProfileId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The years 0001 to 9999: what RFC 3339 can print.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// One command. Fields stay text until they are asked for, so that messages and rules go on as they came.
pub(crate) struct Command<'a> {
    pub(crate) name: String,
    fields: BTreeMap<String, &'a RawValue>,
}

impl<'a> Command<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(line).map_err(|_| Failure::invalid("a command is UTF-8"))?;
        let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(text.trim()).map_err(|error| {
            Failure::invalid(format!("a command is one JSON object; see column {}", error.column()))
        })?;
        let name = fields.remove("do").and_then(|name| serde_json::from_str(name.get()).ok());
        let name = name.ok_or_else(|| Failure::invalid(r#"a command names what to do: {"do":"stats"}"#))?;
        fields.retain(|_, value| value.get() != "null");
        Ok(Self { name, fields })
    }

    /// Refuses other fields than these: a misspelled one should be heard of.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        match self.fields.keys().find(|field| !known.contains(&field.as_str())) {
            Some(_) => Err(Failure::invalid(format!("{} takes these fields only: {}", self.name, known.join(", ")))),
            None => Ok(()),
        }
    }

    pub(crate) fn raw(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).map(|value| value.get())
    }

    pub(crate) fn get<T: Deserialize<'a>>(&self, field: &str, expected: &str) -> Result<Option<T>, Failure> {
        // What serde says would repeat the value, which may be somebody's e-mail address.
        let wrong = |_| Failure::invalid(format!("{field} is {expected}"));
        self.raw(field).map(serde_json::from_str).transpose().map_err(wrong)
    }

    pub(crate) fn need<T: Deserialize<'a>>(&self, field: &str, expected: &str) -> Result<T, Failure> {
        self.get(field, expected)?.ok_or_else(|| Failure::invalid(format!("{} needs {field}: {expected}", self.name)))
    }

    pub(crate) fn instant(&self, field: &str) -> Result<Option<Timestamp>, Failure> {
        let expected = "an instant: RFC 3339 or epoch milliseconds";
        let Some(value) = self.get::<serde_json::Value>(field, expected)? else { return Ok(None) };
        let instant = match &value {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_i64().filter(|ms| INSTANTS.contains(ms)).map(Timestamp::from_millisecond),
        };
        instant.map(Some).ok_or_else(|| Failure::invalid(format!("{field} is {expected}")))
    }

    pub(crate) fn id(&self, field: &str) -> Result<Option<Id>, Failure> {
        let pair: Option<(String, String)> = self.get(field, r#"an identifier such as ["email","ann@example.com"]"#)?;
        Ok(pair.map(|(namespace, value)| Id::new(namespace, value)))
    }

    /// The public id of a profile.
    pub(crate) fn profile(&self) -> Result<Option<ProfileId>, Failure> {
        let expected = "the id of a profile, as replies print it";
        let text: Option<String> = self.get("profile", expected)?;
        let wrong = |_| Failure::invalid(format!("profile is {expected}"));
        text.map(|text| text.parse()).transpose().map_err(wrong)
    }

    pub(crate) fn ids(&self, field: &str) -> Result<Option<Vec<Id>>, Failure> {
        let expected = r#"a list such as [["email","ann@example.com"]]"#;
        let pairs: Option<Vec<(String, String)>> = self.get(field, expected)?;
        Ok(pairs.map(|pairs| pairs.into_iter().map(|(namespace, value)| Id::new(namespace, value)).collect()))
    }

    pub(crate) fn need_id(&self, field: &str) -> Result<Id, Failure> {
        self.id(field)?.ok_or_else(|| Failure::invalid(format!("{} needs {field}", self.name)))
    }
}
