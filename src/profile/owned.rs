//! Which identifiers and events are a person's.

use super::records::Records;
use crate::Result;
use crate::base::{MessageId, Timestamp};
use crate::event::row::At;
use crate::fact::kind::Kind;
use std::collections::BTreeSet;

/// One event of a person.
#[derive(Clone, Debug)]
pub(crate) struct PersonEvent {
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    pub(crate) at: At,
    pub(crate) name: u16,
    pub(crate) kind: Kind,
}

/// What a profile owns.
pub(crate) struct Owned {
    /// Its identifiers.
    pub(crate) members: Vec<u32>,
    /// By (time, message id).
    pub(crate) events: Vec<PersonEvent>,
}

impl Owned {
    /// Reads them. Cost: the columns of the events, not the facts.
    pub(crate) fn read(records: &Records, profile: u32) -> Result<Self> {
        let members = records.nodes.members(profile)?;
        let mut found = Vec::new();
        let mut nodes = Vec::new();
        let mut shared = BTreeSet::new();
        for member in &members {
            for at in records.events.of_node(*member)? {
                records.events.nodes(at, &mut nodes)?;
                // Each event is found at each of its identifiers; its owner node counts it.
                if records.strongest(&nodes)?.is_some_and(|(node, _)| node == *member) {
                    found.push(at);
                }
                // Whoever has a claim on a shared identifier has an event that names both.
                for named in nodes.iter().filter(|named| named.is_live()) {
                    if !members.contains(&named.node()) && records.nodes.state(named.node())?.is_shared() {
                        shared.insert(named.node());
                    }
                }
            }
        }
        for node in shared {
            if let Some(pool) = records.pool_of_events(node)? {
                found.extend(pool.events_of(profile));
            }
        }
        let mut events = found.into_iter().map(|at| event(records, at)).collect::<Result<Vec<_>>>()?;
        events.sort_by(|a, b| (a.ts, &a.id).cmp(&(b.ts, &b.id)));
        Ok(Self { members, events })
    }
}

fn event(records: &Records, at: At) -> Result<PersonEvent> {
    let head = records.events.head(at)?;
    Ok(PersonEvent { ts: head.ts, id: records.message_id(at)?, at, name: head.name, kind: head.kind })
}
