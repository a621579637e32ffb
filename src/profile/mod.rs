//! What we know about a person: identifiers, traits, orders, activity, all read from the facts that are theirs.
//!
//! Nothing is kept per profile but which identifiers it has. Everything else is a function of the events that those
//! identifiers own, so a merge or a split moves nothing and loses nothing.

pub(crate) mod consent;
pub(crate) mod refunds;
pub(crate) mod orders;
pub(crate) mod pool;
pub(crate) mod records;
pub(crate) mod catalogue;
pub(crate) mod order_entries;
pub(crate) mod speaking;
pub(crate) mod owned;
pub(crate) mod contacts;
pub(crate) mod person;
