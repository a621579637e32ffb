//! An order -> messages: that it was placed, what came back of it, and what its rows say about the customer.
//!
//! Next week's export may show the same order grown. An order's message stands for all of its rows, so that of the grown
//! order takes the place of the one before: it is as late or later, and has more lines. Where the rows have different
//! times, `Order Completed` says when the order began and `Order Updated`, at the time of its last row, what it became:
//! a row that turns up with an earlier time moves the order's time and still adds its line. Refunds add up instead, so
//! each row of one is a refund of its own, and a longer export adds its new rows only.

use super::Sink;
use super::csv::Cells;
use super::mapping::{Key, PEOPLE};
use super::message::{Object, Topic, consents, hash_of, message_id, row_hash};
use super::orders::{Line, Read};
use super::rows::Dialect;
use super::status::{Status, Statuses};
use super::traits;
use super::values::name;
use crate::Result;
use crate::base::ident::uuid_text;
use crate::base::{Decimal, Timestamp};
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
use ahash::AHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// An order under way.
#[derive(Default)]
pub(super) struct Order {
    id: Box<str>,
    /// Its id is a placeholder: the how manieth of equal rows it is.
    unnamed: Option<u32>,
    rows: Vec<u64>,
    hashes: Vec<[u8; 16]>,
    /// The times of its earliest and its latest row.
    time: Option<Timestamp>,
    latest: Option<Timestamp>,
    /// By the order of [`PEOPLE`].
    people: [Option<Box<str>>; 5],
    currency: Option<Box<str>>,
    country: Option<Box<str>>,
    status: Option<Box<str>>,
    statuses: Statuses,
    /// The file has a column of totals.
    by_total: bool,
    total: Option<Decimal>,
    discount: Option<Decimal>,
    /// What came back so far, as the file says.
    refunded: Option<Decimal>,
    lines: Sum,
    /// The lines whose own status says that they came back.
    undone: Sum,
    all_free: bool,
    /// The lines as JSON, a comma between.
    products: String,
    /// The rows that have a negative quantity, and whether all have.
    returns: Vec<Return>,
    all_return: bool,
    traits: BTreeMap<String, Box<str>>,
    consents: BTreeMap<Topic, ConsentStatus>,
}

/// The sum of what lines come to.
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: Option<Decimal>,
    /// A line does not say what it comes to.
    unknown: bool,
}

impl Sum {
    fn add(&mut self, amount: Option<Decimal>) {
        let sum = amount.and_then(|more| self.sum.map_or(Some(more), |sum| sum.checked_add(more)));
        self.unknown |= sum.is_none();
        self.sum = sum.or(self.sum);
    }

    fn known(self) -> Option<Decimal> {
        self.sum.filter(|_| !self.unknown)
    }
}

/// A row of something that came back.
struct Return {
    row: u64,
    hash: [u8; 16],
    time: Option<Timestamp>,
    amount: Option<Decimal>,
    total: Option<Decimal>,
    /// Its line, without the signs: a refund's lines say how much came back.
    product: String,
}

/// What came back of an order.
enum CameBack {
    /// Everything; the event that says so.
    Everything(&'static str),
    /// So much, all in all.
    SoFar(Decimal),
}

/// No currency is called so.
const SEVERAL_CURRENCIES: &str = "several";

impl Order {
    /// What an order takes beside its texts and rows.
    pub(super) const BYTES: usize = 700;
    /// What a row takes beside its line.
    const ROW_BYTES: usize = 64;

    pub(super) fn new(id: &str) -> Self {
        Self { id: id.into(), all_free: true, all_return: true, ..Self::default() }
    }

