//! What a person says and does: traits, events, consent.

use super::message::{Core, Message, common, text};
use crate::base::{Id, MessageId, Timestamp};
use crate::normalize::consent::ConsentStatus;
use serde::Serialize;

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
