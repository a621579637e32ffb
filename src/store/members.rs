//! Who is in a segment: rules evaluated over everybody.

use crate::Result;
use crate::base::ProfileId;
use crate::error::Error;
use crate::profile::records::Records;
use crate::segment::crowd::Found;
use roaring::RoaringBitmap;
use std::sync::{Arc, OnceLock};

/// The people of a segment at one instant, as a bitmap over one snapshot.
///
/// ```
/// use regulars::{Segment, Store, when};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"tier":"gold"}}"#)?;
/// let gold = Segment::new("gold", when::trait_("tier").is("gold"));
/// let members = store.snapshot().members(&gold)?;
/// assert_eq!(members.len(), 1);
/// assert_eq!(members.profiles()?.len(), 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone)]
pub struct Members {
    records: Arc<Records>,
    /// Of an evaluation: whom it found; nobody needs their rows to count them.
    found: Option<Arc<Found>>,
    rows: OnceLock<RoaringBitmap>,
}

impl Members {
    pub(super) fn of_rows(records: &Arc<Records>, rows: RoaringBitmap) -> Self {
        Self { records: Arc::clone(records), found: None, rows: OnceLock::from(rows) }
    }

    pub(super) fn of_found(records: &Arc<Records>, found: Found) -> Self {
        Self { records: Arc::clone(records), found: Some(Arc::new(found)), rows: OnceLock::new() }
    }

    fn rows(&self) -> &RoaringBitmap {
        self.rows.get_or_init(|| self.found.as_ref().map(|found| found.rows()).unwrap_or_default())
    }

    /// How many people.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert_eq!(Store::in_memory()?.snapshot().members(&nobody)?.len(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> u64 {
        self.found.as_ref().map_or_else(|| self.rows().len(), |found| found.len())
    }

    /// Whether nobody is in it.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert!(Store::in_memory()?.snapshot().members(&nobody)?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their public ids, sorted. Cost: one keyed hash a person.
    ///
    /// # Errors
    /// `Corrupt` where an identifier cannot be read.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert!(Store::in_memory()?.snapshot().members(&nobody)?.profiles()?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profiles(&self) -> Result<Vec<ProfileId>> {
        let mut ids: Vec<ProfileId> =
            self.rows().iter().map(|row| self.records.nodes.profile_id(row)).collect::<Result<_>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// How many people are in both, by their public ids where they come from different snapshots of a store.
    ///
    /// Cost: bits of one snapshot; one keyed hash a person where there are two.
    ///
    /// # Errors
    /// `Invalid` for members of two stores with different keys: no id of one means anything in the other. `Corrupt`
    /// where an identifier cannot be read.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let snapshot = Store::in_memory()?.snapshot();
    /// let buyers = snapshot.members(&Segment::new("buyers", when::orders().at_least(1)))?;
    /// assert_eq!(buyers.overlap(&buyers)?, 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn overlap(&self, other: &Self) -> Result<u64> {
        // Rows are numbers of one set of records.
        if Arc::ptr_eq(&self.records, &other.records) {
            let found = || self.found.as_ref()?.overlap(other.found.as_ref()?);
            return Ok(found().unwrap_or_else(|| self.rows().intersection_len(other.rows())));
        }
        if self.records.nodes.key != other.records.nodes.key {
            return Err(Error::invalid("members of two stores with different keys cannot be compared"));
        }
        let others = other.profiles()?;
        Ok(self.profiles()?.iter().filter(|id| others.binary_search(id).is_ok()).count() as u64)
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Members({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::node::Segment;
    use crate::rule::when;
    use crate::store::{Members, Options, Store};

    fn gold(store: &Store) -> Members {
        store.snapshot().members(&Segment::new("gold", when::trait_("tier").is("gold"))).unwrap()
    }

    fn identify(store: &Store, user: &str, tier: &str) {
        let json = format!(r#"{{"type":"identify","userId":"{user}","traits":{{"tier":"{tier}"}}}}"#);
        assert_eq!(store.ingest_json(json.as_bytes()).unwrap().accepted, 1);
    }

    fn keyed(key: u8) -> Store {
        Options::default().key([key; 32]).in_memory().unwrap()
    }

    #[test]
    fn members_of_other_snapshots_are_compared_by_who_they_are() {
        // The same people in another order: no row is the same person's.
        let (one, two) = (keyed(1), keyed(1));
        ["1", "2", "3"].iter().for_each(|user| identify(&one, user, "gold"));
        ["9", "8", "3"].iter().for_each(|user| identify(&two, user, "gold"));
        assert_eq!(gold(&one).overlap(&gold(&two)).unwrap(), 1);
        let before = gold(&one);
        identify(&one, "4", "gold");
        assert_eq!(before.overlap(&gold(&one)).unwrap(), 3);
        assert_eq!(gold(&one).overlap(&gold(&one)).unwrap(), 4);
    }

    #[test]
    fn members_of_stores_with_other_keys_are_refused() {
        let (one, two) = (keyed(1), keyed(2));
        [&one, &two].iter().for_each(|store| identify(store, "1", "gold"));
        assert_eq!(gold(&one).overlap(&gold(&two)).unwrap_err().kind(), crate::ErrorKind::Invalid);
    }
}
