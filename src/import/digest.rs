//! Digests of texts.

use crate::base::ident::uuid_text;
use std::borrow::Cow;

/// A digest of texts, each told apart from the next.
pub(crate) fn hash_of<'t>(texts: impl Iterator<Item = Cow<'t, str>>) -> [u8; 16] {
    first_16(&hasher_of(texts))
}

/// A digest as text.
pub(super) fn hex(digest: [u8; 16]) -> String {
    uuid_text(&digest)
}

pub(super) fn hasher_of<'t>(texts: impl Iterator<Item = Cow<'t, str>>) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher
}

pub(super) fn first_16(hasher: &blake3::Hasher) -> [u8; 16] {
    hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()
}
