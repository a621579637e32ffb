//! Rule -> JSON: the inverse of `parse`.

use super::compare::{Literal, Relation, Test};
use super::json::Json;
use super::node::{Answer, Ask, Condition, EventNode, LineMatch, Measure, Node, OrdersNode, Quantifier, Shop, Window};
use crate::base::time::DAY_MS;
use crate::base::{Span, Timestamp};

type Member = (String, Json);

fn member(key: &str, value: Json) -> Member {
    (key.to_owned(), value)
}

fn number(value: impl Into<i64>) -> Json {
    Json::Number(value.into().into())
}

/// A node as JSON.
pub(crate) fn node(node: &Node) -> Json {
    let rules = |rules: &[Node]| Json::List(rules.iter().map(self::node).collect());
    Json::Object(match node {
        Node::And(inner) => vec![member("and", rules(inner))],
        Node::Or(inner) => vec![member("or", rules(inner))],
        Node::Not(inner) => vec![member("not", self::node(inner))],
        Node::AtLeast(needed, inner) => vec![member("at_least", Json::List(vec![number(*needed), rules(inner)]))],
        Node::Segment(name) => vec![member("segment", Json::text(name))],
        Node::Trait { path, test } => vec![member("trait", Json::text(path)), self::test(test)],
        Node::Event(event) => self::event(event),
        Node::Orders(orders) => self::orders(orders),
        Node::Bought { what, shop, window } => {
            std::iter::once(member("bought", line(what))).chain(self::shop(shop)).chain(self::window(window)).collect()
        }
        Node::BoughtTogether { first, second, shop, window } => {
            let pair = Json::List(vec![line(first), line(second)]);
            let head = std::iter::once(member("bought_together", pair));
            head.chain(self::shop(shop)).chain(self::window(window)).collect()
        }
        Node::Consent { topic, answer } => {
            let channel = topic.channel.iter().map(Json::text);
            let pair = channel.chain([Json::text(&topic.purpose)]).collect();
            let word = Answer::ALL.into_iter().find(|(known, _)| known == answer).map_or("", |(_, word)| word);
            vec![member("consent", Json::List(pair)), member("is", Json::text(word))]
        }
        Node::Suppressed { channel } => vec![member("suppressed", Json::text(channel))],
        Node::Has { namespace } => vec![identity("has"), member("namespace", Json::text(namespace))],
        Node::Identifiers { namespace, test } => {
            vec![identity("count"), member("namespace", Json::text(namespace)), self::test(test)]
        }
        Node::Anonymous => vec![identity("is_anonymous")],
    })
}

fn identity(what: &str) -> Member {
    member("identity", Json::text(what))
}

fn event(event: &EventNode) -> Vec<Member> {
    let mut members = vec![member("event", Json::text(&event.name))];
    members.extend(shop(&event.shop));
    members.extend(event.filter.as_ref().map(|filter| member("where", condition(filter))));
    match &event.ask {
        Ask::Did(window) => members.extend(self::window(window)),
        Ask::Measure(measure, window, test) => {
            members.extend(self::window(window));
            members.push(member("measure", Json::text(self::measure(measure))));
            members.push(self::test(test));
        }
        Ask::FirstTimeIn(window) => members.push(member("first_time_in", window_value(window))),
        Ask::Stopped(long, short) => members.push(member("stopped", Json::List(vec![span(*long), span(*short)]))),
        Ask::Restarted { gap, window } => {
            members.push(member("restarted", Json::List(vec![span(*gap), span(*window)])));
        }
        Ask::Regularly { period, needed, periods } => {
            members.push(member("regularly", Json::List(vec![span(*period), number(*needed), number(*periods)])));
        }
    }
    members
}

fn measure(measure: &Measure) -> String {
    match measure {
        Measure::Count => "count".to_owned(),
        Measure::Days => "days".to_owned(),
        Measure::Sum(path) => format!("sum({path})"),
        Measure::Average(path) => format!("avg({path})"),
        Measure::Min(path) => format!("min({path})"),
        Measure::Max(path) => format!("max({path})"),
        Measure::Distinct(path) => format!("distinct({path})"),
        Measure::First(path) => format!("first({path})"),
        Measure::Last(path) => format!("last({path})"),
        Measure::Nth(nth, path) => format!("nth({nth}, {path})"),
    }
}

