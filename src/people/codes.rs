//! A column of small numbers, in as few bytes each as the largest of them takes.

use super::bits::Bits;
use super::dictionary::Verdict;

/// One code of a dictionary a place.
#[derive(Clone, Debug)]
pub(crate) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Codes {
    /// The narrowest form of these codes, all of them below `distinct`.
    pub(crate) fn new(codes: Vec<u32>, distinct: usize) -> Self {
        // Every code is below `distinct`, so none is cut.
        if distinct <= 1 << 8 {
            return Self::U8(codes.iter().map(|code| code.to_le_bytes()[0]).collect());
        }
        if distinct <= 1 << 16 {
            let low = |code: &u32| u16::try_from(*code).unwrap_or(u16::MAX);
            return Self::U16(codes.iter().map(low).collect());
        }
        Self::U32(codes)
    }

    pub(crate) fn get(&self, place: usize) -> u32 {
        match self {
            Self::U8(codes) => codes.get(place).copied().map_or(0, u32::from),
            Self::U16(codes) => codes.get(place).copied().map_or(0, u32::from),
            Self::U32(codes) => codes.get(place).copied().unwrap_or(0),
        }
    }

    /// The places whose code the verdict is true of.
    pub(crate) fn matching(&self, verdict: &Verdict) -> Bits {
        match verdict {
            Verdict::Range(range) => {
                let (first, count) = (range.start, range.end.saturating_sub(range.start));
                match self {
                    Self::U8(codes) => Bits::of_column(codes, |code| u32::from(code).wrapping_sub(first) < count),
                    Self::U16(codes) => Bits::of_column(codes, |code| u32::from(code).wrapping_sub(first) < count),
                    Self::U32(codes) => Bits::of_column(codes, |code| code.wrapping_sub(first) < count),
                }
            }
            Verdict::Table(table) => match self {
                Self::U8(codes) => Bits::of_column(codes, |code| table.contains(u32::from(code))),
                Self::U16(codes) => Bits::of_column(codes, |code| table.contains(u32::from(code))),
                Self::U32(codes) => Bits::of_column(codes, |code| table.contains(code)),
            },
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len() * 2,
            Self::U32(codes) => codes.len() * 4,
        }
    }
}
