//! Messages written in code: what a backend that has no SDK says, as the SDKs would send it.
//!
//! Each becomes a message of the Segment spec and goes the way of every other one: the same checks, the same refusals.
//!
//! ```
//! use regulars::compose::{Consent, Identify, Line, Order, Track};
//! use regulars::{ConsentStatus, Store, id};
//! let store = Store::options().currency("EUR").in_memory()?;
//! let ann = || [id::user("42"), id::email("ann@example.com")];
//! store.send(Identify::new(ann()).with("city", "Aarhus").with("points", 120))?;
//! store.send(Track::new("Wishlist Opened", ann()).at("2026-03-01".parse()?))?;
//! let kettle = Line::new("kettle").brand("Alessi").price("24.90".parse()?).quantity(2.into());
//! let receipt = store.send(Order::completed("1001", ann()).total("49.80".parse()?).line(kettle))?;
//! assert_eq!((receipt.accepted, receipt.flags.len()), (1, 0));
//! store.send(Consent::new("email", "marketing", ConsentStatus::Granted, ann()).method("checkout"))?;
//!
//! let page = store.snapshot().profile(id::user("42"))?.expect("known");
//! assert_eq!((page.orders.net_minor, page.traits["city"].as_str()), (4980, "\"Aarhus\""));
//! assert_eq!(page.consent[0].status, ConsentStatus::Granted);
//! # Ok::<(), regulars::Error>(())
//! ```

mod order;

pub use order::{Line, Order};

use crate::base::{Id, MessageId, Timestamp};
use crate::normalize::consent::ConsentStatus;
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
struct Core {
    members: Members,
    context: Members,
    /// `traits` of an identify, `properties` of a track.
    body: Members,
    body_name: &'static str,
    /// The lines of an order.
    lines: Vec<String>,
}

impl Core {
    fn new(kind: &str, body_name: &'static str, who: impl IntoIterator<Item = Id>) -> Self {
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

    fn put(&mut self, name: &str, value: &str) {
        self.members.insert(name.to_owned(), text(value));
    }

    fn set(&mut self, name: impl Into<String>, value: impl Serialize) {
        self.body.insert(name.into(), text(value));
    }

    fn message(mut self) -> Message {
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
use common;

/// Traits of a person.
///
/// ```
/// use regulars::{Store, compose::Identify, id};
/// let store = Store::in_memory()?;
/// store.send(Identify::new([id::user("42"), id::loyalty_card("L-0042")]).with("tier", "gold"))?;
/// assert_eq!(store.snapshot().profile(id::loyalty_card("L-0042"))?.expect("known").traits["tier"].as_str(), "\"gold\"");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "this says something; pass it to Store::send"]
pub struct Identify(Core);

impl Identify {
    /// Who it is about: all of their identifiers. An e-mail and a phone are traits as well.
    ///
    /// ```
    /// use regulars::{compose::Identify, id};
    /// let ann = Identify::new([id::user("42"), id::email("ann@example.com")]);
    /// ```
    pub fn new(who: impl IntoIterator<Item = Id>) -> Self {
        let who: Vec<Id> = who.into_iter().collect();
        let mut core = Core::new("identify", "traits", who.iter().cloned());
        for namespace in ["email", "phone"] {
            if let Some(id) = who.iter().find(|id| id.namespace() == namespace) {
                core.set(namespace, id.value());
            }
        }
        Self(core)
    }

    /// A trait; `null` clears it.
    ///
    /// ```
    /// use regulars::{compose::Identify, id};
    /// let ann = Identify::new([id::user("42")]).with("tags", ["news", "sale"]).with("tier", None::<&str>);
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.0.set(name, value);
        self
    }
}

common!(Identify);

/// Something that a person did.
///
/// ```
/// use regulars::{Store, compose::Track, id};
/// let receipt = Store::in_memory()?.send(Track::new("Signed Up", [id::user("42")]).with("plan", "free"))?;
/// assert_eq!(receipt.accepted, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "this says something; pass it to Store::send"]
pub struct Track(Core);

impl Track {
    /// What was done, and by whom.
    ///
    /// ```
    /// use regulars::{compose::Track, id};
    /// let seen = Track::new("Product Viewed", [id::anonymous("a1")]);
    /// ```
    pub fn new(event: &str, who: impl IntoIterator<Item = Id>) -> Self {
        let mut core = Core::new("track", "properties", who);
        core.put("event", event);
        Self(core)
    }

    /// A property of the event.
    ///
    /// ```
    /// use regulars::{compose::Track, id};
    /// let seen = Track::new("Product Viewed", [id::anonymous("a1")]).with("product_id", "kettle");
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.0.set(name, value);
        self
    }
}

common!(Track);

/// An answer about a channel and a purpose. It hangs on the addresses of the channel that are named, else on all
/// identifiers.
///
/// ```
/// use regulars::{ConsentStatus, Store, compose::Consent, id};
/// let store = Store::in_memory()?;
/// let no = Consent::new("sms", "marketing", ConsentStatus::Withdrawn, [id::phone("+4520123456")]);
/// store.send(no.method("STOP").proof("STOP, 10:12"))?;
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "this says something; pass it to Store::send"]
pub struct Consent(Core);

impl Consent {
    /// What was answered, and by whom.
    ///
    /// ```
    /// use regulars::{ConsentStatus, compose::Consent, id};
    /// let yes = Consent::new("email", "marketing", ConsentStatus::Granted, [id::email("ann@example.com")]);
    /// ```
    pub fn new(channel: &str, purpose: &str, status: ConsentStatus, who: impl IntoIterator<Item = Id>) -> Self {
        let mut core = Core::new("track", "properties", who);
        core.put("event", "Consent Updated");
        for (name, value) in [("channel", channel), ("purpose", purpose), ("status", status.name())] {
            core.set(name, value);
        }
        Self(core)
    }

    /// How it was asked.
    ///
    /// ```
    /// use regulars::{ConsentStatus, compose::Consent, id};
    /// let yes = Consent::new("email", "news", ConsentStatus::Granted, [id::user("42")]).method("checkout");
    /// ```
    pub fn method(mut self, method: &str) -> Self {
        self.0.set("method", method);
        self
    }

    /// The text that was agreed to, or whatever else proves it.
    ///
    /// ```
    /// use regulars::{ConsentStatus, compose::Consent, id};
    /// let yes = Consent::new("email", "news", ConsentStatus::Granted, [id::user("42")]).proof("I want the newsletter");
    /// ```
    pub fn proof(mut self, proof: &str) -> Self {
        self.0.set("proof", proof);
        self
    }
}

common!(Consent);
