//! How many random inputs a property is tried with.

use proptest::prelude::ProptestConfig;

/// `PROPTEST_CASES` asks for another number. A failure prints its input, shrunk, so no seeds are kept beside the sources: an
/// input that is worth keeping is a test of its own.
pub(crate) fn cases(default: u32) -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: given.unwrap_or(default), failure_persistence: None, ..ProptestConfig::default() }
}
