//! Who matches a rule, and when that can change.
//!
//! ```text
//! rule::Node --> evaluate (one person, one instant) --> true or false
//!            --> bulk (everybody, one instant)      --> rows of people
//!            --> schedule (what to look at again, and when)
//! ```
//! Nothing here reads a clock: the instant is an argument. [`person::Person`] is what a rule asks of a person; over the
//! facts of a snapshot [`subject`] answers it, for everybody at once [`bulk`] reads the columns.

pub(crate) mod money;
pub(crate) mod person;
mod condition;
mod measure;
mod orders;
pub(crate) mod evaluate;
pub(crate) mod schedule;
pub(crate) mod subject;
pub(crate) mod bulk;
#[cfg(test)]
mod tests;
