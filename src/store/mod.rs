//! The store: the only room with state, a clock and threads. It composes the others.
//!
//! ```text
//! ingest -> commit: parse, normalize | admit, log, resolve, apply, re-evaluate | make durable, publish
//!                                                                             \-> seal, merge (another thread)
//! open   -> recover: manifest, parts, log -> the same commit
//! ```

mod blocking;
mod book;
mod catalog;
mod commit;
mod concerned;
#[cfg(test)]
mod crash;
mod digest;
mod erasure;
mod feed;
mod handle;
mod import;
mod ingest;
mod live;
mod members;
mod objection;
mod options;
mod products;
mod receipt;
mod rebuild;
mod recover;
mod relog;
mod retract;
mod rules;
mod ruling;
mod seal;
mod sealed;
mod snapshot;
mod state;
mod statement;
mod stats;
mod sync;
mod syncer;
mod undo;
mod verify;
mod writer;

pub use digest::Digest;
pub use erasure::ErasureReport;
pub use handle::Store;
pub use import::ImportReport;
pub use ingest::{Ingest, Progress};
pub use members::Members;
pub use options::{Clock, Durability, Options, Recovery};
pub use products::Product;
pub use receipt::{Receipt, Reject};
pub use retract::Retracted;
pub use rules::{Rules, RulesReport};
pub use ruling::{Erased, Erasure, Ruling};
pub use snapshot::{IdentifierOwner, RejectedEdge, Snapshot};
pub use stats::Stats;
pub use verify::Verification;
