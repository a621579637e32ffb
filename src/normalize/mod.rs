//! Message -> fact, or a reason to refuse: identifiers, clock, money.

pub(crate) mod blocked;
pub(crate) mod canon;
pub(crate) mod clock;
pub(crate) mod email;
pub(crate) mod fact;
pub(crate) mod ident;
pub(crate) mod phone;
