//! What can be wrong with the shape of a message: sizes, depth, keys that come twice.

use super::reason::{Limit, Reason};
use crate::base::Limits;
use crate::base::bytes::{put_bytes, row32};
use crate::base::canon::Digest;
use crate::base::doc::Doc;
use std::collections::HashMap;

/// The fields that the documentation names, at their place; `[]` is any element.
const KNOWN: &[&str] = &[
    "type",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "event",
    "name",
    "category",
    "properties",
    "traits",
    "context",
    "integrations",
    "batch",
    "writeKey",
    "_metadata",
    "traits.email",
    "traits.phone",
    "properties.email",
    "properties.phone",
    "context.traits",
    "context.traits.email",
    "context.traits.phone",
    "context.device",
    "context.device.id",
    "context.device.advertisingId",
    "context.externalIds",
    "context.externalIds[].id",
    "context.externalIds[].type",
    "context.timezone",
    "context.consent",
    "context.consent.categoryPreferences",
    "properties.order_id",
    "properties.total",
    "properties.revenue",
    "properties.value",
    "properties.subtotal",
    "properties.discount",
    "properties.currency",
    "properties.products",
    "properties.products[].product_id",
    "properties.products[].price",
    "properties.products[].quantity",
    "properties.products[].brand",
    "properties.products[].category",
    "properties.products[].cost",
    "properties.product_id",
    "properties.price",
    "properties.quantity",
    "properties.brand",
    "properties.category",
    "properties.cost",
    "properties.channel",
    "properties.purpose",
    "properties.status",
    "properties.method",
    "properties.proof",
];

/// One step from a message to a value inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// To the member of that name; a dot in the name is part of it.
    Key(&'a [u8]),
    /// To any element.
    Item,
}

/// Whether a repeated member at that path is refused: it is documented, or on the way to what the host maps.
pub(crate) fn is_known(path: &[Step<'_>], mapped: &[String]) -> bool {
    if KNOWN.iter().any(|known| steps(known).eq(path.iter().copied())) {
        return true;
    }
    let mut joined: Vec<u8> = Vec::new();
    for step in path {
        let Step::Key(key) = step else { return false };
        joined.extend_from_slice(key);
        joined.push(b'.');
    }
    let Some(whole) = joined.strip_suffix(b".") else { return false };
    mapped.iter().any(|path| path.as_bytes().starts_with(&joined) || path.as_bytes() == whole)
}

fn steps(known: &str) -> impl Iterator<Item = Step<'_>> {
    known.split('.').flat_map(|part| {
        let key = part.strip_suffix("[]");
        let item = key.map(|_| Step::Item);
        std::iter::once(Step::Key(key.unwrap_or(part).as_bytes())).chain(item)
    })
}

/// One message of a line: where it is, and what is wrong with its shape.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slot {
    pub(crate) text_at: usize,
    pub(crate) text_bytes: usize,
    /// Of the deepest container, the message itself being 0.
    pub(crate) depth: usize,
    pub(crate) duplicate: bool,
    pub(crate) limit: Option<Limit>,
    /// It holds a number beyond `f64`.
    pub(crate) out_of_range: bool,
    /// It holds a bare `NaN` or the like, read as null.
    pub(crate) not_finite: bool,
    /// Of an object: what it says.
    pub(crate) content: Digest,
}

impl Slot {
    /// The first check of the documented order that fails.
    pub(crate) fn verdict(&self, limits: &Limits) -> Result<(), Reason> {
        if self.depth > limits.depth {
            Err(Reason::TooDeep)
        } else if self.text_bytes > limits.message_bytes {
            Err(Reason::TooLarge)
        } else if self.duplicate {
            Err(Reason::DuplicateField)
        } else {
            self.limit.map_or(Ok(()), |limit| Err(Reason::Limit(limit)))
        }
    }

    /// Takes over what was noted about elements of a `batch` that turned out to be plain data, two levels down.
    pub(crate) fn absorb(&mut self, elements: &[Self]) {
        for element in elements {
            self.depth = self.depth.max(element.depth + 2);
            self.limit = self.limit.or(element.limit);
            self.out_of_range |= element.out_of_range;
            self.not_finite |= element.not_finite;
        }
    }
}

