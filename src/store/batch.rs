//! The facts of one call, on their way to a commit.

use super::receipt::Receipt;
use crate::base::namespaces::Namespaces;
use crate::event::layout::message_key;
use crate::fact::order::OrderAction;
use crate::fact::view::Fact;
use crate::message::Reason;
use crate::message::reason::Flags;
use crate::normalize::recast::Recast;
use std::ops::Range;

/// Facts in one buffer, and what became of the rest of a call's messages.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) items: Vec<Item>,
    pub(super) receipt: Receipt,
}

pub(super) struct Item {
    pub(super) line: u64,
    pub(super) ordinal: Option<u32>,
    pub(super) range: Range<usize>,
    pub(super) flags: Flags,
    /// Of its message id; see [`message_key`].
    pub(super) key: u32,
    /// What it stands for, where that is not its own line.
    pub(super) rows: Option<Rows>,
}

/// Rows of a file that one message stands for.
pub(super) struct Rows {
    /// By their lines.
    pub(super) lines: Box<[u64]>,
    /// Which order or customer of the file they are about.
    pub(super) subject: u64,
}

/// Of which subjects an order or a refund was counted last: each counts once, however many messages tell of it.
#[derive(Default)]
pub(super) struct Counted {
    order: Option<u64>,
    refund: Option<u64>,
}

impl Counted {
    pub(super) fn count(&mut self, item: &Item, fact: &Fact<'_>, receipt: &mut Receipt) {
        let (Some(rows), Some(order)) = (&item.rows, fact.order) else { return };
        let (last, count) = match order.action {
            OrderAction::Completed | OrderAction::Updated => (&mut self.order, &mut receipt.orders),
            OrderAction::Refunded | OrderAction::Cancelled => (&mut self.refund, &mut receipt.refunds),
            OrderAction::Listed => return,
        };
        *count += u64::from(last.replace(rows.subject) != Some(rows.subject));
    }
}

impl Item {
    /// How many messages or rows it counts as.
    pub(super) fn weight(&self) -> u64 {
        self.rows.as_ref().map_or(1, |rows| rows.lines.len() as u64)
    }

    pub(super) fn refuse(&self, reason: Reason, receipt: &mut Receipt) {
        match &self.rows {
            None => receipt.reject(self.line, self.ordinal, reason),
            Some(rows) => rows.lines.iter().for_each(|line| receipt.reject(*line, None, reason)),
        }
    }
}

impl Batch {
    pub(super) fn push(&mut self, line: u64, ordinal: Option<u32>, fact: &[u8], flags: Flags) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(fact);
        let (range, key) = (start..self.bytes.len(), message_key(fact));
        self.items.push(Item { line, ordinal, range, flags, key, rows: None });
    }

    /// A fact that stands for rows of a file, or is told beside the row of a line.
    pub(super) fn push_rows(&mut self, rows: Rows, line: u64, fact: &[u8], flags: Flags) {
        self.push(line, None, fact, flags);
        if let Some(item) = self.items.last_mut() {
            item.rows = Some(rows);
        }
    }

    /// Facts held.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of facts held.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Each fact, and for how many messages or rows it stands.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (Fact<'_>, u64)> {
        self.items.iter().filter_map(|item| Some((Fact::parse(self.fact(item))?, item.weight())))
    }

    pub(super) fn fact(&self, item: &Item) -> &[u8] {
        self.bytes.get(item.range.clone()).unwrap_or_default()
    }

    /// Puts the facts, which were written by the rules of the store's creation, into the form of those in force.
    pub(super) fn recast(&mut self, written: &Namespaces, in_force: &Namespaces) {
        if in_force.has_form_of(written) {
            return;
        }
        let recast = Recast::new(written, in_force);
        let old = std::mem::take(&mut self.bytes);
        for item in &mut self.items {
            let start = self.bytes.len();
            if let Some(fact) = old.get(item.range.clone()).and_then(Fact::parse) {
                recast.append(&fact, &mut self.bytes);
            }
            item.range = start..self.bytes.len();
        }
    }
}
