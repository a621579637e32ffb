//! Reading JSON with its place at hand: what every reader of rules says when something is wrong.

use super::json::{DEPTH_MAX, Json, too_deep};
use super::node::Shop;
use crate::base::Timestamp;
use crate::error::{Error, Result};

/// Where in the JSON: `$.and[1].where`.
#[derive(Clone)]
pub(super) struct Place {
    path: String,
    depth: usize,
}

impl Place {
    /// The whole.
    pub(super) fn root() -> Self {
        Self { path: "$".to_owned(), depth: 0 }
    }

    pub(super) fn key(&self, key: &str) -> Self {
        // A key is a name, not a value, but it is the caller's text all the same.
        let short: String = key.chars().take(60).collect();
        Self { path: format!("{}.{short}", self.path), depth: self.depth }
    }

    pub(super) fn item(&self, at: usize) -> Self {
        Self { path: format!("{}[{at}]", self.path), depth: self.depth }
    }

    pub(super) fn expected(&self, what: &str, found: &Json) -> Error {
        Error::invalid(format!("at {}: expected {what}, found {}", self.path, found.kind()))
    }

    pub(super) fn invalid(&self, message: &str) -> Error {
        Error::invalid(format!("at {}: {message}", self.path))
    }

    pub(super) fn unsupported(&self, operator: &str) -> Error {
        Error::unsupported(format!("at {}: {operator} is not part of this version", self.path))
    }

    pub(super) fn deeper(&self) -> Result<Self> {
        if self.depth >= DEPTH_MAX {
            Err(too_deep())
        } else {
            Ok(Self { path: self.path.clone(), depth: self.depth + 1 })
        }
    }
}

/// The members of an object that nobody has claimed yet.
pub(super) struct Members<'j> {
    pub(super) place: Place,
    pub(super) rest: Vec<(&'j str, &'j Json)>,
}

impl<'j> Members<'j> {
    pub(super) fn of(json: &'j Json, place: &Place, what: &str) -> Result<Self> {
        let Json::Object(members) = json else { return Err(place.expected(what, json)) };
        let rest = members.iter().map(|(key, value)| (key.as_str(), value)).collect();
        Ok(Self { place: place.deeper()?, rest })
    }

    pub(super) fn take(&mut self, key: &str) -> Option<(&'j Json, Place)> {
        let at = self.rest.iter().position(|(own, _)| *own == key)?;
        Some((self.rest.remove(at).1, self.place.key(key)))
    }

    pub(super) fn required(&mut self, key: &str) -> Result<(&'j Json, Place)> {
        self.take(key).ok_or_else(|| self.place.invalid(&format!("expected a member {key}")))
    }

    pub(super) fn finish(&self, allowed: &str) -> Result<()> {
        let Some((key, _)) = self.rest.first() else { return Ok(()) };
        Err(self.place.key(key).invalid(&format!("unknown member; expected {allowed}")))
    }

    /// The shop that a node is narrowed to; the empty name is the shop of sources that declare none.
    pub(super) fn shop(&mut self) -> Result<Shop> {
        let Some((json, place)) = self.take("shop") else { return Ok(None) };
        let Json::Text(shop) = json else { return Err(place.expected("the name of a shop", json)) };
        Ok(Some(shop.clone()))
    }
}

pub(super) fn instant(json: &Json, place: &Place) -> Result<Timestamp> {
    const EXPECTED: &str = "an instant such as \"2026-01-31T09:30:00Z\", or a date";
    let Json::Text(text) = json else { return Err(place.expected(EXPECTED, json)) };
    text.parse().map_err(|_| place.invalid(&format!("expected {EXPECTED}")))
}
