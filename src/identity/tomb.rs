//! What was erased or retracted: known by keyed hashes only, so that nobody can read from a store whom it forgot.

use crate::base::{MessageId, ProfileId, Timestamp};
use ahash::{AHashMap, AHashSet};
use std::collections::BTreeSet;

/// A keyed hash of an identifier or of a message id.
pub(crate) type Hash = [u8; 16];

/// A hash as files and erasures spell it: 32 hexadecimal digits.
pub(crate) fn hex(hash: &Hash) -> String {
    ProfileId::from_bytes(*hash).to_string()
}

/// The hash of such a text.
pub(crate) fn unhex(text: &str) -> Option<Hash> {
    text.parse::<ProfileId>().ok().map(|id| *id.as_bytes())
}

fn keyed(key: &[u8; 32], texts: [&str; 3]) -> Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut hash = Hash::default();
    hasher.finalize_xof().fill(&mut hash);
    hash
}

/// The hash by which an erasure names an identifier.
pub(crate) fn identifier_hash(key: &[u8; 32], namespace: &str, value: &str) -> Hash {
    keyed(key, ["erased identifier", namespace, value])
}

/// The hash by which an erasure names a message.
pub(crate) fn message_hash(key: &[u8; 32], id: &MessageId) -> Hash {
    keyed(key, ["erased message", "", &id.to_string()])
}

/// The hash by which a retraction names a message with that content.
pub(crate) fn content_hash(key: &[u8; 32], id: &MessageId, content: u64) -> Hash {
    keyed(key, ["retracted message", &format!("{content:016x}"), &id.to_string()])
}

/// What had been refused at an identifier that was erased. Names as they compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Objected {
    /// A channel, in whatever way: it is not to be used.
    Channel(String),
    /// A purpose or all of them, on a channel or whatever the channel: the answer was no.
    Topic { channel: Option<String>, purpose: Option<String> },
}

/// One no, and the erasure that remembers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Objection {
    pub(crate) what: Objected,
    /// The instant of the erasure, milliseconds.
    pub(crate) ts: i64,
    /// Its message id.
    pub(crate) erasure: String,
}

/// One erased identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tomb {
    /// The instants of the erasures that name it, milliseconds.
    pub(crate) instants: BTreeSet<i64>,
    /// Its node, if it had one.
    pub(crate) node: Option<u32>,
    /// What had been refused there before. One that is no erased identifier itself may have lost what was said about it.
    pub(crate) objections: BTreeSet<Objection>,
}

/// Everything erased.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tombs {
    pub(crate) identifiers: AHashMap<Hash, Tomb>,
    pub(crate) messages: AHashSet<Hash>,
    /// Messages that were taken back, each with its content: another one may have the id.
    pub(crate) retracted: AHashSet<Hash>,
}

impl Tombs {
    pub(crate) fn is_empty(&self) -> bool {
        self.identifiers.is_empty() && self.messages.is_empty() && self.retracted.is_empty()
    }

    fn tomb(&self, key: &[u8; 32], namespace: &str, value: &str) -> Option<&Tomb> {
        if self.identifiers.is_empty() {
            return None;
        }
        self.identifiers.get(&identifier_hash(key, namespace, value))
    }

    /// Up to when nothing that names the identifier counts.
    pub(crate) fn erased_until(&self, key: &[u8; 32], namespace: &str, value: &str) -> Option<Timestamp> {
        self.tomb(key, namespace, value)?.instants.last().copied().map(Timestamp::from_millisecond)
    }

    /// How often the identifier was erased, at distinct instants.
    pub(crate) fn generation(&self, key: &[u8; 32], namespace: &str, value: &str) -> u32 {
        let count = self.tomb(key, namespace, value).map_or(0, |tomb| tomb.instants.len());
        crate::base::bytes::row32(count)
    }

    /// What erasures remember of an identifier.
    pub(crate) fn objections(&self, key: &[u8; 32], namespace: &str, value: &str) -> impl Iterator<Item = &Objection> {
        self.tomb(key, namespace, value).into_iter().flat_map(|tomb| &tomb.objections)
    }

    /// The nodes of identifiers that had said no before.
    pub(crate) fn objected(&self) -> impl Iterator<Item = u32> + '_ {
        self.identifiers.values().filter(|tomb| !tomb.objections.is_empty()).filter_map(|tomb| tomb.node)
    }

    /// Whether a message with that id was erased.
    pub(crate) fn has_message(&self, key: &[u8; 32], id: &MessageId) -> bool {
        !self.messages.is_empty() && self.messages.contains(&message_hash(key, id))
    }

    /// Whether a message with that id and content was taken back.
    pub(crate) fn has_content(&self, key: &[u8; 32], id: &MessageId, content: u64) -> bool {
        !self.retracted.is_empty() && self.retracted.contains(&content_hash(key, id, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_count_distinct_instants() {
        let key = [7; 32];
        let mut tombs = Tombs::default();
        assert_eq!(tombs.generation(&key, "email", "a"), 0);
        let tomb = tombs.identifiers.entry(identifier_hash(&key, "email", "a")).or_default();
        tomb.instants.extend([5, 3, 5]);
        assert_eq!(tombs.generation(&key, "email", "a"), 2);
        assert_eq!(tombs.erased_until(&key, "email", "a"), Some(Timestamp::from_millisecond(5)));
        assert_eq!(tombs.erased_until(&key, "phone", "a"), None);
        assert_eq!(tombs.erased_until(&[8; 32], "email", "a"), None);
    }

    #[test]
    fn identifiers_and_messages_never_meet() {
        let key = [7; 32];
        assert_ne!(identifier_hash(&key, "", "x"), message_hash(&key, &MessageId::new("x")));
        assert_ne!(message_hash(&key, &MessageId::new("x")), content_hash(&key, &MessageId::new("x"), 0));
        let mut tombs = Tombs::default();
        tombs.retracted.insert(content_hash(&key, &MessageId::new("x"), 7));
        let has = |id: &str, content| tombs.has_content(&key, &MessageId::new(id), content);
        assert!(!tombs.is_empty() && has("x", 7) && !has("x", 8) && !has("y", 7));
    }
}
