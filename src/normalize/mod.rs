//! Message -> fact, or a reason to refuse: identifiers, clock, money.

pub(crate) mod blocked;
pub(crate) mod clock;
pub(crate) mod consent;
pub(crate) mod email;
pub(crate) mod fields;
pub(crate) mod ident;
pub(crate) mod intake;
pub(crate) mod names;
pub(crate) mod normalizer;
pub(crate) mod order;
pub(crate) mod phone;
pub(crate) mod recast;
mod plans;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod check;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
