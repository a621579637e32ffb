//! The people of a store in runs, kept in step with its commits.
//!
//! ```text
//! newest   [ whoever the last commits touched ]
//! newer    [ whoever a question found touched before that ]
//! oldest   [ everybody, as of the first question ]
//! ```
//! A person counts where they stand in the newest run; elsewhere they are crossed out. A commit only notes whom it
//! touched, and that only while somebody asks questions. The next question puts whoever was touched into a run of their
//! own; when such runs add up, the oldest is made again.
//!
//! A snapshot that is older than the runs asks them, too: whoever was touched since is asked one by one.

use super::bits::Bits;
use super::columns::Run;
use super::run::Population;
use crate::column::rows::RowSet;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// More runs than this are made into fewer.
const RUNS_MAX: usize = 8;
/// Notes kept beyond those that no question has taken in yet, for snapshots that are older than the runs.
const NOTES_KEPT: usize = 1 << 16;
/// Where one in so many people was touched since the oldest run, everybody is read anew.
const TOUCHED_SHARE: usize = 8;
/// Unless they are no more than this, who are read one by one at once.
const TOUCHED_FEW: usize = 64;

/// Runs of people, shared by all snapshots of a store; see the module.
#[derive(Default)]
pub(crate) struct People {
    /// How many commits there were, and other changes of what facts mean: what the runs and notes are as of. A store that is
    /// rebuilt has its own.
    commits: AtomicU64,
    /// Whether commits note whom they touch.
    watched: AtomicBool,
    /// How many questions were asked.
    questions: AtomicU64,
    /// How many bytes columns may take; 0: as the facts have it.
    limit: AtomicU64,
    /// How many bytes the sealed facts take.
    facts: AtomicU64,
    kept: Mutex<Kept>,
}

/// However few the facts are, columns may take this.
const LEAST_LIMIT: u64 = 64 << 20;

#[derive(Default)]
struct Kept {
    /// The commit that the runs are as of; `None` where there are none.
    version: Option<u64>,
    /// Oldest first, each with the places that count.
    runs: Vec<(Arc<Run>, Arc<Bits>)>,
    /// Whom commits touched, in their order.
    notes: VecDeque<(u64, u32)>,
    /// Of every commit after this one it is known whom it touched; `None` where no commit noted it.
    noted_from: Option<u64>,
}

/// The people of one snapshot.
pub(crate) struct View {
    /// Each run with the places that count.
    pub(crate) runs: Vec<(Arc<Run>, Arc<Bits>)>,
    /// Rows that stand in no run as they were: to be asked one by one.
    pub(crate) apart: BTreeSet<u32>,
    /// Columns read up to this commit are good.
    version: u64,
}

impl View {
    /// Whether what was read up to that commit says what the snapshot would.
    pub(crate) fn covers(&self, newest: u64) -> bool {
        newest <= self.version
    }

    /// The people of nobody else's snapshot.
    fn alone(all: &RowSet, known: &RowSet, commit: u64) -> Self {
        Self { runs: vec![everybody(all, known, commit)], apart: BTreeSet::new(), version: commit }
    }
}

fn everybody(all: &RowSet, known: &RowSet, commit: u64) -> (Arc<Run>, Arc<Bits>) {
    run(Population::everybody(all, known), commit)
}

/// A run all of whose people count.
fn run(people: Population, commit: u64) -> (Arc<Run>, Arc<Bits>) {
    let counted = Arc::new(Bits::all(people.len()));
    (Arc::new(Run::new(people, commit)), counted)
}

