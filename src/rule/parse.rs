//! JSON -> rule. Every error names the place, as in `$.and[1].where`, and what was expected there.

use super::json::Json;
use super::node::{
    Answer, Ask, Condition, EventNode, LineMatch, Measure, Node, OrderMeasure, OrdersNode, Quantifier, Rule, Topic,
    Window,
};
use super::operator::{self, Kind};
use super::reader::{Members, Place, instant};
use crate::base::Span;
use crate::error::{Error, Result};

/// What a node may be about.
const HEADS: &str = "and, or, not, at_least, segment, trait, event, orders, bought, bought_together, consent, suppressed, \
                     identity";

/// Part of the language, not of this version.
const LATER_HEADS: [&str; 14] = [
    "list",
    "sample",
    "as_of",
    "hysteresis",
    "min_dwell",
    "holdout",
    "membership",
    "sequence",
    "funnel",
    "abandoned",
    "top",
    "percentile",
    "near",
    "place",
];

/// Rolling periods that `regularly` may look at.
const PERIODS_MAX: i64 = 1000;

impl Members<'_> {
    fn window(&mut self) -> Result<Option<Window>> {
        self.take("window").map(|(json, place)| window(json, &place)).transpose()
    }

    fn filter(&mut self) -> Result<Option<Condition>> {
        self.take("where").map(|(json, place)| condition(json, &place)).transpose()
    }
}

/// The whole rule.
pub(crate) fn rule(json: &Json) -> Result<Rule> {
    node(json, &Place::root()).map(Rule)
}

fn node(json: &Json, place: &Place) -> Result<Node> {
    let mut members = Members::of(json, place, "a rule, an object with one operator")?;
    let later = |key: &str| LATER_HEADS.contains(&key);
    if let Some((key, _)) = members.rest.iter().find(|(key, _)| later(key)) {
        return Err(members.place.key(key).unsupported(key));
    }
    let known = |key: &str| HEADS.split(", ").any(|head| head == key);
    let Some(head) = members.rest.iter().map(|(key, _)| *key).find(|key| known(key)) else {
        return Err(no_head(&members));
    };
    let (value, at) = members.required(head)?;
    let node = match head {
        "and" => Node::And(nodes(value, &at)?),
        "or" => Node::Or(nodes(value, &at)?),
        "not" => Node::Not(Box::new(node(value, &at)?)),
        "at_least" => at_least(value, &at)?,
        "segment" => Node::Segment(text(value, &at, "the name of a segment")?),
        "trait" => Node::Trait {
            path: text(value, &at, "the name of a trait")?,
            test: operator::required(&mut members, Kind::Any)?,
        },
        "event" => event(text(value, &at, "the name of an event")?, &mut members)?,
        "orders" => orders(value, &at, &mut members)?,
        "bought" => Node::Bought { what: line(value, &at)?, shop: members.shop()?, window: members.window()? },
        "bought_together" => {
            let [first, second] = items(value, &at, "two conditions on product lines")?;
            let (first, second) = (line(first, &at.item(0))?, line(second, &at.item(1))?);
            Node::BoughtTogether { first, second, shop: members.shop()?, window: members.window()? }
        }
        "consent" => consent(value, &at, &mut members)?,
        "suppressed" => Node::Suppressed { channel: text(value, &at, "the name of a channel")? },
        _ => identity(value, &at, &mut members)?,
    };
    members.finish("nothing more in this node")?;
    Ok(node)
}

fn no_head(members: &Members<'_>) -> Error {
    let expected = format!("expected one of {HEADS}");
    match members.rest.first() {
        Some((key, _)) => members.place.key(key).invalid(&format!("unknown operator; {expected}")),
        None => members.place.invalid(&format!("an empty object; {expected}")),
    }
}

fn nodes(json: &Json, place: &Place) -> Result<Vec<Node>> {
    let Json::List(rules) = json else { return Err(place.expected("a list of rules", json)) };
    rules.iter().enumerate().map(|(at, rule)| node(rule, &place.item(at))).collect()
}

