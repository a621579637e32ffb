//! All integration tests, one binary.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it is wrong")]

mod amounts;
mod canary;
mod captured;
mod claimed;
mod count;
mod data;
mod erasure;
mod history;
mod hostile;
mod wire;
mod laws;
mod model;
mod threads;
mod compile;
mod consent;
mod layering;
mod source;
mod tidy;
mod import;
mod import_corpus;
mod import_growth;
mod export_files;
mod export_kinds;
mod exports;
mod journeys;
mod kill;
mod money;
mod names;
mod objections;
mod operators;
mod people;
mod products;
mod quickstart;
mod refunds;
mod retract;
mod rules;
mod shell;
mod shops;
mod statements;
mod undo;
