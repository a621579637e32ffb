//! An order -> messages: that it was placed, what came back of it, and what its rows say about the customer.
//!
//! Next week's export may show the same order grown. An order's message stands for all of its rows, so that of the grown
//! order takes the place of the one before: it is as late or later, and has more lines. Where the rows have different
//! times, `Order Completed` says when the order began and `Order Updated`, at the time of its last row, what it became:
//! a row that turns up with an earlier time moves the order's time and still adds its line. Refunds add up instead, so
//! each row of one is a refund of its own, and a longer export adds its new rows only.
//!
//! Of an order that its source told as Completed before, every other telling is an `Order Updated`. It comes behind those
//! before, if it has as many lines: an export says how things stand now. One of fewer lines is a slice of the order, and
//! changes nothing that is known. Where a row turns up that is earlier than all before, the order was placed earlier than
//! was known, which only an `Order Completed` can say.

use super::csv::Cells;
use super::digest::hash_of;
use super::mapping::Key;
use super::message::{Object, consents, message_id, row_hash};
use super::permission::Topic;
use super::row::{Line, Read, absolute};
use super::rows::Dialect;
use super::sink::{Sink, Told};
use super::status::{Status, Statuses};
use super::traits;
use super::values::name;
use crate::Result;
use crate::base::ident::uuid_text;
use crate::base::{Decimal, Timestamp};
use crate::message::{Flag, Reason};
use crate::normalize::consent::ConsentStatus;
use ahash::AHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An order under way.
#[derive(Default)]
pub(super) struct Order {
    id: Box<str>,
    /// How the file is declared to be read, as a digest.
    pub(super) declared: Option<Rc<str>>,
    /// Its id is a placeholder: the how manieth of equal rows it is.
    unnamed: Option<u32>,
    rows: Vec<u64>,
    hashes: Vec<[u8; 16]>,
    /// The times of its earliest and its latest row.
    time: Option<Timestamp>,
    latest: Option<Timestamp>,
    /// In the order of the mapping's keys of people.
    people: [Option<Box<str>>; 5],
    /// Rows that name somebody else than the first.
    others: Vec<u64>,
    currency: Option<Box<str>>,
    country: Option<Box<str>>,
    status: Option<Box<str>>,
    statuses: Statuses,
    cancelled_at: Option<Timestamp>,
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
    /// The rows that say that they are refunds: beside the order, and no part of it.
    refunds: Vec<Return>,
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

impl Return {
    /// A row that came back, without the signs.
    fn of(
        row: u64,
        cells: Cells<'_>,
        dialect: &Dialect,
        line: &Line,
        (time, total): (Option<Timestamp>, Option<Decimal>),
    ) -> Self {
        let amount = line.amount().map(absolute);
        let line = Line {
            price: line.price.map(absolute),
            quantity: line.quantity.map(absolute),
            total: line.total.map(absolute),
        };
        let mut product = String::new();
        write_product(&mut product, cells, dialect, &line);
        let hash = hash_of_return(cells, dialect, &line, (time, total));
        Self { row, hash, time, amount, total: total.map(absolute), product }
    }
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
        if read.is_refund {
            let one = Return::of(row, cells, dialect, &line, (time, total));
            let added = size_of::<Return>() + one.product.len();
            self.refunds.push(one);
            // Who sends back is the shop, and not who bought.
            let people = !read.is_sent_back;
            return added + self.describe(row, (cells, dialect), read.currency.as_deref(), people);
        }
        let hash = row_hash(cells, dialect);
        self.rows.push(row);
        self.hashes.push(hash);
        self.time = [self.time, time].into_iter().flatten().min();
        self.latest = self.latest.max(time);
        self.cancelled_at = self.cancelled_at.or(read.cancelled_at);
        let mut added = self.describe(row, (cells, dialect), read.currency.as_deref(), true);
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
            let one = Return::of(row, cells, dialect, &line, (time, total));
            added += size_of::<Return>() + one.product.len();
            self.returns.push(one);
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
    fn describe(
        &mut self,
        row: u64,
        (cells, dialect): (Cells<'_>, &Dialect),
        currency: Option<&str>,
        people: bool,
    ) -> usize {
        let get = |key: &Key| dialect.mapping.get(key, cells);
        let mut added = 0;
        let mut fill = |slot: &mut Option<Box<str>>, value: Option<&str>| {
            if let (None, Some(value)) = (&slot, value) {
                added += value.len();
                *slot = Some(value.into());
            }
        };
        let named = if people { dialect.mapping.people(cells) } else { [None; 5] };
        for (slot, said) in self.people.iter_mut().zip(named) {
            if said.is_some_and(|said| slot.as_deref().is_some_and(|first| !first.eq_ignore_ascii_case(said))) {
                self.others.push(row);
            }
            fill(slot, said);
        }
        fill(&mut self.currency, currency);
        let said = currency.zip(self.currency.as_deref());
        if said.is_some_and(|(here, before)| !here.eq_ignore_ascii_case(before)) {
            // An amount in two currencies is none.
            self.currency = Some(SEVERAL_CURRENCIES.into());
        }
        fill(&mut self.country, get(&Key::Country));
        fill(&mut self.status, get(&Key::Status));
        for (name, value) in dialect.mapping.traits(cells) {
            if !self.traits.contains_key(name) {
                let json = traits::json(name, value, dialect);
                added += name.len() + json.len();
                self.traits.insert(name.to_owned(), json.into());
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
        let refused = self.refusal().filter(|_| !self.rows.is_empty());
        if let Some(reason) = refused {
            self.rows.iter().for_each(|row| sink.reject(*row, reason.into()));
            if self.refunds.is_empty() {
                return Ok(());
            }
        }
        sink.begin()?;
        if refused.is_none() && !self.rows.is_empty() {
            if self.all_return {
                self.emit_refunds(&self.refunds_of_rows(), source, sink);
            } else {
                self.emit_order(source, sink)?;
            }
        }
        self.emit_refunds(&self.refunds_beside(), source, sink);
        self.others.iter().for_each(|row| sink.note(*row, Flag::IdentifiersCut));
        let first = self.rows.iter().chain(self.refunds.iter().map(|one| &one.row)).next().copied().unwrap_or(0);
        if !self.traits.is_empty() {
            let id = self.message_id(source, "identify");
            sink.message(&self.identify(&id), &[], first);
        }
        for (topic, status) in &self.consents {
            let id = self.message_id(source, &format!("consent {} {}", topic.0, topic.1));
            let mut json = String::new();
            let mut object = Object::open(&mut json);
            self.head(&mut object, &id, "track", Some("Consent Updated"), self.time());
            consents(&mut object, topic, *status, self.contact());
            object.close();
            sink.message(&json, &[], first);
        }
        Ok(())
    }

    /// Of a file that tells nothing but what came back, the time of that.
    fn time(&self) -> Option<Timestamp> {
        self.time.or_else(|| self.refunds.iter().filter_map(|one| one.time).min())
    }

    fn emit_order(&self, source: &str, sink: &mut dyn Sink) -> Result<()> {
        let total = self.amount_beside(&self.refunded_before(source, sink)?);
        let first = self.rows.first().copied().unwrap_or(0);
        let placed = |id: &str, event: &str, time| {
            self.track(id, event, time, |properties| {
                properties.number("total", total);
                properties.number("discount", self.discount);
                properties.text("country", self.country.as_deref());
                properties.text("status", self.status.as_deref());
                properties.list("products", &self.products);
            })
        };
        let id = self.message_id(source, "order");
        match self.told_anew(&id, sink)? {
            Some(time) => sink.message(&placed(&id, "Order Updated", Some(time)), &self.rows, first),
            None => {
                sink.message(&placed(&id, "Order Completed", self.time), &self.rows, first);
                if self.latest > self.time {
                    let id = self.message_id(source, "order as of its last row");
                    sink.message(&placed(&id, "Order Updated", self.latest), &[], first);
                }
            }
        }
        match self.came_back(total) {
            None => {}
            Some(CameBack::Everything(event)) => {
                let id = self.id_of_return(source, event);
                let time = self.cancelled_at.or(self.time);
                sink.message(&self.track(&id, event, time, |_| {}), &[], first);
            }
            Some(CameBack::SoFar(amount)) => {
                let id = self.id_of_return(source, &format!("refunded {amount}"));
                let more = match sink.recall(&id)? {
                    Some(told) => Some(told),
                    None => {
                        let known = sink.refunded(&self.id, self.currency.as_deref())?;
                        amount.checked_add(known.negated()).filter(|more| !more.is_negative() && !more.is_zero())
                    }
                };
                if more.is_some() {
                    let json = self.track(&id, "Order Refunded", self.time, |refund| refund.number("total", more));
                    sink.message(&json, &[], first);
                }
            }
        }
        Ok(())
    }

    /// When an order is told again that its source told before; `None` where this is what it told first.
    fn told_anew(&self, id: &str, sink: &dyn Sink) -> Result<Option<Timestamp>> {
        if self.unnamed.is_some() {
            return Ok(None);
        }
        let told = sink.told(&self.id)?;
        if let Some(own) = told.iter().find(|one| one.message_id == id) {
            return Ok(Some(own.time).filter(|_| !own.completed));
        }
        let placed = told.iter().filter(|one| one.completed).map(|one| one.time).min();
        let Some(placed) = placed.filter(|placed| self.time.is_none_or(|time| time >= *placed)) else {
            return Ok(None);
        };
        let last = |one: &&Told| (one.time, one.lines);
        let known = told.iter().max_by_key(last).map_or((placed, 0), |one| last(&one));
        let own = self.latest.unwrap_or(placed);
        let whole = u32::try_from(self.rows.len()).unwrap_or(u32::MAX) >= known.1;
        let behind = Timestamp::from_millisecond(known.0.as_millisecond().saturating_add(1));
        Ok(Some(if whole { own.max(behind) } else { own }))
    }

    /// What came back, by the column that says so and by the statuses. A status of some rows only speaks of their lines;
    /// where rows are no lines with an amount, of the order.
    fn came_back(&self, total: Option<Decimal>) -> Option<CameBack> {
        let said = self.refunded.filter(|amount| !amount.is_zero());
        let undone = if self.cancelled_at.is_some() { Some(Status::Cancelled) } else { self.statuses.undone() };
        match undone {
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
    fn refunds_of_rows(&self) -> BTreeMap<String, Vec<&Return>> {
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

    /// The rows that say that they are refunds: each is one.
    fn refunds_beside(&self) -> BTreeMap<String, Vec<&Return>> {
        let mut equals: AHashMap<[u8; 16], u32> = AHashMap::new();
        let each = self.refunds.iter().map(|one| {
            let ordinal = equals.entry(one.hash).or_default();
            *ordinal += 1;
            (format!("refund beside {} {ordinal}", uuid_text(&one.hash)), vec![one])
        });
        each.collect()
    }

    /// What an earlier file, in which the order had nothing but rows that came back, already refunded.
    fn refunded_before(&self, source: &str, sink: &dyn Sink) -> Result<Vec<Option<Decimal>>> {
        let mut known = Vec::new();
        if self.by_total || self.unnamed.is_some() {
            return Ok(known);
        }
        for (what, rows) in self.refunds_of_rows() {
            if sink.holds(&self.id_of_return(source, &what))? {
                known.extend(rows.iter().map(|one| one.amount));
            }
        }
        Ok(known)
    }

    fn emit_refunds(&self, refunds: &BTreeMap<String, Vec<&Return>>, source: &str, sink: &mut dyn Sink) {
        let whole = self.total.filter(|_| self.all_return).map(absolute);
        for (what, rows) in refunds {
            let id = self.id_of_return(source, what);
            let time = rows.iter().filter_map(|one| one.time).min().or(self.time);
            let amount =
                rows.iter().find_map(|one| if self.by_total { one.total.or(whole) } else { one.total.or(one.amount) });
            let products: Vec<&str> =
                rows.iter().map(|one| one.product.as_str()).filter(|one| !one.is_empty()).collect();
            let json = self.track(&id, "Order Refunded", time, |properties| {
                properties.number("total", amount);
                properties.text("country", self.country.as_deref());
                properties.list("products", &products.join(","));
            });
            let lines: Vec<u64> = rows.iter().map(|one| one.row).collect();
            sink.message(&json, &lines, lines.first().copied().unwrap_or(0));
        }
    }

    /// Of source, order id and rows, whatever the order of the rows.
    fn message_id(&self, source: &str, what: &str) -> String {
        let mut hashes = self.hashes.clone();
        // An order of which only what came back is told has no rows of its own.
        hashes.extend(self.refunds.iter().filter(|_| self.rows.is_empty()).map(|one| one.hash));
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
        let ids = [("customer_id", customer), ("loyalty_card", card)];
        object.context(ids, self.declared.as_deref(), None);
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
        self.head(&mut object, id, "identify", None, self.time());
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
fn hash_of_return(
    cells: Cells<'_>,
    dialect: &Dialect,
    line: &Line,
    (time, total): (Option<Timestamp>, Option<Decimal>),
) -> [u8; 16] {
    let get = |key: &Key| dialect.mapping.get(key, cells).map(name);
    let product = get(&Key::ProductId).or(get(&Key::Name)).unwrap_or_default();
    let numbers = [line.price, line.quantity, line.total, total].map(|number| number.map(|number| number.to_string()));
    let time = time.map(|time| time.to_string());
    let texts = numbers.into_iter().chain([time]).map(|text| Cow::Owned(text.unwrap_or_default()));
    hash_of(texts.chain([Cow::Borrowed(product)]))
}
