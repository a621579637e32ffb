//! The sections of a part's events, and what stands in them.

use crate::column::slots;
use crate::fact::layout::IdRef;
use crate::fact::view::Fact;

/// A bit of the part's bits column beside those of the fact: the message id is a text in the heap.
pub(super) const TEXT_ID: u16 = 1 << 15;

/// Every so many rows the start of their identifiers is told; in between, counts add up.
pub(super) const NODE_STRIDE: u32 = 16;

/// Section numbers of a part's events.
pub(super) mod section {
    pub(crate) const TIMES: u16 = 32;
    pub(crate) const NAMES: u16 = 33;
    pub(crate) const KINDS: u16 = 34;
    pub(crate) const BITS: u16 = 35;
    pub(crate) const CONTENTS: u16 = 36;
    pub(crate) const IDS: u16 = 37;
    pub(crate) const ID_TEXT_STARTS: u16 = 38;
    pub(crate) const ID_TEXTS: u16 = 39;
    pub(crate) const SLOTS: u16 = 40;
    pub(crate) const NODE_COUNTS: u16 = 41;
    pub(crate) const NODES: u16 = 42;
    pub(crate) const POST_OLDER: u16 = 43;
    pub(crate) const POST_STARTS: u16 = 44;
    pub(crate) const POST_ROWS: u16 = 45;
    pub(crate) const WINDOW_STARTS: u16 = 46;
    pub(crate) const WINDOW_ROWS: u16 = 47;
    pub(crate) const ORDER_KEYS: u16 = 48;
    pub(crate) const ORDER_ROWS: u16 = 49;
    pub(crate) const TRAIT_STARTS: u16 = 50;
    pub(crate) const TRAIT_ROWS: u16 = 51;
    pub(crate) const TRAIT_VALUES: u16 = 52;
    pub(crate) const VALUE_STARTS: u16 = 53;
    pub(crate) const VALUES: u16 = 54;
    pub(crate) const FACT_BLOCKS: u16 = 55;
    pub(crate) const FACTS: u16 = 56;
    pub(crate) const NODE_STARTS: u16 = 57;
    pub(crate) const ORDER_BRIEFS: u16 = 58;
    pub(crate) const FEED_BLOCKS: u16 = 59;
    pub(crate) const FEED: u16 = 60;
}

/// A row of a node's list that stands for itself and `count - 1` rows after it; the count follows.
pub(super) const RUN: u32 = 1 << 31;

/// The hash that finds a message id in a part: part of the format.
pub(crate) fn message_hash(id: IdRef<'_>) -> u64 {
    match id {
        IdRef::Uuid(bytes) => xxhash_rust::xxh3::xxh3_64(&bytes),
        IdRef::Text(text) => xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), 1),
    }
}

/// What the index of a part and filters keep of the message id of these fact's bytes.
pub(crate) fn message_key(fact: &[u8]) -> u32 {
    Fact::id_of(fact).map_or(0, |id| slots::fingerprint(message_hash(id)))
}
