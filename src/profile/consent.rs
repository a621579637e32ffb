//! What was said about consent and suppression, and what of it counts for one contact.
//!
//! A contact is an identifier at which a channel reaches somebody (an address, a number, a device), or the nameless one of
//! a person who has none. What is known of it is a list of statements, in order, each from an instant on; every answer is
//! read from that list. [`contacts`](super::contacts) finds out which statements those are.

use super::records::Records;
use crate::Result;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::normalize::consent::{ConsentStatus, Said, Speech, SuppressionCause, contact_namespace};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The fact that says it; none for what an erasure remembers.
    pub(crate) at: Option<At>,
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    pub(crate) source: Box<str>,
    /// A public endpoint says so: nothing of the identifiers of persons.
    pub(crate) claimed: bool,
    pub(crate) what: Said<'static>,
}

/// A channel, if one is named, and a purpose: with one `None`, whatever the purpose. Names as they compare.
pub(crate) type Topic<'t> = (Option<&'t str>, Option<&'t str>);

impl Statement {
    /// What an answer is about; `None` for a suppression.
    fn topic(&self) -> Option<Topic<'_>> {
        match &self.what {
            Said::Consent { channel, purpose, .. } => Some((channel.as_deref(), purpose.as_deref())),
            Said::Suppressed { .. } => None,
        }
    }

    /// The answer, of an answer.
    fn status(&self) -> Option<ConsentStatus> {
        match &self.what {
            Said::Consent { status, .. } => Some(*status),
            Said::Suppressed { .. } => None,
        }
    }
}

/// A statement as it counts for one contact: from when it was said, and the contact was that of whoever said it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) since: Timestamp,
    pub(crate) statement: Arc<Statement>,
}

/// One contact; see the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    /// Its identifier; none for the nameless one.
    pub(crate) node: Option<u32>,
    /// By (time, message id).
    heard: Vec<Heard>,
}

impl Contact {
    pub(crate) fn new(node: Option<u32>, mut heard: Vec<Heard>) -> Self {
        // A stable sort keeps what one message says in the order of the message.
        heard.sort_by(|a, b| (a.statement.ts, &a.statement.id).cmp(&(b.statement.ts, &b.statement.id)));
        Self { node, heard }
    }

    pub(crate) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    fn until(&self, at: Timestamp) -> impl DoubleEndedIterator<Item = &Statement> {
        let heard = self.heard.iter().filter(move |heard| heard.since <= at && heard.statement.ts <= at);
        heard.map(|heard| &*heard.statement)
    }

    /// What was asked, by the facts up to `at`.
    pub(crate) fn topics(&self, at: Timestamp) -> BTreeSet<Topic<'_>> {
        self.until(at).filter_map(Statement::topic).collect()
    }

    /// The last answer about a topic: one about every purpose is about each.
    pub(crate) fn answer(&self, (channel, purpose): Topic<'_>, at: Timestamp) -> Option<&Statement> {
        let about = |(of, why): Topic<'_>| of == channel && (why.is_none() || why == purpose);
        self.until(at).rfind(|statement| statement.topic().is_some_and(about))
    }

    /// The same, as a status.
    pub(crate) fn status(&self, topic: Topic<'_>, at: Timestamp) -> Option<ConsentStatus> {
        self.answer(topic, at)?.status()
    }

    /// What is suppressed at `at`, by channel and cause: with the statement since which it is.
    pub(crate) fn suppressions(&self, at: Timestamp) -> Vec<(&str, SuppressionCause, &Statement)> {
        let mut open: Vec<(&str, SuppressionCause, &Statement)> = Vec::new();
        for statement in self.until(at) {
            match &statement.what {
                Said::Suppressed { channel, cause } => {
                    if !open.iter().any(|(known, why, _)| *known == channel && why == cause) {
                        open.push((channel, *cause, statement));
                    }
                }
                Said::Consent { channel: Some(granted), status: ConsentStatus::Granted, .. } => {
                    open.retain(|(channel, cause, _)| channel != granted || !cause.yields_to_a_yes());
                }
                Said::Consent { .. } => {}
            }
        }
        open
    }

    /// Whether a channel must not be used for it.
    pub(crate) fn is_suppressed(&self, channel: &str, at: Timestamp) -> bool {
        self.suppressions(at).iter().any(|(known, ..)| *known == channel)
    }
}

/// What several contacts answered, as one: a yes of one is a yes; else a yes taken back is told before a no.
pub(crate) fn together(answers: impl Iterator<Item = Option<ConsentStatus>>) -> Option<ConsentStatus> {
    use ConsentStatus::{Denied, Granted, Withdrawn};
    let all: Vec<ConsentStatus> = answers.flatten().collect();
    [Granted, Withdrawn, Denied].into_iter().find(|status| all.contains(status))
}

/// What one event says, and the identifiers that it names: but for those that are data only.
#[derive(Default)]
pub(crate) struct Speaking {
    /// With their namespaces.
    pub(crate) nodes: Vec<(u32, u8)>,
    pub(crate) said: Vec<Arc<Statement>>,
}

impl Speaking {
    pub(crate) fn read(records: &Records, at: At, cache: &mut BlockCache) -> Result<Self> {
        let mut named = Vec::new();
        records.events.nodes(at, &mut named)?;
        let mut nodes = Vec::new();
        for node in named.iter().filter(|named| named.is_live()).map(|named| named.node()) {
            nodes.push((node, records.nodes.namespace_of(node)?));
        }
        let fact = records.events.fact(at, cache)?;
        let statement = |said: Said<'_>| {
            let (ts, id, source, claimed) = (fact.ts, fact.id(), fact.source.into(), fact.claimed());
            Arc::new(Statement { at: Some(at), ts, id, source, claimed, what: owned(said) })
        };
        let said = Speech::of(&fact).read().0.into_iter().map(statement).collect();
        Ok(Self { nodes, said })
    }

    /// The identifiers that a statement of the event hangs on: the contacts of its channel, or all without one. None for
    /// one that names no contact, which speaks of those of its owner.
    pub(crate) fn hangs_on(&self, records: &Records, statement: &Statement) -> impl Iterator<Item = u32> {
        let channel = statement.what.channel();
        let contact = channel.map(|channel| contact_code(records, channel));
        let fits = move |namespace: u8| contact.is_none_or(|contact| contact == Some(namespace));
        self.nodes.iter().filter(move |(_, namespace)| fits(*namespace)).map(|(node, _)| *node)
    }

    /// Whether a statement speaks of the contacts of the event's owner.
    pub(crate) fn is_loose(&self, records: &Records, statement: &Statement) -> bool {
        statement.what.channel().is_some() && self.hangs_on(records, statement).next().is_none()
    }
}

/// The namespace of a channel's contacts, if the store has it.
pub(crate) fn contact_code(records: &Records, channel: &str) -> Option<u8> {
    contact_namespace(channel).and_then(|name| records.nodes.namespaces.code(name))
}

fn owned(said: Said<'_>) -> Said<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    match said {
        Said::Consent { channel, purpose, status, method, proof } => Said::Consent {
            channel: channel.map(own),
            purpose: purpose.map(own),
            status,
            method: method.map(own),
            proof: proof.map(own),
        },
        Said::Suppressed { channel, cause } => Said::Suppressed { channel: own(channel), cause },
    }
}
