//! The layout of a log file: its header, the header of a record, and what both sides of it call its parts.

use super::layout::StoreId;
use super::layout::{Field, Fill, fills};
use xxhash_rust::xxh3::xxh3_64;

pub(super) const MAGIC: [u8; 8] = *b"RGLRSLOG";

pub(super) const HEADER_BYTES: usize = 64;
pub(super) const HEADER_FIELDS: &[Field] = &[
    ("magic", 0, 8),
    ("version", 8, 4),
    ("reserved", 12, 4),
    ("store_id", 16, 16),
    ("number", 32, 8),
    ("first_sequence", 40, 8),
    ("copied_before", 48, 8),
    ("checksum", 56, 8),
];
const _: () = assert!(fills(HEADER_FIELDS, HEADER_BYTES));

pub(super) const RECORD_BYTES: usize = 32;
pub(super) const RECORD_FIELDS: &[Field] = &[
    ("checksum", 0, 8),
    ("length", 8, 4),
    ("kind", 12, 1),
    ("version", 13, 1),
    ("reserved", 14, 2),
    ("sequence", 16, 8),
    ("durable", 24, 8),
];
const _: () = assert!(fills(RECORD_FIELDS, RECORD_BYTES) && RECORD_BYTES.is_multiple_of(8));

/// The longest payload of one record: what a reader may have to hold in one piece.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// Which log a file is: a record copied from another store's or another file's log is no record here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogId {
    pub(crate) store_id: StoreId,
    /// The number of the file within the store.
    pub(crate) number: u64,
}

impl LogId {
    /// The seed of every record checksum of this file.
    ///
    /// Besides keeping strangers out it keeps senders from forging: the reader looks for records inside torn ones, and
    /// a payload is bytes that customers sent. Without the store's random id nobody can make those look like a record.
    pub(super) fn seed(self) -> u64 {
        let id = Fill::<24>::new().put(self.store_id).put(self.number.to_le_bytes()).bytes();
        xxh3_64(&id)
    }
}

/// Which records a log was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The sequence of its first one.
    pub(crate) first: u64,
    /// It took the place of other logs: those up to this one were copied from them.
    pub(crate) copied: Option<u64>,
}

/// How a log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// How long the valid part of the file is.
    pub(crate) len: u64,
    /// How many bytes behind it are torn and to be cut; 0 for a clean end.
    pub(crate) cut: u64,
    /// The sequence of the record that would come next.
    pub(crate) next_sequence: u64,
    /// The highest sequence proven durable, by a record or by the caller.
    pub(crate) durable: u64,
}
