//! Whose an event is that names only shared identifiers: decided by time, never by a guess.
//!
//! A *claim* on a shared identifier is a live verified event that carries it and a non-shared identifier too. The last
//! claim before an event and the first one after it decide; [`choose`] needs no more than these two, so that a hub with
//! a million claims costs two look-ups.

use crate::base::{Span, Timestamp};

/// A claim: who was seen with the shared identifier, and when. `K` is the message id, ordered as its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim<K> {
    pub(crate) ts: Timestamp,
    pub(crate) id: K,
    /// The strongest non-shared identifier of the claiming event: the event in question becomes one of this node's.
    pub(crate) owner: u32,
    /// The profile of `owner`.
    pub(crate) profile: u32,
}

/// The claim that decides for an event at `ts`, between the last claim before it and the first after; `None` leaves the
/// event in the pool. `ttl` is the session length of the identifier's namespace; `None` means sticky.
pub(crate) fn choose<'a, K>(
    before: Option<&'a Claim<K>>,
    after: Option<&'a Claim<K>>,
    ts: Timestamp,
    ttl: Option<Span>,
) -> Option<&'a Claim<K>> {
    let Some(ttl) = ttl else { return before.or(after) };
    if let (Some(last), Some(next)) = (before, after)
        && last.profile == next.profile
    {
        return before;
    }
    let near = |claim: &&Claim<K>| {
        claim.ts.as_millisecond().abs_diff(ts.as_millisecond()) <= u64::try_from(ttl.as_millisecond()).unwrap_or(0)
    };
    match (before.filter(near), after.filter(near)) {
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

/// The claim that decides for the event (`ts`, `id`) whose strongest identifier is the shared one that `claims`, sorted
/// by (ts, id), are about.
pub(crate) fn attribute<'a, K: Ord>(
    claims: &'a [Claim<K>],
    ts: Timestamp,
    id: &K,
    ttl: Option<Span>,
) -> Option<&'a Claim<K>> {
    around(claims, claims.partition_point(|claim| (claim.ts, &claim.id) < (ts, id)), ts, ttl)
}

/// The claim that says who a shared identifier means at an instant; claims at that very instant count as before.
pub(crate) fn resolve_at<K>(claims: &[Claim<K>], at: Timestamp, ttl: Option<Span>) -> Option<&Claim<K>> {
    around(claims, claims.partition_point(|claim| claim.ts <= at), at, ttl)
}

fn around<K>(claims: &[Claim<K>], split: usize, ts: Timestamp, ttl: Option<Span>) -> Option<&Claim<K>> {
    let (before, after) = claims.split_at_checked(split)?;
    choose(before.last(), after.first(), ts, ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(ts: i64, profile: u32) -> Claim<&'static str> {
        Claim { ts: Timestamp::from_millisecond(ts), id: "m", owner: profile, profile }
    }

    fn who(claims: &[Claim<&'static str>], ts: i64, ttl: Option<i64>) -> Option<u32> {
        let ts = Timestamp::from_millisecond(ts);
        attribute(claims, ts, &"x", ttl.map(Span::from_millisecond)).map(|claim| claim.profile)
    }

    #[test]
    fn a_sticky_identifier_follows_its_last_claimant() {
        let claims = [claim(10, 1), claim(20, 2)];
        assert_eq!([5, 15, 25].map(|ts| who(&claims, ts, None)), [Some(1), Some(1), Some(2)]);
        assert_eq!(who(&[], 5, None), None);
    }

    #[test]
    fn a_session_needs_one_person_on_both_sides_or_one_near() {
        let claims = [claim(10, 1), claim(100, 1), claim(130, 2)];
        assert_eq!(who(&claims, 50, Some(5)), Some(1), "the same person before and after");
        assert_eq!(who(&claims, 105, Some(5)), Some(1), "only the one before is near");
        assert_eq!(who(&claims, 115, Some(15)), None, "both are near: no guess");
        assert_eq!(who(&claims, 115, Some(14)), None, "none is near");
        assert_eq!(who(&claims, 140, Some(10)), Some(2), "the border counts");
    }
}
