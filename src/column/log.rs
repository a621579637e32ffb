//! An append-only list that one writer extends while readers read, without a lock.
//!
//! Values never move and never change once pushed. A reader that remembers a length sees a frozen list: that is all a
//! snapshot needs to keep of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Chunk `n` holds `FIRST << n` values, so a list of any length has few chunks and no copying.
const FIRST_BITS: u32 = 6;
const CHUNKS: usize = 27;

/// Chunk, place in it, and size of the chunk for an index.
fn locate(index: usize) -> (usize, usize, usize) {
    let shifted = index + (1 << FIRST_BITS);
    let bits = usize::BITS - 1 - shifted.leading_zeros();
    ((bits - FIRST_BITS) as usize, shifted - (1 << bits), 1 << bits)
}

/// Cells that never move, and how many of them are written.
struct Cells<C> {
    chunks: [OnceLock<Box<[C]>>; CHUNKS],
    len: AtomicUsize,
}

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], len: AtomicUsize::new(0) }
    }
}

impl<C> Cells<C> {
    fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Writes the next cell and returns its index. Only one thread may push: the store's writer, under its lock.
    fn push(&self, empty: impl Fn() -> C, write: impl FnOnce(&C)) -> usize {
        let index = self.len.load(Ordering::Relaxed);
        let (chunk, place, size) = locate(index);
        if let Some(chunk) = self.chunks.get(chunk) {
            let cells = chunk.get_or_init(|| (0..size).map(|_| empty()).collect());
            if let Some(cell) = cells.get(place) {
                write(cell);
            }
        }
        // Whoever reads the new length reads the cell, too.
        self.len.store(index + 1, Ordering::Release);
        index
    }

    fn get(&self, index: usize) -> Option<&C> {
        let (chunk, place, _) = locate(index);
        self.chunks.get(chunk)?.get()?.get(place)
    }
}

/// The list; see the module.
pub(crate) struct Log<T>(Cells<OnceLock<T>>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Cells::default())
    }
}

impl<T> Log<T> {
    /// Values pushed so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends and returns the index. Only one thread may push: the store's writer, under its lock.
    pub(crate) fn push(&self, value: T) -> usize {
        self.0.push(OnceLock::new, |cell| {
            let fresh = cell.set(value).is_ok();
            debug_assert!(fresh, "two writers pushed at once");
        })
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)?.get()
    }

    /// The first `len` values.
    #[cfg(test)]
    pub(crate) fn iter(&self, len: usize) -> impl Iterator<Item = &T> {
        (0..len).map_while(|index| self.get(index))
    }
}

/// The same of rows of `N` numbers: cheaper, since a number needs no mark that it was written.
pub(crate) struct NumberLog<const N: usize>(Cells<[AtomicU64; N]>);

impl<const N: usize> Default for NumberLog<N> {
    fn default() -> Self {
        Self(Cells::default())
    }
}

impl<const N: usize> NumberLog<N> {
    /// As [`Log::len`].
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// As [`Log::push`].
    pub(crate) fn push(&self, row: [u64; N]) -> usize {
        let write = |cells: &[AtomicU64; N]| {
            cells.iter().zip(row).for_each(|(cell, number)| cell.store(number, Ordering::Relaxed));
        };
        self.0.push(|| [const { AtomicU64::new(0) }; N], write)
    }

    /// The row at an index below the length.
    pub(crate) fn get(&self, index: usize) -> Option<[u64; N]> {
        let row = if index < self.len() { self.0.get(index) } else { None }?;
        Some(std::array::from_fn(|at| row.get(at).map_or(0, |cell| cell.load(Ordering::Relaxed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_every_row_below_the_length_they_read() {
        let log = NumberLog::<2>::default();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|n| _ = log.push([n, !n])));
            scope.spawn(|| {
                while log.len() < 20_000 {
                    let len = log.len();
                    let last = len.checked_sub(1).map(|last| (last as u64, log.get(last).unwrap()));
                    assert!(last.is_none_or(|(n, row)| row == [n, !n]));
                }
            });
        });
        assert!((0..20_000).all(|n| log.get(n) == Some([n as u64, !(n as u64)])));
        assert_eq!((log.get(20_000), log.get(usize::MAX)), (None, None));
    }

    #[test]
    fn readers_see_every_value_below_the_length_they_read() {
        let log = Log::default();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000usize).for_each(|n| assert_eq!(log.push(n), n)));
            scope.spawn(|| {
                while log.len() < 20_000 {
                    let len = log.len();
                    assert_eq!(log.iter(len).count(), len);
                    assert!(len == 0 || log.get(len - 1) == Some(&(len - 1)));
                }
            });
        });
        assert_eq!(log.get(20_000), None);
    }
}
