//! Reads a log back: its records in order, then how it ended.
//!
//! A crash may leave a record half written, and everything behind it is then unacknowledged: a **torn tail**, which is
//! cut. A disk may also damage a record that was acknowledged long ago: a **rotten middle**. Stopping quietly at the
//! first bad record would drop acknowledged ones, so a bad record is cut only if nothing proves that it was durable:
//! neither the caller (who knows the manifest), nor a record before it, nor any valid record behind it.

use super::layout::{FORMAT_VERSION, align8};
use super::log_format::{HEADER_BYTES, LogId, MAGIC, MAX_PAYLOAD_BYTES, RECORD_BYTES, Span, Tail};
use crate::base::bytes::Reader;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// One valid record of a log.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) sequence: u64,
    /// The highest sequence that was known durable when this record was written.
    pub(crate) durable: u64,
    /// What the payload is; refusing an unknown kind or version is the caller's.
    pub(crate) kind: u8,
    pub(crate) version: u8,
    pub(crate) payload: &'a [u8],
    /// Where the record starts in the file, for error texts.
    pub(crate) offset: u64,
}

/// A log being read. Holds nothing but the file's bytes: memory does not depend on what they say.
pub(crate) struct Replay<'a> {
    bytes: &'a [u8],
    path: PathBuf,
    seed: u64,
    span: Span,
    offset: usize,
    expected: u64,
    durable: u64,
    tail: Option<Tail>,
}

impl<'a> Replay<'a> {
    /// Starts reading the log `id` at its header.
    ///
    /// `durable` is the highest sequence **of this file** that the caller knows to have been durable: from the
    /// manifest, or because a later log starts behind this one.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the header is damaged or belongs to another log, `Version` when a newer version wrote it.
    pub(crate) fn new(bytes: &'a [u8], path: &Path, id: LogId, durable: u64) -> Result<Self> {
        let span = read_header(bytes, path, id)?;
        let (offset, expected) = (HEADER_BYTES, span.first);
        Ok(Self { bytes, path: path.to_path_buf(), seed: id.seed(), span, offset, expected, durable, tail: None })
    }

    /// Which records the file was made for.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The sequence of the last valid record, or of the one before the first; whatever stands behind it.
    pub(crate) fn last_sequence(mut self) -> u64 {
        while let Some((record, end)) = self.record_at(self.offset).filter(|(r, _)| r.sequence == self.expected) {
            (self.offset, self.expected) = (end, record.sequence.saturating_add(1));
        }
        self.expected - 1
    }

