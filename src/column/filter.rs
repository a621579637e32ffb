//! Which keys are surely not in a set: a Bloom filter in memory that grows.
//!
//! A key sets some bits of one cache line, so that asking costs one wait for memory. What grows gets another layer,
//! larger than the last, instead of being built anew: no insert ever takes long, and there are few layers to ask.

use crate::base::bytes::low32;

/// Bits of a line.
const LINE_BITS: u64 = 512;
/// Keys a line: with 12 bits a key, one key in a hundred that is not in the set seems to be.
const LINE_KEYS: usize = 42;
/// Lines of the first layer at least: 1 MiB, which the system hands out page by page.
const LINES_MIN: usize = 1 << 14;
/// Each layer has so many times the lines of the last.
const GROWTH: usize = 4;
/// Bits that a key sets.
const PROBES: u32 = 6;

/// The filter; see the module.
#[derive(Default)]
pub(crate) struct Filter {
    /// The last one takes new keys.
    layers: Vec<Layer>,
}

struct Layer {
    lines: Vec<[u64; 8]>,
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
            let lines = self.layers.last().map_or(LINES_MIN, |layer| layer.lines.len() * GROWTH);
            self.layers.push(Layer::new(lines));
        }
        let Some(layer) = self.layers.last_mut() else { return };
        layer.left = layer.left.saturating_sub(1);
        let (line, bits) = spread(key);
        if let Some(line) = layer.line(line).and_then(|at| layer.lines.get_mut(at)) {
            for (word, bit) in probes(bits) {
                if let Some(word) = line.get_mut(word) {
                    *word |= 1 << bit;
                }
            }
        }
    }

    /// `false` promises that the key was never inserted.
    pub(crate) fn may_hold(&self, key: u32) -> bool {
        let (line, bits) = spread(key);
        // Without a branch inside, so that the waits for the layers overlap.
        let holds = |layer: &Layer| {
            let line = layer.line(line).and_then(|at| layer.lines.get(at)).copied().unwrap_or_default();
            probes(bits).fold(1, |all, (word, bit)| all & line.get(word).copied().unwrap_or(0) >> bit) == 1
        };
        self.layers.iter().map(holds).fold(false, |any, one| any | one)
    }
}

impl Layer {
    fn new(lines: usize) -> Self {
        Self { lines: vec![[0; 8]; lines], left: lines * LINE_KEYS }
    }

    /// The line of a hash.
    fn line(&self, hash: u32) -> Option<usize> {
        usize::try_from((u64::from(hash) * self.lines.len() as u64) >> 32).ok()
    }
}

/// Where a key's line is, and the number that picks its bits there.
fn spread(key: u32) -> (u32, u64) {
    let mixed = u64::from(key).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (low32(mixed >> 32), mixed.wrapping_mul(0x94d0_49bb_1331_11eb))
}

/// The words of a line and the bits of them that a key sets.
#[inline]
fn probes(bits: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..PROBES).map(move |probe| {
        let at = (bits >> (10 + 9 * probe)) % LINE_BITS;
        (usize::try_from(at / 64).unwrap_or(0), at % 64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::bytes::row32;

    #[test]
    fn no_key_is_forgotten_and_few_seem_to_be_there() {
        for mut filter in [Filter::default(), Filter::with_capacity(1_000_000)] {
            assert!((0..1000).all(|key| !filter.may_hold(key)));
            // Every other number, so that neighbors of keys are asked for, too.
            let keys = || (0..1_000_000u32).map(|key| key.wrapping_mul(2));
            keys().for_each(|key| filter.insert(key));
            assert!(keys().all(|key| filter.may_hold(key)));
            let wrong = keys().filter(|key| filter.may_hold(key + 1)).count();
            assert!(wrong < 1_000_000 * 4 / 100, "{wrong} in {} layers", filter.layers.len());
            let lines: usize = filter.layers.iter().map(|layer| layer.lines.len()).sum();
            assert!(row32(lines) * 64 < 6 << 20, "{lines} lines");
        }
    }
}
