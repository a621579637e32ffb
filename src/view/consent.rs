//! Consent and suppression of one person, as they are shown.

use crate::Result;
use crate::base::{Id, Timestamp};
use crate::normalize::consent::{ConsentStatus, Said, SuppressionCause};
use crate::profile::consent::{Consents, Statement};
use crate::profile::records::Records;
use crate::view::why::id_of;
use serde::Serialize;

/// The last answer about one channel and purpose at one contact identifier, with its proof.
///
/// ```
/// use regulars::{ConsentStatus, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Consent Updated","userId":"42","properties":{"email":"ann@example.com",
///     "channel":"email","purpose":"marketing","status":"granted","method":"checkout","proof":"Yes, write to me"}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!((ann.consent[0].status, ann.consent[0].identifier.namespace()), (ConsentStatus::Granted, "email"));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Consent {
    /// The channel; none where the purpose was asked for whatever the channel.
    pub channel: Option<String>,
    /// What for.
    pub purpose: String,
    /// The answer.
    pub status: ConsentStatus,
    /// When it was given.
    pub ts: Timestamp,
    /// The address, or other identifier, that it holds for.
    pub identifier: Id,
    /// The source of the message; empty for the default one.
    pub source: String,
    /// How it was asked.
    pub method: Option<String>,
    /// The text that was agreed to, or whatever else proves it.
    pub proof: Option<String>,
    /// The message that says so.
    pub message_id: String,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Channel, purpose and proof are texts that somebody sent; the identifier prints masked.
        write!(f, "Consent({} since {} for {:?})", self.status.name(), self.ts, self.identifier)
    }
}

/// A channel that must not be used at one contact identifier, and why.
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
    /// The address, or other identifier, that it holds for.
    pub identifier: Id,
    /// The message that says so.
    pub message_id: String,
}

impl std::fmt::Debug for Suppression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Suppression({} since {} at {:?})", self.cause.name(), self.ts, self.identifier)
    }
}

/// What was said about one address or other identifier: who writes to it asks this, whoever it belongs to.
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
    /// It was seen with several people, and belongs to nobody: what was said about it is no profile's.
    pub shared: bool,
    /// The last answers by channel and purpose.
    pub consent: Vec<Consent>,
    /// The channels that must not be used.
    pub suppressed: Vec<Suppression>,
}

impl Contact {
    /// What the facts up to `at` say about an identifier that exists.
    pub(crate) fn read(records: &Records, node: u32, at: Timestamp) -> Result<Self> {
        let said = Consents::read(records, &[node])?;
        Ok(Self {
            shared: records.nodes.state(node)?.is_shared(),
            consent: consents(records, &said, at)?,
            suppressed: suppressions(records, &said, at)?,
        })
    }
}

/// The last answers by channel, purpose and identifier.
pub(super) fn consents(records: &Records, said: &Consents, at: Timestamp) -> Result<Vec<Consent>> {
    let mut all = Vec::new();
    for statement in said.latest(at) {
        let Said::Consent { channel, purpose, status, method, proof } = &statement.what else { continue };
        let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        all.push(Consent {
            channel: text(channel),
            purpose: purpose.clone().into_owned(),
            status: *status,
            ts: statement.ts,
            identifier: id_of(records, statement.node)?,
            source: (*statement.source).to_owned(),
            method: text(method),
            proof: text(proof),
            message_id: statement.id.to_string(),
        });
    }
    all.sort_by(|a, b| (&a.channel, &a.purpose, &a.identifier).cmp(&(&b.channel, &b.purpose, &b.identifier)));
    Ok(all)
}

/// What is suppressed, by channel, cause and identifier.
pub(super) fn suppressions(records: &Records, said: &Consents, at: Timestamp) -> Result<Vec<Suppression>> {
    let shown = |(channel, cause, statement): (&str, SuppressionCause, &Statement)| {
        Ok(Suppression {
            channel: channel.to_owned(),
            cause,
            ts: statement.ts,
            identifier: id_of(records, statement.node)?,
            message_id: statement.id.to_string(),
        })
    };
    let mut all = said.suppressed(at).into_iter().map(shown).collect::<Result<Vec<_>>>()?;
    all.sort_by(|a, b| (&a.channel, a.cause, &a.identifier).cmp(&(&b.channel, b.cause, &b.identifier)));
    Ok(all)
}