fn at_least(json: &Json, place: &Place) -> Result<Node> {
    let [needed, rules] = items(json, place, "a number and a list of rules")?;
    let needed = count(needed, &place.item(0), 0..=i64::from(u32::MAX))?;
    Ok(Node::AtLeast(needed, nodes(rules, &place.item(1))?))
}

fn event(name: String, members: &mut Members<'_>) -> Result<Node> {
    let (shop, filter) = (members.shop()?, members.filter()?);
    let ask = if let Some((json, place)) = members.take("first_time_in") {
        Ask::FirstTimeIn(window(json, &place)?)
    } else if let Some((json, place)) = members.take("stopped") {
        let [long, short] = spans(json, &place)?;
        if short >= long {
            return Err(place.invalid("expected the longer window first"));
        }
        Ask::Stopped(long, short)
    } else if let Some((json, place)) = members.take("restarted") {
        let [gap, window] = spans(json, &place)?;
        Ask::Restarted { gap, window }
    } else if let Some((json, place)) = members.take("regularly") {
        regularly(json, &place)?
    } else {
        measured(members)?
    };
    Ok(Node::Event(EventNode { name, shop, filter, ask }))
}

fn measured(members: &mut Members<'_>) -> Result<Ask> {
    let window = members.window()?;
    let named = members.take("measure").map(|(json, place)| measure(json, &place)).transpose()?;
    let kind = match &named {
        Some(Measure::First(_) | Measure::Last(_) | Measure::Nth(..)) => Kind::Any,
        _ => Kind::Number,
    };
    // Without an operator the question is whether it happened at all, which only a count can answer.
    if members.rest.is_empty() && matches!(named, None | Some(Measure::Count)) {
        return Ok(Ask::Did(window));
    }
    let test = operator::required(members, kind)?;
    Ok(Ask::Measure(named.unwrap_or(Measure::Count), window, test))
}

fn measure(json: &Json, place: &Place) -> Result<Measure> {
    const EXPECTED: &str = "count, days, sum(path), avg(path), min(path), max(path), distinct(path), first(path), \
                            last(path) or nth(n, path)";
    let Json::Text(text) = json else { return Err(place.expected(EXPECTED, json)) };
    let bad = || place.invalid(&format!("expected {EXPECTED}"));
    match text.as_str() {
        "count" => return Ok(Measure::Count),
        "days" => return Ok(Measure::Days),
        _ => {}
    }
    let (word, path) = text.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(bad)?;
    if path.is_empty() {
        return Err(bad());
    }
    let owned = path.to_owned();
    Ok(match word {
        "sum" => Measure::Sum(owned),
        "avg" => Measure::Average(owned),
        "min" => Measure::Min(owned),
        "max" => Measure::Max(owned),
        "distinct" => Measure::Distinct(owned),
        "first" => Measure::First(owned),
        "last" => Measure::Last(owned),
        "nth" => {
            let (nth, path) = path.split_once(',').ok_or_else(bad)?;
            let nth = nth.trim().parse().ok().filter(|nth| *nth > 0).ok_or_else(bad)?;
            let path = path.strip_prefix(' ').unwrap_or(path);
            if path.is_empty() {
                return Err(bad());
            }
            Measure::Nth(nth, path.to_owned())
        }
        _ => return Err(bad()),
    })
}

fn regularly(json: &Json, place: &Place) -> Result<Ask> {
    let [period, needed, periods] = items(json, place, "a span, how many periods are needed, and of how many")?;
    let period = span(period, &place.item(0))?;
    let periods = count(periods, &place.item(2), 1..=PERIODS_MAX)?;
    let needed = count(needed, &place.item(1), 1..=i64::from(periods))?;
    if period.as_millisecond().checked_mul(i64::from(periods)).is_none() {
        return Err(place.item(0).invalid("expected periods that fit into time"));
    }
    Ok(Ask::Regularly { period, needed, periods })
}

fn orders(json: &Json, place: &Place, members: &mut Members<'_>) -> Result<Node> {
    let word = text(json, place, "a measure of orders")?;
    let Some(measure) = OrderMeasure::ALL.into_iter().find(|measure| measure.name() == word) else {
        let names = OrderMeasure::ALL.map(OrderMeasure::name).join(", ");
        return Err(place.invalid(&format!("unknown measure; expected one of {names}")));
    };
    let kind = match measure {
        OrderMeasure::FirstAt | OrderMeasure::LastAt => Kind::Instant,
        _ => Kind::Number,
    };
    let (shop, window, filter) = (members.shop()?, members.window()?, members.filter()?);
    Ok(Node::Orders(OrdersNode { measure, shop, window, filter, test: operator::required(members, kind)? }))
}

