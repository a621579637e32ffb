//! What was asked last: a cache of fixed size in memory, with one place for a key.
//!
//! It never grows: whoever is asked for takes the place of whoever was there. Who comes for the first time takes only a
//! free one, so that those who come once, however many, drive nobody out. Numbers only, a few to a cache line.

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

    /// Holds the value of a key that was asked for.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.put(key, value, |_| true);
    }

    /// Holds the value of a key that came for the first time, if nobody else is in its place.
    pub(crate) fn insert_new(&mut self, key: K, value: V) {
        self.put(key, value, |held| held == K::default() || held == key);
    }

    fn put(&mut self, key: K, value: V, gives_way: impl FnOnce(K) -> bool) {
        if self.places.is_empty() {
            // Zeros, which the system hands out page by page.
            self.places = vec![Default::default(); 1 << BITS];
        }
        if let Some(place) = self.places.get_mut(Self::place(key)).filter(|place| gives_way(place.0)) {
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
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn what_it_says_was_said_last(
            steps in prop::collection::vec((0u64..40, prop::option::of((any::<u32>(), any::<bool>()))), 0..200),
        ) {
            let (mut recent, mut model) = (Recent::<u64, u32, 4>::default(), BTreeMap::new());
            for (key, value) in steps {
                match value {
                    Some((value, new)) => {
                        let others: Vec<u64> = (0..40).filter(|other| *other != key && recent.get(*other).is_some()).collect();
                        if new {
                            recent.insert_new(key, value);
                            prop_assert!(others.iter().all(|other| recent.get(*other).is_some()));
                        } else {
                            recent.insert(key, value);
                            prop_assert_eq!(recent.get(key), (key != 0).then_some(value));
                        }
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