    /// The next record; `None` at the end, clean or torn.
    ///
    /// # Errors
    ///
    /// `Corrupt` when a record that is proven durable is damaged or missing.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'a>>> {
        if self.tail.is_some() {
            return Ok(None);
        }
        match self.record_at(self.offset) {
            Some((record, end)) if record.sequence == self.expected => {
                self.offset = end;
                self.expected = self.expected.saturating_add(1);
                self.durable = self.durable.max(record.durable);
                Ok(Some(record))
            }
            _ => self.end().map(|()| None),
        }
    }

    /// Reads over what is left and says how the log ended.
    ///
    /// # Errors
    ///
    /// As [`Replay::next`].
    pub(crate) fn finish(mut self) -> Result<Tail> {
        loop {
            if let Some(tail) = self.tail {
                return Ok(tail);
            }
            self.next()?;
        }
    }

    /// Decides what the first bytes that are not the expected record mean.
    fn end(&mut self) -> Result<()> {
        let clean = self.offset == self.bytes.len();
        if self.durable < self.expected && !clean {
            self.durable = self.durable.max(self.proof_behind()?);
        }
        if self.durable >= self.expected {
            let what = if clean { "the log ends before" } else { "there is damage in or before" };
            return Err(self.corrupt(&format!("{what} record {}, which was durable", self.expected)));
        }
        let (len, cut) = (self.offset as u64, (self.bytes.len() - self.offset) as u64);
        self.tail = Some(Tail { len, cut, next_sequence: self.expected, durable: self.durable });
        Ok(())
    }

    /// The highest durable sequence that a valid record behind the bad one tells; stops at the first that settles it.
    fn proof_behind(&self) -> Result<u64> {
        let remaining = self.bytes.len() - self.offset;
        // No crash leaves bytes that look like many overlapping records; this only bounds the time for made-up files.
        let mut budget = remaining.saturating_mul(4).saturating_add(1 << 20);
        let (mut at, mut proof) = (self.offset, 0);
        while self.bytes.len().saturating_sub(at) >= RECORD_BYTES {
            let Some(candidate) = self.candidate_at(at).filter(|found| self.may_follow(found.record.sequence)) else {
                at += 8;
                continue;
            };
            budget = budget
                .checked_sub(candidate.end - at)
                .ok_or_else(|| self.corrupt("the end of the log is neither a torn record nor a sequence of records"))?;
            if !candidate.is_valid(self.seed) {
                at += 8;
                continue;
            }
            proof = proof.max(candidate.record.durable);
            if proof >= self.expected {
                break;
            }
            at = candidate.end;
        }
        Ok(proof)
    }

    /// Whether a record of that sequence can stand behind the bad one: there must be room for those between.
    fn may_follow(&self, sequence: u64) -> bool {
        let room = (self.bytes.len() - self.offset) / RECORD_BYTES;
        sequence > self.expected && sequence - self.expected <= room as u64
    }

    fn record_at(&self, offset: usize) -> Option<(Record<'a>, usize)> {
        let candidate = self.candidate_at(offset)?;
        candidate.is_valid(self.seed).then_some((candidate.record, candidate.end))
    }

    /// What would be a record by its fixed fields; the checksum is not looked at yet.
    fn candidate_at(&self, offset: usize) -> Option<Candidate<'a>> {
        let rest = self.bytes.get(offset..)?;
        let mut reader = Reader::new(rest);
        let checksum = reader.u64()?;
        let summed = reader.rest();
        let length = usize::try_from(reader.u32()?).ok()?;
        let [kind, version, reserved @ ..] = reader.array::<4>()?;
        let (sequence, durable) = (reader.u64()?, reader.u64()?);
        if reserved != [0, 0] || durable >= sequence || length > MAX_PAYLOAD_BYTES {
            return None;
        }
        let padded = align8(length);
        let payload = reader.take(padded)?.get(..length)?;
        let summed = summed.get(..RECORD_BYTES - 8 + padded)?;
        let record = Record { sequence, durable, kind, version, payload, offset: offset as u64 };
        Some(Candidate { record, checksum, summed, end: offset + RECORD_BYTES + padded })
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::corrupt(&self.path, self.offset as u64, what)
    }
}

struct Candidate<'a> {
    record: Record<'a>,
    checksum: u64,
    summed: &'a [u8],
    end: usize,
}

impl Candidate<'_> {
    fn is_valid(&self, seed: u64) -> bool {
        xxh3_64_with_seed(self.summed, seed) == self.checksum
    }
}

