//! The event history: what happened, in columns, with its access paths.
//!
//! Events live in layers: sealed parts on disk, oldest first, then the tails in memory. Each layer answers the same
//! questions (events of a node, of a name in a window, of an order), and [`history::History`] asks them all.

pub(crate) mod row;
pub(crate) mod keys;
pub(crate) mod layout;
pub(crate) mod names;
pub(crate) mod feed;
pub(crate) mod tail;
pub(crate) mod part;
pub(crate) mod history;
pub(crate) mod seal;
