//! Message -> fact, or a reason to refuse: identifiers, clock, money.

pub(crate) mod fact;
