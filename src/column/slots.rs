//! An immutable hash table of 8-byte slots: a fingerprint of 32 bits and a row.
//!
//! A look-up compares fingerprints along the probe, and the caller verifies a hit against the column that holds the
//! real value, so answers are exact. A miss costs one or two cache lines.
//!
//! ```text
//! slot = fingerprint << 32 | row + 1      0: empty
//! home = (hash >> 32) * slots >> 32       then linear, round the end
//! ```

use super::fixed::U64s;
use crate::Result;
use crate::base::bytes::{low32, row32};

/// Slots of a table of `rows`: four of five in use at most.
fn capacity(rows: usize) -> u64 {
    (rows as u64) + (rows as u64) / 4 + 1
}

fn home(hash: u64, capacity: u64) -> u64 {
    ((hash >> 32) * capacity) >> 32
}

/// The table's bytes for rows `0..hashes.len()` with these hashes.
pub(crate) fn build(hashes: &[u64]) -> Vec<u8> {
    let capacity = capacity(hashes.len());
    let mut slots = vec![0u64; usize::try_from(capacity).unwrap_or(0)];
    for (row, hash) in hashes.iter().enumerate() {
        let mut at = home(*hash, capacity);
        while let Some(slot) = slots.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) {
            if *slot == 0 {
                *slot = u64::from(fingerprint(*hash)) << 32 | (u64::from(row32(row)) + 1);
                break;
            }
            at = (at + 1) % capacity;
        }
    }
    slots.iter().flat_map(|slot| slot.to_le_bytes()).collect()
}

/// What a table keeps of a hash.
pub(crate) fn fingerprint(hash: u64) -> u32 {
    low32(hash)
}

/// Every fingerprint of a table with its row, in no order that means anything.
pub(crate) fn fingerprints(slots: &U64s, mut each: impl FnMut(u32, u32)) -> Result<()> {
    for slot in slots.all()?.iter().filter(|slot| *slot != 0) {
        each(low32(slot >> 32), low32(slot).wrapping_sub(1));
    }
    Ok(())
}

/// How many tables are asked at once.
const AT_ONCE: usize = 8;

/// The table, the last one first, and its row with that hash for which `is_it` holds.
///
/// Most tables have nothing and each lies elsewhere in memory: their first slots are read before any is looked at, so
/// that the waits for memory overlap.
pub(crate) fn find_last<P>(
    parts: &[P],
    slots: impl Fn(&P) -> &U64s,
    hash: u64,
    mut is_it: impl FnMut(usize, u32) -> Result<bool>,
) -> Result<Option<(usize, u32)>> {
    let mut base = parts.len();
    for some in parts.rchunks(AT_ONCE) {
        base -= some.len();
        let mut firsts = [0; AT_ONCE];
        for (first, part) in firsts.iter_mut().zip(some) {
            let table = slots(part);
            let at = home(hash, table.len() as u64);
            *first = if table.len() == 0 { 0 } else { table.get(usize::try_from(at).unwrap_or(usize::MAX))? };
        }
        for (at, part) in some.iter().enumerate().rev().filter(|(at, _)| firsts.get(*at).is_some_and(|slot| *slot != 0))
        {
            if let Some(row) = find(slots(part), hash, |row| is_it(base + at, row))? {
                return Ok(Some((base + at, row)));
            }
        }
    }
    Ok(None)
}

/// The row with that hash for which `is_it` holds.
fn find(slots: &U64s, hash: u64, mut is_it: impl FnMut(u32) -> Result<bool>) -> Result<Option<u32>> {
    let capacity = slots.len() as u64;
    if capacity == 0 {
        return Ok(None);
    }
    let mut at = home(hash, capacity);
    // A well-formed table has an empty slot; the bound keeps a malformed one from spinning.
    for _ in 0..capacity {
        let slot = slots.get(usize::try_from(at).unwrap_or(usize::MAX))?;
        if slot == 0 {
            return Ok(None);
        }
        let row = low32(slot).wrapping_sub(1);
        if slot >> 32 == u64::from(fingerprint(hash)) && is_it(row)? {
            return Ok(Some(row));
        }
        at = (at + 1) % capacity;
    }
    Ok(None)
}
