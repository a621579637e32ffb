//! What is known to be on disk, noted beside the log: the file `durable`.
//!
//! A log alone cannot say where it ended: cut between two records it looks like a shorter one. Nor can a record prove
//! that it is on disk itself, only those before it. So whoever syncs the last record notes here that it did, and what
//! the note names must be found again.
//!
//! The note may be lost or torn by a crash: it is true whenever it is there, and without it the next open only copies
//! what nothing proves. Two places are written in turn, so that a torn note leaves the one before.

use super::layout::{FORMAT_VERSION, StoreId};
use super::layout::{Field, Fill, fills};
use super::vfs::{Vfs, VfsSlots};
use crate::Result;
use crate::base::bytes::Reader;
use xxhash_rust::xxh3::xxh3_64;

/// The file of the notes.
pub(crate) const PROOF_NAME: &str = "durable";

const MAGIC: [u8; 8] = *b"RGLRSDUR";
pub(super) const NOTE_BYTES: usize = 64;
pub(super) const NOTE_FIELDS: &[Field] = &[
    ("magic", 0, 8),
    ("version", 8, 4),
    ("reserved", 12, 4),
    ("store_id", 16, 16),
    ("generation", 32, 8),
    ("sequence", 40, 8),
    ("log", 48, 8),
    ("checksum", 56, 8),
];
const _: () = assert!(fills(NOTE_FIELDS, NOTE_BYTES));

/// Where the two notes stand: in pages of their own, which no disk writes together.
const PLACES: [u64; 2] = [0, 4096];

/// What was known to be durable at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The manifest of this generation, or a later one.
    pub(crate) generation: u64,
    /// Every record up to this one.
    pub(crate) sequence: u64,
    /// The log that the store goes on in; 0: none yet.
    pub(crate) log: u64,
}

impl Proof {
    /// Later notes compare greater: nothing of what they say ever goes back.
    fn order(self) -> (u64, u64, u64) {
        (self.sequence, self.generation, self.log)
    }

    fn encode(self, store_id: StoreId) -> [u8; NOTE_BYTES] {
        let fill = Fill::<NOTE_BYTES>::new().put(MAGIC).put(FORMAT_VERSION.to_le_bytes()).put([0; 4]).put(store_id);
        let fill = fill.put(self.generation.to_le_bytes()).put(self.sequence.to_le_bytes());
        let fill = fill.put(self.log.to_le_bytes());
        let checksum = xxh3_64(fill.filled());
        fill.put(checksum.to_le_bytes()).bytes()
    }

    /// A note of this store; anything else proves nothing.
    fn decode(bytes: &[u8], store_id: StoreId) -> Option<Self> {
        let (summed, checksum) = bytes.first_chunk::<NOTE_BYTES>()?.split_last_chunk::<8>()?;
        if xxh3_64(summed) != u64::from_le_bytes(*checksum) {
            return None;
        }
        let mut reader = Reader::new(summed);
        let ours = reader.array() == Some(MAGIC) && reader.u32() == Some(FORMAT_VERSION);
        reader.u32()?;
        let ours = ours && reader.array() == Some(store_id);
        let proof = Self { generation: reader.u64()?, sequence: reader.u64()?, log: reader.u64()? };
        ours.then_some(proof)
    }
}

/// Reads the notes of a store and writes the next ones.
pub(crate) struct Prover {
    store_id: StoreId,
    /// Opened when the first note is written.
    slots: Option<Box<dyn VfsSlots>>,
    /// Which of the two places is written next.
    next: usize,
    proven: Proof,
}

impl Prover {
    /// Reads what was proven, if anything was.
    ///
    /// # Errors
    ///
    /// `Io` where the file is there and cannot be read.
    pub(crate) fn read(vfs: &dyn Vfs, store_id: StoreId) -> Result<Self> {
        let mut found = Self { store_id, slots: None, next: 0, proven: Proof::default() };
        if vfs.len(PROOF_NAME)?.is_none() {
            return Ok(found);
        }
        let bytes = vfs.read(PROOF_NAME)?;
        for (at, place) in PLACES.into_iter().enumerate() {
            let note = usize::try_from(place).ok().and_then(|start| bytes.get(start..));
            let Some(proof) = note.and_then(|note| Proof::decode(note, store_id)) else { continue };
            if proof.order() > found.proven.order() {
                (found.proven, found.next) = (proof, 1 - at);
            }
        }
        Ok(found)
    }

    /// What is proven so far.
    pub(crate) fn proven(&self) -> Proof {
        self.proven
    }

    /// Notes what is durable by now.
    ///
    /// # Errors
    ///
    /// `Io` when the disk refuses: what was proven before still is.
    pub(crate) fn note(&mut self, vfs: &dyn Vfs, proof: Proof) -> Result<()> {
        let before = self.proven;
        if proof.sequence < before.sequence || proof.generation < before.generation || proof.order() <= before.order() {
            return Ok(());
        }
        let place = PLACES.get(self.next).copied().unwrap_or_default();
        let slots = match &mut self.slots {
            Some(slots) => slots,
            none => none.insert(vfs.open_slots(PROOF_NAME)?),
        };
        slots.put(place, &proof.encode(self.store_id))?;
        self.next = 1 - self.next;
        self.proven = proof;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryVfs;

    const ID: StoreId = *b"0123456789abcdef";

    fn proven(vfs: &MemoryVfs) -> Proof {
        Prover::read(vfs, ID).unwrap().proven()
    }

    #[test]
    fn a_torn_note_leaves_the_one_before_and_strangers_prove_nothing() {
        let vfs = MemoryVfs::default();
        let mut prover = Prover::read(&vfs, ID).unwrap();
        assert_eq!(prover.proven(), Proof::default());
        for (sequence, place) in (1..6).zip(PLACES.into_iter().cycle()) {
            let before = prover.proven();
            let proof = Proof { generation: 2, sequence, log: 1 };
            prover.note(&vfs, proof).unwrap();
            assert_eq!(proven(&vfs), proof);
            let whole = vfs.read(PROOF_NAME).unwrap().to_vec();
            let start = usize::try_from(place).unwrap();
            for at in start..start + NOTE_BYTES {
                let torn = MemoryVfs::default();
                let mut bad = whole.clone();
                bad[at] ^= 0x10;
                torn.open_slots(PROOF_NAME).unwrap().put(0, &bad).unwrap();
                assert_eq!(proven(&torn), before, "byte {at}");
            }
            // Whoever opens goes on in the older place.
            prover = Prover::read(&vfs, ID).unwrap();
        }
        assert_eq!(Prover::read(&vfs, [7; 16]).unwrap().proven(), Proof::default());
    }

    #[test]
    fn nothing_is_taken_back_and_nothing_said_twice() {
        let vfs = MemoryVfs::default();
        let mut prover = Prover::read(&vfs, ID).unwrap();
        prover.note(&vfs, Proof { generation: 3, sequence: 9, log: 4 }).unwrap();
        let bytes = vfs.read(PROOF_NAME).unwrap().to_vec();
        for (generation, sequence, log) in [(3, 9, 4), (2, 10, 4), (3, 8, 5), (3, 9, 3)] {
            let proof = Proof { generation, sequence, log };
            prover.note(&vfs, proof).unwrap();
        }
        assert_eq!(vfs.read(PROOF_NAME).unwrap()[..], bytes);
    }
}
