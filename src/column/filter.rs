//! Which keys are surely not in a set: a Bloom filter in memory that grows.
//!
//! A key sets some bits of one cache line, so that asking costs one wait for memory. What grows gets another layer,
//! larger than the last, instead of being built anew: no insert ever takes long, and there are few layers to ask.

use crate::base::bytes::low32;
use crate::storage::map::Table;
use std::hint::black_box;

/// A line of the cache.
const LINE_BYTES: usize = 64;
/// Bits of a line.
const LINE_BITS: u64 = 512;
/// Keys a line: with 12 bits a key, one key in a hundred that is not in the set seems to be.
const LINE_KEYS: usize = 42;
/// Lines of the first layer at least: 256 KiB.
const LINES_MIN: usize = 1 << 12;
/// Each layer has so many times the lines of the last.
const GROWTH: usize = 8;
/// Keys that are asked together: their lines fit the nearest cache.
const AT_ONCE: usize = 256;
/// Bits that a key sets.
const PROBES: u32 = 6;

/// The filter; see the module.
#[derive(Default)]
pub(crate) struct Filter {
    /// The last one takes new keys.
    layers: Vec<Layer>,
}

struct Layer {
    /// [`LINE_BYTES`] each.
    lines: Table,
    /// How many more keys it takes.
    left: usize,
}

impl Filter {
    /// Room for so many keys in one layer.
    pub(crate) fn with_capacity(keys: usize) -> Self {
        Self { layers: vec![Layer::new(keys.div_ceil(LINE_KEYS).max(LINES_MIN))] }
    }

    pub(crate) fn insert(&mut self, key: u32) {
        if self.layers.last().is_none_or(|layer| layer.left == 0) {
            let lines = self.layers.last().map_or(LINES_MIN, |layer| layer.lines().len() * GROWTH);
            self.layers.push(Layer::new(lines));
        }
        let Some(layer) = self.layers.last_mut() else { return };
        layer.left = layer.left.saturating_sub(1);
        let (line, bits) = spread(key);
        let at = layer.place(line);
        let (lines, _) = layer.lines.as_chunks_mut::<LINE_BYTES>();
        if let Some(line) = lines.get_mut(at) {
            for (byte, bit) in probes(bits) {
                if let Some(byte) = line.get_mut(byte) {
                    *byte |= 1 << bit;
                }
            }
        }
    }

    /// Which of these keys, in their order, may have been inserted: `false` promises that one was not. Those asked
    /// together wait for memory together.
    pub(crate) fn may_hold(&self, keys: &[u32]) -> Vec<bool> {
        let mut held = vec![false; keys.len()];
        for (keys, held) in keys.chunks(AT_ONCE).zip(held.chunks_mut(AT_ONCE)) {
            for layer in &self.layers {
                // One look at each line brings it near before any is read: nothing waits for the one before.
                let look = |key: &u32| layer.line(spread(*key).0).map_or(0, |[first, ..]| *first);
                black_box(keys.iter().fold(0, |all, key| all | look(key)));
                held.iter_mut().zip(keys).for_each(|(held, key)| *held |= layer.holds(*key));
            }
        }
        held
    }
}

impl Layer {
    fn new(lines: usize) -> Self {
        Self { lines: Table::zeroed(lines * LINE_BYTES), left: lines * LINE_KEYS }
    }

    fn lines(&self) -> &[[u8; LINE_BYTES]] {
        self.lines.as_chunks().0
    }

    /// The place of a hash's line.
    fn place(&self, hash: u32) -> usize {
        usize::try_from((u64::from(hash) * self.lines().len() as u64) >> 32).unwrap_or(0)
    }

    fn line(&self, hash: u32) -> Option<&[u8; LINE_BYTES]> {
        self.lines().get(self.place(hash))
    }

    fn holds(&self, key: u32) -> bool {
        let (hash, bits) = spread(key);
        let line = self.line(hash).unwrap_or(&[0; LINE_BYTES]);
        probes(bits).fold(1, |all, (byte, bit)| all & line.get(byte).copied().unwrap_or(0) >> bit) == 1
    }
}

/// Where a key's line is, and the number that picks its bits there.
fn spread(key: u32) -> (u32, u64) {
    let mixed = u64::from(key).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (low32(mixed >> 32), mixed.wrapping_mul(0x94d0_49bb_1331_11eb))
}

/// The bytes of a line and the bits of them that a key sets.
#[inline]
fn probes(bits: u64) -> impl Iterator<Item = (usize, u32)> {
    (0..PROBES).map(move |probe| {
        let at = (bits >> (10 + 9 * probe)) % LINE_BITS;
        (usize::try_from(at / 8).unwrap_or(0), low32(at % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_forgotten_and_few_seem_to_be_there() {
        for mut filter in [Filter::default(), Filter::with_capacity(1_000_000)] {
            assert!(!filter.may_hold(&(0..1000).collect::<Vec<_>>()).contains(&true));
            // Every other number, so that neighbors of keys are asked for, too.
            let keys: Vec<u32> = (0..1_000_000).map(|key| 2 * key).collect();
            keys.iter().for_each(|key| filter.insert(*key));
            assert!(filter.may_hold(&keys).into_iter().all(|held| held));
            let others: Vec<u32> = keys.iter().map(|key| key + 1).collect();
            let wrong = filter.may_hold(&others).into_iter().filter(|held| *held).count();
            assert!(wrong < 1_000_000 * 4 / 100, "{wrong} in {} layers", filter.layers.len());
            let lines: usize = filter.layers.iter().map(|layer| layer.lines().len()).sum();
            assert!(lines * LINE_BYTES < 6 << 20, "{lines} lines");
        }
    }
}
