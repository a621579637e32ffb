//! Who takes what a file turns out to hold, and what they know of it already.

use crate::Result;
use crate::base::{Decimal, Timestamp};
use crate::message::Flag;
use crate::message::reason::Refusal;

/// What was told of an order before, by the same source.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) message_id: String,
    /// As Completed; else as Updated.
    pub(crate) completed: bool,
    pub(crate) time: Timestamp,
    pub(crate) lines: u32,
}

/// What a source said of a customer last: when, and the digest of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) time: Timestamp,
    pub(crate) says: String,
}

/// A customer by their strongest usable identifier.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) namespace: u8,
    pub(crate) value: String,
    pub(crate) key: [u8; 16],
}

/// Who takes what a file turns out to hold, piece by piece.
pub(crate) trait Sink {
    /// What follows is said about another order or customer: its messages are committed together.
    fn begin(&mut self) -> Result<()>;
    /// A message that stands for these rows, by their lines; none for what is said beside the row of `line`.
    fn message(&mut self, json: &str, rows: &[u64], line: u64);
    /// A row that was refused.
    fn reject(&mut self, line: u64, refusal: Refusal);
    /// Something was noticed about a row beside what its messages show.
    fn note(&mut self, line: u64, flag: Flag);
    /// So many rows and bytes were read.
    fn read(&mut self, rows: u64, bytes: u64);
    /// Whether a message with that id is in the store.
    fn holds(&self, message_id: &str) -> Result<bool>;
    /// Whether an order may have that id; one that may not is known to the store by its message only.
    fn names_order(&self, order_id: &str) -> bool;
    /// How much is known to have come back of an order, in the currency that the file says.
    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal>;
    /// What the file's source told of an order as Completed or Updated.
    fn told(&self, order_id: &str) -> Result<Vec<Told>>;
    /// Who is meant by these identifiers, in the order of the mapping's keys of people; nobody, where none is usable or
    /// the source is not believed about people.
    fn customer(&self, people: [Option<&str>; 5]) -> Option<Customer>;
    /// What the file's source said last of a customer, up to an instant; of an import that is taken back, the last that
    /// says the same as the file.
    fn last_said(&self, customer: &Customer, until: Timestamp, says: &str) -> Result<Option<Said>>;
    /// Of an import that is taken back: the amount that a message of it tells, where it depended on what was known then.
    fn recall(&self, message_id: &str) -> Result<Option<Decimal>>;
    /// When the import was received.
    fn received_at(&self) -> Timestamp;
}

/// A sink that is asked and not told: of a file that is read to learn what it says of whom.
pub(super) struct Unheard<'s>(pub(super) &'s mut dyn Sink);

impl Sink for Unheard<'_> {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn message(&mut self, _: &str, _: &[u64], _: u64) {}

    fn reject(&mut self, _: u64, _: Refusal) {}

    fn note(&mut self, _: u64, _: Flag) {}

    fn read(&mut self, _: u64, _: u64) {}

    fn holds(&self, message_id: &str) -> Result<bool> {
        self.0.holds(message_id)
    }

    fn names_order(&self, order_id: &str) -> bool {
        self.0.names_order(order_id)
    }

    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal> {
        self.0.refunded(order_id, currency)
    }

    fn told(&self, order_id: &str) -> Result<Vec<Told>> {
        self.0.told(order_id)
    }

    fn customer(&self, people: [Option<&str>; 5]) -> Option<Customer> {
        self.0.customer(people)
    }

    fn last_said(&self, customer: &Customer, until: Timestamp, says: &str) -> Result<Option<Said>> {
        self.0.last_said(customer, until, says)
    }

    fn recall(&self, message_id: &str) -> Result<Option<Decimal>> {
        self.0.recall(message_id)
    }

    fn received_at(&self) -> Timestamp {
        self.0.received_at()
    }
}
