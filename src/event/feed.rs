//! What the change feed keeps: what became of people, commit by commit, under private numbers.
//!
//! Entries name identifiers by their nodes, so that an erasure leaves no value behind in them, and profiles by the node
//! of their eldest identifier and how often it was erased then. They lie in the layers of the history, in the order of
//! the commits: the place of an entry in all layers together is its number for ever.

use crate::base::Timestamp;
use crate::base::bytes::{Reader, put_str, put_varint};
use crate::identity::change::Change;

/// A profile as it was named at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) node: u32,
    pub(crate) generation: u32,
}

/// Why something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Messages or statements of the commit.
    Facts,
    /// Time passed.
    Time,
    /// A segment was defined, or is no more.
    Definition,
    /// Exchange rates were recorded.
    Rates,
    /// Identity rules changed.
    Rules,
}

impl Cause {
    const ALL: [Self; 5] = [Self::Facts, Self::Time, Self::Definition, Self::Rates, Self::Rules];
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FeedEntry {
    /// Generations are those of the profiles that the change names, in its order, then that of its identifier.
    Identity { change: Change, generations: [u32; 3], cause: Cause },
    /// Somebody entered or left a segment.
    Segment { segment: String, profile: Named, entered: bool, detected_at: Timestamp, cause: Cause },
}

/// Tag, and up to three numbers: profiles first.
fn parts(change: Change) -> (u8, [u32; 3]) {
    match change {
        Change::Created { profile } => (0, [profile, 0, 0]),
        Change::Merged { into, from } => (1, [into, from, 0]),
        Change::Split { from, into } => (2, [from, into, 0]),
        Change::Renamed { old, new } => (3, [old, new, 0]),
        Change::Removed { profile } => (4, [profile, 0, 0]),
        Change::Moved { node, from, to } => (5, [from, to, node]),
        Change::Shared { node } => (6, [0, 0, node]),
        Change::Unshared { node } => (7, [0, 0, node]),
    }
}

fn change(tag: u8, [a, b, node]: [u32; 3]) -> Option<Change> {
    Some(match tag {
        0 => Change::Created { profile: a },
        1 => Change::Merged { into: a, from: b },
        2 => Change::Split { from: a, into: b },
        3 => Change::Renamed { old: a, new: b },
        4 => Change::Removed { profile: a },
        5 => Change::Moved { node, from: a, to: b },
        6 => Change::Shared { node },
        7 => Change::Unshared { node },
        _ => return None,
    })
}

impl FeedEntry {
    /// The bytes that memory and parts hold.
    pub(crate) fn encode(&self) -> Box<[u8]> {
        let mut out = Vec::new();
        match self {
            Self::Identity { change, generations, cause } => {
                let (tag, numbers) = parts(*change);
                out.extend([tag, *cause as u8]);
                numbers.iter().chain(generations).for_each(|number| put_varint(&mut out, u64::from(*number)));
            }
            Self::Segment { segment, profile, entered, detected_at, cause } => {
                out.extend([8 + u8::from(*entered), *cause as u8]);
                put_str(&mut out, segment);
                put_varint(&mut out, u64::from(profile.node));
                put_varint(&mut out, u64::from(profile.generation));
                out.extend(detected_at.as_millisecond().to_le_bytes());
            }
        }
        out.into()
    }

    /// What [`FeedEntry::encode`] wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (tag, cause) = (reader.u8()?, reader.u8()?);
        let cause = *Cause::ALL.get(usize::from(cause))?;
        if tag < 8 {
            let mut number = || reader.varint().and_then(|number| u32::try_from(number).ok());
            let numbers = [number()?, number()?, number()?];
            let generations = [number()?, number()?, number()?];
            return Some(Self::Identity { change: change(tag, numbers)?, generations, cause });
        }
        let segment = reader.str()?.to_owned();
        let mut number = || reader.varint().and_then(|number| u32::try_from(number).ok());
        let profile = Named { node: number()?, generation: number()? };
        let detected_at = Timestamp::from_millisecond(reader.i64()?);
        (tag < 10).then_some(Self::Segment { segment, profile, entered: tag == 9, detected_at, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back_and_damage_is_none() {
        let identity = |tag| FeedEntry::Identity {
            change: change(tag, [7, if (1..4).contains(&tag) || tag == 5 { 300 } else { 0 }, 9]).unwrap(),
            generations: [1, 0, 3],
            cause: Cause::Facts,
        };
        let segment = |entered| FeedEntry::Segment {
            segment: "vip".into(),
            profile: Named { node: 70_000, generation: 2 },
            entered,
            detected_at: Timestamp::from_millisecond(-5),
            cause: Cause::Time,
        };
        for entry in (0..8).map(identity).chain([segment(true), segment(false)]) {
            let bytes = entry.encode();
            let read = FeedEntry::decode(&bytes).unwrap();
            assert_eq!(FeedEntry::decode(&read.encode()), Some(read.clone()));
            assert_eq!(read.encode(), bytes);
            for cut in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[cut] ^= 0xff;
                let _ = FeedEntry::decode(&damaged);
                let _ = FeedEntry::decode(&bytes[..cut]);
            }
        }
    }
}