fn orders(orders: &OrdersNode) -> Vec<Member> {
    let mut members = vec![member("orders", Json::text(orders.measure.name()))];
    members.extend(shop(&orders.shop));
    members.extend(window(&orders.window));
    members.extend(orders.filter.as_ref().map(|filter| member("where", condition(filter))));
    members.push(test(&orders.test));
    members
}

fn line(what: &LineMatch) -> Json {
    match what {
        LineMatch::Condition(inner) => condition(inner),
        LineMatch::Product { product, brand, category } => {
            let parts = [("product", product), ("brand", brand), ("category", category)];
            Json::Object(
                parts.into_iter().filter_map(|(key, part)| Some(member(key, literal(part.as_ref()?)))).collect(),
            )
        }
    }
}

fn condition(condition: &Condition) -> Json {
    let all = |inner: &[Condition]| Json::List(inner.iter().map(self::condition).collect());
    Json::Object(match condition {
        Condition::And(inner) => vec![member("and", all(inner))],
        Condition::Or(inner) => vec![member("or", all(inner))],
        Condition::Not(inner) => vec![member("not", self::condition(inner))],
        Condition::Property { path, test } => vec![member("property", Json::text(path)), self::test(test)],
        Condition::Line(quantifier, inner) => {
            let word = match quantifier {
                Quantifier::Any => "any",
                Quantifier::All => "all",
                Quantifier::None => "none",
            };
            vec![member("line", Json::text(word)), member("where", self::condition(inner))]
        }
    })
}

fn shop(shop: &Shop) -> Option<Member> {
    shop.as_ref().map(|shop| member("shop", Json::text(shop)))
}

fn window(window: &Option<Window>) -> Option<Member> {
    window.as_ref().map(|window| member("window", window_value(window)))
}

fn window_value(window: &Window) -> Json {
    Json::Object(vec![match window {
        Window::Last(length) => member("last", span(*length)),
        Window::Ago(from, to) => member("ago", Json::List(vec![span(*from), span(*to)])),
        Window::Between(from, to) => member("between", Json::List(vec![instant(*from), instant(*to)])),
    }])
}

fn span(span: Span) -> Json {
    Json::text(span.to_string())
}

/// Midnights print as the dates that they were most likely written as.
fn instant(instant: Timestamp) -> Json {
    let text = instant.to_string();
    let date = instant.as_millisecond().rem_euclid(DAY_MS) == 0;
    Json::text(if date { text.get(..10).unwrap_or(&text) } else { &text })
}

fn literal(literal: &Literal) -> Json {
    match literal {
        Literal::Bool(value) => Json::Bool(*value),
        Literal::Number(value) => Json::Number(*value),
        Literal::Text(text) => Json::text(&*text.spelled),
        Literal::Instant(at) => instant(*at),
    }
}

/// The operator and its operands, as one member.
fn test(test: &Test) -> Member {
    let list = |values: &[Literal]| Json::List(values.iter().map(literal).collect());
    match test {
        Test::Is { negated, value } => member(if *negated { "is_not" } else { "is" }, literal(value)),
        Test::In { negated, values } => member(if *negated { "not_in" } else { "in" }, list(values)),
        Test::Set { negated } => member(if *negated { "is_not_set" } else { "is_set" }, Json::Bool(true)),
        Test::Compare(relation, value) => {
            let name = Relation::ALL.into_iter().find(|(known, _)| known == relation).map_or("", |(_, name)| name);
            member(name, literal(value))
        }
        Test::Between(low, high) => member("between", Json::List(vec![literal(low), literal(high)])),
        Test::Has { part, negated, fold, needle } => {
            let name =
                super::compare::Part::ALL.into_iter().find(|(known, _)| known == part).map_or("", |(_, name)| name);
            let (not, ci) = (if *negated { "not_" } else { "" }, if *fold { "_ci" } else { "" });
            member(&format!("{not}{name}{ci}"), literal(needle))
        }
        Test::ContainsAny(values) => member("contains_any", list(values)),
        Test::ContainsAll(values) => member("contains_all", list(values)),
        Test::Len(inner) => member("len", Json::Object(vec![self::test(inner)])),
    }
}
