//! How many identifiers of each namespace people have.

use super::run::Population;
use crate::Result;
use crate::profile::records::Records;

/// The counts of one namespace, by ordinal.
pub(crate) struct Counts(Vec<u32>);

impl Counts {
    pub(crate) fn read(records: &Records, people: &Population, namespace: u8) -> Result<Self> {
        let mut counts = vec![0u32; people.len() as usize];
        let mut count = |ordinal: u32| {
            if let Some(count) = counts.get_mut(ordinal as usize) {
                *count += 1;
            }
        };
        if people.is_whole() {
            let mut found = Vec::new();
            records.nodes.scan_states(&mut |_, of, state| {
                if of == namespace {
                    found.push(state.profile);
                }
            })?;
            found.into_iter().filter_map(|row| people.ordinal(row)).for_each(&mut count);
        } else {
            for (ordinal, row) in (0u32..).zip(people.rows()) {
                for member in records.nodes.members(*row)? {
                    if records.nodes.namespace_of(member)? == namespace {
                        count(ordinal);
                    }
                }
            }
        }
        Ok(Self(counts))
    }

    /// By ordinal.
    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.0
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len() * 4
    }
}
