//! A sparse array of small values that many snapshots share.
//!
//! A radix tree over `u32` keys: leaves of 16 values under branches of 32. Cloning is one reference count; writing
//! copies the leaf and the branches above it, unless no other clone holds them. So a commit pays for what it touches
//! (about 1 KiB a touched leaf), a snapshot for nothing, and a reader sees an array that never moves.

use crate::base::bytes::row32;
use std::sync::Arc;

const LEAF_BITS: u32 = 4;
const BRANCH_BITS: u32 = 5;
const LEAF: usize = 1 << LEAF_BITS;
const BRANCH: usize = 1 << BRANCH_BITS;

/// `key -> value` for sparse `u32` keys.
#[derive(Clone)]
pub(crate) struct CowMap<T> {
    root: Child<T>,
    /// Branch levels above the leaves.
    height: u32,
    len: usize,
}

#[derive(Clone)]
enum Child<T> {
    Empty,
    Leaf(Arc<Leaf<T>>),
    Branch(Arc<Branch<T>>),
}

#[derive(Clone)]
struct Leaf<T> {
    present: u16,
    values: [T; LEAF],
}

#[derive(Clone)]
struct Branch<T> {
    children: [Child<T>; BRANCH],
}

impl<T> Default for CowMap<T> {
    fn default() -> Self {
        Self { root: Child::Empty, height: 0, len: 0 }
    }
}

/// Which child of a branch at `level` (1 = just above the leaves) leads to `key`.
fn slot(key: u32, level: u32) -> usize {
    (key >> (LEAF_BITS + BRANCH_BITS * (level - 1))) as usize & (BRANCH - 1)
}

/// Which value of its leaf `key` is.
fn place(key: u32) -> usize {
    key as usize & (LEAF - 1)
}

impl<T: Clone + Default> CowMap<T> {
    /// How many keys have a value.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether `height` branch levels reach `key`.
    fn reaches(&self, key: u32) -> bool {
        let bits = LEAF_BITS + BRANCH_BITS * self.height;
        bits >= 32 || key >> bits == 0
    }

    pub(crate) fn get(&self, key: u32) -> Option<T> {
        if !self.reaches(key) {
            return None;
        }
        let mut child = &self.root;
        let mut level = self.height;
        loop {
            match child {
                Child::Empty => return None,
                Child::Leaf(leaf) => {
                    let at = place(key);
                    return if leaf.present >> at & 1 == 1 { leaf.values.get(at).cloned() } else { None };
                }
                Child::Branch(branch) => {
                    child = branch.children.get(slot(key, level))?;
                    level -= 1;
                }
            }
        }
    }

    /// Sets the value of `key`.
    pub(crate) fn set(&mut self, key: u32, value: T) {
        while !self.reaches(key) {
            self.grow();
        }
        let leaf = Self::leaf_mut(&mut self.root, key, self.height);
        let at = place(key);
        self.len += usize::from(leaf.present >> at & 1 == 0);
        leaf.present |= 1 << at;
        if let Some(slot) = leaf.values.get_mut(at) {
            *slot = value;
        }
    }

    /// Forgets the value of `key`.
    pub(crate) fn remove(&mut self, key: u32) {
        if self.get(key).is_none() {
            return;
        }
        let leaf = Self::leaf_mut(&mut self.root, key, self.height);
        leaf.present &= !(1 << place(key));
        self.len -= 1;
        if leaf.present == 0 {
            Self::unhook(&mut self.root, key, self.height);
        }
    }

    /// Adds a level on top.
    fn grow(&mut self) {
        let old = std::mem::replace(&mut self.root, Child::Empty);
        if !matches!(old, Child::Empty) {
            let mut branch = Branch { children: std::array::from_fn(|_| Child::Empty) };
            if let Some(first) = branch.children.first_mut() {
                *first = old;
            }
            self.root = Child::Branch(Arc::new(branch));
        }
        self.height += 1;
    }

