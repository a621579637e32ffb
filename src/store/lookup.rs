//! Finding the nodes of identifiers.

use super::book::Book;
use super::sealed::Wanted;
use crate::Result;
use crate::identity::part::NodePart;

impl Book {
    /// The node of an identifier.
    pub(super) fn find_node(&mut self, namespace: u8, value: &str) -> Result<Option<u32>> {
        let mut wanted = [Wanted::new(namespace, value)];
        self.find_nodes(&mut wanted)?;
        Ok(wanted.into_iter().find_map(|found| found.node))
    }

    /// Notes the node of each identifier that has one. A look-up waits for memory several times; here all take a step
    /// before any takes the next, so that they wait together.
    pub(super) fn find_nodes(&mut self, wanted: &mut [Wanted<'_>]) -> Result<()> {
        for one in wanted.iter_mut() {
            one.node = self.nodes.find_in_tails(one.namespace, one.value);
        }
        for one in missing(wanted) {
            one.guess = self.sealed.recent.get(one.key);
        }
        for one in missing(wanted) {
            if let Some(guess) = one.guess
                && self.nodes.is_identifier(guess, one.namespace, one.value)?
            {
                one.node = Some(guess);
            }
        }
        let keys: Vec<u32> = missing(wanted).map(|one| one.key).collect();
        let held = self.sealed.may_hold_identifiers(&keys);
        for (one, _) in missing(wanted).zip(held).filter(|(_, held)| *held) {
            one.node = NodePart::find_in(&self.nodes.parts, one.namespace, one.value)?;
            if let Some(node) = one.node {
                self.sealed.recent.insert(one.key, node);
            }
        }
        Ok(())
    }
}

fn missing<'w, 'v>(wanted: &'w mut [Wanted<'v>]) -> impl Iterator<Item = &'w mut Wanted<'v>> {
    wanted.iter_mut().filter(|one| one.node.is_none())
}
