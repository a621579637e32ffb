//! Rules about people: the tree, its JSON form, the builder, who matches, and when that can change.
//!
//! ```text
//! when (Rust) ---\
//!                 > rule::Node --> evaluate (one person, one instant) --> true or false
//! parse (JSON) --/      |
//! print (JSON) <--------+--> schedule (what to look at again, and when)
//! ```
//! Nothing here does I/O or reads a clock: the instant is an argument, and a person is a trait that the store's history
//! implements.

pub(crate) mod bulk;
mod compare;
pub(crate) mod evaluate;
mod json;
mod measure;
pub(crate) mod money;
mod operator;
mod orders;
mod parse;
pub(crate) mod person;
mod print;
mod rule;
pub(crate) mod schedule;
pub(crate) mod subject;
#[cfg(test)]
mod tests;
mod text;
pub mod when;
mod when_macros;

pub use rule::{Rule, Segment, Universe};
