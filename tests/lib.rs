//! All integration tests, one binary.

mod claimed;
mod data;
mod laws;
mod model;
mod threads;
mod compile;
mod layering;
mod source;
mod tidy;
