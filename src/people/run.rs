//! Some people in a dense order, with the columns that were asked for.

use super::bits::Bits;
use crate::Result;
use crate::base::bytes::row32;
use crate::column::rows::RowSet;
use crate::event::row::{At, NodeRef};
use crate::identity::evidence::NONE;
use crate::profile::records::Records;
use roaring::RoaringBitmap;
use std::sync::OnceLock;

/// Of an identifier of somebody who is not in a run.
const ELSEWHERE: u32 = NONE - 1;

/// The people of a run. The **ordinal** of a person is their place in it; outside they go by the row of their profile, the
/// node of its eldest identifier.
pub(crate) struct Population {
    /// By ordinal, ascending.
    rows: Vec<u32>,
    /// Those with an identifier of a person.
    known: Bits,
    /// It is everybody, so columns are made by scans over the store, and not person by person.
    whole: bool,
    /// Of everybody: the ordinal of the person that each identifier belongs to.
    ordinals: OnceLock<Vec<u32>>,
}

impl Population {
    /// Everybody.
    pub(crate) fn everybody(all: &RowSet, known: &RowSet) -> Self {
        Self::of(all.to_bitmap().iter().collect(), known, true)
    }

    /// Some people, by their rows in ascending order.
    pub(crate) fn some(rows: Vec<u32>, known: &RowSet) -> Self {
        Self::of(rows, known, false)
    }

    fn of(rows: Vec<u32>, known: &RowSet, whole: bool) -> Self {
        let known = Bits::of(row32(rows.len()), |at| rows.get(at).is_some_and(|row| known.contains(*row)));
        Self { rows, known, whole, ordinals: OnceLock::new() }
    }

    pub(crate) fn len(&self) -> u32 {
        row32(self.rows.len())
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(crate) fn known(&self) -> &Bits {
        &self.known
    }

    /// The row of a person.
    pub(crate) fn row(&self, ordinal: u32) -> u32 {
        self.rows.get(ordinal as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The ordinal of a row; `None` for somebody else.
    pub(crate) fn ordinal(&self, row: u32) -> Option<u32> {
        self.rows.binary_search(&row).ok().map(row32)
    }

    /// The places of some rows; those of somebody else are left out.
    pub(crate) fn places(&self, rows: &RoaringBitmap) -> Bits {
        let mut places = Bits::none(self.len());
        rows.iter().filter_map(|row| self.ordinal(row)).for_each(|ordinal| places.insert(ordinal));
        places
    }

    /// The ordinal of whoever an event belongs to, where the population is everybody.
    pub(crate) fn owner(&self, records: &Records, at: At, nodes: &[NodeRef]) -> Result<Option<u32>> {
        let ordinals = self.ordinals(records)?;
        for named in nodes.iter().filter(|named| named.is_live()) {
            match ordinals.get(named.node() as usize) {
                Some(&NONE) => {}
                // An identifier newer than the run belongs to nobody in it either.
                Some(&ELSEWHERE) | None => return Ok(None),
                Some(ordinal) => return Ok(Some(*ordinal)),
            }
        }
        Ok(records.owner_among(at, nodes)?.profile().and_then(|row| self.ordinal(row)))
    }

    fn ordinals(&self, records: &Records) -> Result<&[u32]> {
        if let Some(ordinals) = self.ordinals.get() {
            return Ok(ordinals);
        }
        let mut of_row = vec![NONE; records.nodes.len() as usize];
        for (ordinal, row) in (0u32..).zip(&self.rows) {
            if let Some(slot) = of_row.get_mut(*row as usize) {
                *slot = ordinal;
            }
        }
        let mut ordinals = vec![NONE; of_row.len()];
        records.nodes.scan_states(&mut |node, _, state| {
            let of_profile = || of_row.get(state.profile as usize).copied().filter(|ordinal| *ordinal != NONE);
            if let (Some(slot), true) = (ordinals.get_mut(node as usize), state.profile != NONE) {
                *slot = of_profile().unwrap_or(ELSEWHERE);
            }
        })?;
        Ok(self.ordinals.get_or_init(|| ordinals))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * 4 + self.known.bytes() + self.ordinals.get().map_or(0, |ordinals| ordinals.len() * 4)
    }
}
