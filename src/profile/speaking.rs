//! What one event says about consent and suppression, and of which identifiers.

use super::consent::Statement;
use super::records::Records;
use crate::Result;
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::normalize::consent::{Said, Speech, contact_namespace};
use std::borrow::Cow;
use std::sync::Arc;

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
