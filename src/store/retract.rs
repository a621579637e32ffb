//! Messages taken back: what a wrong mapping brought, or a test that ran against the live store.
//!
//! A retraction names each message with its content, by a keyed hash. That message with that content is void, and refused
//! whenever it comes again; the same id with other content, a corrected one, may come in.

use super::batch::Batch;
use super::handle::Store;
use super::ingest::Ingest;
use super::inner::Inner;
use super::measured::Writing;
use super::receipt::Receipt;
use super::ruling::{Said, naming};
use super::writer::Writer;
use crate::Result;
use crate::base::MessageId;
use crate::event::row::At;
use crate::fact::kind::Kind;
use crate::identity::tomb::{Hash, content_hash};
use crate::message::reason::Flags;
use ahash::AHashMap;

/// What taking messages back did.
///
/// ```
/// use regulars::{MessageId, Store};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"page","userId":"42","messageId":"m1"}"#)?;
/// let done = store.retract([MessageId::new("m1"), MessageId::new("m2")])?;
/// assert_eq!((done.retracted, done.unknown), (1, 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Retracted {
    /// What became of the statement, and who left which segment; of a body, what of it could not be read.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// Messages that count no longer.
    pub retracted: u64,
    /// Messages that the store does not have: never accepted, gone already, or accepted with other content.
    pub unknown: u64,
    /// Rows of a file that an earlier import brought than the one that was taken back, and that stay.
    pub earlier: u64,
}

impl Retracted {
    fn count(&mut self, known: bool, weight: u64) {
        *(if known { &mut self.retracted } else { &mut self.unknown }) += weight;
    }

    /// Adds what a later part of the same call did.
    pub(super) fn absorb(&mut self, later: Self) {
        self.receipt.absorb(later.receipt);
        self.retracted += later.retracted;
        self.unknown += later.unknown;
    }
}

/// Messages of the store that are to be taken back, by the hashes that name them.
#[derive(Default)]
pub(super) struct Found(pub(super) AHashMap<Hash, Option<MessageId>>);

impl Found {
    /// A message that counts, if it has that content or any is meant: where it is, and the hash that names it.
    pub(super) fn find(writer: &Writer, id: &MessageId, content: Option<u64>) -> Result<Option<(At, Hash)>> {
        let book = &writer.book;
        let Some(at) = book.find_message(id.into())? else { return Ok(None) };
        let accepted = book.events.content(at)?;
        if book.events.head(at)?.kind.takes_away() || content.is_some_and(|content| content != accepted) {
            return Ok(None);
        }
        Ok(Some((at, content_hash(&book.nodes.key, id, accepted))))
    }

    /// Notes a message that is to be taken back; false for one that is not there, or was noted.
    fn note(&mut self, writer: &Writer, id: MessageId, content: Option<u64>) -> Result<bool> {
        let Some((_, hash)) = Self::find(writer, &id, content)? else { return Ok(false) };
        Ok(self.0.insert(hash, Some(id)).is_none())
    }
}

impl Store {
    /// Takes messages back by their ids, rulings among them: as if they had never been sent, also for questions about the
    /// past. Durable when it returns. Nothing is logged of ids that the store does not have.
    ///
    /// Each is refused as `retracted` when it comes again. Another message with its id, a corrected one, is taken in as if
    /// the id had never been used. What an erasure or another retraction says cannot be taken back.
    ///
    /// **Cost**: a look-up a message, and the people that their identifiers can reach.
    ///
    /// # Errors
    /// `Io` and `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{MessageId, Reason, Store};
    /// let store = Store::in_memory()?;
    /// let wrong = br#"{"type":"page","userId":"41","messageId":"m1"}"#;
    /// store.ingest_json(wrong)?;
    /// store.retract([MessageId::new("m1")])?;
    /// assert_eq!(store.snapshot().profiles(), 0);
    /// assert_eq!(store.ingest_json(wrong)?.rejects[0].reason, Reason::Retracted);
    /// assert_eq!(store.ingest_json(br#"{"type":"page","userId":"42","messageId":"m1"}"#)?.accepted, 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn retract(&self, messages: impl IntoIterator<Item = MessageId>) -> Result<Retracted> {
        let writer = self.inner.writer.lock();
        let (mut found, mut done) = (Found::default(), Retracted::default());
        for id in messages {
            done.count(found.note(&writer, id, None)?, 1);
        }
        self.inner.retract(writer, found, done)
    }

    /// Takes back what a body brought, if the same one was ingested: the messages that were accepted with these ids and
    /// this content. An id that was accepted with other content is left alone. See [`Store::retract`].
    ///
    /// # Errors
    /// As [`Store::ingest`].
    ///
    /// ```
    /// use regulars::{Ingest, Store};
    /// let store = Store::in_memory()?;
    /// let body = br#"[{"type":"page","userId":"1"},{"type":"page","userId":"2"}]"#;
    /// store.ingest_json(body)?;
    /// assert_eq!(store.take_back(body, &Ingest::new())?.retracted, 2);
    /// assert_eq!(store.snapshot().events(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn take_back(&self, body: &[u8], how: &Ingest) -> Result<Retracted> {
        self.inner.take_back(self.inner.read(body, how)?.0)
    }
}

