//! JSON values as they came in.

use crate::base::doc::Doc;
use serde::Serialize;

/// A JSON value as text, exactly as it came in: numbers keep their digits.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"score":19.90}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!(ann.traits["score"].as_str(), "19.90");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    pub(crate) fn new(doc: Doc<'_>) -> Self {
        Self(doc.to_json())
    }

    /// The value that a well-formed JSON text spells.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    ///
    /// ```
    /// # use regulars::{Store, id};
    /// # let store = Store::in_memory()?;
    /// # store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"vip":true}}"#)?;
    /// assert_eq!(store.snapshot().profile(id::user("42"))?.expect("known").traits["vip"].as_str(), "true");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Traits and properties are personal data; Debug output ends up in logs.
        write!(f, "Json({} bytes)", self.0.len())
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.0.clone());
        raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}
