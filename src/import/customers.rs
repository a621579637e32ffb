//! Rows -> customers -> messages: an identify each, and what the row says about consent.
//!
//! A row is a statement: that this is how it is, at the row's own time, else at the file's, else when it is received. If it
//! says what the same source said last of the same customer, it is the statement that is known already, under the same
//! id; so next week's export brings what changed, and a no that follows a yes that followed a no is a no again. Several
//! rows of one customer are one statement together: all of them are known, or none is.

use super::csv::Cells;
use super::digest::{hash_of, hex};
use super::mapping::Key;
use super::message::{Object, Statement, consents, message_id};
use super::permission::{self, Permission, What};
use super::rows::Dialect;
use super::sink::{Customer, Sink};
use super::traits;
use super::values::name;
use crate::Result;
use crate::base::Timestamp;
use crate::error::Error;
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
use ahash::{AHashMap, AHashSet};
use std::borrow::Cow;

/// What a table entry of both tables takes, with the room that tables keep.
const ENTRY_BYTES: usize = 120;
/// Two statements of one source lie apart by this at least, where both are received at one instant.
const STEP_MS: i64 = 1;
/// So far ahead of the import its own last statements may lie, for that reason.
const AHEAD_MS: i64 = 1000;

/// What all rows of a file say together, by customer.
pub(super) struct Groups {
    by_customer: AHashMap<[u8; 16], Group>,
    seen: AHashSet<[u8; 16]>,
    max: usize,
}

struct Group {
    /// The sum of the contents, each once: in whatever order rows stand, they say the same.
    sum: u128,
    /// When they are said, once that is looked up.
    time: Option<Timestamp>,
}

/// The parts that all messages of a row share.
struct Row<'a> {
    time: Option<Timestamp>,
    people: [Option<&'a str>; 5],
    country: Option<&'a str>,
    /// By name, as JSON.
    traits: Vec<(&'a str, String)>,
    permissions: Vec<Permission>,
    content: [u8; 16],
}

impl Groups {
    pub(super) fn new(memory_bytes: usize) -> Self {
        Self { by_customer: AHashMap::new(), seen: AHashSet::new(), max: memory_bytes / ENTRY_BYTES }
    }

    /// Notes what a row says of whom.
    ///
    /// # Errors
    /// `Invalid` when what is remembered of the rows does not fit into the bound.
    pub(super) fn add(&mut self, cells: Cells<'_>, dialect: &Dialect, sink: &dyn Sink) -> Result<()> {
        let Ok(row) = Row::read(cells, dialect) else { return Ok(()) };
        let Some(customer) = sink.customer(row.people).filter(|_| row.time.is_none()) else { return Ok(()) };
        if self.seen.len() >= self.max {
            return Err(Error::invalid(
                "the file has too many rows for its bound of memory; split it, or raise memory_bytes",
            ));
        }
        let mut both = customer.key;
        both.iter_mut().zip(row.content).for_each(|(byte, other)| *byte ^= other);
        if self.seen.insert(both) {
            let group = self.by_customer.entry(customer.key).or_insert(Group { sum: 0, time: None });
            group.sum = group.sum.wrapping_add(u128::from_le_bytes(row.content));
        }
        Ok(())
    }
}

/// The rows of a file on their second way.
pub(super) struct Customers {
    source: String,
    as_of: Option<Timestamp>,
    groups: Groups,
}

impl Customers {
    pub(super) fn new(source: &str, as_of: Option<Timestamp>, groups: Groups) -> Self {
        Self { source: source.to_owned(), as_of, groups }
    }

    /// Hands a row out as messages, or as a reject.
    ///
    /// # Errors
    /// Those of the store that is asked what was said last.
    pub(super) fn take(&mut self, line: u64, cells: Cells<'_>, dialect: &Dialect, sink: &mut dyn Sink) -> Result<()> {
        let row = match Row::read(cells, dialect) {
            Ok(row) => row,
            Err(reason) => {
                sink.reject(line, reason.into());
                return Ok(());
            }
        };
        sink.begin()?;
        let (time, statement) = match sink.customer(row.people) {
            Some(customer) if row.time.is_none() => {
                let (time, says) = self.said(&customer, sink)?;
                (Some(time), Some(Statement { customer: hex(customer.key), says }))
            }
            // Of whom nothing can be looked up, a row is known by its content alone.
            _ => (row.time.or(self.as_of), None),
        };
        let declared = dialect.declared.as_deref();
        let told = Telling { row: &row, source: &self.source, declared, time, statement };
        sink.message(&told.identify(), &[line], line);
        for permission in &row.permissions {
            sink.message(&told.permission(permission), &[], line);
        }
        Ok(())
    }

    /// When the file says what it says of a customer, and the digest of that. What was said last is said at its time.
    fn said(&mut self, customer: &Customer, sink: &dyn Sink) -> Result<(Timestamp, String)> {
        let Some(group) = self.groups.by_customer.get_mut(&customer.key) else {
            return Ok((self.as_of.unwrap_or_else(|| sink.received_at()), String::new()));
        };
        let says = hex(group.sum.to_le_bytes());
        if let Some(time) = group.time {
            return Ok((time, says));
        }
        let time = match self.as_of {
            Some(at) => match sink.last_said(customer, at, &says)? {
                Some(last) if last.says == says => last.time,
                _ => at,
            },
            None => {
                let now = sink.received_at();
                let ahead = Timestamp::from_millisecond(now.as_millisecond().saturating_add(AHEAD_MS));
                match sink.last_said(customer, ahead, &says)? {
                    Some(last) if last.says == says => last.time,
                    // Clocks may stand still between two imports; the later one counts.
                    Some(last) if last.time >= now => {
                        Timestamp::from_millisecond(last.time.as_millisecond().saturating_add(STEP_MS))
                    }
                    _ => now,
                }
            }
        };
        group.time = Some(time);
        Ok((time, says))
    }
}

impl<'a> Row<'a> {
    fn read(cells: Cells<'a>, dialect: &'a Dialect) -> std::result::Result<Self, Reason> {
        let mapping = &dialect.mapping;
        let people = mapping.people(cells);
        if mapping.names_somebody_in_short(cells) {
            return Err(Reason::WrongType);
        }
        let permissions = permission::read(mapping, cells, &dialect.clock)?;
        let time = mapping.get(&Key::Time, cells).map(|_| time(cells, dialect)).transpose()?;
        if people.iter().all(Option::is_none) {
            return Err(Reason::NoIdentifier);
        }
        let traits = mapping.traits(cells).map(|(name, cell)| (name, traits::json(name, cell, dialect))).collect();
        let country = mapping.get(&Key::Country, cells);
        Ok(Row { time, people, country, traits, permissions, content: content(cells, dialect) })
    }
}

/// The instant of a row, of the cells that say it.
pub(super) fn time(cells: Cells<'_>, dialect: &Dialect) -> std::result::Result<Timestamp, Reason> {
    let get = |key: &Key| dialect.mapping.get(key, cells);
    let date = get(&Key::Time).ok_or(Reason::MissingField)?;
    let instant = dialect.clock.instant_of(date, get(&Key::TimeOfDay), get(&Key::TimeZone));
    instant.ok_or(Reason::InvalidTimestamp)
}

/// All mapped cells, by what they are: whatever else an export has does not make a row say something else.
fn content(cells: Cells<'_>, dialect: &Dialect) -> [u8; 16] {
    let mapping = &dialect.mapping;
    hash_of(mapping.keys().flat_map(|key| {
        let cells = mapping.columns(key).iter().map(|at| Cow::Borrowed(name(cells.get(*at))));
        let constant = mapping.get(key, cells_of_none()).map(Cow::Borrowed);
        std::iter::once(Cow::Owned(key.text())).chain(cells).chain(constant)
    }))
}

/// A row without cells: what a mapping reads from it is a constant.
fn cells_of_none() -> Cells<'static> {
    Cells::default()
}