fn line(json: &Json, place: &Place) -> Result<LineMatch> {
    const EXPECTED: &str = "product, brand, category, or a condition";
    let mut members = Members::of(json, place, EXPECTED)?;
    let mut part = |key: &str| members.take(key).map(|(json, at)| operator::literal(json, &at, Kind::Any)).transpose();
    let (product, brand, category) = (part("product")?, part("brand")?, part("category")?);
    if product.is_none() && brand.is_none() && category.is_none() {
        return condition(json, place).map(LineMatch::Condition);
    }
    members.finish(EXPECTED)?;
    Ok(LineMatch::Product { product, brand, category })
}

/// `[channel, purpose]`, or `[purpose]` for one that was asked for whatever the channel.
fn consent(json: &Json, place: &Place, members: &mut Members<'_>) -> Result<Node> {
    const EXPECTED: &str = "a list of channel and purpose, or of a purpose alone";
    let Json::List(list) = json else { return Err(place.expected(EXPECTED, json)) };
    let (channel, purpose) = match list.as_slice() {
        [purpose] => (None, text(purpose, &place.item(0), "a purpose")?),
        [Json::Null, purpose] => (None, text(purpose, &place.item(1), "a purpose")?),
        [channel, purpose] => {
            (Some(text(channel, &place.item(0), "a channel")?), text(purpose, &place.item(1), "a purpose")?)
        }
        _ => return Err(place.invalid(&format!("expected {EXPECTED}"))),
    };
    let (word, at) = members.required("is")?;
    let known = |word: &str| Answer::ALL.into_iter().find(|(_, name)| *name == word).map(|(answer, _)| answer);
    let answer = if let Json::Text(word) = word { known(word) } else { None };
    let answer = answer.ok_or_else(|| at.invalid("expected granted, denied, withdrawn or never_asked"))?;
    Ok(Node::Consent { topic: Topic { channel, purpose }, answer })
}

fn identity(json: &Json, place: &Place, members: &mut Members<'_>) -> Result<Node> {
    let word = text(json, place, "has, count or is_anonymous")?;
    let mut namespace = || {
        let (json, place) = members.required("namespace")?;
        text(json, &place, "the name of a namespace")
    };
    Ok(match word.as_str() {
        "has" => Node::Has { namespace: namespace()? },
        "count" => Node::Identifiers { namespace: namespace()?, test: operator::required(members, Kind::Number)? },
        "is_anonymous" => Node::Anonymous,
        "merged_in" | "suspicious" => return Err(place.unsupported(&word)),
        _ => return Err(place.invalid("expected has, count or is_anonymous")),
    })
}

/// A condition on properties and lines.
fn condition(json: &Json, place: &Place) -> Result<Condition> {
    const HEADS: &str = "and, or, not, property or line";
    let mut members = Members::of(json, place, "a condition, an object")?;
    let many = |json: &Json, place: &Place| -> Result<Vec<Condition>> {
        let Json::List(inner) = json else { return Err(place.expected("a list of conditions", json)) };
        inner.iter().enumerate().map(|(at, one)| condition(one, &place.item(at))).collect()
    };
    let condition = if let Some((json, place)) = members.take("and") {
        Condition::And(many(json, &place)?)
    } else if let Some((json, place)) = members.take("or") {
        Condition::Or(many(json, &place)?)
    } else if let Some((json, place)) = members.take("not") {
        Condition::Not(Box::new(self::condition(json, &place)?))
    } else if let Some((json, place)) = members.take("property") {
        let path = text(json, &place, "the path of a property")?;
        Condition::Property { path, test: operator::required(&mut members, Kind::Any)? }
    } else if let Some((json, place)) = members.take("line") {
        let quantifier = quantifier(json, &place)?;
        let (inner, place) = members.required("where")?;
        Condition::Line(quantifier, Box::new(self::condition(inner, &place)?))
    } else {
        return Err(members.rest.first().map_or_else(
            || members.place.invalid(&format!("an empty object; expected {HEADS}")),
            |(key, _)| members.place.key(key).invalid(&format!("unknown condition; expected {HEADS}")),
        ));
    };
    members.finish("nothing more in this condition")?;
    Ok(condition)
}

