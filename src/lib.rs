//! regulars: know every customer, by name.

mod error;

pub mod base;
mod column;
mod normalize;
mod storage;

pub use base::{
    Blocked, Config, Currency, Decimal, Id, Limits, MessageId, MessageIdPolicy, Money, NamespaceRule, ProfileId, Shop,
    Source, Span, Timestamp, TraitKind, TraitPick, TraitRule, Trust, id,
};
pub use error::{Error, ErrorKind, Result};
