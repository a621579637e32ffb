//! The identifiers that a fact names.

use crate::base::ident::mask;

/// How many identifiers of an event take part in identity.
pub(crate) const LIVE_MAX: usize = 20;

/// What an identifier of an event is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Role {
    /// Names the person.
    Live = 0,
    /// A person identifier from a claimed source: data, except for erasure.
    Claimed = 1,
    /// Beyond the first 20: data, except for erasure.
    Cut = 2,
    /// A statement of the host is about it.
    Stated = 3,
}

impl Role {
    /// That of an identifier among the first 20 of an event.
    pub(crate) fn of(claimed: bool, person: bool) -> Self {
        if claimed && person { Self::Claimed } else { Self::Live }
    }
}

/// Leaves the first 20 live identifiers, strongest first, and cuts the others; whether there are any.
pub(crate) fn cut_beyond(identifiers: &mut [Named<'_>]) -> bool {
    let mut cut = false;
    for beyond in identifiers.iter_mut().filter(|named| named.role == Role::Live).skip(LIVE_MAX) {
        beyond.role = Role::Cut;
        cut = true;
    }
    cut
}

/// One identifier that an event names, normalized.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<'a> {
    pub(crate) namespace: u8,
    pub(crate) value: &'a str,
    pub(crate) role: Role,
}

/// The value is hidden but for its first letter.
impl std::fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}:{}", self.role, self.namespace, mask(self.value))
    }
}