fn quantifier(json: &Json, place: &Place) -> Result<Quantifier> {
    const EXPECTED: &str = "any, all or none";
    Ok(match text(json, place, EXPECTED)?.as_str() {
        "any" => Quantifier::Any,
        "all" => Quantifier::All,
        "none" => Quantifier::None,
        word @ ("count" | "sum") => return Err(place.unsupported(word)),
        _ => return Err(place.invalid(&format!("expected {EXPECTED}"))),
    })
}

fn window(json: &Json, place: &Place) -> Result<Window> {
    const HEADS: &str = "last, ago or between";
    let mut members = Members::of(json, place, "a window, an object with last, ago or between")?;
    let window = if let Some((json, place)) = members.take("last") {
        Window::Last(span(json, &place)?)
    } else if let Some((json, place)) = members.take("ago") {
        let [from, to] = items(json, &place, "two spans, the longer first")?;
        let (from, to) = (span(from, &place.item(0))?, any_span(to, &place.item(1))?);
        if to >= from {
            return Err(place.invalid("expected the longer span first"));
        }
        Window::Ago(from, to)
    } else if let Some((json, place)) = members.take("between") {
        let [from, to] = items(json, &place, "two instants, the earlier first")?;
        let (from, to) = (instant(from, &place.item(0))?, instant(to, &place.item(1))?);
        if to < from {
            return Err(place.invalid("expected the earlier instant first"));
        }
        Window::Between(from, to)
    } else if members.take("calendar").is_some() {
        return Err(members.place.key("calendar").unsupported("calendar"));
    } else {
        return Err(members.place.invalid(&format!("expected {HEADS}")));
    };
    members.finish("nothing more in this window")?;
    Ok(window)
}

fn spans(json: &Json, place: &Place) -> Result<[Span; 2]> {
    let [first, second] = items(json, place, "two spans")?;
    Ok([span(first, &place.item(0))?, span(second, &place.item(1))?])
}

/// A span longer than nothing.
fn span(json: &Json, place: &Place) -> Result<Span> {
    let span = any_span(json, place)?;
    if span.as_millisecond() <= 0 { Err(place.invalid("expected a span longer than zero")) } else { Ok(span) }
}

fn any_span(json: &Json, place: &Place) -> Result<Span> {
    const EXPECTED: &str = "a span such as \"30d\" (a whole number and ms, s, m, h, d or w)";
    let Json::Text(text) = json else { return Err(place.expected(EXPECTED, json)) };
    if ["cd", "cw", "cm", "cq", "cy"].iter().any(|unit| text.ends_with(unit)) {
        return Err(place.unsupported("a calendar unit"));
    }
    text.parse().map_err(|_| place.invalid(&format!("expected {EXPECTED}")))
}

fn text(json: &Json, place: &Place, what: &str) -> Result<String> {
    match json {
        Json::Text(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(place.expected(&format!("{what}, a string that is not empty"), json)),
    }
}

fn items<'j, const N: usize>(json: &'j Json, place: &Place, what: &str) -> Result<[&'j Json; N]> {
    let Json::List(list) = json else { return Err(place.expected(&format!("a list of {what}"), json)) };
    let refs: Vec<&Json> = list.iter().collect();
    refs.try_into().map_err(|_| place.invalid(&format!("expected a list of {what}, found {} items", list.len())))
}

fn count(json: &Json, place: &Place, range: std::ops::RangeInclusive<i64>) -> Result<u32> {
    let whole = if let Json::Number(number) = json { number.to_units(0) } else { None };
    whole
        .filter(|(value, rounded)| !rounded && range.contains(value))
        .and_then(|(value, _)| u32::try_from(value).ok())
        .ok_or_else(|| place.expected(&format!("a whole number from {} to {}", range.start(), range.end()), json))
}
