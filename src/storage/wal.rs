//! The log file: a header, then records, each checksummed on its own and carrying the highest sequence that was known
//! durable when it was written. That number is what lets a reader tell a torn tail from a rotten middle.
//!
//! [`Wal`] appends; [`Replay`](super::replay::Replay) reads.

use super::layout::FORMAT_VERSION;
use super::layout::{Fill, align8};
use super::log_format::{HEADER_BYTES, LogId, MAGIC, MAX_PAYLOAD_BYTES, RECORD_BYTES, Span, Tail};
use super::vfs::{Vfs, VfsFile, VfsSync};
use crate::{Error, Result};
use std::io::IoSlice;
#[cfg(test)]
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// A log file open for appending, by one writer.
pub(crate) struct Wal {
    file: Box<dyn VfsFile>,
    seed: u64,
    len: u64,
    next_sequence: u64,
    poisoned: bool,
}

impl Wal {
    /// A new log whose first record will be `first_sequence`; the file and its name are durable when this returns.
    ///
    /// # Errors
    ///
    /// `Invalid` for the sequence 0, which stands for "none"; `Io` when the name is taken or the disk refuses.
    pub(crate) fn create(vfs: &dyn Vfs, name: &str, id: LogId, first_sequence: u64) -> Result<Self> {
        let wal = Self::begin(vfs, name, id, Span { first: first_sequence, copied: None })?;
        if let Err(error) = wal.file.sync_data().and_then(|()| vfs.sync_dir()) {
            // Only tidiness: no manifest lists it yet.
            let _ = vfs.remove(name);
            return Err(error);
        }
        Ok(wal)
    }

    /// A new log, nothing of which is durable yet.
    ///
    /// # Errors
    ///
    /// As [`Wal::create`].
    pub(crate) fn begin(vfs: &dyn Vfs, name: &str, id: LogId, span: Span) -> Result<Self> {
        if span.first == 0 {
            return Err(Error::invalid("sequences of a log start at 1"));
        }
        let mut file = vfs.create(name)?;
        if let Err(error) = file.append(&mut [IoSlice::new(&header(id, span))]) {
            let _ = vfs.remove(name);
            return Err(error);
        }
        Ok(Self { file, seed: id.seed(), len: HEADER_BYTES as u64, next_sequence: span.first, poisoned: false })
    }

    /// An existing log, to go on behind what a replay found: only for one that was proven durable to its last byte.
    /// What else a replay reads may be in memory only, and what is appended behind it would stand behind a hole after a
    /// power cut; it is copied into another log.
    pub(crate) fn reopen(vfs: &dyn Vfs, name: &str, id: LogId, tail: &Tail) -> Result<Self> {
        let file = vfs.open_append(name)?;
        if tail.cut > 0 {
            return Err(Error::invalid("a log with a torn tail is not appended to"));
        }
        Ok(Self { file, seed: id.seed(), len: tail.len, next_sequence: tail.next_sequence, poisoned: false })
    }

    /// Appends one record, not durable yet. `durable` is the highest sequence known durable at this moment.
    ///
    /// The payload goes to the operating system from where it is, in one call with its header.
    ///
    /// # Errors
    ///
    /// `Invalid` when the sequence is not the next one, or the payload is too long: nothing is written. `Io` when the
    /// disk refuses: the file is cut back to where it was and takes records again once there is space. `Poisoned` when
    /// that failed too, then and ever after.
    pub(crate) fn append(&mut self, sequence: u64, durable: u64, kind: u8, version: u8, payload: &[u8]) -> Result<()> {
        if self.poisoned {
            return Err(Error::poisoned("the log could not be cut back after a failed write"));
        }
        if sequence != self.next_sequence || durable >= sequence || payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Error::invalid("a log record must be the next one, not durable yet, and at most 1 GiB"));
        }
        let length = u32::try_from(payload.len()).map_err(|_| Error::invalid("a log record is at most 1 GiB"))?;
        let padding = [0; 8];
        let padding = padding.get(..align8(payload.len()) - payload.len()).unwrap_or_default();
        let record = Fill::<RECORD_BYTES>::new().put([0; 8]).put(length.to_le_bytes()).put([kind, version, 0, 0]);
        let record = record.put(sequence.to_le_bytes()).put(durable.to_le_bytes()).bytes();
        let (_, summed) = record.split_at(8);
        let mut hasher = Xxh3::with_seed(self.seed);
        [summed, payload, padding].into_iter().for_each(|piece| hasher.update(piece));
        let checksum = hasher.digest().to_le_bytes();
        let mut pieces = [checksum.as_slice(), summed, payload, padding].map(IoSlice::new);
        let written = self.file.append(&mut pieces);
        self.settle(written)?;
        self.len += (RECORD_BYTES + align8(payload.len())) as u64;
        self.next_sequence += 1;
        Ok(())
    }

    /// After a failed write some bytes of the record may be there; the next record must not land behind them.
    fn settle(&mut self, written: Result<()>) -> Result<()> {
        let Err(error) = written else { return Ok(()) };
        if self.file.truncate(self.len).is_err() {
            self.poisoned = true;
            return Err(Error::poisoned("the log could not be cut back after a failed write"));
        }
        Err(error)
    }

    /// A handle that makes durable, from any thread, what has been appended when it is called.
    pub(crate) fn sync_handle(&self) -> Arc<dyn VfsSync> {
        self.file.sync_handle()
    }

    /// The length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The sequence that the next record must have.
    #[cfg(test)]
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Where the file is, for error texts.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