impl Inner {
    /// Takes back what a batch brought, if it was committed before: whatever was accepted with the same id and content.
    /// Messages that stand for rows of a file count as that many.
    pub(super) fn take_back(&self, mut batch: Batch) -> Result<Retracted> {
        let writer = self.writer.lock();
        let mut found = Found::default();
        let mut done = Retracted { receipt: std::mem::take(&mut batch.receipt), ..Retracted::default() };
        for (fact, weight) in batch.weighted() {
            done.count(found.note(&writer, fact.id(), Some(fact.content))?, weight);
        }
        self.retract(writer, found, done)
    }

    pub(super) fn retract(&self, writer: Writing<'_>, found: Found, mut done: Retracted) -> Result<Retracted> {
        if found.0.is_empty() {
            return Ok(done);
        }
        let doc = naming([("messages", found.0.keys().copied().collect())]);
        let said = Said::taking_away(Kind::Retract, doc);
        let mut batch = Batch::default();
        self.push(&mut batch, 1, &said, self.now(), Flags::default());
        done.receipt.absorb(self.commit_naming(writer, batch, (AHashMap::default(), found.0))?);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Reason;
    use crate::rule::node::{Rule, Segment, Universe};
    use crate::store::{Clock, Product};

    fn store() -> Store {
        let store = Store::options().currency("EUR").clock(Clock::Manual).in_memory().unwrap();
        store.advance("2026-06-01".parse().unwrap()).unwrap();
        store
    }

    /// The id and the content of the newest fact of a kind.
    fn newest(store: &Store, kind: Kind) -> (MessageId, u64) {
        let writer = store.inner.writer.lock();
        let events = &writer.book.events;
        let at = events.facts().filter(|at| events.head(*at).unwrap().kind == kind).last().unwrap();
        (events.message_id(at).unwrap(), events.content(at).unwrap())
    }

    /// Logs a retraction of what another store has, as a copy of the log would.
    fn retract_unseen(store: &Store, (id, content): &(MessageId, u64)) {
        let writer = store.inner.writer.lock();
        let hash = content_hash(&writer.book.nodes.key, id, *content);
        let found = Found([(hash, Some(id.clone()))].into());
        assert_eq!(store.inner.retract(writer, found, Retracted::default()).unwrap().receipt.accepted, 1);
    }

    #[test]
    fn a_retraction_counts_whether_it_comes_before_its_message_or_after_it() {
        let page = br#"{"type":"page","userId":"1","messageId":"m1","timestamp":"2026-01-01"}"#;
        let other = br#"{"type":"page","userId":"2","messageId":"m1","timestamp":"2026-01-01"}"#;
        let options = || Store::options().key([7; 32]).clock(Clock::Manual);
        let (after, before) = (options().in_memory().unwrap(), options().in_memory().unwrap());
        for store in [&after, &before] {
            store.advance("2026-06-01".parse().unwrap()).unwrap();
        }
        after.ingest_json(page).unwrap();
        let named = newest(&after, Kind::Page);
        assert_eq!(after.retract([named.0.clone()]).unwrap().retracted, 1);
        retract_unseen(&before, &named);
        for store in [&after, &before] {
            assert_eq!(store.ingest_json(page).unwrap().rejects[0].reason, Reason::Retracted);
            assert_eq!(store.ingest_json(other).unwrap().accepted, 1);
            assert_eq!(store.ingest_json(page).unwrap().rejects[0].reason, Reason::Retracted);
            assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
        }
        assert_eq!(after.snapshot().digest().unwrap(), before.snapshot().digest().unwrap());
    }

    /// Refunds take prices from the catalogue: whoever leaned on an entry is told when it goes.
    #[test]
    fn an_entry_of_the_catalogue_goes_with_what_leaned_on_it() {
        let store = store();
        let rule = Rule::from_json(r#"{"orders":"net","lte":-1}"#).unwrap();
        store.define(Segment::new("returned", rule).within(Universe::All)).unwrap();
        let kettle = Product::new("kettle").price("30".parse().unwrap()).at("2025-01-01".parse().unwrap());
        store.record_products(std::slice::from_ref(&kettle)).unwrap();
        let refund = br#"{"type":"track","event":"Order Refunded","userId":"1","timestamp":"2026-01-01",
            "properties":{"order_id":"1","currency":"EUR","products":[{"product_id":"kettle"}]}}"#;
        assert_eq!(store.ingest_json(refund).unwrap().entered["returned"].len(), 1);
        let done = store.retract([newest(&store, Kind::Product).0]).unwrap();
        assert_eq!((done.retracted, done.receipt.left["returned"].len()), (1, 1));
        assert_eq!(store.record_products(&[kettle]).unwrap().rejects[0].reason, Reason::Retracted);
    }

    #[test]
    fn rows_count_as_many_as_they_are() {
        let store = store();
        let batch = || {
            let (mut batch, _) = store.inner.read(br#"{"type":"page","userId":"1"}"#, &Ingest::new()).unwrap();
            let facts: Vec<Vec<u8>> = batch.weighted().map(|(fact, _)| fact.to_bytes()).collect();
            batch = Batch::default();
            let rows = crate::store::batch::Rows { lines: [2, 3, 4].into(), subject: 1 };
            batch.push_rows(rows, 0, &facts[0], Flags::default());
            batch
        };
        assert_eq!(store.inner.take_back(batch()).unwrap().unknown, 3);
        store.commit(batch(), None).unwrap();
        assert_eq!(store.inner.take_back(batch()).unwrap().retracted, 3);
    }
}
