//! The JSON form of a rule, read and written.

use super::json::{self, Json};
use super::node::Rule;
use super::{parse, print};
use crate::error::Result;
use serde::{Deserialize, Serialize};

impl Rule {
    /// Reads the JSON form; numbers keep all their digits.
    ///
    /// # Errors
    /// `Invalid` names the place, as in `$.and[1].where`, and what was expected there. `Unsupported` names an operator
    /// that is part of the language but not of this version.
    ///
    /// ```
    /// use regulars::{ErrorKind, Rule};
    /// let error = Rule::from_json(r#"{"and":[{"trait":"tier","is":"gold"},{"trait":"age","gt":"many"}]}"#).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Invalid);
    /// assert!(error.to_string().contains("$.and[1].gt"));
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        parse::rule(&json::read(text)?)
    }

    /// The JSON form, exact: [`Rule::from_json`] gives the same rule back.
    ///
    /// ```
    /// let rule = !regulars::when::member_of("vip");
    /// assert_eq!(rule.to_json(), r#"{"not":{"segment":"vip"}}"#);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(&print::node(&self.0))
    }

    /// Refuses what the builder lets through and the JSON form would not: empty windows, nests beyond the depth.
    pub(crate) fn check(&self) -> Result<()> {
        parse::rule(&print::node(&self.0)).map(|_| ())
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        print::node(&self.0).serialize(serializer)
    }
}

/// The same reader as [`Rule::from_json`], except that serde hands over numbers beyond 64 bits as `f64`.
impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        parse::rule(&json).map_err(serde::de::Error::custom)
    }
}
