//! Rows -> orders -> messages: rows of one order are grouped wherever they stand.

use super::csv::Cells;
use super::mapping::{Key, PEOPLE};
use super::message::{Object, consents, message_id, row_hash, status_of_consent};
use super::rows::Dialect;
use super::values::{amount, instant, name};
use super::{Emit, Sink};
use crate::Result;
use crate::base::{Decimal, Timestamp};
use crate::error::Error;
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
use ahash::AHashMap;
use std::collections::BTreeMap;

/// All orders of a file, in the order of their first rows.
pub(super) struct Orders {
    source: String,
    by_id: AHashMap<Box<str>, usize>,
    all: Vec<Order>,
    held_bytes: usize,
    held_bytes_max: usize,
}

#[derive(Default)]
struct Order {
    id: Box<str>,
    rows: Vec<u64>,
    hashes: Vec<[u8; 16]>,
    time: Option<Timestamp>,
    /// By the order of [`PEOPLE`].
    people: [Option<Box<str>>; 5],
    currency: Option<Box<str>>,
    country: Option<Box<str>>,
    status: Option<Box<str>>,
    total: Option<Decimal>,
    discount: Option<Decimal>,
    /// The sum of the lines; `None` where a line does not say what it costs.
    lines: Option<Decimal>,
    lines_unknown: bool,
    all_negative: bool,
    all_free: bool,
    /// The lines as JSON, a comma between.
    products: String,
    traits: BTreeMap<String, Box<str>>,
    consents: BTreeMap<(String, String), ConsentStatus>,
}

/// One row, read.
struct Line {
    price: Option<Decimal>,
    quantity: Option<Decimal>,
    total: Option<Decimal>,
}

impl Orders {
    pub(super) fn new(source: &str, held_bytes_max: usize) -> Self {
        Self { source: source.to_owned(), by_id: AHashMap::new(), all: Vec::new(), held_bytes: 0, held_bytes_max }
    }

    /// Takes a row in, or says why not.
    ///
    /// # Errors
    /// `Invalid` when the file's orders do not fit into the bound.
    pub(super) fn take(
        &mut self,
        line: u64,
        cells: Cells<'_>,
        dialect: &Dialect,
    ) -> Result<std::result::Result<(), Reason>> {
        let read = match self.read(cells, dialect) {
            Ok(read) => read,
            Err(reason) => return Ok(Err(reason)),
        };
        let Read { at, time, line: numbers, total, discount, consents } = read;
        let Some(order) = self.all.get_mut(at) else { return Ok(Ok(())) };
        let before = order.products.len();
        order.rows.push(line);
        order.hashes.push(row_hash(cells, &dialect.by_header));
        order.time = [order.time, time].into_iter().flatten().min();
        order.describe(cells, dialect);
        order.consents.extend(consents);
        order.add_amounts(total, discount, &numbers, dialect);
        order.add_product(cells, dialect, &numbers);
        self.held_bytes += 64 + order.products.len() - before + if order.rows.len() == 1 { 400 } else { 0 };
        if self.held_bytes > self.held_bytes_max {
            return Err(Error::invalid(format!(
                "the orders of the file need more than {} MiB of memory; split the file between orders, or raise memory_bytes",
                self.held_bytes_max >> 20
            )));
        }
        Ok(Ok(()))
    }

    /// Reads every mapped cell before any of them counts: a row stands as a whole or not at all.
    fn read(&mut self, cells: Cells<'_>, dialect: &Dialect) -> std::result::Result<Read, Reason> {
        let mapping = &dialect.mapping;
        let id = name(mapping.get(&Key::OrderId, cells).ok_or(Reason::MissingField)?);
        let known = self.by_id.get(id).copied();
        let time = match mapping.get(&Key::Time, cells) {
            Some(text) => Some(instant(text, dialect.date_order, &dialect.zone).ok_or(Reason::InvalidTimestamp)?),
            // Exports with a row a line may say it on the first row only.
            None if known.is_some() => None,
            None => return Err(Reason::MissingField),
        };
        let number = |key: Key| match mapping.get(&key, cells) {
            Some(text) => amount(text, dialect.decimal_comma).map(Some).ok_or(Reason::WrongType),
            None => Ok(None),
        };
        let line =
            Line { price: number(Key::Price)?, quantity: number(Key::Quantity)?, total: number(Key::LineTotal)? };
        let (total, discount) = (number(Key::Total)?, number(Key::Discount)?);
        let by_lines = !mapping.has(&Key::Total);
        let amount_missing = match (mapping.has(&Key::Total), mapping.has(&Key::LineTotal)) {
            (true, _) => total.is_none() && known.is_none(),
            (false, true) => line.total.is_none(),
            (false, false) => line.price.is_none(),
        };
        if amount_missing || (by_lines && line.amount().is_none()) {
            return Err(if amount_missing { Reason::MissingField } else { Reason::NumberOutOfRange });
        }
        let mut said = Vec::new();
        for (key, value) in mapping.traits(cells) {
            if let Key::Consent(channel, purpose) = key {
                let status = status_of_consent(value).ok_or(Reason::WrongType)?;
                said.push(((channel.clone(), purpose.clone()), status));
            }
        }
        if mapping.get(&Key::Status, cells).is_some_and(never_placed) {
            return Err(Reason::NotAnOrder);
        }
        let at = known.unwrap_or_else(|| {
            self.by_id.insert(id.into(), self.all.len());
            self.all.push(Order { id: id.into(), all_negative: true, all_free: true, ..Order::default() });
            self.all.len() - 1
        });
        Ok(Read { at, time, line, total, discount, consents: said })
    }

