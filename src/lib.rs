//! regulars: know every customer, by name.
//!
//! An embedded customer data platform. A shop's backend links this crate in, as it would link SQLite, hands it the
//! messages that its tracking sends already (the Segment spec), and gets back people: which identifiers are one person
//! and why, what that person did and bought, and who is in which segment, now and as it changes. One directory on disk,
//! one handle in the process.
//!
//! It is **not** a server, a message queue, a warehouse or a consent banner. It opens no sockets, needs no async
//! runtime,
//! keeps no global state, and one process at a time has a store open.
//!
//! ```
//! use regulars::{Clock, Segment, Store, id, when};
//!
//! // `Store::open("shop.regulars")` keeps it on disk; here time stands where we put it.
//! let store = Store::options().currency("EUR").clock(Clock::Manual).in_memory()?;
//! store.advance("2026-03-10T00:00:00Z".parse()?)?;
//! store.define(Segment::new("lately", when::orders().at_least(1) & when::days_since_last_order().at_most(30)))?;
//!
//! // A visitor looks around, logs in, and buys: three messages, one person.
//! let receipt = store.ingest_json(br#"[
//!     {"type": "page", "anonymousId": "a1", "timestamp": "2026-03-01T09:00:00Z", "name": "Shoes"},
//!     {"type": "identify", "anonymousId": "a1", "userId": "42", "timestamp": "2026-03-01T09:05:00Z",
//!      "traits": {"email": "Ann@Example.com"}},
//!     {"type": "track", "event": "Order Completed", "userId": "42", "timestamp": "2026-03-01T09:10:00Z",
//!      "properties": {"order_id": "1001", "total": 59.90, "currency": "EUR"}}
//! ]"#)?;
//! assert_eq!(receipt.accepted, 3);
//! assert_eq!(receipt.entered["lately"].len(), 1);
//!
//! let snapshot = store.snapshot();
//! let ann = snapshot.profile(id::email("ann@example.com"))?.expect("known");
//! assert_eq!(ann.events.len(), 3);
//! println!("{ann}");
//! println!("{}", snapshot.why(id::anonymous("a1"), id::email("ann@example.com"))?.expect("one person"));
//!
//! // Time passes: a month later nobody bought lately, and the receipt says who left.
//! let receipt = store.advance("2026-04-10T00:00:00Z".parse()?)?;
//! assert_eq!(receipt.left["lately"].len(), 1);
//! # Ok::<(), regulars::Error>(())
//! ```
//!
//! # Where to look
//!
//! - [`Store`] is the handle: [`Store::open`], [`Store::ingest_json`], [`Store::define`], [`Store::snapshot`].
//! - [`Snapshot`] answers: [`Snapshot::profile`], [`Snapshot::why`], [`Snapshot::members`].
//! - [`when`] writes rules, [`Rule::from_json`] reads them, [`Segment`] names them.
//! - [`Receipt`] tells what a call did; what was refused is in it, with its [`Reason`], and is not an error.
//! - [`Error`] has a [`kind`](Error::kind) that says what to do.
//!
//! # The rooms
//!
//! Modules stand below in the order in which data passes through them, and each imports only from those above it. A
//! test
//! reads this order and names every import that climbs. ARCHITECTURE.md walks through them.
//!
//! | room | what it is for |
//! |---|---|
//! | `error` | one error type; imports nothing |
//! | [`base`] | plain values: identifiers, instants, money, documents, configuration |
//! | `fact` | one normalized message as logged: what everybody reads |
//! | `message` | the wire: bytes to messages; the only place that parses what customers send |
//! | `normalize` | message to fact, or a reason to refuse |
//! | [`compose`] | messages written in code |
//! | [`import`] | foreign files to messages: exports of orders and customers |
//! | `storage` | the bytes on disk: log, parts, manifest; the only place that touches files |
//! | `column` | typed columns over those bytes, and over memory that snapshots share |
//! | `identity` | identifiers to people; pure |
//! | `event` | the history, in columns, with its access paths |
//! | `profile` | what the facts say about one person |
//! | [`rule`] | rules as data: tree, JSON form, builder |
//! | `segment` | rules about people: evaluation, schedule |
//! | `view` | read models: profile page, timeline, why |
//! | `store` | the only composition with state, a clock and threads |

mod error;

pub mod base;
mod fact;
mod message;
mod normalize;
pub mod compose;
pub mod import;
mod storage;
mod column;
mod identity;
mod event;
mod profile;
pub mod rule;
mod people;
mod segment;
mod view;
mod store;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;

pub use base::{
    Blocked, Config, Currency, Decimal, Id, Limits, MessageId, MessageIdPolicy, Money, NamespaceRule, ProfileId, Rate,
    Shop, Source, Span, Timestamp, TraitKind, TraitPick, TraitRule, Trust, Undeclared, id,
};
pub use error::{Error, ErrorKind, Result};
pub use event::feed::Cause;
pub use message::{Flag, Limit, Reason};
pub use normalize::consent::{ConsentStatus, SuppressionCause};
pub use rule::{Rule, Segment, Universe, when};
pub use store::{
    Clock, Digest, Durability, Erased, Erasure, ErasureReport, IdentifierOwner, ImportReport, Ingest, Members, Options,
    Product, Progress, Receipt, Recovery, Reject, RejectedEdge, Retracted, Rules, RulesReport, Ruling, Snapshot, Stats,
    Store, Verification,
};
pub use view::{
    Asked, Change, Changes, ConflictingTrait, Consent, Contact, CrowdedProfile, EventDetails, Group, Json, Membership,
    MonthRevenue, OrderSummary, ProductLine, Profile, Radar, SharedIdentifier, SimultaneousActivity, Suppression,
    TimelineEvent, Why, WhyNot, WhyNotStep, WhyStep,
};

/// The programs in README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
