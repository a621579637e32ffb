//! regulars: know every customer, by name.

mod error;

pub mod base;
mod message;
mod normalize;
mod storage;
mod column;
mod identity;
mod event;
mod profile;
pub mod segment;
mod view;
mod store;

pub use base::{
    Blocked, Config, Currency, Decimal, Id, Limits, MessageId, MessageIdPolicy, Money, NamespaceRule, ProfileId, Shop,
    Source, Span, Timestamp, TraitKind, TraitPick, TraitRule, Trust, id,
};
pub use error::{Error, ErrorKind, Result};
pub use message::{Flag, Limit, Reason};
pub use segment::{Rule, Segment, Universe, when};
pub use store::{
    Clock, Digest, Durability, IdentifierOwner, Ingest, Members, Options, Progress, Receipt, Reject, Snapshot, Stats,
    Store, Verification,
};
pub use view::{Json, OrderSummary, Profile, TimelineEvent, Why, WhyStep};
