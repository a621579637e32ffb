//! Consent and suppression: what was said about each contact identifier, and what that means for a person.
//!
//! A statement hangs on an identifier of its message: on the addresses of its channel, else on all of them. It is read
//! from the events that *name* the identifier, whoever they belong to, so it follows the identifier through merges,
//! splits and sharing.

use super::records::Records;
use crate::Result;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::history::At;
use crate::normalize::consent::{ConsentStatus, Said, Speech, SuppressionCause, contact_namespace};
use crate::normalize::fact::Bits;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Something that was said about one identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The identifier that it hangs on.
    pub(crate) node: u32,
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    pub(crate) source: Box<str>,
    pub(crate) what: Said<'static>,
}

/// The statements on some identifiers, by (time, message id, place in the message).
#[derive(Default)]
pub(crate) struct Consents(Vec<Statement>);

impl Consents {
    /// Everything that was ever said about the identifiers of one person.
    pub(crate) fn read(records: &Records, members: &[u32]) -> Result<Self> {
        let mut cache = BlockCache::default();
        let mut all = Vec::new();
        for member in members {
            for at in records.events.of_node(*member)? {
                if records.events.head(at)?.bits.has(Bits::CONSENT) {
                    visit(records, at, &mut cache, &mut |statement| {
                        if statement.node == *member {
                            all.push(statement);
                        }
                    })?;
                }
            }
        }
        Ok(Self::sorted(all))
    }

    /// These statements, in order. A stable sort keeps what one message says in the order of the message.
    pub(crate) fn sorted(mut all: Vec<Statement>) -> Self {
        all.sort_by(|a, b| (a.ts, &a.id).cmp(&(b.ts, &b.id)));
        Self(all)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Statement> {
        self.0.iter()
    }

    /// The last consent of each channel, purpose and identifier among those up to `at`.
    pub(crate) fn latest(&self, at: Timestamp) -> impl Iterator<Item = &Statement> {
        let mut latest = BTreeMap::new();
        for statement in self.until(at) {
            if let Said::Consent { channel, purpose, .. } = &statement.what {
                latest.insert((channel.as_deref(), &**purpose, statement.node), statement);
            }
        }
        latest.into_values()
    }

    /// The suppressions in force at `at`, by identifier and channel: the first one of each cause.
    pub(crate) fn suppressed(&self, at: Timestamp) -> Vec<(&str, SuppressionCause, &Statement)> {
        let mut open: Vec<(&str, SuppressionCause, &Statement)> = Vec::new();
        for statement in self.until(at) {
            match &statement.what {
                Said::Suppressed { channel, cause } => {
                    let same = |(known, why, first): &(&str, SuppressionCause, &Statement)| {
                        (*known, *why, first.node) == (channel, *cause, statement.node)
                    };
                    if !open.iter().any(same) {
                        open.push((channel, *cause, statement));
                    }
                }
                // Whoever unsubscribed and says yes to marketing again is subscribed, to receipts and the like has not;
                // an address that bounced or complained is not better for it.
                Said::Consent { channel: Some(granted), purpose, status: ConsentStatus::Granted, .. }
                    if purpose.eq_ignore_ascii_case("marketing") =>
                {
                    open.retain(|(channel, cause, first)| {
                        *cause != SuppressionCause::Unsubscribed || *channel != granted || first.node != statement.node
                    });
                }
                Said::Consent { .. } => {}
            }
        }
        open
    }

    /// What the person's consent is at `at`; `None` where nobody ever asked.
    ///
    /// A person has a consent if one of their identifiers has it. What was said where the message named no address of
    /// the channel holds for every address of the person: nobody who said no by their user id alone is written to.
    pub(crate) fn status(
        &self,
        records: &Records,
        channel: Option<&str>,
        purpose: &str,
        at: Timestamp,
    ) -> Result<Option<ConsentStatus>> {
        let contact = contact_code(records, channel);
        let mut last: BTreeMap<u32, ConsentStatus> = BTreeMap::new();
        let mut latest = None;
        for statement in self.until(at) {
            let Said::Consent { channel: said_channel, purpose: said_purpose, status, .. } = &statement.what else {
                continue;
            };
            if said_channel.as_deref() != channel || said_purpose != purpose {
                continue;
            }
            let namespace = records.nodes.namespace_of(statement.node)?;
            if contact.is_some_and(|contact| contact != namespace) {
                last.values_mut().for_each(|known| *known = *status);
            } else {
                last.insert(statement.node, *status);
            }
            latest = Some(*status);
        }
        let granted = last.values().any(|status| *status == ConsentStatus::Granted);
        Ok(if granted { Some(ConsentStatus::Granted) } else { latest })
    }

    /// Whether a channel is suppressed at one of the person's identifiers.
    pub(crate) fn is_suppressed(&self, channel: &str, at: Timestamp) -> bool {
        self.suppressed(at).iter().any(|(known, ..)| *known == channel)
    }

    fn until(&self, at: Timestamp) -> impl Iterator<Item = &Statement> {
        self.0.iter().take_while(move |statement| statement.ts <= at)
    }
}

/// Visits what an event says, once for each identifier that it hangs on.
pub(crate) fn visit(records: &Records, at: At, cache: &mut BlockCache, tell: &mut dyn FnMut(Statement)) -> Result<()> {
    let mut nodes = Vec::new();
    records.events.nodes(at, &mut nodes)?;
    let live: Vec<u32> = nodes.iter().filter(|named| named.is_live()).map(|named| named.node()).collect();
    let fact = records.events.fact(at, cache)?;
    for said in Speech::of(&fact).read().0 {
        let channel = match &said {
            Said::Consent { channel, .. } => channel.as_deref(),
            Said::Suppressed { channel, .. } => Some(&**channel),
        };
        let contact = contact_code(records, channel);
        let mut addresses = Vec::new();
        for node in &live {
            if contact.is_some() && Some(records.nodes.namespace_of(*node)?) == contact {
                addresses.push(*node);
            }
        }
        let hangs_on = if addresses.is_empty() { &live } else { &addresses };
        for node in hangs_on {
            let (id, source, what) = (fact.id(), fact.source.into(), owned(said.clone()));
            tell(Statement { node: *node, ts: fact.ts, id, source, what });
        }
    }
    Ok(())
}

fn contact_code(records: &Records, channel: Option<&str>) -> Option<u8> {
    channel.and_then(contact_namespace).and_then(|name| records.nodes.namespaces.code(name))
}

fn owned(said: Said<'_>) -> Said<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    match said {
        Said::Consent { channel, purpose, status, method, proof } => Said::Consent {
            channel: channel.map(own),
            purpose: own(purpose),
            status,
            method: method.map(own),
            proof: proof.map(own),
        },
        Said::Suppressed { channel, cause } => Said::Suppressed { channel: own(channel), cause },
    }
}
