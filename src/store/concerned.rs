//! Whose answers about consent a commit can have changed: a contact is of more people than whoever a message belongs to.

use super::objection::remembered;
use super::touched::Touched;
use crate::Result;
use crate::column::blocks::BlockCache;
use crate::event::row::{At, Head};
use crate::fact::kind::{Bits, Kind};
use crate::identity::graph::NodeState;
use crate::profile::contacts::{Hearing, is_contact};
use crate::profile::speaking::Speaking;

impl Touched {
    /// Whom an event concerns: everybody who has a contact that it speaks of, and its owner, if it speaks of all contacts
    /// or gives them one.
    pub(super) fn by_consent(&mut self, hearing: &mut Hearing<'_>, at: At, head: Head) -> Result<()> {
        let records = hearing.records;
        if head.kind == Kind::Erase {
            for node in remembered(records, at)? {
                self.touch_people_of(hearing, node)?;
            }
        }
        if head.kind.is_statement() {
            return Ok(());
        }
        let mut speaking = Speaking::default();
        if head.bits.has(Bits::CONSENT) {
            speaking = Speaking::read(records, at, &mut BlockCache::default())?;
        }
        for statement in &speaking.said {
            for node in speaking.hangs_on(records, statement) {
                // What was said whatever the channel concerns who holds the identifier, and nobody while it is shared.
                if statement.what.channel().is_some() {
                    self.touch_people_of(hearing, node)?;
                } else if let Some(profile) = records.nodes.profile(node)? {
                    self.touch_consent(profile);
                }
            }
        }
        let (mut nodes, mut gives) = (Vec::new(), false);
        records.events.nodes(at, &mut nodes)?;
        for named in nodes.iter().filter(|named| named.is_live()) {
            gives |= records.nodes.state(named.node())?.is_shared() && is_contact(records, named.node())?;
        }
        if (gives || !speaking.said.is_empty())
            && let Some(owner) = records.owner_among(at, &nodes)?.profile()
        {
            self.touch_consent(owner);
        }
        Ok(())
    }

    fn touch_people_of(&mut self, hearing: &mut Hearing<'_>, node: u32) -> Result<()> {
        for row in hearing.people_of(node)? {
            self.touch_consent(row);
        }
        Ok(())
    }

    /// Whoever changed and speaks of all their contacts concerns everybody who has one of these, too.
    pub(super) fn follow_contacts(&mut self, hearing: &mut Hearing<'_>) -> Result<()> {
        let nodes = &hearing.records.nodes;
        for row in self.rows_for_consent().into_iter().filter(|row| *row < nodes.len()) {
            let NodeState { profile, .. } = nodes.state(row)?;
            for node in if profile == row { hearing.spoken_for(row)? } else { Vec::new() } {
                self.touch_people_of(hearing, node)?;
            }
        }
        Ok(())
    }
}
