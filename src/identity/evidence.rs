//! What speaks for and against a pair of identifiers.

use crate::base::Timestamp;

/// No node: the profile of a shared identifier.
pub(crate) const NONE: u32 = u32::MAX;

/// How good a piece of evidence is; smaller is better. The ranks of the ends are implied by the ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EdgeKey {
    /// 0: strong event, 1: any other event, 2: match.
    class: u8,
    /// 255 - confidence.
    doubt: u8,
    ts: Timestamp,
}

impl EdgeKey {
    const MATCH: u8 = 2;

    /// Evidence of an event; `strong` for identify, alias, orders and rows of the CSV importers.
    pub(crate) fn event(strong: bool, ts: Timestamp) -> Self {
        Self { class: u8::from(!strong), doubt: 0, ts }
    }

    /// Evidence of a fuzzy match, or `None` below 0.9 (and for what is no probability).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "255 p is between 229 and 255")]
    pub(crate) fn matched(probability: f64, ts: Timestamp) -> Option<Self> {
        (0.9..=1.0).contains(&probability).then(|| {
            let confidence = (255.0 * probability).floor() as u8;
            Self { class: Self::MATCH, doubt: 255 - confidence, ts }
        })
    }

    /// The evidence with these parts, as they were stored.
    pub(crate) fn from_parts(class: u8, doubt: u8, ts: Timestamp) -> Self {
        Self { class: class.min(Self::MATCH), doubt, ts }
    }

    /// (class, 255 - confidence, ts), to be stored.
    pub(crate) fn parts(self) -> (u8, u8, Timestamp) {
        (self.class, self.doubt, self.ts)
    }

    /// The bits of [`EdgeKey::packed`] under the 56 of the instant.
    const LOW_BITS: u32 = 8;

    /// The evidence that was packed so.
    pub(crate) fn unpacked(packed: i64) -> Self {
        let [low, ..] = packed.to_le_bytes();
        Self::from_parts(low & 3, low >> 2, Timestamp::from_millisecond(packed >> Self::LOW_BITS))
    }

    /// In 8 bytes: class in the low 2 bits of a byte, 255 - confidence above them; instant in the other 56 bits.
    pub(crate) fn packed(self) -> i64 {
        // A doubt is at most 26: evidence of a match below 0.9 is none. Instants have at most 50 bits.
        self.ts.as_millisecond() << Self::LOW_BITS | i64::from(self.class | self.doubt << 2)
    }

    pub(crate) fn ts(self) -> Timestamp {
        self.ts
    }

    /// Whether an event speaks for the pair, not only a match. The best key tells: every match comes after.
    pub(crate) fn certain(self) -> bool {
        self.class < Self::MATCH
    }
}

/// What operators said of a pair: the latest instants, `Timestamp::MIN` for never. Aliases up to the latest revoke of
/// the pair are already gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) alias: Timestamp,
    pub(crate) deny: Timestamp,
}

impl Ruling {
    pub(crate) const NONE: Self = Self { alias: Timestamp::MIN, deny: Timestamp::MIN };

    /// The latest statement says: the same. Of equal instants the deny counts.
    pub(crate) fn joins(self) -> bool {
        self.alias > self.deny
    }

    /// The latest statement says: never the same.
    pub(crate) fn denies(self) -> bool {
        self.deny >= self.alias && self.deny > Timestamp::MIN
    }

    /// Both statements together; for graphs that keep several layers.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { alias: self.alias.max(other.alias), deny: self.deny.max(other.deny) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_small_and_ordered_as_documented() {
        assert!(size_of::<EdgeKey>() <= 16);
        let ts = Timestamp::from_millisecond;
        let best_first = [
            EdgeKey::event(true, ts(9)),
            EdgeKey::event(false, ts(1)),
            EdgeKey::matched(1.0, ts(9)).unwrap(),
            EdgeKey::matched(0.9, ts(1)).unwrap(),
        ];
        assert!(best_first.is_sorted());
        assert_eq!(EdgeKey::matched(0.9, ts(1)).unwrap().parts(), (2, 255 - 229, ts(1)));
        let ends = [1 << 49, -1, 0, -(1 << 49)].map(|ms| EdgeKey { ts: ts(ms), ..best_first[3] });
        assert!(best_first.into_iter().chain(ends).all(|key| EdgeKey::unpacked(key.packed()) == key));
        assert_eq!(EdgeKey::matched(0.899, ts(1)), None);
        assert_eq!(EdgeKey::matched(f64::NAN, ts(1)), None);
    }
}
