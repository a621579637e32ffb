//! Any bytes as messages: read as a body and as a stream of lines; facts read back as what they were made of.
//!
//! Run with `cargo +nightly fuzz run message`. The same body runs as a property test in `cargo test`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regulars::fuzzing::check_message(data));
