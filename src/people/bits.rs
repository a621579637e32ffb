//! A flat set of places: one bit each, 64 to a word, so that sets of a million people combine in microseconds.

/// A set over the places `0..len`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    /// The empty set over `len` places.
    pub(crate) fn none(len: u32) -> Self {
        Self { words: vec![0; (len as usize).div_ceil(64)], len }
    }

    /// The set of all places.
    pub(crate) fn all(len: u32) -> Self {
        let mut all = Self { words: vec![u64::MAX; (len as usize).div_ceil(64)], len };
        all.trim();
        all
    }

    /// Every place for which `holds`, asked in order.
    pub(crate) fn of(len: u32, mut holds: impl FnMut(usize) -> bool) -> Self {
        let word = |first: usize, holds: &mut dyn FnMut(usize) -> bool| {
            (0..64).fold(0u64, |word, bit| word | u64::from(holds(first + bit)) << bit)
        };
        let whole = len as usize / 64;
        let mut words: Vec<u64> = (0..whole).map(|at| word(at * 64, &mut holds)).collect();
        if !len.is_multiple_of(64) {
            let end = len as usize;
            words.push(word(whole * 64, &mut |place| place < end && holds(place)));
        }
        Self { words, len }
    }

    /// Every place of a column for whose value `holds`. Written so that the compiler can do many values at once.
    pub(crate) fn of_column<T: Copy>(column: &[T], holds: impl Fn(T) -> bool) -> Self {
        let pack = |values: &[T]| {
            values.iter().enumerate().fold(0u64, |word, (bit, value)| word | u64::from(holds(*value)) << bit)
        };
        let words = column.chunks(64).map(pack).collect();
        Self { words, len: crate::base::bytes::row32(column.len()) }
    }

    /// How many places there are, in the set or not.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many are in the set.
    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn contains(&self, place: u32) -> bool {
        self.words.get(place as usize / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(crate) fn insert(&mut self, place: u32) {
        if let Some(word) = self.words.get_mut(place as usize / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub(crate) fn remove(&mut self, place: u32) {
        if let Some(word) = self.words.get_mut(place as usize / 64) {
            *word &= !(1 << (place % 64));
        }
    }

    pub(crate) fn put(&mut self, place: u32, member: bool) {
        if member { self.insert(place) } else { self.remove(place) }
    }

    /// The places `range`, added.
    pub(crate) fn insert_range(&mut self, range: std::ops::Range<u32>) {
        range.for_each(|place| self.insert(place));
    }

    /// Keeps what is in both.
    pub(crate) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in the other.
    pub(crate) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Takes away what is in the other.
    pub(crate) fn minus(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// What is not in the set.
    pub(crate) fn complement(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
        self
    }

    /// How many are in both.
    pub(crate) fn overlap(&self, other: &Self) -> u64 {
        self.words.iter().zip(&other.words).map(|(word, other)| u64::from((word & other).count_ones())).sum()
    }

    /// The places in the set, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).step_by(64).zip(&self.words).flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(first + bit)
            })
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    fn trim(&mut self) {
        if let (Some(last), false) = (self.words.last_mut(), self.len.is_multiple_of(64)) {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn they_are_sets(
            len in 0u32..300,
            a in prop::collection::btree_set(0u32..300, 0..80),
            b in prop::collection::btree_set(0u32..300, 0..80),
        ) {
            let within = |set: &BTreeSet<u32>| -> BTreeSet<u32> { set.iter().copied().filter(|at| *at < len).collect() };
            let (a, b) = (within(&a), within(&b));
            let bits = |set: &BTreeSet<u32>| Bits::of(len, |at| set.contains(&crate::base::bytes::row32(at)));
            let list = |bits: &Bits| bits.iter().collect::<BTreeSet<u32>>();
            let (x, y) = (bits(&a), bits(&b));
            prop_assert_eq!(list(&x), a.clone());
            prop_assert_eq!((x.count(), x.is_empty()), (a.len() as u64, a.is_empty()));
            let column: Vec<bool> = (0..len).map(|at| a.contains(&at)).collect();
            prop_assert_eq!(&Bits::of_column(&column, |is| is), &x);
            let combined = |by: fn(&mut Bits, &Bits)| { let mut out = x.clone(); by(&mut out, &y); list(&out) };
            prop_assert_eq!(combined(Bits::and), a.intersection(&b).copied().collect());
            prop_assert_eq!(combined(Bits::or), a.union(&b).copied().collect());
            prop_assert_eq!(combined(Bits::minus), a.difference(&b).copied().collect());
            prop_assert_eq!(x.overlap(&y), a.intersection(&b).count() as u64);
            let rest = x.clone().complement();
            prop_assert_eq!(list(&rest), (0..len).filter(|at| !a.contains(at)).collect());
            prop_assert_eq!(&Bits::all(len), &Bits::none(len).complement());
            let mut put = Bits::none(len);
            (0..len).for_each(|at| put.put(at, a.contains(&at)));
            prop_assert_eq!(&put, &x);
            prop_assert!((0..len).all(|at| put.contains(at) == a.contains(&at)) && !put.contains(len));
        }
    }
}
