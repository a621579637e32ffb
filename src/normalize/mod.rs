//! Message -> fact, or a reason to refuse: identifiers, clock, money.

pub(crate) mod blocked;
pub(crate) mod clock;
pub(crate) mod fields;
pub(crate) mod consent;
mod plans;
pub(crate) mod email;
pub(crate) mod phone;
pub(crate) mod ident;
pub(crate) mod normalizer;
pub(crate) mod order;
pub(crate) mod names;
pub(crate) mod intake;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod check;
pub(crate) mod recast;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
