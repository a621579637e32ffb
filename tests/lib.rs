//! All integration tests, one binary.

mod compile;
mod layering;
mod source;
mod tidy;
