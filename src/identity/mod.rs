//! Which identifiers belong to one person: a pure function of the set of facts, whatever their order.
//!
//! [`solve`] holds the strata over one region of the identity graph. [`region`] finds what a change can reach, solves
//! it and says what became of the people. [`attribute`] gives events of shared identifiers to their owners,
//! [`explain`] says why two identifiers are one person or not, and [`public_id`] names people for the outside.
//!
//! Nothing here does I/O, reads a clock or spawns a thread; the graph comes through a trait that the store implements.

pub(crate) mod evidence;
pub(crate) mod component;
pub(crate) mod rulebook;
pub(crate) mod graph;
pub(crate) mod change;
pub(crate) mod stated;
pub(crate) mod tomb;
pub(crate) mod solve;
pub(crate) mod clean;
pub(crate) mod proof;
pub(crate) mod region;
pub(crate) mod append;
pub(crate) mod attribute;
pub(crate) mod tail;
pub(crate) mod part;
pub(crate) mod public_id;
pub(crate) mod nodes;
pub(crate) mod rules;
pub(crate) mod explain;
#[cfg(test)]
mod model;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod tests;
