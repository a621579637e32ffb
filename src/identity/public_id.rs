//! The stable public id of a person, from the eldest identifier of the profile.

use crate::Result;
use crate::base::ProfileId;
use hashbrown::HashTable;

/// The id of the profile whose eldest identifier is (`namespace`, `value`), erased `generation` times before.
///
/// Keyed, so that ids of one store tell nothing about identifiers to whoever lacks the key; texts carry their length,
/// so that no two identifiers meet in one byte string.
pub(crate) fn profile_id(key: &[u8; 32], namespace: &str, value: &str, generation: u32) -> ProfileId {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for text in [namespace, value] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&generation.to_le_bytes());
    let mut bytes = [0u8; 16];
    hasher.finalize_xof().fill(&mut bytes);
    ProfileId::from_bytes(bytes)
}

/// Identifiers by the public ids of those that nobody erased: made when somebody first asks by public id.
#[derive(Default)]
pub(crate) struct IdIndex {
    nodes: HashTable<(u64, u32)>,
    known: u32,
}

impl IdIndex {
    /// The nodes of the first `nodes` that the id may name; `id_of` tells the id of a node that nobody erased.
    pub(super) fn find(
        &mut self,
        nodes: u32,
        id_of: impl Fn(u32) -> Result<ProfileId>,
        id: ProfileId,
    ) -> Result<Vec<u32>> {
        for node in self.known..nodes {
            let hash = head(id_of(node)?);
            self.nodes.insert_unique(hash, (hash, node), |(hash, _)| *hash);
            self.known = node + 1;
        }
        let hash = head(id);
        Ok(self.nodes.iter_hash(hash).filter(|(known, _)| *known == hash).map(|(_, node)| *node).collect())
    }
}

/// The first eight bytes, which are as good as random.
fn head(id: ProfileId) -> u64 {
    id.as_bytes().first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn namespace_value_generation_and_key_all_count() {
        let ids: BTreeSet<ProfileId> = [
            profile_id(&[1; 32], "email", "a", 0),
            profile_id(&[1; 32], "emai", "la", 0),
            profile_id(&[1; 32], "email", "a", 1),
            profile_id(&[2; 32], "email", "a", 0),
            profile_id(&[1; 32], "phone", "a", 0),
        ]
        .into();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn the_id_is_the_head_of_the_keyed_hash_of_the_documented_bytes() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[5, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(b"email");
        bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(b"x");
        bytes.extend_from_slice(&[3, 0, 0, 0]);
        let hash = blake3::keyed_hash(&[9; 32], &bytes);
        assert_eq!(profile_id(&[9; 32], "email", "x", 3).as_bytes(), &hash.as_bytes()[..16]);
    }
}
