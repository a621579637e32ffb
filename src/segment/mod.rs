//! Who matches a rule, and when that can change.
//!
//! ```text
//! rule::Node --> evaluate (one person, one instant) --> true or false
//!            --> crowd (everybody, one instant)     --> sets of people
//!            --> schedule (what to look at again, and when)
//! ```
//! Nothing here reads a clock: the instant is an argument. [`person::Person`] is what a rule asks of a person; over the
//! facts of a snapshot [`subject`] answers it, for everybody at once [`crowd`] reads the columns of [`people`](crate::people).

pub(crate) mod person;
mod condition;
mod ask;
mod orders;
pub(crate) mod evaluate;
pub(crate) mod schedule;
pub(crate) mod subject;
mod filter;
pub(crate) mod plan;
pub(crate) mod crowd;
#[cfg(test)]
mod tests;