    /// The leaf of `key`, made where it is missing, copied where a snapshot shares it.
    fn leaf_mut(root: &mut Child<T>, key: u32, height: u32) -> &mut Leaf<T> {
        let (mut child, mut level) = (root, height);
        loop {
            if matches!(child, Child::Empty) {
                *child = if level == 0 {
                    Child::Leaf(Arc::new(Leaf { present: 0, values: std::array::from_fn(|_| T::default()) }))
                } else {
                    Child::Branch(Arc::new(Branch { children: std::array::from_fn(|_| Child::Empty) }))
                };
            }
            match child {
                Child::Leaf(leaf) => return Arc::make_mut(leaf),
                Child::Branch(branch) => {
                    #[expect(clippy::indexing_slicing, reason = "a slot is masked to the branch's width")]
                    let next = &mut Arc::make_mut(branch).children[slot(key, level)];
                    child = next;
                    level -= 1;
                }
                Child::Empty => unreachable!("filled above"),
            }
        }
    }

    /// Drops the empty leaf of `key`; empty branches stay, they are few.
    fn unhook(root: &mut Child<T>, key: u32, height: u32) {
        let (mut child, mut level) = (root, height);
        while level > 0 {
            let Child::Branch(branch) = child else { return };
            #[expect(clippy::indexing_slicing, reason = "a slot is masked to the branch's width")]
            let next = &mut Arc::make_mut(branch).children[slot(key, level)];
            child = next;
            level -= 1;
        }
        *child = Child::Empty;
    }

    /// Every key and value, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        // An explicit stack of (node, its first key, level), deepest first on top.
        let mut stack = vec![(&self.root, 0u32, self.height)];
        let mut leaf: Option<(&Leaf<T>, u32, usize)> = None;
        std::iter::from_fn(move || {
            loop {
                if let Some((values, base, at)) = &mut leaf {
                    while *at < LEAF {
                        let here = *at;
                        *at += 1;
                        if values.present >> here & 1 == 1 {
                            let key = *base | row32(here);
                            return values.values.get(here).map(|value| (key, value.clone()));
                        }
                    }
                }
                leaf = None;
                match stack.pop()? {
                    (Child::Empty, ..) => {}
                    (Child::Leaf(values), base, _) => leaf = Some((values, base, 0)),
                    (Child::Branch(branch), base, level) => {
                        let shift = LEAF_BITS + BRANCH_BITS * (level - 1);
                        // Pushed last to first, so that the first key comes off the stack first.
                        for (at, child) in branch.children.iter().enumerate().rev() {
                            if !matches!(child, Child::Empty) {
                                stack.push((child, base | row32(at) << shift, level - 1));
                            }
                        }
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Set(u32, u64),
        Remove(u32),
        Hold,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = prop_oneof![0u32..40, 0u32..5000, any::<u32>()];
        let step = prop_oneof![
            6 => (key.clone(), any::<u64>()).prop_map(|(k, v)| Step::Set(k, v)),
            2 => key.prop_map(Step::Remove),
            1 => Just(Step::Hold),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn it_is_a_map_and_held_clones_never_change(steps in steps()) {
            let (mut map, mut model) = (CowMap::default(), BTreeMap::new());
            let mut held: Vec<(CowMap<u64>, BTreeMap<u32, u64>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Set(k, v) => { map.set(k, v); model.insert(k, v); }
                    Step::Remove(k) => { map.remove(k); model.remove(&k); }
                    Step::Hold => held.push((map.clone(), model.clone())),
                }
            }
            held.push((map, model));
            for (map, model) in held {
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.iter().collect::<Vec<_>>(), model.clone().into_iter().collect::<Vec<_>>());
                for (k, v) in &model {
                    prop_assert_eq!(map.get(*k), Some(*v));
                    prop_assert_eq!(map.get(k ^ 1), model.get(&(k ^ 1)).copied());
                }
            }
        }
    }
}
