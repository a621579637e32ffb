//! An append-only list that one writer extends while readers read, without a lock.
//!
//! Values never move and never change once pushed. A reader that remembers a length sees a frozen list: that is all a
//! snapshot needs to keep of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Chunk `n` holds `FIRST << n` values, so a list of any length has few chunks and no copying.
const FIRST_BITS: u32 = 6;
const CHUNKS: usize = 27;

/// The list; see the module.
pub(crate) struct Log<T> {
    chunks: [OnceLock<Box<[OnceLock<T>]>>; CHUNKS],
    len: AtomicUsize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], len: AtomicUsize::new(0) }
    }
}

/// Chunk, place in it, and size of the chunk for an index.
fn locate(index: usize) -> (usize, usize, usize) {
    let shifted = index + (1 << FIRST_BITS);
    let bits = usize::BITS - 1 - shifted.leading_zeros();
    ((bits - FIRST_BITS) as usize, shifted - (1 << bits), 1 << bits)
}

impl<T> Log<T> {
    /// Values pushed so far.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Appends and returns the index. Only one thread may push: the store's writer, under its lock.
    pub(crate) fn push(&self, value: T) -> usize {
        let index = self.len.load(Ordering::Relaxed);
        let (chunk, place, size) = locate(index);
        if let Some(chunk) = self.chunks.get(chunk) {
            let cells = chunk.get_or_init(|| (0..size).map(|_| OnceLock::new()).collect());
            if let Some(cell) = cells.get(place) {
                let fresh = cell.set(value).is_ok();
                debug_assert!(fresh, "two writers pushed at once");
            }
        }
        self.len.store(index + 1, Ordering::Release);
        index
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (chunk, place, _) = locate(index);
        self.chunks.get(chunk)?.get()?.get(place)?.get()
    }

    /// The first `len` values.
    #[cfg(test)]
    pub(crate) fn iter(&self, len: usize) -> impl Iterator<Item = &T> {
        (0..len).map_while(|index| self.get(index))
    }
}

/// The same of rows of `N` numbers: cheaper, since a number needs no mark that it was written.
pub(crate) struct NumberLog<const N: usize> {
    chunks: [OnceLock<Box<[[AtomicU64; N]]>>; CHUNKS],
    len: AtomicUsize,
}

impl<const N: usize> Default for NumberLog<N> {
    fn default() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], len: AtomicUsize::new(0) }
    }
}

impl<const N: usize> NumberLog<N> {
    /// As [`Log::len`].
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// As [`Log::push`].
    pub(crate) fn push(&self, row: [u64; N]) -> usize {
        let index = self.len.load(Ordering::Relaxed);
        let (chunk, place, size) = locate(index);
        if let Some(chunk) = self.chunks.get(chunk) {
            let rows = chunk.get_or_init(|| (0..size).map(|_| [const { AtomicU64::new(0) }; N]).collect());
            let cells = rows.get(place).into_iter().flatten();
            cells.zip(row).for_each(|(cell, number)| cell.store(number, Ordering::Relaxed));
        }
        // Whoever reads the new length reads the row, too.
        self.len.store(index + 1, Ordering::Release);
        index
    }

    /// The row at an index below the length.
    pub(crate) fn get(&self, index: usize) -> Option<[u64; N]> {
        if index >= self.len() {
            return None;
        }
        let (chunk, place, _) = locate(index);
        let row = self.chunks.get(chunk)?.get()?.get(place)?;
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
