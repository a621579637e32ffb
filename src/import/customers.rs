//! Rows -> customers -> messages: an identify each, and what the row says about consent.

use super::csv::Cells;
use super::mapping::{Key, PEOPLE};
use super::message::{Object, Topic, consents, message_id, row_hash, status_of_consent};
use super::rows::Dialect;
use super::values::{instant, name};
use super::{Sink, traits};
use crate::Result;
use crate::error::Error;
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
use ahash::AHashMap;

/// What is remembered of the rows before: how often each content came, so that equal rows stay several.
#[derive(Default)]
pub(super) struct Customers {
    source: String,
    seen: AHashMap<[u8; 16], u32>,
    seen_max: usize,
}

/// What a table entry takes, with the room that tables keep.
const SEEN_BYTES: usize = 48;

/// The parts that all messages of a row share.
struct Row<'a> {
    time: Option<String>,
    people: [Option<&'a str>; 5],
    country: Option<&'a str>,
    /// By name, as JSON.
    traits: Vec<(&'a str, String)>,
    consents: Vec<(Topic, ConsentStatus)>,
}

impl Customers {
    pub(super) fn new(source: &str, memory_bytes: usize) -> Self {
        Self { source: source.to_owned(), seen: AHashMap::new(), seen_max: memory_bytes / SEEN_BYTES }
    }

    /// Hands a row out as messages, or as a reject.
    ///
    /// # Errors
    /// `Invalid` when what is remembered of the rows does not fit into the bound.
    pub(super) fn take(&mut self, line: u64, cells: Cells<'_>, dialect: &Dialect, sink: &mut dyn Sink) -> Result<()> {
        let row = match Row::read(cells, dialect) {
            Ok(row) => row,
            Err(reason) => {
                sink.reject(line, reason);
                return Ok(());
            }
        };
        if self.seen.len() >= self.seen_max {
            return Err(Error::invalid(
                "the file has too many rows for its bound of memory; split it, or raise memory_bytes",
            ));
        }
        sink.begin()?;
        let hash = row_hash(cells, dialect);
        let ordinal = self.seen.entry(hash).or_default();
        let about = ordinal.to_string();
        *ordinal = ordinal.saturating_add(1);
        let id = message_id("customer", &self.source, &about, &[hash]);
        sink.message(&row.identify(&id), &[line]);
        for (topic, status) in &row.consents {
            let what = format!("consent {} {}", topic.0, topic.1);
            let id = message_id(&what, &self.source, &about, &[hash]);
            let mut json = String::new();
            let mut object = Object::open(&mut json);
            row.head(&mut object, &id, "track", Some("Consent Updated"));
            let [_, _, email, phone, _] = row.people;
            consents(&mut object, topic, *status, [email, phone]);
            object.close();
            sink.message(&json, &[]);
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    fn read(cells: Cells<'a>, dialect: &'a Dialect) -> std::result::Result<Self, Reason> {
        let mapping = &dialect.mapping;
        let people = PEOPLE.each_ref().map(|key| mapping.get(key, cells).map(name));
        if mapping.names_somebody_in_short(cells) {
            return Err(Reason::WrongType);
        }
        let (mut traits, mut consents) = (Vec::new(), Vec::new());
        for (key, value) in mapping.traits(cells) {
            match key {
                Key::Consent(channel, purpose) => {
                    let status = status_of_consent(value).ok_or(Reason::WrongType)?;
                    consents.push(((channel.clone(), purpose.clone()), status));
                }
                Key::Trait(name) => traits.push((name.as_str(), traits::json(name, value, dialect))),
                _ => {}
            }
        }
        let at = |text| instant(text, dialect.date_order, &dialect.zone).ok_or(Reason::InvalidTimestamp);
        let time = mapping.get(&Key::Time, cells).map(at).transpose()?.map(|ts| ts.to_string());
        if people.iter().all(Option::is_none) {
            return Err(Reason::NoIdentifier);
        }
        Ok(Row { time, people, country: mapping.get(&Key::Country, cells), traits, consents })
    }

    fn head(&self, object: &mut Object<'_>, id: &str, kind: &str, event: Option<&str>) {
        let [user, customer, _, _, card] = self.people;
        object.text("messageId", Some(id));
        object.text("type", Some(kind));
        object.text("event", event);
        object.text("timestamp", self.time.as_deref());
        object.text("userId", user);
        object.external_ids([("customer_id", customer), ("loyalty_card", card)]);
    }

    fn identify(&self, id: &str) -> String {
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, id, "identify", None);
        let [_, _, email, phone, _] = self.people;
        object.key("traits");
        let mut traits = object.inner();
        traits.text("email", email);
        traits.text("phone", phone);
        traits.text("country", self.country);
        for (name, value) in &self.traits {
            traits.raw(name, value);
        }
        traits.close();
        object.close();
        json
    }
}
