//! Read models: what people and programs look at.

pub(crate) mod json;
pub(crate) mod why;
pub(crate) mod asked;
mod consent;
mod details;
pub(crate) mod feed;
pub(crate) mod group;
pub(crate) mod profile;
mod page;
pub(crate) mod radar;
pub(crate) mod revenue;
pub(crate) mod why_not;

pub use asked::Asked;
pub use consent::{Consent, Contact, Suppression};
pub use details::{EventDetails, ProductLine};
pub use feed::{Change, Changes};
pub use group::{Group, Membership};
pub use json::Json;
pub use profile::{OrderSummary, Profile, TimelineEvent};
pub use radar::{ConflictingTrait, CrowdedProfile, Radar, SharedIdentifier, SimultaneousActivity};
pub use revenue::MonthRevenue;
pub use why::{Why, WhyStep};
pub use why_not::{WhyNot, WhyNotStep};
