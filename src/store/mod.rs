//! The store: the only room with state, a clock and threads. It composes the others.
//!
//! ```text
//! ingest -> commit: parse, normalize | admit, log, resolve, apply, re-evaluate | make durable, publish
//!                                                                             \-> seal, merge (another thread)
//! open   -> recover: manifest, parts, log -> the same commit
//! ```

mod catalog;
mod relog;
mod options;
mod receipt;
mod record;
mod batch;
mod part;
mod sealed;
mod touched;
mod live_segment;
mod everybody;
mod state;
mod objection;
mod concerned;
mod members;
mod book;
mod lookup;
mod statement;
mod feed;
mod live;
mod rebuild;
mod digest;
mod snapshot;
mod sync;
mod syncer;
mod seal;
mod writer;
mod recover;
mod measured;
mod inner;
mod commit;
mod stats;
mod verify;
mod handle;
mod ingest;
mod erasure;
mod ruling;
mod retract;
mod brought;
mod import;
mod undo;
mod products;
mod rules;
mod blocking;
#[cfg(test)]
mod crash;

pub use digest::Digest;
pub use erasure::{Erasure, ErasureReport};
pub use handle::Store;
pub use import::ImportReport;
pub use ingest::{Ingest, Progress};
pub use members::Members;
pub use options::{Clock, Durability, Options, Recovery};
pub use products::Product;
pub use receipt::{Receipt, Reject};
pub use retract::Retracted;
pub use rules::{Rules, RulesReport};
pub use ruling::{Erased, Ruling};
pub use snapshot::{IdentifierOwner, RejectedEdge, Snapshot};
pub use stats::Stats;
pub use verify::Verification;