fn header(id: LogId, span: Span) -> [u8; HEADER_BYTES] {
    let fill = Fill::<HEADER_BYTES>::new().put(MAGIC).put(FORMAT_VERSION.to_le_bytes()).put([0; 4]);
    let fill = fill.put(id.store_id).put(id.number.to_le_bytes());
    let copied_before = span.copied.map_or(0, |copied| copied.saturating_add(1));
    let fill = fill.put(span.first.to_le_bytes()).put(copied_before.to_le_bytes());
    let checksum = xxh3_64(fill.filled());
    fill.put(checksum.to_le_bytes()).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::storage::memory::MemoryVfs;
    use crate::storage::replay::Replay;
    use std::io;

    const ID: LogId = LogId { store_id: *b"0123456789abcdef", number: 3 };

    /// A disk with `room` bytes left, whose truncation can be broken.
    struct Full {
        inner: Box<dyn VfsFile>,
        room: usize,
        stuck: bool,
    }

    impl VfsFile for Full {
        fn path(&self) -> &Path {
            self.inner.path()
        }
        fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = pieces.iter().flat_map(|p| p.iter().copied()).take(self.room).collect();
            if all.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= all.len();
            self.inner.write(&[IoSlice::new(&all)])
        }
        fn len(&self) -> Result<u64> {
            self.inner.len()
        }
        fn truncate(&mut self, len: u64) -> Result<()> {
            if self.stuck {
                return Err(Error::io("truncate", self.path(), io::ErrorKind::Other.into()));
            }
            self.room += usize::try_from(self.inner.len()? - len).unwrap();
            self.inner.truncate(len)
        }
        fn sync_handle(&self) -> Arc<dyn VfsSync> {
            self.inner.sync_handle()
        }
    }

    fn on_full_disk(vfs: &MemoryVfs, room: usize, stuck: bool) -> Wal {
        let mut wal = Wal::create(vfs, "log", ID, 1).unwrap();
        wal.file = Box::new(Full { inner: vfs.open_append("log").unwrap(), room, stuck });
        wal
    }

    #[test]
    fn a_full_disk_loses_nothing_and_goes_on_when_there_is_space() {
        let vfs = MemoryVfs::default();
        let mut wal = on_full_disk(&vfs, 100, false);
        wal.append(1, 0, 1, 1, b"first").unwrap();
        let len = wal.len();
        assert_eq!(wal.append(2, 1, 1, 1, &[7; 200]).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(vfs.len("log").unwrap(), Some(len));
        wal.append(2, 1, 1, 1, b"second").unwrap();
        let bytes = vfs.read("log").unwrap();
        let mut replay = Replay::new(&bytes, wal.path(), ID, 2).unwrap();
        assert_eq!(replay.next().unwrap().unwrap().payload, b"first");
        assert_eq!(replay.next().unwrap().unwrap().payload, b"second");
        let tail = replay.finish().unwrap();
        assert_eq!((tail.len, tail.cut, tail.next_sequence), (wal.len(), 0, wal.next_sequence()));
    }

    #[test]
    fn a_file_that_cannot_be_cut_back_is_poisoned() {
        let vfs = MemoryVfs::default();
        let mut wal = on_full_disk(&vfs, 50, true);
        assert_eq!(wal.append(1, 0, 1, 1, &[7; 200]).unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(wal.append(1, 0, 1, 1, b"").unwrap_err().kind(), ErrorKind::Poisoned);
    }

    #[test]
    fn holes_and_impossible_records_are_refused_before_writing() {
        let vfs = MemoryVfs::default();
        let mut wal = Wal::create(&vfs, "log", ID, 5).unwrap();
        for (sequence, durable) in [(4, 0), (6, 0), (5, 5), (5, 9)] {
            assert_eq!(wal.append(sequence, durable, 1, 1, b"x").unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(wal.len(), HEADER_BYTES as u64);
        assert!(Wal::create(&vfs, "log", ID, 5).is_err(), "a log is never overwritten");
        assert!(Wal::create(&vfs, "log0", ID, 0).is_err());
    }

    #[test]
    fn the_bytes_are_the_documented_ones() {
        let vfs = MemoryVfs::default();
        let mut wal = Wal::create(&vfs, "log", ID, 5).unwrap();
        wal.append(5, 4, 9, 2, b"hello").unwrap();
        let bytes = vfs.read("log").unwrap();
        assert_eq!(&bytes[..16], b"RGLRSLOG\x01\0\0\0\0\0\0\0");
        assert_eq!(&bytes[16..56], b"0123456789abcdef\x03\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&bytes[72..], b"\x05\0\0\0\x09\x02\0\0\x05\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0hello\0\0\0");
    }
}