    /// An order of one row, whose id names none.
    pub(super) fn unnamed(id: &str, ordinal: u32) -> Self {
        Self { unnamed: Some(ordinal), ..Self::new(id) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Takes a row in; how many bytes that adds.
    pub(super) fn add(&mut self, row: u64, cells: Cells<'_>, dialect: &Dialect, read: Read<'_>) -> usize {
        let Read { time, line, total, discount, refunded, status, consents, .. } = read;
        let before = self.products.len();
        let hash = row_hash(cells, dialect);
        self.rows.push(row);
        self.hashes.push(hash);
        self.time = [self.time, time].into_iter().flatten().min();
        self.latest = self.latest.max(time);
        let mut added = self.describe(cells, dialect);
        self.consents.extend(consents);
        self.by_total = dialect.mapping.has(&Key::Total);
        self.total = self.total.or(total);
        // Beside a total of the order the discount is the order's too; else each line has its own.
        self.discount = match (self.discount, discount) {
            (Some(sum), Some(more)) if !self.by_total => sum.checked_add(more),
            (known, new) => known.or(new),
        };
        self.refunded = self.refunded.max(refunded.map(absolute));
        self.lines.add(line.amount());
        self.note_status(status, &line);
        self.all_free &= line.price.or(line.total).is_some_and(Decimal::is_zero);
        write_product(&mut self.products, cells, dialect, &line);
        let negative = line.quantity.is_some_and(Decimal::is_negative);
        self.all_return &= negative;
        if negative {
            let amount = line.amount().map(absolute);
            let line = Line {
                price: line.price.map(absolute),
                quantity: line.quantity.map(absolute),
                total: line.total.map(absolute),
            };
            let mut product = String::new();
            write_product(&mut product, cells, dialect, &line);
            added += size_of::<Return>() + product.len();
            let hash = hash_of_return(cells, dialect, &line, time);
            self.returns.push(Return { row, hash, time, amount, total: total.map(absolute), product });
        }
        added + Self::ROW_BYTES + self.products.len() - before
    }

    fn note_status(&mut self, status: Option<Status>, line: &Line) {
        let Some(status) = status else { return };
        self.statuses.add(status);
        if matches!(status, Status::Cancelled | Status::Refunded) {
            self.undone.add(line.amount());
        }
    }

    /// The first row that says something about the order decides. How many bytes are held more.
    fn describe(&mut self, cells: Cells<'_>, dialect: &Dialect) -> usize {
        let get = |key: &Key| dialect.mapping.get(key, cells);
        let mut added = 0;
        let mut fill = |slot: &mut Option<Box<str>>, value: Option<&str>| {
            if let (None, Some(value)) = (&slot, value) {
                added += value.len();
                *slot = Some(value.into());
            }
        };
        for (slot, key) in self.people.iter_mut().zip(&PEOPLE) {
            fill(slot, get(key).map(name));
        }
        fill(&mut self.currency, get(&Key::Currency));
        let said = get(&Key::Currency).zip(self.currency.as_deref());
        if said.is_some_and(|(here, before)| !here.eq_ignore_ascii_case(before)) {
            // An amount in two currencies is none.
            self.currency = Some(SEVERAL_CURRENCIES.into());
        }
        fill(&mut self.country, get(&Key::Country));
        fill(&mut self.status, get(&Key::Status));
        for (key, value) in dialect.mapping.traits(cells) {
            if let Key::Trait(name) = key
                && !self.traits.contains_key(name)
            {
                let json = traits::json(name, value, dialect);
                added += name.len() + json.len();
                self.traits.insert(name.clone(), json.into());
            }
        }
        added
    }

    /// Why this is no order, if it is none.
    fn refusal(&self) -> Option<Reason> {
        let signed = self.people.iter().any(Option::is_some);
        if self.time.is_none() || (self.by_total && self.total.is_none()) {
            Some(Reason::MissingField)
        } else if self.statuses.is_never_placed() || (self.all_return && self.all_free && !signed) {
            Some(Reason::NotAnOrder)
        } else {
            None
        }
    }

    /// Hands the order out as messages, or its rows as refused.
    pub(super) fn emit(&self, source: &str, sink: &mut dyn Sink) -> Result<()> {
        if let Some(reason) = self.refusal() {
            self.rows.iter().for_each(|row| sink.reject(*row, reason));
            return Ok(());
        }
        sink.begin()?;
        if self.all_return {
            self.emit_refunds(source, sink)
        } else {
            self.emit_order(source, sink)?
        }
        if !self.traits.is_empty() {
            let id = self.message_id(source, "identify");
            sink.message(&self.identify(&id), &[]);
        }
        for (topic, status) in &self.consents {
            let id = self.message_id(source, &format!("consent {} {}", topic.0, topic.1));
            let mut json = String::new();
            let mut object = Object::open(&mut json);
            self.head(&mut object, &id, "track", Some("Consent Updated"), self.time);
            consents(&mut object, topic, *status, self.contact());
            object.close();
            sink.message(&json, &[]);
        }
        Ok(())
    }

    fn emit_order(&self, source: &str, sink: &mut dyn Sink) -> Result<()> {
        let total = self.amount_beside(&self.refunded_before(source, sink)?);
        let placed = |what: &str, event: &str, time| {
            let id = self.message_id(source, what);
            self.track(&id, event, time, |properties| {
                properties.number("total", total);
                properties.number("discount", self.discount);
                properties.text("country", self.country.as_deref());
                properties.text("status", self.status.as_deref());
                properties.list("products", &self.products);
            })
        };
        sink.message(&placed("order", "Order Completed", self.time), &self.rows);
        if self.latest > self.time {
            sink.message(&placed("order as of its last row", "Order Updated", self.latest), &[]);
        }
        match self.came_back(total) {
            None => {}
            Some(CameBack::Everything(event)) => {
                let id = self.id_of_return(source, event);
                sink.message(&self.track(&id, event, self.time, |_| {}), &[]);
            }
            Some(CameBack::SoFar(amount)) => {
                let known = sink.refunded(&self.id, self.currency.as_deref())?;
                let more = amount.checked_add(known.negated()).filter(|more| !more.is_negative() && !more.is_zero());
                if more.is_some() {
                    let id = self.id_of_return(source, &format!("refunded {amount}"));
                    let json = self.track(&id, "Order Refunded", self.time, |refund| refund.number("total", more));
                    sink.message(&json, &[]);
                }
            }
        }
        Ok(())
    }

    /// What came back, by the column that says so and by the statuses. A status of some rows only speaks of their lines;
    /// where rows are no lines with an amount, of the order.
    fn came_back(&self, total: Option<Decimal>) -> Option<CameBack> {
        let said = self.refunded.filter(|amount| !amount.is_zero());
        match self.statuses.undone() {
            // A message of its own finds only an order that has a name.
            Some(Status::Cancelled) => match total.filter(|_| self.unnamed.is_some()) {
                Some(amount) => Some(CameBack::SoFar(amount)),
                None => Some(CameBack::Everything("Order Cancelled")),
            },
            // So much as there was: what the order grows by later did not come back.
            Some(_) => Some(said.or(total).map_or(CameBack::Everything("Order Refunded"), CameBack::SoFar)),
            None if self.undone.unknown && said.is_none() => Some(CameBack::Everything("Order Refunded")),
            None => said.max(self.undone.known()).map(CameBack::SoFar),
        }
    }

    /// What came back, by the message that says it: one a row; of rows that repeat a total of the whole refund, one a
    /// total.
    fn refunds(&self) -> BTreeMap<String, Vec<&Return>> {
        let mut refunds: BTreeMap<String, Vec<&Return>> = BTreeMap::new();
        let mut equals: AHashMap<[u8; 16], u32> = AHashMap::new();
        let whole = self.total.map(absolute);
        for one in &self.returns {
            let what = match one.total.or(whole).filter(|_| self.by_total) {
                Some(total) => format!("refund {total}"),
                None => {
                    let ordinal = equals.entry(one.hash).or_default();
                    *ordinal += 1;
                    format!("refund row {} {ordinal}", uuid_text(&one.hash))
                }
            };
            refunds.entry(what).or_default().push(one);
        }
        refunds
    }

    /// What an earlier file, in which the order had nothing but rows that came back, already refunded.
    fn refunded_before(&self, source: &str, sink: &dyn Sink) -> Result<Vec<Option<Decimal>>> {
        let mut known = Vec::new();
        if self.by_total || self.unnamed.is_some() {
            return Ok(known);
        }
        for (what, rows) in self.refunds() {
            if sink.holds(&self.id_of_return(source, &what))? {
                known.extend(rows.iter().map(|one| one.amount));
            }
        }
        Ok(known)
    }

    fn emit_refunds(&self, source: &str, sink: &mut dyn Sink) {
        let whole = self.total.map(absolute);
        for (what, rows) in &self.refunds() {
            let id = self.id_of_return(source, what);
            let time = rows.iter().filter_map(|one| one.time).min().or(self.time);
            let amount = rows.iter().find_map(|one| if self.by_total { one.total.or(whole) } else { one.amount });
            let products: Vec<&str> =
                rows.iter().map(|one| one.product.as_str()).filter(|one| !one.is_empty()).collect();
            let json = self.track(&id, "Order Refunded", time, |properties| {
                properties.number("total", amount);
                properties.text("country", self.country.as_deref());
                properties.list("products", &products.join(","));
            });
            let lines: Vec<u64> = rows.iter().map(|one| one.row).collect();
            sink.message(&json, &lines);
        }
    }

    /// Of source, order id and rows, whatever the order of the rows.
    fn message_id(&self, source: &str, what: &str) -> String {
        let mut hashes = self.hashes.clone();
        hashes.sort_unstable();
        match self.unnamed {
            None => message_id(what, source, &self.id, &hashes),
            Some(ordinal) => message_id(&format!("{what} {ordinal}"), source, &self.id, &hashes),
        }
    }

    /// Of source, order id and what came back, which `what` tells: a longer export must not say it again.
    fn id_of_return(&self, source: &str, what: &str) -> String {
        match self.unnamed {
            None => message_id(what, source, &self.id, &[]),
            Some(_) => self.message_id(source, what),
        }
    }

    /// What the order comes to, beside what was refunded on its own: that lowers it already.
    fn amount_beside(&self, refunded: &[Option<Decimal>]) -> Option<Decimal> {
        let amount = if self.by_total { self.total } else { self.lines.known() };
        refunded.iter().try_fold(amount?, |sum, more| sum.checked_add((*more)?))
    }

    fn contact(&self) -> [Option<&str>; 2] {
        let [_, _, email, phone, _] = &self.people;
        [email.as_deref(), phone.as_deref()]
    }

    fn head(&self, object: &mut Object<'_>, id: &str, kind: &str, event: Option<&str>, time: Option<Timestamp>) {
        let [user, customer, _, _, card] = self.people.each_ref().map(|one| one.as_deref());
        object.text("messageId", Some(id));
        object.text("type", Some(kind));
        object.text("event", event);
        object.text("timestamp", time.map(|ts| ts.to_string()).as_deref());
        object.text("userId", user);
        if self.people.iter().all(Option::is_none) {
            object.text("anonymousId", Some(&self.guest()));
        }
        object.external_ids([("customer_id", customer), ("loyalty_card", card)]);
    }

    /// Who signed an order that nobody signed.
    fn guest(&self) -> String {
        match (self.unnamed, self.hashes.first()) {
            (Some(ordinal), Some(hash)) => format!("guest-{}-{ordinal}", uuid_text(hash)),
            _ => format!("guest-{}", self.id),
        }
    }

    /// A message about the order; `more` says what it has beside the names of order and customer.
    fn track(&self, id: &str, event: &str, time: Option<Timestamp>, more: impl FnOnce(&mut Object<'_>)) -> String {
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, id, "track", Some(event), time);
        let [email, phone] = self.contact();
        object.key("properties");
        let mut properties = object.inner();
        properties.text("order_id", Some(&self.id));
        properties.text("email", email);
        properties.text("phone", phone);
        properties.text("currency", self.currency.as_deref());
        more(&mut properties);
        properties.close();
        object.close();
        json
    }

    fn identify(&self, id: &str) -> String {
        let mut json = String::new();
        let mut object = Object::open(&mut json);
        self.head(&mut object, id, "identify", None, self.time);
        let [email, phone] = self.contact();
        object.key("traits");
        let mut traits = object.inner();
        traits.text("email", email);
        traits.text("phone", phone);
        for (name, value) in &self.traits {
            traits.raw(name, value);
        }
        traits.close();
        object.close();
        json
    }
}

/// Appends a row's line, if it says anything about one.
fn write_product(out: &mut String, cells: Cells<'_>, dialect: &Dialect, line: &Line) {
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
    if !out.is_empty() {
        out.push(',');
    }
    let mut object = Object::open(out);
    texts.into_iter().for_each(|(key, text)| object.text(key, text));
    numbers.into_iter().for_each(|(key, number)| object.number(key, number));
    object.close();
}

/// What came back, and when: what else a row says may change from one export to the next, and is no other return.
fn hash_of_return(cells: Cells<'_>, dialect: &Dialect, line: &Line, time: Option<Timestamp>) -> [u8; 16] {
    let get = |key: &Key| dialect.mapping.get(key, cells).map(name);
    let product = get(&Key::ProductId).or(get(&Key::Name)).unwrap_or_default();
    let numbers = [line.price, line.quantity, line.total].map(|number| number.map(|number| number.to_string()));
    let time = time.map(|time| time.to_string());
    let texts = numbers.into_iter().chain([time]).map(|text| Cow::Owned(text.unwrap_or_default()));
    hash_of(texts.chain([Cow::Borrowed(product)]))
}

fn absolute(number: Decimal) -> Decimal {
    if number.is_negative() { number.negated() } else { number }
}