/// Checks a header, checksum first, and returns which records the log was made for.
fn read_header(bytes: &[u8], path: &Path, id: LogId) -> Result<Span> {
    let corrupt = |at: u64, what: &str| Error::corrupt(path, at, what);
    let short = || corrupt(0, "the log's header is incomplete");
    let header = bytes.first_chunk::<HEADER_BYTES>().ok_or_else(short)?;
    let (summed, checksum) = header.split_last_chunk::<8>().ok_or_else(short)?;
    if xxh3_64(summed) != u64::from_le_bytes(*checksum) {
        return Err(corrupt(0, "the log's header is damaged"));
    }
    let mut reader = Reader::new(summed);
    if reader.array() != Some(MAGIC) {
        return Err(corrupt(0, "this is not a log"));
    }
    if reader.u32() != Some(FORMAT_VERSION) {
        let hint = "was written in another format; open the store with the version that wrote it";
        return Err(Error::version(format!("{} {hint}", path.display())));
    }
    reader.u32().ok_or_else(short)?;
    let found = LogId { store_id: reader.array().ok_or_else(short)?, number: reader.u64().ok_or_else(short)? };
    if found != id {
        return Err(corrupt(16, "this log belongs to another store or is another file of this one"));
    }
    let (first, copied_before) = (reader.u64().ok_or_else(short)?, reader.u64().ok_or_else(short)?);
    let span = Span { first, copied: copied_before.checked_sub(1) };
    if span.first == 0 {
        return Err(corrupt(40, "the log's first sequence is 0"));
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::storage::memory::MemoryVfs;
    use crate::storage::vfs::Vfs as _;
    use crate::storage::wal::Wal;
    use proptest::prelude::*;

    const ID: LogId = LogId { store_id: *b"fedcba9876543210", number: 1 };

    /// A log of the payloads, where each record knows durable what `durable` says; and where each record starts.
    fn log(payloads: &[Vec<u8>], durable: impl Fn(u64) -> u64) -> (Vec<u8>, Vec<usize>) {
        let vfs = MemoryVfs::default();
        let mut wal = Wal::create(&vfs, "log", ID, 1).unwrap();
        let mut starts = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            let sequence = index as u64 + 1;
            starts.push(usize::try_from(wal.len()).unwrap());
            wal.append(sequence, durable(sequence), 1, 1, payload).unwrap();
        }
        (vfs.read("log").unwrap().to_vec(), starts)
    }

    fn read(bytes: &[u8], known: u64) -> Result<(Vec<Vec<u8>>, Tail)> {
        let mut replay = Replay::new(bytes, Path::new("log"), ID, known)?;
        let mut payloads = Vec::new();
        while let Some(record) = replay.next()? {
            payloads.push(record.payload.to_vec());
        }
        assert!(replay.tail.is_some());
        Ok((payloads, replay.finish()?))
    }

    fn some_payloads() -> Vec<Vec<u8>> {
        (0..6u8).map(|n| vec![n; usize::from(n) * 5]).collect()
    }

    #[test]
    fn every_flipped_byte_is_torn_or_corrupt_and_never_another_answer() {
        let payloads = some_payloads();
        // All but the last two are durable: record 5 and 6 were written before 5 was synced.
        let (bytes, starts) = log(&payloads, |sequence| (sequence - 1).min(4));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            match read(&bad, 0) {
                Ok((found, tail)) => {
                    assert!(found.len() >= 4 && found[..] == payloads[..found.len()], "byte {at}");
                    assert!(at >= starts[4] && tail.cut > 0, "byte {at} is in an acknowledged record");
                    assert_eq!(tail.len, starts[found.len()] as u64);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
                    assert!(at < starts[4], "byte {at} is in a record that nobody was promised: {error}");
                    assert_eq!(error.place().unwrap().0, Path::new("log"));
                }
            }
            if at >= starts[0] {
                assert_eq!(read(&bad, 6).err().map(|e| e.kind()), Some(ErrorKind::Corrupt), "the caller's proof, {at}");
            }
        }
    }

    #[test]
    fn every_truncation_and_extension_leaves_a_prefix() {
        let payloads = some_payloads();
        let (bytes, starts) = log(&payloads, |sequence| sequence - 1);
        for len in 0..bytes.len() {
            match read(&bytes[..len], 0) {
                Ok((found, tail)) => {
                    assert!(len >= HEADER_BYTES);
                    assert_eq!(found[..], payloads[..found.len()]);
                    assert_eq!(found.len(), starts.iter().skip(1).filter(|&&start| start <= len).count());
                    assert_eq!(tail.len + tail.cut, len as u64);
                }
                Err(error) => assert!(len < HEADER_BYTES && error.kind() == ErrorKind::Corrupt),
            }
            assert!(read(&bytes[..len], 6).is_err(), "record 6 is known durable and missing");
        }
        for junk in [vec![0; 4096], vec![0xff; 33], bytes[starts[2]..starts[3]].to_vec(), vec![1]] {
            let longer = [bytes.clone(), junk.clone()].concat();
            let (found, tail) = read(&longer, 6).unwrap();
            assert_eq!((found, tail.cut), (payloads.clone(), junk.len() as u64));
        }
    }

    #[test]
    fn a_lost_record_is_told_by_its_neighbors() {
        let payloads = some_payloads();
        for (durable, rotten) in [(2, false), (3, true)] {
            // Record 3 vanishes from the middle; the later ones know `durable`.
            let (bytes, starts) = log(&payloads, |sequence| (sequence - 1).min(durable));
            let lost = [&bytes[..starts[2]], &bytes[starts[3]..]].concat();
            assert_eq!(read(&lost, 0).is_err(), rotten);
            let mut zeroed = bytes.clone();
            zeroed[starts[2]..starts[3]].fill(0);
            assert_eq!(read(&zeroed, 0).is_err(), rotten);
            assert!(read(&lost, 3).is_err());
        }
    }

    #[test]
    fn records_of_another_log_are_strangers() {
        let (bytes, starts) = log(&some_payloads(), |sequence| sequence - 1);
        let other = LogId { number: 2, ..ID };
        assert!(Replay::new(&bytes, Path::new("log"), other, 0).is_err());
        let vfs = MemoryVfs::default();
        Wal::create(&vfs, "log", other, 1).unwrap();
        let mixed = [&vfs.read("log").unwrap(), &bytes[starts[0]..]].concat();
        let tail = Replay::new(&mixed, Path::new("log"), other, 0).unwrap().finish().unwrap();
        assert_eq!((tail.len, tail.next_sequence), (64, 1));
    }

    #[test]
    fn a_payload_that_imitates_a_record_proves_nothing() {
        // What a sender can make: a whole record, but not with this store's seed.
        let vfs = MemoryVfs::default();
        let mut wal = Wal::create(&vfs, "log", LogId { store_id: [0; 16], number: 1 }, 2).unwrap();
        wal.append(2, 1, 1, 1, b"forged").unwrap();
        let forged = vfs.read("log").unwrap()[HEADER_BYTES..].to_vec();
        let (bytes, starts) = log(&[[forged, vec![0; 64]].concat()], |_| 0);
        let (found, tail) = read(&bytes[..bytes.len() - 8], 0).unwrap();
        assert_eq!((found.len(), tail.len), (0, starts[0] as u64));
    }

    #[test]
    fn bytes_made_to_look_like_records_everywhere_cost_bounded_time() {
        let (mut bytes, _) = log(&some_payloads(), |_| 0);
        for _ in 0..1 << 17 {
            bytes.extend(30_000u64.to_le_bytes());
            bytes.extend(60_000u64.to_le_bytes());
        }
        // Each of 131,072 places looks like a record of 30 kB: 4 GB to checksum if nothing bounded it.
        assert_eq!(read(&bytes, 0).err().map(|e| e.kind()), Some(ErrorKind::Corrupt));
    }

    #[test]
    fn a_whole_log_is_gone_on_with_and_a_torn_one_is_left_alone() {
        let (bytes, starts) = log(&some_payloads(), |_| 0);
        let vfs = MemoryVfs::default();
        let mut file = vfs.create("log").unwrap();
        file.append(&mut [std::io::IoSlice::new(&bytes[..starts[4] + 10])]).unwrap();
        let image = vfs.read("log").unwrap();
        let tail = Replay::new(&image, Path::new("log"), ID, 0).unwrap().finish().unwrap();
        assert_eq!((tail.len, tail.cut), (starts[4] as u64, 10));
        assert_eq!(Wal::reopen(&vfs, "log", ID, &tail).err().map(|e| e.kind()), Some(ErrorKind::Invalid));
        assert_eq!(vfs.read("log").unwrap()[..], image[..]);
        file.truncate(tail.len).unwrap();
        let mut wal = Wal::reopen(&vfs, "log", ID, &Tail { cut: 0, ..tail }).unwrap();
        assert_eq!((wal.next_sequence(), wal.len()), (5, tail.len));
        wal.append(5, 4, 1, 1, b"again").unwrap();
        assert_eq!(read(&vfs.read("log").unwrap(), 5).unwrap().0[4], b"again");
    }

    #[test]
    fn a_log_tells_what_was_copied_into_it_and_how_far_it_goes() {
        let vfs = MemoryVfs::default();
        let span = Span { first: 4, copied: Some(5) };
        let mut wal = Wal::begin(&vfs, "log", ID, span).unwrap();
        let look = |vfs: &MemoryVfs| {
            let bytes = vfs.read("log").unwrap();
            let replay = Replay::new(&bytes, Path::new("log"), ID, 0).unwrap();
            assert_eq!(replay.span(), span);
            replay.last_sequence()
        };
        assert_eq!(look(&vfs), 3);
        (4..7).for_each(|sequence| wal.append(sequence, 3, 1, 1, b"x").unwrap());
        assert_eq!(look(&vfs), 6);
        vfs.open_append("log").unwrap().append(&mut [std::io::IoSlice::new(&[9; 80])]).unwrap();
        assert_eq!(look(&vfs), 6);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn logs_round_trip(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let (bytes, _) = log(&payloads, |sequence| sequence / 2);
            let (found, tail) = read(&bytes, payloads.len() as u64).unwrap();
            prop_assert_eq!(&found, &payloads);
            prop_assert_eq!((tail.len, tail.cut), (bytes.len() as u64, 0));
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_hang(junk in prop::collection::vec(any::<u8>(), 0..2000), known: u64) {
            let (mut bytes, _) = log(&some_payloads(), |_| 0);
            bytes.extend(&junk);
            let _ = read(&bytes, known);
            let _ = read(&junk, known);
        }
    }
}
