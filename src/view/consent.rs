//! Consent and suppression of one person, as they are shown.

use crate::Result;
use crate::base::{Id, Timestamp};
use crate::normalize::consent::{ConsentStatus, Said, SuppressionCause};
use crate::profile::consent;
use crate::profile::contacts::Hearing;
use crate::profile::person::Person;
use crate::profile::records::Records;
use crate::view::why::id_of;
use serde::Serialize;
use std::borrow::Cow;

/// The last answer about one channel and purpose at one contact, with its proof. Names of channels and purposes are shown as
/// they compare: trimmed, and in small letters.
///
/// ```
/// use regulars::{ConsentStatus, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Consent Updated","userId":"42","properties":{"email":"ann@example.com",
///     "channel":"email","purpose":"marketing","status":"granted","method":"checkout","proof":"Yes, write to me"}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// let yes = &ann.consent[0];
/// assert_eq!((yes.status, yes.identifier.as_ref().map(|id| id.namespace())), (ConsentStatus::Granted, Some("email")));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Consent {
    /// The channel; none where the purpose was asked for whatever the channel.
    pub channel: Option<String>,
    /// What for; none for every purpose of the channel that has no later answer of its own.
    pub purpose: Option<String>,
    /// The answer.
    pub status: ConsentStatus,
    /// When it was given.
    pub ts: Timestamp,
    /// The address, or other identifier, that it holds for; none where the person has no contact of the channel.
    pub identifier: Option<Id>,
    /// The source of the message; empty for the default one.
    pub source: String,
    /// How it was asked; `objected_before` for a no that an erasure remembers.
    pub method: Option<String>,
    /// The text that was agreed to, or whatever else proves it.
    pub proof: Option<String>,
    /// The message that says so; of a no from before an erasure, the erasure that remembers it.
    pub message_id: String,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Channel, purpose and proof are texts that somebody sent; the identifier prints masked.
        write!(f, "Consent({} since {} for {:?})", self.status.name(), self.ts, self.identifier)
    }
}

/// A channel that must not be used at one contact, and why.
///
/// ```
/// use regulars::{Store, SuppressionCause, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Email Bounced","userId":"42","properties":{"email":"ann@example.com"}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!((&*ann.suppressed[0].channel, ann.suppressed[0].cause), ("email", SuppressionCause::HardBounce));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suppression {
    /// The channel.
    pub channel: String,
    /// Why.
    pub cause: SuppressionCause,
    /// Since when.
    pub ts: Timestamp,
    /// The address, or other identifier, that it holds for; none where the person has no contact of the channel.
    pub identifier: Option<Id>,
    /// The message that says so; of an objection from before, the erasure that remembers it.
    pub message_id: String,
}

impl std::fmt::Debug for Suppression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Suppression({} since {} at {:?})", self.cause.name(), self.ts, self.identifier)
    }
}

/// What counts for one address or other identifier: who writes to it asks this, whoever it belongs to.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"identify","userId":"1","traits":{"email":"us@example.com"}},
///     {"type":"identify","userId":"2","traits":{"email":"us@example.com"}},
///     {"type":"track","event":"Unsubscribed","userId":"1","properties":{"email":"us@example.com"}}]"#)?;
/// let address = store.snapshot().contact(&id::email("us@example.com"), None)?.expect("known");
/// assert_eq!((address.shared, address.suppressed.len()), (true, 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Contact {
    /// It was seen with several people, and belongs to nobody: what was said about it holds for all of them.
    pub shared: bool,
    /// The last answers by channel and purpose.
    pub consent: Vec<Consent>,
    /// The channels that must not be used.
    pub suppressed: Vec<Suppression>,
}

impl Contact {
    /// What the facts up to `at` say about an identifier that exists.
    pub(crate) fn read(records: &Records, node: u32, at: Timestamp) -> Result<Self> {
        let contact = Hearing::new(records).contact(node)?;
        let mut told = Told::default();
        told.add(records, &contact, at, &|_| true)?;
        let (consent, suppressed) = told.sorted();
        Ok(Self { shared: records.nodes.state(node)?.is_shared(), consent, suppressed })
    }
}

/// What is told of some contacts: the last answers, and what is suppressed.
#[derive(Default)]
pub(super) struct Told {
    consent: Vec<Consent>,
    suppressed: Vec<Suppression>,
}

impl Told {
    /// That of a person's contacts.
    pub(super) fn of(person: &Person<'_>, at: Timestamp) -> Result<Self> {
        let mut told = Self::default();
        for (contact, shows) in person.consents()?.shown(person.records, at) {
            told.add(person.records, contact, at, &shows)?;
        }
        Ok(told)
    }

    fn add(
        &mut self,
        records: &Records,
        contact: &consent::Contact,
        at: Timestamp,
        shows: &dyn Fn(Option<&str>) -> bool,
    ) -> Result<()> {
        let identifier = contact.node.map(|node| id_of(records, node)).transpose()?;
        for topic in contact.topics(at).into_iter().filter(|topic| shows(topic.0)) {
            let Some(statement) = contact.answer(topic, at) else { continue };
            let Said::Consent { status, method, proof, .. } = &statement.what else { continue };
            let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
            self.consent.push(Consent {
                channel: topic.0.map(str::to_owned),
                purpose: topic.1.map(str::to_owned),
                status: *status,
                ts: statement.ts,
                identifier: identifier.clone(),
                source: (*statement.source).to_owned(),
                method: text(method),
                proof: text(proof),
                message_id: statement.id.to_string(),
            });
        }
        for (channel, cause, statement) in contact.suppressions(at) {
            if shows(Some(channel)) {
                self.suppressed.push(Suppression {
                    channel: channel.to_owned(),
                    cause,
                    ts: statement.ts,
                    identifier: identifier.clone(),
                    message_id: statement.id.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Answers by channel, purpose and identifier; suppressions by channel, cause and identifier.
    pub(super) fn sorted(mut self) -> (Vec<Consent>, Vec<Suppression>) {
        let consent = |a: &Consent, b: &Consent| {
            (&a.channel, &a.purpose, &a.identifier).cmp(&(&b.channel, &b.purpose, &b.identifier))
        };
        let suppressed = |a: &Suppression, b: &Suppression| {
            (&a.channel, a.cause, &a.identifier).cmp(&(&b.channel, b.cause, &b.identifier))
        };
        self.consent.sort_by(consent);
        self.suppressed.sort_by(suppressed);
        (self.consent, self.suppressed)
    }
}