/// A row that says something at a time.
struct Telling<'t> {
    row: &'t Row<'t>,
    source: &'t str,
    declared: Option<&'t str>,
    time: Option<Timestamp>,
    statement: Option<Statement>,
}

impl Telling<'_> {
    fn at(&self) -> String {
        self.time.map(|time| time.to_string()).unwrap_or_default()
    }

    fn head(&self, object: &mut Object<'_>, id: &str, kind: &str, event: Option<&str>, time: Option<Timestamp>) {
        let [user, customer, _, _, card] = self.row.people;
        object.text("messageId", Some(id));
        object.text("type", Some(kind));
        object.text("event", event);
        object.text("timestamp", time.map(|time| time.to_string()).as_deref());
        object.text("userId", user);
        let statement = self.statement.as_ref().filter(|_| event.is_none());
        object.context([("customer_id", customer), ("loyalty_card", card)], self.declared, statement);
    }

    fn identify(&self) -> String {
        let id = message_id("customer", self.source, &self.at(), &[self.row.content]);
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, &id, "identify", None, self.time);
        let [_, _, email, phone, _] = self.row.people;
        object.key("traits");
        let mut traits = object.inner();
        traits.text("email", email);
        traits.text("phone", phone);
        traits.text("country", self.row.country);
        for (name, value) in &self.row.traits {
            traits.raw(name, value);
        }
        traits.close();
        object.close();
        json
    }

    fn permission(&self, Permission { what, time }: &Permission) -> String {
        let [user, customer, email, phone, card] = self.row.people;
        let (event, about) = match what {
            What::Consent((channel, purpose), status) => {
                ("Consent Updated", format!("consent {channel} {purpose} {}", status.name()))
            }
            What::Bounced(channel) => ("Email Bounced", format!("bounced {channel}")),
            What::Complained(channel) => ("Email Marked as Spam", format!("complained {channel}")),
        };
        let id = match time {
            // What has a time of its own is one statement, however many exports repeat it.
            Some(time) => {
                let whom = [user, customer, email, phone, card].map(|one| Cow::Borrowed(one.unwrap_or_default()));
                message_id(&about, self.source, &time.to_string(), &[hash_of(whom.into_iter())])
            }
            None => message_id(&about, self.source, &self.at(), &[self.row.content]),
        };
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, &id, "track", Some(event), time.or(self.time));
        match what {
            What::Consent(topic, status) => consents(&mut object, topic, *status, [email, phone]),
            What::Bounced(_) | What::Complained(_) => {
                object.key("properties");
                let mut properties = object.inner();
                properties.text("email", email);
                properties.text("bounce_type", Some("hard").filter(|_| matches!(what, What::Bounced(_))));
                properties.text("method", Some("import"));
                properties.close();
            }
        }
        object.close();
        json
    }
}

/// What a row of orders says of consent: a yes. A box that is not ticked at a checkout says nothing.
pub(super) fn granted(
    cells: Cells<'_>,
    dialect: &Dialect,
) -> std::result::Result<Vec<(permission::Topic, ConsentStatus)>, Reason> {
    let said = permission::read(&dialect.mapping, cells, &dialect.clock)?;
    let yes = said.into_iter().filter_map(|one| match one.what {
        What::Consent(topic, ConsentStatus::Granted) => Some((topic, ConsentStatus::Granted)),
        _ => None,
    });
    Ok(yes.collect())
}
