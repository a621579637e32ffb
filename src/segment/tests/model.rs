//! A person in plain vectors, and the rules once more, naively: straight from their JSON, in nested loops and `f64`.

use crate::base::doc::{Doc, DocWriter};
use crate::base::time::DAY_MS;
use crate::base::{Timestamp, time};
use crate::error::Result;
use crate::fact::props::product_lines;
use crate::normalize::consent::ConsentStatus;
use crate::people::entry::{EventRef, LineView, OrderView};
use crate::rule::node::Topic;
use crate::segment::person::Person;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

pub(super) fn doc(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut DocWriter::new(&mut out));
    out
}

fn write(value: &Value, out: &mut DocWriter<'_>) {
    match value {
        Value::Null => out.null(),
        Value::Bool(value) => out.bool(*value),
        Value::Number(number) => out.number(&number.to_string()),
        Value::String(text) => out.string(text),
        Value::Array(items) => {
            let open = out.list();
            items.iter().for_each(|item| write(item, out));
            out.close(open);
        }
        Value::Object(members) => {
            let open = out.object();
            for (key, value) in members {
                out.key(key.as_bytes());
                write(value, out);
            }
            out.close(open);
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    pub(super) ts: i64,
    pub(super) gross: Option<i64>,
    pub(super) discount: Option<i64>,
    pub(super) refunds: Vec<(i64, i64)>,
    pub(super) properties: Value,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shopper {
    pub(super) traits: Vec<(i64, String, Value)>,
    /// In the order of time.
    pub(super) events: Vec<(i64, String, Value)>,
    pub(super) orders: Vec<Order>,
    pub(super) lone_refunds: Vec<(i64, i64)>,
    pub(super) identifiers: BTreeMap<String, usize>,
    pub(super) member_of: Vec<String>,
}

impl Shopper {
    fn value(&self, name: &str, at: i64) -> Option<&Value> {
        let known = self.traits.iter().filter(|(ts, own, _)| *ts <= at && own == name);
        known.max_by_key(|(ts, ..)| *ts).map(|(.., value)| value).filter(|value| !value.is_null())
    }

    fn refunded(order: &Order, at: i64) -> i64 {
        let sum: i64 = order.refunds.iter().filter(|(ts, _)| *ts <= at).map(|(_, minor)| minor).sum();
        sum.min(order.gross.unwrap_or(0))
    }
}

impl Person for Shopper {
    fn trait_value(&self, name: &str, at: Timestamp) -> Result<Option<Cow<'_, [u8]>>> {
        Ok(self.value(name, at.as_millisecond()).map(|value| Cow::Owned(doc(value))))
    }

    fn visit_events(
        &self,
        name: &str,
        after: Timestamp,
        to: Timestamp,
        visit: &mut dyn FnMut(EventRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        for (ts, own, properties) in &self.events {
            let ts = Timestamp::from_millisecond(*ts);
            if own != name || ts <= after || ts > to {
                continue;
            }
            if visit(EventRef { ts, shop: "", properties: Doc::new(&doc(properties)), exchange: None })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn orders(&self, at: Timestamp) -> Result<Vec<OrderView<'_>>> {
        let at = at.as_millisecond();
        let settled = self.orders.iter().filter(|order| order.ts <= at).map(|order| OrderView {
            ts: Timestamp::from_millisecond(order.ts),
            shop: String::new(),
            lone_refund: false,
            gross_minor: order.gross,
            refunded_minor: Self::refunded(order, at),
            discount_minor: order.discount,
            properties: Cow::Owned(doc(&order.properties)),
            exchange: None,
        });
        let alone = self.lone_refunds.iter().filter(|(ts, _)| *ts <= at).map(|(ts, minor)| OrderView {
            ts: Timestamp::from_millisecond(*ts),
            lone_refund: true,
            refunded_minor: *minor,
            ..OrderView::default()
        });
        let mut orders: Vec<_> = settled.chain(alone).collect();
        orders.sort_by_key(|order| order.ts);
        Ok(orders)
    }

    fn lines(&self, event: &EventRef<'_>) -> Result<Vec<LineView>> {
        let view = |line: Doc<'_>| LineView { bytes: Cow::Owned(line.bytes().to_vec()), price_listed: false };
        Ok(product_lines(event.properties).map(view).collect())
    }

    fn consent(&self, _: &Topic, _: Timestamp) -> Result<Option<ConsentStatus>> {
        Ok(None)
    }

    fn is_suppressed(&self, _: &str, _: Timestamp) -> Result<bool> {
        Ok(false)
    }

    fn count_identifiers(&self, namespace: &str) -> Result<usize> {
        Ok(self.identifiers.get(namespace).copied().unwrap_or(0))
    }

    fn is_known(&self) -> Result<bool> {
        Ok(self.identifiers.contains_key("email"))
    }

    fn currency_decimals(&self) -> u8 {
        2
    }

    fn calendar_day(&self, ts: Timestamp) -> i64 {
        (ts.as_millisecond() + 3_600_000).div_euclid(DAY_MS)
    }

    fn is_member(&self, segment: &str, _at: Timestamp) -> Result<bool> {
        Ok(self.member_of.iter().any(|own| own == segment))
    }
}

fn lines(properties: &Value) -> Vec<&Value> {
    properties["products"].as_array().map_or(Vec::new(), |lines| lines.iter().filter(|l| l.is_object()).collect())
}

/// Whether the rule holds, by the letter of its JSON.
pub(super) fn holds(rule: &Value, who: &Shopper, at: i64) -> bool {
    let (head, value) = rule.as_object().unwrap().iter().find(|(key, _)| HEADS.contains(&key.as_str())).unwrap();
    let many = |rules: &Value| rules.as_array().unwrap().iter().filter(|rule| holds(rule, who, at)).count();
    match head.as_str() {
        "and" => many(value) == value.as_array().unwrap().len(),
        "or" => many(value) > 0,
        "not" => !holds(value, who, at),
        "at_least" => many(&value[1]) as u64 >= value[0].as_u64().unwrap(),
        "segment" => who.member_of.iter().any(|own| own == value.as_str().unwrap()),
        "trait" => operator(rule, trait_at(who, value.as_str().unwrap(), at).as_ref()),
        "event" => event(rule, who, at),
        "orders" => orders(rule, who, at),
        "bought" => bought(rule, who, at).iter().any(|lines| lines.iter().any(|line| condition(value, line))),
        "bought_together" => bought(rule, who, at).iter().any(|lines| {
            let pairs =
                lines.iter().enumerate().flat_map(|(i, a)| lines.iter().enumerate().map(move |(j, b)| (i, j, a, b)));
            pairs.into_iter().any(|(i, j, a, b)| i != j && condition(&value[0], a) && condition(&value[1], b))
        }),
        _ => identity(rule, who),
    }
}

const HEADS: [&str; 11] =
    ["and", "or", "not", "at_least", "segment", "trait", "event", "orders", "bought", "bought_together", "identity"];

fn identity(rule: &Value, who: &Shopper) -> bool {
    let count = who.identifiers.get(rule["namespace"].as_str().unwrap_or_default()).copied().unwrap_or(0);
    match rule["identity"].as_str().unwrap() {
        "has" => count > 0,
        "count" => operator(rule, Some(&Value::from(count))),
        _ => !who.identifiers.contains_key("email"),
    }
}

/// Paths of the generated rules have at most one dot, and no generated name has any.
fn trait_at(who: &Shopper, path: &str, at: i64) -> Option<Value> {
    match path.split_once('.') {
        None => who.value(path, at).cloned(),
        Some((head, tail)) => who.value(head, at).and_then(|value| value.get(tail)).filter(|v| !v.is_null()).cloned(),
    }
}

fn span(text: &Value) -> i64 {
    time::parse_span_ms(text.as_str().unwrap()).unwrap()
}

fn instant(text: &Value) -> i64 {
    text.as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

fn in_window(window: &Value, ts: i64, at: i64) -> bool {
    if ts > at {
        return false;
    }
    match window.as_object().and_then(|window| window.iter().next()) {
        None => true,
        Some((key, w)) => match key.as_str() {
            "last" => ts > at - span(w),
            "ago" => ts > at - span(&w[0]) && ts <= at - span(&w[1]),
            _ => instant(&w[0]) <= ts && ts <= instant(&w[1]),
        },
    }
}

fn condition(condition: &Value, scope: &Value) -> bool {
    let all =
        |inner: &Value| inner.as_array().unwrap().iter().map(|one| self::condition(one, scope)).collect::<Vec<_>>();
    if let Some(inner) = condition.get("and") {
        return all(inner).iter().all(|held| *held);
    }
    if let Some(inner) = condition.get("or") {
        return all(inner).iter().any(|held| *held);
    }
    if let Some(inner) = condition.get("not") {
        return !self::condition(inner, scope);
    }
    if let Some(word) = condition.get("line") {
        let held: Vec<bool> = lines(scope).iter().map(|line| self::condition(&condition["where"], line)).collect();
        return match word.as_str().unwrap() {
            "any" => held.contains(&true),
            "none" => !held.contains(&true),
            _ => !held.is_empty() && !held.contains(&false),
        };
    }
    if let Some(path) = condition.get("property") {
        return operator(condition, scope.get(path.as_str().unwrap()));
    }
    let names = [("product", "product_id"), ("brand", "brand"), ("category", "category")];
    names.iter().all(|(key, name)| condition.get(key).is_none_or(|wanted| same(scope.get(name), wanted)))
}

fn same(value: Option<&Value>, wanted: &Value) -> bool {
    match (value, wanted) {
        (Some(Value::Number(a)), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Some(a), b) => a == b && !a.is_null(),
        (None, _) => false,
    }
}

/// Applies whichever operator the object has.
fn operator(node: &Value, value: Option<&Value>) -> bool {
    let value = value.filter(|value| !value.is_null());
    node.as_object().unwrap().iter().find_map(|(key, operand)| apply(key, operand, value)).unwrap()
}

fn apply(key: &str, operand: &Value, value: Option<&Value>) -> Option<bool> {
    let number = value.and_then(Value::as_f64);
    // First and last times come as milliseconds, their operands as texts.
    let bound = |operand: &Value| operand.as_f64().unwrap_or_else(|| instant(operand) as f64);
    let compare = |test: fn(f64, f64) -> bool| number.is_some_and(|number| test(number, bound(operand)));
    let listed = |wanted: &Value| wanted.as_array().unwrap().iter().any(|one| same(value, one));
    let list = value.and_then(Value::as_array);
    let member = |one: &Value| list.is_some_and(|list| list.iter().any(|item| same(Some(item), one)));
    Some(match key {
        "is" => same(value, operand),
        "is_not" => !same(value, operand),
        "in" => listed(operand),
        "not_in" => !listed(operand),
        "is_set" => value.is_some(),
        "is_not_set" => value.is_none(),
        "lt" => compare(|a, b| a < b),
        "lte" => compare(|a, b| a <= b),
        "gt" => compare(|a, b| a > b),
        "gte" => compare(|a, b| a >= b),
        "between" => number.is_some_and(|number| bound(&operand[0]) <= number && number <= bound(&operand[1])),
        "contains_any" => operand.as_array().unwrap().iter().any(member),
        "contains_all" => list.is_some() && operand.as_array().unwrap().iter().all(member),
        "len" => operator(operand, list.map(|list| Value::from(list.len())).as_ref()),
        _ => return text_operator(key, operand, value),
    })
}

fn text_operator(key: &str, operand: &Value, value: Option<&Value>) -> Option<bool> {
    let lower = key.ends_with("_ci");
    let base = key.trim_end_matches("_ci").trim_start_matches("not_");
    if !["contains", "starts_with", "ends_with"].contains(&base) {
        return None;
    }
    // Generated texts are ASCII.
    let fold = |text: &str| if lower { text.to_ascii_lowercase() } else { text.to_owned() };
    let wanted = fold(operand.as_str().unwrap_or_default());
    let held = match value {
        Some(Value::String(text)) if operand.is_string() => match base {
            "contains" => fold(text).contains(&wanted),
            "starts_with" => fold(text).starts_with(&wanted),
            _ => fold(text).ends_with(&wanted),
        },
        Some(Value::Array(items)) if base == "contains" => items.iter().any(|item| match item {
            Value::String(text) if operand.is_string() => fold(text) == wanted,
            item => same(Some(item), operand),
        }),
        _ => false,
    };
    Some(held != key.starts_with("not_"))
}

fn event(rule: &Value, who: &Shopper, at: i64) -> bool {
    let passes = |properties: &Value| rule.get("where").is_none_or(|inner| condition(inner, properties));
    let all: Vec<(i64, &Value)> = who
        .events
        .iter()
        .filter(|(ts, name, properties)| *ts <= at && rule["event"] == *name && passes(properties))
        .map(|(ts, _, properties)| (*ts, properties))
        .collect();
    let within = |w: i64| all.iter().filter(|(ts, _)| *ts > at - w).count();
    if let Some(window) = rule.get("first_time_in") {
        return all.first().is_some_and(|(ts, _)| in_window(window, *ts, at));
    }
    if let Some(spans) = rule.get("stopped") {
        return within(span(&spans[0])) > 0 && within(span(&spans[1])) == 0;
    }
    if let Some(spans) = rule.get("restarted") {
        let (gap, w) = (span(&spans[0]), span(&spans[1]));
        let Some((first, _)) = all.iter().find(|(ts, _)| *ts > at - w) else { return false };
        let silent = !all.iter().any(|(ts, _)| *ts > first - gap && ts < first);
        return silent && all.iter().any(|(ts, _)| *ts <= first - gap);
    }
    if let Some(args) = rule.get("regularly") {
        let (p, n, m) = (span(&args[0]), args[1].as_i64().unwrap(), args[2].as_i64().unwrap());
        let hit = (0..m).filter(|i| all.iter().any(|(ts, _)| *ts > at - (i + 1) * p && *ts <= at - i * p)).count();
        return hit as i64 >= n;
    }
    let seen: Vec<_> = all.into_iter().filter(|(ts, _)| in_window(&rule["window"], *ts, at)).collect();
    match rule.get("measure") {
        None => !seen.is_empty(),
        Some(measure) => operator(rule, measured(measure.as_str().unwrap(), &seen).as_ref()),
    }
}

fn measured(measure: &str, seen: &[(i64, &Value)]) -> Option<Value> {
    let (word, path) = measure.trim_end_matches(')').split_once('(').unwrap_or((measure, ""));
    let numbers: Vec<f64> = seen.iter().filter_map(|(_, p)| p.get(path)?.as_f64()).collect();
    let sum: f64 = numbers.iter().sum();
    let some = |value: f64| (!numbers.is_empty()).then(|| Value::from(value));
    match word {
        "count" => Some(Value::from(seen.len())),
        "days" => {
            let mut days: Vec<_> = seen.iter().map(|(ts, _)| (ts + 3_600_000).div_euclid(DAY_MS)).collect();
            days.sort_unstable();
            days.dedup();
            Some(Value::from(days.len()))
        }
        "sum" => Some(Value::from(sum)),
        "avg" => some(sum / numbers.len() as f64),
        "min" => some(numbers.iter().copied().fold(f64::MAX, f64::min)),
        "max" => some(numbers.iter().copied().fold(f64::MIN, f64::max)),
        "distinct" => {
            let mut different: Vec<&Value> = Vec::new();
            for value in seen.iter().filter_map(|(_, p)| p.get(path)).filter(|value| !value.is_null()) {
                if !different.iter().any(|known| same(Some(known), value)) {
                    different.push(value);
                }
            }
            Some(Value::from(different.len()))
        }
        "first" => seen.first()?.1.get(path).cloned(),
        "last" => seen.last()?.1.get(path).cloned(),
        _ => {
            let (nth, path) = path.split_once(", ").unwrap();
            seen.get(nth.parse::<usize>().unwrap() - 1)?.1.get(path).cloned()
        }
    }
}

fn bought<'a>(rule: &Value, who: &'a Shopper, at: i64) -> Vec<Vec<&'a Value>> {
    let orders = who.orders.iter().filter(|order| in_window(&rule["window"], order.ts, at));
    orders.map(|order| lines(&order.properties)).collect()
}

fn orders(rule: &Value, who: &Shopper, at: i64) -> bool {
    let passes = |order: &&Order| rule.get("where").is_none_or(|inner| condition(inner, &order.properties));
    let seen: Vec<&Order> =
        who.orders.iter().filter(|order| in_window(&rule["window"], order.ts, at)).filter(passes).collect();
    let alone: i64 = match rule.get("where") {
        Some(_) => 0,
        None => who.lone_refunds.iter().filter(|(ts, _)| in_window(&rule["window"], *ts, at)).map(|(_, m)| m).sum(),
    };
    let priced: Vec<&&Order> = seen.iter().filter(|order| order.gross.is_some()).collect();
    let gross: i64 = priced.iter().filter_map(|order| order.gross).sum();
    let refunded: i64 = priced.iter().map(|order| Shopper::refunded(order, at)).sum();
    let discount: i64 = priced.iter().filter_map(|order| order.discount).sum();
    let net = gross - refunded - alone;
    let major = |minor: i64| minor as f64 / 100.0;
    let per = |minor: i64| (!priced.is_empty()).then(|| Value::from(minor as f64 / (100 * priced.len()) as f64));
    let share = |part: i64, whole: i64| (whole > 0).then(|| Value::from(part as f64 / whole as f64));
    let (first, last) = (seen.iter().map(|o| o.ts).min(), seen.iter().map(|o| o.ts).max());
    let since = |ts: Option<i64>| ts.map(|ts| Value::from((at - ts).div_euclid(DAY_MS)));
    let value = match rule["orders"].as_str().unwrap() {
        "count" => Some(Value::from(seen.len())),
        "net" => Some(Value::from(major(net))),
        "gross" => Some(Value::from(major(gross))),
        "average" => per(net + alone),
        "average_gross" => per(gross),
        "first_at" => first.map(Value::from),
        "last_at" => last.map(Value::from),
        "days_since_first" => since(first),
        "days_since_last" => since(last),
        "average_days_between" => (seen.len() > 1)
            .then(|| Value::from((last.unwrap() - first.unwrap()) as f64 / ((seen.len() - 1) as i64 * DAY_MS) as f64)),
        "discount_share" => share(discount, net + discount),
        _ => share(refunded + alone, gross),
    };
    operator(rule, value.as_ref())
}
