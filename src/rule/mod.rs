//! Rules about people as data: the tree, its JSON form, the builder.
//!
//! ```text
//! when (Rust) -----\
//!                   > node::Node
//! parse (JSON) ----/      |
//! print (JSON) <----------/
//! ```

mod text;
pub(crate) mod compare;
mod json;
pub(crate) mod node;
mod reader;
mod operator;
mod parse;
mod print;
mod form;
mod when_macros;
pub mod when;

pub use node::{Rule, Segment, Universe};
