//! Little-endian bytes in and out: the cursor and the helpers under every encoding of ours.
//!
//! Reading never panics and never allocates more than the input holds: `None` means "these bytes are not what they
//! should be", and the caller, who knows the file, turns that into an error with a place.

/// Appends `value` in LEB128: 7 bits a byte, low bits first.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low8(value) | 0x80);
        value >>= 7;
    }
    out.push(low8(value));
}

/// Appends a signed value so that small magnitudes of either sign stay short.
pub(crate) fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned());
}

/// Appends a length and the bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a length and the text.
pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// The low byte; the rest is dropped on purpose.
#[expect(clippy::cast_possible_truncation, reason = "taking the low byte is what the name says")]
pub(crate) const fn low8(value: u64) -> u8 {
    value as u8
}

/// The low 16 bits; the rest is dropped on purpose.
#[expect(clippy::cast_possible_truncation, reason = "taking the low half is what the name says")]
pub(crate) const fn low16(value: u64) -> u16 {
    value as u16
}

/// The low 32 bits; the rest is dropped on purpose.
#[expect(clippy::cast_possible_truncation, reason = "taking the low half is what the name says")]
pub(crate) const fn low32(value: u64) -> u32 {
    value as u32
}

/// A count of things that this crate limits to `u32` (rows of a part, nodes of a store).
///
/// Saturates instead of wrapping: a saturated row number is out of every range and reads as absent.
pub(crate) fn row32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A cursor over bytes that are not trusted.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(len)?;
        self.rest = tail;
        Some(head)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>()?;
        self.rest = tail;
        Some(*head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (&first, tail) = self.rest.split_first()?;
        self.rest = tail;
        Some(first)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        // Nearly every length of a document is below 128.
        if let Some((&short @ 0..0x80, tail)) = self.rest.split_first() {
            self.rest = tail;
            return Some(u64::from(short));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn zigzag(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    #[inline]
    pub(crate) fn len(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        self.take(len)
    }

    pub(crate) fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn varints_round_trip(unsigned: u64, signed: i64, text: String) {
            let mut out = Vec::new();
            put_varint(&mut out, unsigned);
            put_zigzag(&mut out, signed);
            put_str(&mut out, &text);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.varint(), Some(unsigned));
            prop_assert_eq!(reader.zigzag(), Some(signed));
            prop_assert_eq!(reader.str(), Some(text.as_str()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_the_cursor_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.varint().is_some() && reader.bytes().is_some() {}
            let _ = reader.str();
        }
    }
}