    /// Hands out every order as messages.
    pub(super) fn emit(self, sink: &mut Sink<'_>) -> Result<()> {
        for order in &self.all {
            order.emit(&self.source, sink)?;
        }
        Ok(())
    }
}

struct Read {
    at: usize,
    time: Option<Timestamp>,
    line: Line,
    total: Option<Decimal>,
    discount: Option<Decimal>,
    consents: Vec<((String, String), ConsentStatus)>,
}

impl Line {
    /// What the line comes to.
    fn amount(&self) -> Option<Decimal> {
        match (self.total, self.price, self.quantity) {
            (Some(total), ..) => Some(total),
            (None, Some(price), Some(quantity)) => price.checked_mul(quantity),
            (None, price, None) => price,
            (None, None, _) => None,
        }
    }
}

/// Orders that were never paid are none yet; next week's export may say otherwise.
fn never_placed(status: &str) -> bool {
    let status = status.trim().to_lowercase().replace(['-', '_'], " ");
    let status = status.strip_prefix("wc ").unwrap_or(&status);
    ["pending", "pending payment", "failed", "draft", "checkout draft", "auto draft", "trash", "abandoned", "expired"]
        .contains(&status)
}

/// What has to be said about an order besides that it was placed.
fn aftermath(status: &str) -> Option<&'static str> {
    match status.trim().to_lowercase().as_str() {
        "cancelled" | "canceled" | "voided" | "wc-cancelled" => Some("Order Cancelled"),
        "refunded" | "wc-refunded" => Some("Order Refunded"),
        _ => None,
    }
}

impl Order {
    /// The first row that says something about the order decides.
    fn describe(&mut self, cells: Cells<'_>, dialect: &Dialect) {
        let get = |key: &Key| dialect.mapping.get(key, cells);
        for (slot, key) in self.people.iter_mut().zip(&PEOPLE) {
            if slot.is_none() {
                *slot = get(key).map(|value| name(value).into());
            }
        }
        for (slot, key) in
            [(&mut self.currency, Key::Currency), (&mut self.country, Key::Country), (&mut self.status, Key::Status)]
        {
            if slot.is_none() {
                *slot = get(&key).map(Into::into);
            }
        }
        for (key, value) in dialect.mapping.traits(cells) {
            if let Key::Trait(name) = key {
                self.traits.entry(name.clone()).or_insert_with(|| value.into());
            }
        }
    }

    fn add_amounts(&mut self, total: Option<Decimal>, discount: Option<Decimal>, line: &Line, dialect: &Dialect) {
        self.total = self.total.or(total);
        // Beside a total of the order the discount is the order's too; else each line has its own.
        self.discount = match (self.discount, discount) {
            (Some(sum), Some(more)) if !dialect.mapping.has(&Key::Total) => sum.checked_add(more),
            (known, new) => known.or(new),
        };
        match line.amount() {
            Some(more) => self.lines = self.lines.map_or(Some(more), |sum| sum.checked_add(more)),
            None => self.lines_unknown = true,
        }
        self.lines_unknown |= self.lines.is_none();
        self.all_negative &= line.quantity.is_some_and(Decimal::is_negative);
        self.all_free &= line.price.or(line.total).is_some_and(Decimal::is_zero);
    }

    fn add_product(&mut self, cells: Cells<'_>, dialect: &Dialect, line: &Line) {
        let get = |key: &Key| dialect.mapping.get(key, cells);
        let texts = [
            ("product_id", get(&Key::ProductId).map(name)),
            ("name", get(&Key::Name)),
            ("brand", get(&Key::Brand)),
            ("category", get(&Key::Category)),
        ];
        let numbers = [("price", line.price), ("quantity", line.quantity), ("line_total", line.total)];
        if texts.iter().all(|(_, text)| text.is_none()) && numbers.iter().all(|(_, number)| number.is_none()) {
            return;
        }
        if !self.products.is_empty() {
            self.products.push(',');
        }
        let mut object = Object::open(&mut self.products);
        for (key, text) in texts {
            object.text(key, text);
        }
        for (key, number) in numbers {
            object.number(key, number);
        }
        object.close();
    }

