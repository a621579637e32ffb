//! Proof that the derived state is what the facts say.

use super::digest::Digest;
use super::inner::Inner;
use super::rebuild::rebuild;
use crate::Result;
use crate::base::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// What [`Store::verify`](crate::Store::verify) found.
///
/// ```
/// let found = regulars::Store::in_memory()?.verify()?;
/// assert_eq!((found.events, found.differences.len()), (0, 0));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Facts that everything was rebuilt from.
    pub events: u64,
    /// Sealed files whose every byte was checked.
    pub files: u64,
    /// The parts of the digest that differ: nothing, in a sound store.
    pub differences: Vec<String>,
}

/// Checks files, rebuilds from facts, compares.
pub(super) fn verify(inner: &Inner) -> Result<Verification> {
    let (state, parts) = {
        let writer = inner.writer.lock();
        let state = writer.book.state(Arc::new(writer.book.records()));
        (state, writer.parts.clone())
    };
    parts.iter().try_for_each(super::part::OpenPart::verify)?;
    let (book, events) = rebuild(&state, Timestamp::MAX, state.live)?;
    let rebuilt = Digest::of(&book.state(Arc::new(book.records())))?;
    let differences = Digest::of(&state)?.differences(&rebuilt);
    Ok(Verification { events, files: parts.len() as u64, differences })
}