impl People {
    /// Whether anybody asked questions lately, so that commits have to say whom they touch.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// The number of the newest commit.
    pub(crate) fn commit(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// The number of a commit that begins.
    pub(crate) fn begin_commit(&self) -> u64 {
        self.commits.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Notes whom a commit touched.
    pub(crate) fn note(&self, commit: u64, rows: impl Iterator<Item = u32>) {
        if !self.is_watched() {
            return;
        }
        let mut kept = self.kept.lock();
        kept.noted_from.get_or_insert(commit.saturating_sub(1));
        kept.notes.extend(rows.map(|row| (commit, row)));
        kept.forget();
        if kept.is_overrun() {
            // Nobody asked for long: the next question reads everybody anyway, and commits need not note anything.
            *kept = Kept::default();
            self.watched.store(false, Ordering::Release);
        }
    }

    /// Forgets everything: something changed what facts mean.
    pub(crate) fn reset(&self) {
        self.begin_commit();
        let mut kept = self.kept.lock();
        *kept = Kept::default();
        self.watched.store(false, Ordering::Release);
    }

    /// The people of a snapshot: of that commit, with these rows.
    pub(crate) fn view(&self, all: &RowSet, known: &RowSet, commit: u64) -> View {
        let mut kept = self.kept.lock();
        self.watched.store(true, Ordering::Release);
        match kept.version {
            Some(version) if kept.knows_since(version.min(commit), version.max(commit)) => {
                if commit > version {
                    kept.follow(all, known, commit);
                }
            }
            // Older than what is known of: its runs are its own, and newer snapshots need not pay for it.
            Some(version) if commit < version => return View::alone(all, known, commit),
            _ => kept.begin(all, known, commit),
        }
        kept.view(commit)
    }

    /// For another store of the same people: as large, and empty.
    pub(crate) fn without_columns(&self) -> Self {
        let [limit, facts] = [&self.limit, &self.facts].map(|bytes| AtomicU64::new(bytes.load(Ordering::Relaxed)));
        Self { limit, facts, ..Self::default() }
    }

    /// The number of the next question.
    pub(crate) fn question(&self) -> u64 {
        self.questions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Says how many bytes columns may take; `None`: a quarter of what the facts take.
    pub(crate) fn set_limit(&self, bytes: Option<u64>) {
        self.limit.store(bytes.map_or(0, |bytes| bytes.max(1)), Ordering::Relaxed);
    }

    /// Says how many bytes the sealed facts take.
    pub(crate) fn set_facts(&self, bytes: u64) {
        self.facts.store(bytes, Ordering::Relaxed);
    }

    /// Lets go of the columns that nobody asked for longest, until the rest may stay.
    pub(crate) fn trim(&self) {
        let limit = match self.limit.load(Ordering::Relaxed) {
            0 => (self.facts.load(Ordering::Relaxed) / 4).max(LEAST_LIMIT),
            given => given,
        };
        let runs: Vec<Arc<Run>> = self.kept.lock().runs.iter().map(|(run, _)| Arc::clone(run)).collect();
        let total = || runs.iter().flat_map(|run| run.bytes().into_values()).sum::<usize>() as u64;
        while total() > limit {
            let Some(question) = runs.iter().filter_map(|run| run.oldest()).min() else { return };
            runs.iter().for_each(|run| run.forget(question));
        }
    }

    /// The bytes in memory, by input.
    pub(crate) fn bytes(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for (run, counted) in &self.kept.lock().runs {
            for (input, bytes) in run.bytes() {
                *all.entry(input).or_default() += bytes;
            }
            *all.entry("people".to_owned()).or_default() += counted.bytes();
        }
        all
    }
}

impl Kept {
    /// Whether it is known whom the commits after `from` up to `to` touched.
    fn knows_since(&self, from: u64, to: u64) -> bool {
        from == to || self.noted_from.is_some_and(|noted| noted <= from)
    }

    /// Reads everybody anew.
    fn begin(&mut self, all: &RowSet, known: &RowSet, commit: u64) {
        self.runs = vec![everybody(all, known, commit)];
        self.version = Some(commit);
    }

    /// The rows that commits after `from` up to `to` touched.
    fn touched(&self, from: u64, to: u64) -> BTreeSet<u32> {
        let first = self.notes.partition_point(|(commit, _)| *commit <= from);
        self.notes.iter().skip(first).take_while(|(commit, _)| *commit <= to).map(|(_, row)| *row).collect()
    }

    /// Takes in whoever was touched up to `commit`.
    fn follow(&mut self, all: &RowSet, known: &RowSet, commit: u64) {
        let Some(version) = self.version.replace(commit) else { return };
        let mut touched = self.touched(version, commit);
        if touched.is_empty() {
            return;
        }
        let newer: usize = self.runs.iter().skip(1).map(|(run, _)| run.people.len() as usize).sum();
        let oldest = self.runs.first().map_or(0, |(run, _)| run.people.len() as usize);
        if newer + touched.len() > TOUCHED_FEW.max(oldest / TOUCHED_SHARE) {
            return self.begin(all, known, commit);
        }
        // Small runs go into the new one, so that there are few, each several times as large as the next.
        while self.runs.len() > 1 && self.last_is_small(touched.len()) {
            if let Some((run, counted)) = self.runs.pop() {
                touched.extend(counted.iter().map(|ordinal| run.people.row(ordinal)));
            }
        }
        for (run, counted) in &mut self.runs {
            let gone: Vec<u32> = touched.iter().filter_map(|row| run.people.ordinal(*row)).collect();
            if !gone.is_empty() {
                let counted = Arc::make_mut(counted);
                gone.into_iter().for_each(|ordinal| counted.remove(ordinal));
            }
        }
        let rows: Vec<u32> = touched.into_iter().filter(|row| all.contains(*row)).collect();
        self.runs.push(run(Population::some(rows, known), commit));
    }

    fn last_is_small(&self, beside: usize) -> bool {
        let last = self.runs.last().map_or(0, |(run, _)| run.people.len() as usize);
        last < 4 * beside || self.runs.len() >= RUNS_MAX
    }

    fn view(&self, commit: u64) -> View {
        let version = self.version.unwrap_or(commit);
        let apart = if commit < version { self.touched(commit, version) } else { BTreeSet::new() };
        let mut runs = self.runs.clone();
        for (run, counted) in runs.iter_mut().filter(|_| !apart.is_empty()) {
            let counted = Arc::make_mut(counted);
            apart.iter().filter_map(|row| run.people.ordinal(*row)).for_each(|ordinal| counted.remove(ordinal));
        }
        View { runs, apart, version }
    }

    /// Forgets notes that only snapshots much older than the runs would ask for.
    fn forget(&mut self) {
        let Some(version) = self.version else { return };
        let taken_in = self.notes.partition_point(|(commit, _)| *commit <= version);
        for _ in NOTES_KEPT..taken_in {
            if let Some((commit, _)) = self.notes.pop_front() {
                self.noted_from = Some(commit);
            }
        }
    }

    /// Whether commits touched so many since the last question that the next one reads everybody anew anyway.
    fn is_overrun(&self) -> bool {
        let people = self.runs.first().map_or(0, |(run, _)| run.people.len() as usize);
        let version = self.version.unwrap_or(0);
        let waiting = self.notes.len() - self.notes.partition_point(|(commit, _)| *commit <= version);
        waiting > NOTES_KEPT.max(people / TOUCHED_SHARE)
    }
}
