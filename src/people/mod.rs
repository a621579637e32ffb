//! Columns of people: what rules and analyses read of everybody, so that a question about all is a scan.
//!
//! The facts are columns of events; a column here has a place for each person. A [`run::Run`] is some people in a dense
//! order, with one column for each input that somebody asked for, made when it is first asked for. [`current::People`] keeps
//! one run of everybody and small newer ones of whoever a commit touched since. Nothing here is a truth: it is derived from
//! the facts of a snapshot, can be thrown away at any time, and stands in no file.

pub(crate) mod money;
pub(crate) mod entry;
pub(crate) mod bits;
pub(crate) mod dictionary;
mod codes;
mod late;
pub(crate) mod run;
pub(crate) mod traits;
mod entries;
pub(crate) mod ledger;
pub(crate) mod totals;
pub(crate) mod orders;
mod identifiers;
pub(crate) mod columns;
pub(crate) mod current;
