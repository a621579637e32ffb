//! A message, and what all messages have.

use crate::base::Id;
use serde::Serialize;
use std::collections::BTreeMap;

/// Members of an object: JSON texts by name, so that decimals keep their digits.
pub(crate) type Members = BTreeMap<String, String>;

/// The text of a value. What JSON cannot hold (a map whose keys are no texts) is `null`, which says nothing.
pub(crate) fn text(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_else(|_| "null".to_owned())
}

/// The text of an object.
pub(crate) fn object(members: &Members) -> String {
    let members = members.iter().map(|(name, value)| format!("{}:{value}", text(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A message that is complete: JSON of the Segment spec.
///
/// ```
/// use regulars::{compose::{Message, Track}, id};
/// let message = Message::from(Track::new("Signed Up", [id::user("42")]));
/// assert_eq!(message.as_json(), r#"{"event":"Signed Up","type":"track","userId":"42"}"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// The text, to give to [`Store::ingest`](crate::Store::ingest) together with other messages: a line each.
    ///
    /// ```
    /// use regulars::{Ingest, Store, compose::{Message, Track}, id};
    /// let seen = ["1", "2"].map(|user| Message::from(Track::new("Seen", [id::user(user)])));
    /// let lines = seen.each_ref().map(Message::as_json).join("\n");
    /// assert_eq!(Store::in_memory()?.ingest(lines.as_bytes(), &Ingest::new().source("pos"))?.accepted, 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// Who said what is personal data; `Debug` output ends up in logs.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} bytes)", self.0.len())
    }
}

/// What all messages have.
#[derive(Clone, PartialEq)]
pub(super) struct Core {
    members: Members,
    pub(super) context: Members,
    /// `traits` of an identify, `properties` of a track.
    pub(super) body: Members,
    body_name: &'static str,
    /// The lines of an order.
    pub(super) lines: Vec<String>,
}

impl Core {
    pub(super) fn new(kind: &str, body_name: &'static str, who: impl IntoIterator<Item = Id>) -> Self {
        let mut core = Self {
            members: Members::new(),
            context: Members::new(),
            body: Members::new(),
            body_name,
            lines: Vec::new(),
        };
        core.put("type", kind);
        let mut others = Vec::new();
        for id in who {
            let place = match id.namespace() {
                "user_id" => "userId",
                "anonymous_id" => "anonymousId",
                _ => "",
            };
            if place.is_empty() || core.members.contains_key(place) {
                others.push(BTreeMap::from([("type", id.namespace().to_owned()), ("id", id.value().to_owned())]));
            } else {
                core.put(place, id.value());
            }
        }
        if !others.is_empty() {
            core.context.insert("externalIds".to_owned(), text(others));
        }
        core
    }

    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.members.insert(name.to_owned(), text(value));
    }

    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Serialize) {
        self.body.insert(name.into(), text(value));
    }

    pub(super) fn message(mut self) -> Message {
        if !self.lines.is_empty() {
            self.body.insert("products".to_owned(), format!("[{}]", self.lines.join(",")));
        }
        for (name, members) in [("context", &self.context), (self.body_name, &self.body)] {
            if !members.is_empty() {
                self.members.insert(name.to_owned(), object(members));
            }
        }
        Message(object(&self.members))
    }
}

/// When, under which id, and in which zone a message was said.
macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// When it happened; else when the store takes it in.
            ///
            /// ```
            /// use regulars::{compose::Track, id};
            /// let seen = Track::new("Seen", [id::user("42")]).at("2026-03-01T10:00:00Z".parse()?);
            /// # Ok::<(), regulars::Error>(())
            /// ```
            pub fn at(mut self, at: Timestamp) -> Self {
                self.0.put("timestamp", &at.to_string());
                self
            }

            /// The id of the message, for who may send it twice: a repeat is a duplicate. Else it follows from the content.
            ///
            /// ```
            /// use regulars::{MessageId, compose::Track, id};
            /// let seen = Track::new("Seen", [id::user("42")]).id(&MessageId::new("till-7-4711"));
            /// ```
            pub fn id(mut self, id: &MessageId) -> Self {
                self.0.put("messageId", &id.to_string());
                self
            }

            /// The IANA time zone that it was said in.
            ///
            /// ```
            /// use regulars::{compose::Track, id};
            /// let seen = Track::new("Seen", [id::user("42")]).time_zone("Europe/Copenhagen");
            /// ```
            pub fn time_zone(mut self, zone: &str) -> Self {
                self.0.context.insert("timezone".to_owned(), text(zone));
                self
            }
        }

        impl From<$name> for Message {
            fn from(message: $name) -> Self {
                message.0.message()
            }
        }

        /// Who said what is personal data; `Debug` output ends up in logs.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(super) use common;