/// True for a number in JSON spelling that no finite `f64` is near.
pub(crate) fn beyond_f64(digits: &str) -> bool {
    // 308 digits without an exponent always fit; most numbers end here.
    let small = digits.len() <= 308 && !digits.bytes().any(|byte| matches!(byte, b'e' | b'E'));
    !small && digits.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// A quick digest of a key. Equal digests only cause a closer look.
#[inline]
pub(crate) fn key_hash(key: &[u8]) -> u32 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_le_bytes(*bytes));
    let half = |bytes: Option<&[u8; 4]>| bytes.map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let (first, last) = match (word(key.first_chunk()), word(key.last_chunk())) {
        (Some(first), Some(last)) => (first, last),
        _ => match (half(key.first_chunk()), half(key.last_chunk())) {
            (Some(first), Some(last)) => (first, last),
            _ => (key.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        },
    };
    let mixed = (first ^ last.rotate_left(29) ^ (key.len() as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    crate::base::bytes::low32(mixed >> 32)
}

/// Finds and removes members that a later one of the same name replaces.
#[derive(Default)]
pub(crate) struct Repeats {
    sorted: Vec<u32>,
    spare: Vec<u8>,
}

impl Repeats {
    /// Whether an object with keys of these digests may hold one twice.
    pub(crate) fn may_hold(&mut self, hashes: &[u32]) -> bool {
        if hashes.len() <= 16 {
            let mut rest = hashes;
            while let Some((first, tail)) = rest.split_first() {
                if tail.contains(first) {
                    return true;
                }
                rest = tail;
            }
            return false;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(hashes);
        self.sorted.sort_unstable();
        self.sorted.array_windows().any(|[a, b]| a == b)
    }

    /// Gathers of each name only the last member of an object; `None` if no name repeats. True if a known field repeats
    /// and is not the same scalar each time.
    pub(crate) fn gather(&mut self, object: Doc<'_>, known: impl Fn(&[u8]) -> bool) -> Option<bool> {
        let mut last: HashMap<&[u8], (usize, Doc<'_>)> = HashMap::new();
        let (mut repeated, mut refused) = (false, false);
        for (index, (key, value)) in object.members().enumerate() {
            if let Some((_, before)) = last.insert(key, (index, value)) {
                repeated = true;
                refused |= !same_scalar(before, value) && known(key);
            }
        }
        if !repeated {
            return None;
        }
        self.spare.clear();
        for (index, (key, value)) in object.members().enumerate() {
            if last.get(key).is_some_and(|(last, _)| *last == index) {
                put_bytes(&mut self.spare, key);
                self.spare.extend_from_slice(value.bytes());
            }
        }
        Some(refused)
    }

    /// Puts what was gathered in the place of the members of the object at `at`, the last value in `doc`.
    pub(crate) fn replace(&self, doc: &mut Vec<u8>, at: usize) {
        let body = at + 5;
        doc.truncate(body);
        doc.extend_from_slice(&self.spare);
        if let Some(len) = doc.get_mut(at + 1..body) {
            len.copy_from_slice(&row32(self.spare.len()).to_le_bytes());
        }
    }
}

/// The same scalar, numbers by value.
fn same_scalar(a: Doc<'_>, b: Doc<'_>) -> bool {
    let scalar = |value: Doc<'_>| !value.is_object() && !value.is_list();
    let equal_numbers = || matches!((a.as_decimal(), b.as_decimal()), (Some(a), Some(b)) if a == b);
    scalar(a) && scalar(b) && (a == b || equal_numbers())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dot_in_a_key_is_no_step() {
        let key = |name: &'static str| Step::Key(name.as_bytes());
        let mapped = ["erp.no".to_owned()];
        let known = |path: &[Step<'_>]| is_known(path, &mapped);
        assert!(known(&[key("traits"), key("email")]) && !known(&[key("traits.email")]));
        assert!(known(&[key("properties"), key("products"), Step::Item, key("price")]));
        assert!(!known(&[key("properties"), key("products[]"), key("price")]) && !known(&[key("products")]));
        assert!(known(&[key("erp")]) && known(&[key("erp"), key("no")]) && known(&[key("erp.no")]));
        assert!(!known(&[key("erp"), key("n")]) && !known(&[key("er")]) && !known(&[]));
    }

    #[test]
    fn numbers_beyond_f64_are_noticed() {
        for (digits, beyond) in [
            ("1e999", true),
            ("-1E+309", true),
            ("1e308", false),
            ("1e-999", false),
            ("0e99999999999", false),
            (&"9".repeat(308), false),
            (&"9".repeat(310), true),
        ] {
            assert_eq!(beyond_f64(digits), beyond, "{digits}");
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn equal_keys_are_always_noticed(keys in proptest::collection::vec("[a-c]{0,12}", 0..40)) {
            let hashes: Vec<u32> = keys.iter().map(|key| key_hash(key.as_bytes())).collect();
            let mut sorted = keys.clone();
            sorted.sort();
            sorted.dedup();
            prop_assert!(sorted.len() == keys.len() || Repeats::default().may_hold(&hashes));
        }
    }
}
