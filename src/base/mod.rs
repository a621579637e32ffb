//! Plain values that every other room speaks in: identifiers, instants, money, decimals, documents.
//!
//! Nothing here does I/O, reads a clock or knows the wire format.

#[cfg(test)]
pub(crate) mod cases;
pub(crate) mod bytes;
pub(crate) mod name;
pub(crate) mod time;
pub(crate) mod span;
pub(crate) mod zone;
pub(crate) mod decimal;
pub(crate) mod wide;
pub(crate) mod money;
pub(crate) mod rates;
pub(crate) mod ident;
pub(crate) mod doc;
pub(crate) mod canon;
pub(crate) mod namespace;
pub(crate) mod namespaces;
pub(crate) mod given;
pub(crate) mod config;

pub use config::{
    Blocked, Config, Limits, MessageIdPolicy, Shop, Source, TraitKind, TraitPick, TraitRule, Trust, Undeclared,
};
pub use decimal::Decimal;
pub use ident::{Id, MessageId, ProfileId, id};
pub use money::{Currency, Money};
pub use namespace::NamespaceRule;
pub use rates::Rate;
pub use span::Span;
pub use time::Timestamp;
