//! What was asked last: a cache of fixed size in memory, with one place for a key.
//!
//! Whoever comes later takes the place of whoever was there, so it never grows, and what is asked often stays. Numbers
//! only, a few to a cache line.

/// The cache; see the module. `BITS` is the logarithm of its places, which are taken at the first insert. The key 0 is
/// never held.
pub(crate) struct Recent<K, V, const BITS: u32> {
    places: Vec<(K, V)>,
}

impl<K, V, const BITS: u32> Default for Recent<K, V, BITS> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<K, V, const BITS: u32> Recent<K, V, BITS>
where
    K: Copy + Default + Eq + Into<u64>,
    V: Copy + Default,
{
    fn place(key: K) -> usize {
        usize::try_from(key.into().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)).unwrap_or(0)
    }

    pub(crate) fn get(&self, key: K) -> Option<V> {
        let held = self.places.get(Self::place(key));
        held.filter(|(held, _)| *held == key && key != K::default()).map(|(_, value)| *value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.places.is_empty() {
            // Zeros, which the system hands out page by page.
            self.places = vec![Default::default(); 1 << BITS];
        }
        if let Some(place) = self.places.get_mut(Self::place(key)) {
            *place = (key, value);
        }
    }

    pub(crate) fn remove(&mut self, key: K) {
        if let Some(place) = self.places.get_mut(Self::place(key)).filter(|(held, _)| *held == key) {
            *place = Default::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn what_it_says_was_said_last(steps in prop::collection::vec((0u64..40, prop::option::of(any::<u32>())), 0..200)) {
            let (mut recent, mut model) = (Recent::<u64, u32, 4>::default(), BTreeMap::new());
            for (key, value) in steps {
                match value {
                    Some(value) => {
                        recent.insert(key, value);
                        prop_assert_eq!(recent.get(key), (key != 0).then_some(value));
                        model.insert(key, value);
                    }
                    None => {
                        recent.remove(key);
                        model.remove(&key);
                    }
                }
                for key in 0..40 {
                    prop_assert!(recent.get(key).is_none_or(|value| model.get(&key) == Some(&value)));
                }
            }
        }
    }
}