    fn emit(&self, source: &str, sink: &mut Sink<'_>) -> Result<()> {
        let signed = self.people.iter().any(Option::is_some);
        if self.all_negative && self.all_free && !signed {
            for row in &self.rows {
                sink(Emit::Reject { line: *row, reason: Reason::NotAnOrder })?;
            }
            return Ok(());
        }
        let event = if self.all_negative { "Order Refunded" } else { "Order Completed" };
        let id = self.message_id(source, "order");
        sink(Emit::Message { json: &self.order(&id, event, true), rows: &self.rows })?;
        if let Some(event) = self.status.as_deref().and_then(aftermath).filter(|_| !self.all_negative) {
            let id = self.message_id(source, event);
            sink(Emit::Message { json: &self.order(&id, event, false), rows: &[] })?;
        }
        if !self.traits.is_empty() {
            let id = self.message_id(source, "identify");
            sink(Emit::Message { json: &self.identify(&id), rows: &[] })?;
        }
        for (topic, status) in &self.consents {
            let id = self.message_id(source, &format!("consent {} {}", topic.0, topic.1));
            let mut json = String::new();
            let mut object = Object::open(&mut json);
            self.head(&mut object, &id, "track", Some("Consent Updated"));
            consents(&mut object, topic, *status, self.contact());
            object.close();
            sink(Emit::Message { json: &json, rows: &[] })?;
        }
        Ok(())
    }

    /// Of source, order id and rows, whatever the order of the rows.
    fn message_id(&self, source: &str, what: &str) -> String {
        let mut hashes = self.hashes.clone();
        hashes.sort_unstable();
        message_id(what, source, &self.id, &hashes)
    }

    fn contact(&self) -> [Option<&str>; 2] {
        let [_, _, email, phone, _] = &self.people;
        [email.as_deref(), phone.as_deref()]
    }

    fn head(&self, object: &mut Object<'_>, id: &str, kind: &str, event: Option<&str>) {
        let [user, customer, _, _, card] = self.people.each_ref().map(|one| one.as_deref());
        object.text("messageId", Some(id));
        object.text("type", Some(kind));
        object.text("event", event);
        object.text("timestamp", self.time.map(|ts| ts.to_string()).as_deref());
        object.text("userId", user);
        if self.people.iter().all(Option::is_none) {
            object.text("anonymousId", Some(&format!("guest-{}", self.id)));
        }
        object.external_ids([("customer_id", customer), ("loyalty_card", card)]);
    }

    fn order(&self, id: &str, event: &str, whole: bool) -> String {
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, id, "track", Some(event));
        let [email, phone] = self.contact();
        object.key("properties");
        let mut properties = object.inner();
        properties.text("order_id", Some(&self.id));
        properties.text("email", email);
        properties.text("phone", phone);
        if whole {
            let total = self.total.or(self.lines.filter(|_| !self.lines_unknown));
            properties.number("total", total.map(|total| if self.all_negative { absolute(total) } else { total }));
            properties.number("discount", self.discount);
            properties.text("currency", self.currency.as_deref());
            properties.text("country", self.country.as_deref());
            properties.text("status", self.status.as_deref());
            if !self.products.is_empty() {
                properties.raw("products", &format!("[{}]", self.lines_of(self.all_negative)));
            }
        }
        properties.close();
        object.close();
        json
    }

    /// The lines as JSON; of a refund without the signs, for its lines say how much came back.
    fn lines_of(&self, refund: bool) -> String {
        let mut lines = self.products.clone();
        if refund {
            // A quote inside of a text is written with a backslash, so no text looks like a key.
            for key in ["price", "quantity", "line_total"] {
                lines = lines.replace(&format!("\"{key}\":-"), &format!("\"{key}\":"));
            }
        }
        lines
    }

    fn identify(&self, id: &str) -> String {
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, id, "identify", None);
        let [email, phone] = self.contact();
        object.key("traits");
        let mut traits = object.inner();
        traits.text("email", email);
        traits.text("phone", phone);
        for (name, value) in &self.traits {
            traits.text(name, Some(value));
        }
        traits.close();
        object.close();
        json
    }
}

fn absolute(number: Decimal) -> Decimal {
    if number.is_negative() { number.negated() } else { number }
}
