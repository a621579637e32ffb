//! The wire: messages of the Segment spec. The only place that knows JSON.
//!
//! Bytes become lines ([`lines`]), a line becomes messages ([`wire`]), and a message becomes the bytes of a
//! [`Doc`](crate::base::doc::Doc), written straight into a reusable buffer by one pass of a strict tokenizer
//! ([`json`]).
//!
//! **Why a tokenizer of our own.** `serde_json` keeps numbers beyond 64 bits only with its `arbitrary_precision`
//! feature
//! and refuses lone surrogates; features are unified over a build, so turning one on would change how the *host's* JSON
//! behaves. Limits, repeated keys and the first offending byte have to be known inside the pass anyway. The tests
//! compare
//! this tokenizer with `serde_json`, on validity and on value.

pub(crate) mod reason;
pub(crate) mod json;
pub(crate) mod shape;
pub(crate) mod lines;
pub(crate) mod wire;

pub use reason::{Flag, Limit, Reason};
