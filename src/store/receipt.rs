//! What became of what was sent: counts, reasons, and who entered or left which segment.

use crate::base::ProfileId;
use crate::message::reason::{Flags, Refusal};
use crate::message::{Flag, Reason};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How many rejects a receipt lists one by one; all are counted.
const LISTED_MAX: usize = 1000;

/// The outcome of an ingest: every message is accepted, a duplicate or rejected, and counted as one of them.
///
/// ```
/// use regulars::Store;
/// let store = Store::in_memory()?;
/// let receipt = store.ingest_json(br#"{"type":"track","event":"Signed Up","userId":"42"}"#)?;
/// assert_eq!(receipt.to_string(), "1 accepted, 0 duplicates");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Messages that are in the store now and were not before.
    pub accepted: u64,
    /// Messages whose id was accepted before.
    pub duplicates: u64,
    /// Duplicates whose content differs from what was accepted; counted among the duplicates too.
    pub conflicting: u64,
    /// Messages that were refused.
    pub rejected: u64,
    /// How many were refused for which reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// What was noticed about accepted messages.
    pub flags: BTreeMap<Flag, u64>,
    /// Of the rows of a file: by flag the first 1,000 lines that it was noticed about.
    pub flagged: BTreeMap<Flag, Vec<u64>>,
    /// The first 1,000 refusals, in order.
    pub rejects: Vec<Reject>,
    /// Profiles that became part of an older one.
    pub merges: u64,
    /// Profiles that gave away identifiers.
    pub splits: u64,
    /// Who entered which segment, by segment.
    pub entered: BTreeMap<String, Vec<ProfileId>>,
    /// Who left which segment, by segment.
    pub left: BTreeMap<String, Vec<ProfileId>>,
    /// Of the rows of a file: orders and refunds that brought something new.
    #[serde(skip)]
    pub(super) orders: u64,
    #[serde(skip)]
    pub(super) refunds: u64,
}

/// One refused message.
///
/// ```
/// use regulars::{Reason, Store};
/// let receipt = Store::in_memory()?.ingest_json(b"{\"type\":\"track\"}")?;
/// assert_eq!((receipt.rejects[0].line, receipt.rejects[0].reason), (1, Reason::MissingField));
/// assert_eq!(receipt.rejects[0].to_string(), "line 1: missing_field (event)");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reject {
    /// The line, counted from 1.
    pub line: u64,
    /// Inside an array or envelope, which member, counted from 1.
    pub ordinal: Option<u32>,
    /// Why.
    pub reason: Reason,
    /// The field that is missing or of the wrong type, where it is one.
    pub field: Option<&'static str>,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(ordinal) = self.ordinal {
            write!(f, ", message {ordinal}")?;
        }
        write!(f, ": {}", self.reason)?;
        self.field.map_or(Ok(()), |field| write!(f, " ({field})"))
    }
}

impl Receipt {
    pub(super) fn reject(&mut self, line: u64, ordinal: Option<u32>, refusal: impl Into<Refusal>) {
        let Refusal { reason, field } = refusal.into();
        self.rejected += 1;
        *self.reasons.entry(reason).or_default() += 1;
        if self.rejects.len() < LISTED_MAX {
            self.rejects.push(Reject { line, ordinal, reason, field });
        }
    }

    pub(super) fn accept(&mut self, count: u64, flags: Flags) {
        self.accepted += count;
        flags.iter().for_each(|flag| *self.flags.entry(flag).or_default() += 1);
    }

    /// Notes the line of a row that was accepted with these flags; several messages may tell of one row.
    pub(super) fn note_flags(&mut self, line: u64, flags: Flags) {
        for flag in flags.iter() {
            let lines = self.flagged.entry(flag).or_default();
            if let Err(at) = lines.binary_search(&line) {
                lines.insert(at, line);
                lines.truncate(LISTED_MAX);
            }
        }
    }

    /// Adds the outcome of a later commit of the same call.
    pub(super) fn absorb(&mut self, later: Self) {
        self.accepted += later.accepted;
        self.duplicates += later.duplicates;
        self.conflicting += later.conflicting;
        self.rejected += later.rejected;
        self.merges += later.merges;
        self.splits += later.splits;
        self.orders += later.orders;
        self.refunds += later.refunds;
        later.reasons.into_iter().for_each(|(reason, count)| *self.reasons.entry(reason).or_default() += count);
        later.flags.into_iter().for_each(|(flag, count)| *self.flags.entry(flag).or_default() += count);
        for (flag, lines) in later.flagged {
            let all = self.flagged.entry(flag).or_default();
            all.extend(lines);
            all.sort_unstable();
            all.dedup();
            all.truncate(LISTED_MAX);
        }
        let room = LISTED_MAX.saturating_sub(self.rejects.len());
        self.rejects.extend(later.rejects.into_iter().take(room));
        for (into, from) in [(&mut self.entered, later.entered), (&mut self.left, later.left)] {
            from.into_iter().for_each(|(segment, people)| into.entry(segment).or_default().extend(people));
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepted, {} duplicates", self.accepted, self.duplicates)?;
        if self.conflicting > 0 {
            write!(f, " ({} conflicting)", self.conflicting)?;
        }
        if self.rejected > 0 {
            let reasons: Vec<String> = self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            write!(f, ", {} rejected ({})", self.rejected, reasons.join(", "))?;
        }
        if self.merges > 0 {
            write!(f, "; {} merge{}", self.merges, if self.merges == 1 { "" } else { "s" })?;
        }
        for (word, segments) in [("entered", &self.entered), ("left", &self.left)] {
            let people = |(segment, people): (&String, &Vec<ProfileId>)| match people.len() {
                1 => segment.clone(),
                count => format!("{segment} ({count})"),
            };
            let list: Vec<String> = segments.iter().filter(|(_, people)| !people.is_empty()).map(people).collect();
            if !list.is_empty() {
                write!(f, "; {word}: {}", list.join(", "))?;
            }
        }
        Ok(())
    }
}
