//! The one writer: the working copy, the log that makes its facts durable, and the jobs that seal and merge.

use super::book::Book;
use super::catalog::{Catalog, TailEnd, log_name};
use super::part::OpenPart;
use super::record::RECORD_VERSION;
use super::relog::{List, copy_logs};
use super::seal::{Frozen, merge_parts, merge_plan};
use super::sync::{Gate, LogFile};
use crate::Result;
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::event::history::History;
use crate::event::tail::EventTail;
use crate::identity::tail::NodeTail;
use crate::storage::log_format::LogId;
use crate::storage::wal::Wal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A tail is sealed when its facts take this many bytes, however few they are.
const TAIL_BYTES_MAX: usize = 32 << 20;
/// And when its log has this many, even without a fact: steps of time are logged, too.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// How long a seal or merge waits before it is tried again on a full disk.
const RETRY_FULL: Duration = Duration::from_secs(1);

/// The writer's state; see the module. Guarded by the store's writer lock.
pub(super) struct Writer {
    pub(super) book: Book,
    /// The log that is appended to; `None` while there is no room to make one.
    pub(super) wal: Option<Wal>,
    pub(super) log_number: u64,
    pub(super) parts: Vec<OpenPart>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) seal_events: u32,
    pub(super) sealing: Option<Sealing>,
    pub(super) merging: Option<Merging>,
    /// Parts that were merged into others: files that are gone, and pages to give back, which takes long enough to leave
    /// it to the next job. Until then old snapshots hold them, too.
    pub(super) retired: Vec<OpenPart>,
    pub(super) settled: Settled,
    /// The disk is full: until then no seal and no merge is tried again.
    pub(super) full_until: Option<Instant>,
}

/// What counts no longer as of the last seal. Only that may be left out of a merged part: what was taken back later is
/// taken back again when the log is replayed, which must find it.
#[derive(Clone, Default)]
pub(super) struct Settled {
    /// Void rows by the part's file.
    pub(super) void: BTreeMap<String, RowSet>,
}

impl Settled {
    /// What the parts hold of it.
    pub(super) fn of(events: &History, parts: &[OpenPart]) -> Self {
        let name = |(at, part): (usize, &OpenPart)| (part.sealed.name.clone(), events.void_rows(at));
        Self { void: parts.iter().enumerate().map(name).collect() }
    }
}

/// A seal under way.
pub(super) struct Sealing {
    frozen: Arc<Frozen>,
    /// Erased rows of the tail that the part is written without.
    void: RowSet,
    /// What the state says that is sealed along.
    settled: Settled,
    /// `None` where it did not go well, and has to be tried again.
    job: Option<JoinHandle<Result<OpenPart>>>,
}

/// A merge under way.
pub(super) struct Merging {
    /// Each with the erased rows that the new part is written without.
    old: Vec<(OpenPart, RowSet)>,
    job: JoinHandle<Result<OpenPart>>,
}

