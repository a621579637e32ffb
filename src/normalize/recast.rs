//! Facts in the form of other rules: where namespaces stand in another order of strength, or others name persons.

use crate::base::namespaces::Namespaces;
use crate::fact::layout::FactParts;
use crate::fact::named::{Named, Role, cut_beyond};
use crate::fact::view::Fact;

/// Puts facts that were written under some namespaces into the form that they would have under others.
pub(crate) struct Recast<'n> {
    /// The new code of each old one.
    codes: Vec<u8>,
    to: &'n Namespaces,
}

impl<'n> Recast<'n> {
    /// From one form to another of the same namespaces.
    pub(crate) fn new(from: &Namespaces, to: &'n Namespaces) -> Self {
        Self { codes: from.iter().map(|(_, namespace)| to.code(&namespace.name).unwrap_or(u8::MAX)).collect(), to }
    }

    /// The new code of a namespace.
    pub(crate) fn code(&self, old: u8) -> u8 {
        self.codes.get(usize::from(old)).copied().unwrap_or(u8::MAX)
    }

    /// Appends the fact in its new form.
    pub(crate) fn append(&self, fact: &Fact<'_>, out: &mut Vec<u8>) {
        let mut identifiers: Vec<Named<'_>> = fact.identifiers().collect();
        for named in &mut identifiers {
            named.namespace = self.code(named.namespace);
            if named.role != Role::Stated {
                named.role = Role::of(fact.claimed(), self.to.is_person(named.namespace));
            }
        }
        identifiers.sort_unstable();
        cut_beyond(&mut identifiers);
        let parts = FactParts {
            kind: fact.kind,
            bits: fact.bits,
            ts: fact.ts,
            received_at: fact.received_at,
            content: fact.content,
            id: &fact.id(),
            source: fact.source,
            shop: fact.shop,
            channel: fact.channel,
            name: fact.name,
            identifiers: &identifiers,
            order: fact.order,
            doc: fact.doc,
        };
        parts.encode(out);
    }
}
