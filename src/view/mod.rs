//! Read models: what people and programs look at.

mod page;
pub(crate) mod profile;
pub(crate) mod why;

pub use profile::{Json, OrderSummary, Profile, TimelineEvent};
pub use why::{Why, WhyStep};
