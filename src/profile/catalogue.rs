//! The catalogue: what the host told of its products, for lines that do not say it themselves.
//!
//! An entry is a fact, found by (shop, product id); the latest one at or before an order's time counts for the order.

use super::records::Records;
use crate::Result;
use crate::base::Timestamp;
use crate::base::doc::{Doc, DocWriter};
use crate::column::blocks::BlockCache;
use crate::event::keys::product_key;
use crate::fact::kind::Kind;
use std::borrow::Cow;

impl Records {
    /// Whether any product was ever told of.
    pub(crate) fn has_catalogue(&self) -> bool {
        self.names.code(Kind::Product.name()).is_some()
    }

    /// What the catalogue says of a product as of an instant: a document.
    pub(crate) fn product(&self, shop: &str, product_id: &str, at: Timestamp) -> Result<Option<Vec<u8>>> {
        let mut best = None;
        for (entry, _) in self.events.of_order(&product_key(shop, product_id))? {
            let ts = self.events.head(entry)?.ts;
            if ts <= at {
                best = best.max(Some((ts, self.message_id(entry)?, entry)));
            }
        }
        let Some((.., entry)) = best else { return Ok(None) };
        let mut cache = BlockCache::default();
        Ok(Some(self.events.fact(entry, &mut cache)?.doc.bytes().to_vec()))
    }

    /// A product line of an event or order, or the properties of an event about one product, with what the catalogue said at
    /// `at` where it says nothing itself.
    pub(crate) fn line<'l>(&self, shop: &str, line: Doc<'l>, at: Timestamp) -> Result<Cow<'l, [u8]>> {
        let known = |line: Doc<'l>| Ok(Cow::Borrowed(line.bytes()));
        if !self.has_catalogue() {
            return known(line);
        }
        let Some(product_id) = line.get("product_id").and_then(Doc::as_name) else { return known(line) };
        let Some(entry) = self.product(shop, &product_id, at)? else { return known(line) };
        Ok(Cow::Owned(completed(line, Doc::new(&entry))))
    }
}

/// A line's own members that are not absent, then those of the entry that it lacks. How many were bought is no matter of
/// the catalogue.
fn completed(line: Doc<'_>, entry: Doc<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut doc = DocWriter::new(&mut out);
    let open = doc.object();
    let own: Vec<(&[u8], Doc<'_>)> = line.members().filter(|(_, value)| !value.is_absent()).collect();
    let lacks = |key: &[u8]| key != b"quantity" && own.iter().all(|(known, _)| *known != key);
    for (key, value) in own.iter().copied().chain(entry.members().filter(|(key, _)| lacks(key))) {
        doc.key(key);
        doc.copy(value);
    }
    doc.close(open);
    out
}