impl Sealing {
    /// Whether there is something to install, or to try again.
    fn is_finished(&self) -> bool {
        self.job.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

fn join(job: JoinHandle<Result<OpenPart>>) -> Result<OpenPart> {
    job.join().unwrap_or_else(|_| Err(Error::poisoned("a background job stopped unexpectedly")))
}

impl Writer {
    /// Logs one record; it is durable after the next sync.
    pub(super) fn log(&mut self, gate: &Gate, kind: u8, payload: &[u8]) -> Result<u64> {
        gate.check()?;
        let sequence = self.book.sequence + 1;
        let appended = self.log_file(gate)?.append(sequence, gate.durable(), kind, RECORD_VERSION, payload);
        appended.map_err(|error| gate.stopped_by(error))?;
        self.book.sequence = sequence;
        Ok(sequence)
    }

    /// The log to append to, made now if there was no room for it when the store was opened.
    ///
    /// # Errors
    /// `Io` while there is still none.
    pub(super) fn log_file(&mut self, gate: &Gate) -> Result<&mut Wal> {
        if self.wal.is_none() {
            gate.check()?;
            let sequence = self.book.sequence;
            let (wal, number) =
                copy_logs(&self.catalog, sequence, List::Unproven).map_err(|error| gate.stopped_by(error))?;
            gate.switch(LogFile { file: wal.sync_handle(), number }, sequence);
            gate.prove(self.catalog.vfs.as_ref(), self.catalog.generation());
            self.log_number = number;
            self.wal = Some(wal);
        }
        self.wal.as_mut().ok_or_else(|| Error::invalid("there is no log"))
    }

    /// Events and bytes that are not in a part yet.
    pub(super) fn unsealed(&self) -> (u32, usize) {
        (self.book.event_tail.len(), self.book.event_tail.size_bytes())
    }

    /// Installs what jobs have finished, and starts those that are due. Where the disk is full, that waits: nothing is
    /// lost by it, and commits go on as long as the log has room.
    pub(super) fn keep_house(&mut self, gate: &Gate) -> Result<()> {
        if self.full_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let kept = self.housekeeping(gate);
        gate.prove_list(self.catalog.vfs.as_ref(), self.catalog.generation());
        self.unless_full(gate, kept)
    }

    /// Lets housekeeping wait where the disk is full.
    pub(super) fn unless_full(&mut self, gate: &Gate, kept: Result<()>) -> Result<()> {
        self.stop_unless_full(gate, kept).or_else(|error| if error.is_out_of_space() { Ok(()) } else { Err(error) })
    }

    /// Stops all writing after a failure of housekeeping: a tail that was begun and not sealed is known to this handle
    /// only. On a full disk it can be tried again, by itself not at once.
    pub(super) fn stop_unless_full(&mut self, gate: &Gate, kept: Result<()>) -> Result<()> {
        self.full_until = None;
        kept.map_err(|error| {
            if error.is_out_of_space() {
                self.full_until = Some(Instant::now() + RETRY_FULL);
                return error;
            }
            gate.poison(error)
        })
    }

    fn housekeeping(&mut self, gate: &Gate) -> Result<()> {
        if self.sealing.as_ref().is_some_and(Sealing::is_finished) {
            self.finish_seal()?;
        }
        if self.merging.as_ref().is_some_and(|merging| merging.job.is_finished()) {
            self.finish_merge()?;
        }
        let (events, bytes) = self.unsealed();
        let log_bytes = self.wal.as_ref().map_or(0, Wal::len);
        if events >= self.seal_events || bytes >= TAIL_BYTES_MAX || log_bytes >= LOG_BYTES_MAX {
            self.start_seal(gate)?;
            // So large a batch would leave too much for a recovery to replay: its caller waits.
            if events >= self.seal_events.saturating_mul(2) {
                self.finish_seal()?;
            }
        }
        self.start_merge()
    }

    /// Freezes the active tail and seals it in another thread. Waits for the seal before it.
    ///
    /// # Errors
    /// `Io` where the disk is full: the tail goes on, or is frozen and waits to be sealed.
    pub(super) fn start_seal(&mut self, gate: &Gate) -> Result<()> {
        self.finish_seal()?;
        if self.book.returned {
            self.finish_merge()?;
        }
        if self.book.sequence == self.catalog.sealed_sequence() {
            return Ok(());
        }
        // The old log must be whole on disk before a new one exists: a torn tail is allowed in the last log only.
        self.log_file(gate)?.sync_handle().sync_data().map_err(|error| gate.poison(error))?;
        let sequence = self.book.sequence;
        let (wal, number) = self.next_log(gate, sequence)?;
        let mut changed: Vec<u32> = self.book.changed.drain().collect();
        changed.sort_unstable();
        let state = Arc::new(self.book.state(Arc::new(self.book.records())));
        let parts = self.parts.iter().map(|part| part.sealed.name.clone()).collect();
        let settled = Settled::of(&state.records.events, &self.parts);
        let anew = std::mem::take(&mut self.book.anew);
        let end = TailEnd { log: self.log_number, sequence, anew };
        let frozen = Arc::new(Frozen { state, changed, end, parts });
        let void = frozen.void();
        self.wal = Some(wal);
        self.log_number = number;
        gate.switch(LogFile { file: self.log_file(gate)?.sync_handle(), number }, sequence);
        self.book.new_tail();
        let job = Some(self.spawn_seal(&frozen)?);
        self.sealing = Some(Sealing { frozen, void, settled, job });
        Ok(())
    }

    /// Makes the log for what comes after `sequence`, and lists it.
    fn next_log(&mut self, gate: &Gate, sequence: u64) -> Result<(Wal, u64)> {
        let number = self.catalog.new_number();
        let id = LogId { store_id: self.catalog.store_id(), number };
        let wal = Wal::create(self.catalog.vfs.as_ref(), &log_name(number), id, sequence + 1)?;
        match self.catalog.add_log(number) {
            Ok(()) => Ok((wal, number)),
            Err(error) => {
                let error = gate.stopped_by(error);
                if gate.poisoned().is_none() {
                    self.catalog.abandon(&log_name(number));
                }
                Err(error)
            }
        }
    }

    fn spawn_seal(&mut self, frozen: &Arc<Frozen>) -> Result<JoinHandle<Result<OpenPart>>> {
        let (catalog, frozen) = (Arc::clone(&self.catalog), Arc::clone(frozen));
        let retired = std::mem::take(&mut self.retired);
        spawn("regulars-seal", move || {
            drop(retired);
            frozen.seal(&catalog)
        })
    }

    /// Goes on with another book of the same facts.
    pub(super) fn replace(&mut self, book: Book) {
        let sequence = self.book.sequence;
        self.book = Book { sequence, ..book };
        self.follow();
    }

    /// Lets go of parts that are not the book's any more; the next seal takes them off the disk.
    pub(super) fn follow(&mut self) {
        if self.book.anew {
            self.parts.clear();
            self.settled = Settled::default();
        }
    }

    /// Waits for the seal under way, if there is one, and reads from its part instead of the tail.
    pub(super) fn finish_seal(&mut self) -> Result<()> {
        let Some(mut sealing) = self.sealing.take() else { return Ok(()) };
        let job = sealing.job.take().map_or_else(|| self.spawn_seal(&sealing.frozen), Ok);
        let part = match job.and_then(join) {
            Ok(part) => part,
            Err(error) => {
                self.sealing = Some(sealing);
                return Err(error);
            }
        };
        self.settled = sealing.settled;
        // The store was read whole and has come further: what a crash left beside it is nothing any more. What cannot be
        // removed stays for the close to try.
        let _ = self.catalog.tidy();
        let layer = self.parts.len();
        let late = self.book.erased_since(layer, &sealing.void, &part.events)?;
        self.parts.push(part.clone());
        self.book.set_parts(&self.parts);
        self.book.sealed.add(&part);
        self.book.drop_frozen();
        self.book.replace_void(layer..layer + 1, late);
        self.book.prune(&part.nodes, sealing.frozen.changed.iter().copied())
    }

    fn start_merge(&mut self) -> Result<()> {
        if self.merging.is_some() || self.book.returned && self.sealing.is_some() {
            return Ok(());
        }
        let events: Vec<u32> = self.parts.iter().map(|part| part.events.len()).collect();
        let Some(run) = merge_plan(&events, self.seal_events) else { return Ok(()) };
        let void = |part: &OpenPart| self.settled.void.get(&part.sealed.name).cloned().unwrap_or_default();
        let old = self.parts.get(run).unwrap_or_default().iter().map(|part| (part.clone(), void(part)));
        let old: Vec<(OpenPart, RowSet)> = old.collect();
        let (catalog, parts) = (Arc::clone(&self.catalog), old.clone());
        let (names, trait_names) = (Arc::clone(&self.book.names), Arc::clone(&self.book.trait_names));
        let job = spawn("regulars-merge", move || merge_parts(&catalog, &parts, &names, &trait_names))?;
        self.merging = Some(Merging { old, job });
        Ok(())
    }

    /// Waits for the merge under way, if there is one, and reads from its part instead of the old ones.
    pub(super) fn finish_merge(&mut self) -> Result<()> {
        let Some(merging) = self.merging.take() else { return Ok(()) };
        let part = join(merging.job)?;
        let is_old = |part: &OpenPart| merging.old.iter().any(|(old, _)| old.sealed.name == part.sealed.name);
        let place = self.parts.iter().position(is_old).unwrap_or(self.parts.len());
        let mut late = RowSet::default();
        for (at, (_, void)) in merging.old.iter().enumerate() {
            for row in self.book.erased_since(place + at, void, &part.events)?.to_bitmap() {
                late.insert(row);
            }
        }
        self.book.replace_void(place..place + merging.old.len(), late);
        self.parts.insert(place, part.clone());
        self.parts.retain(|part| !is_old(part));
        self.book.set_parts(&self.parts);
        for (old, _) in &merging.old {
            let nodes: Vec<u32> =
                old.nodes.sparse().map(|change| change.map(|(node, _)| node)).collect::<Result<_>>()?;
            self.book.prune(&part.nodes, nodes.into_iter())?;
        }
        self.retired.extend(merging.old.into_iter().map(|(part, _)| part));
        Ok(())
    }

    /// Merges until nothing is due: for compaction on demand.
    pub(super) fn merge_all(&mut self) -> Result<()> {
        loop {
            self.start_merge()?;
            if self.merging.is_none() {
                return Ok(());
            }
            self.finish_merge()?;
        }
    }
}

fn spawn(name: &str, job: impl FnOnce() -> Result<OpenPart> + Send + 'static) -> Result<JoinHandle<Result<OpenPart>>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(job).map_err(|error| Error::io("start a thread for", std::path::Path::new(name), error))
}

impl Book {
    /// Begins a new active tail; the one before stays readable until its part is there.
    fn new_tail(&mut self) {
        self.node_tail = Arc::new(NodeTail::new(self.nodes.len()));
        self.event_tail = Arc::new(EventTail::after(&self.event_tail));
        self.nodes.tails.push(self.node_tail.view());
        self.events.tails.push(self.event_tail.view());
    }

    /// The tail that was sealed is in a part now.
    fn drop_frozen(&mut self) {
        if self.nodes.tails.len() > 1 {
            self.nodes.tails.remove(0);
            self.events.tails.remove(0);
        }
    }
}
