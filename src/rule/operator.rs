//! The operators of a comparison, by the type of what they compare.

use super::compare::{Literal, Part, Relation, Test};
use super::json::Json;
use super::reader::{Members, Place, instant};
use super::text::Text;
use crate::error::{Error, Result};

/// What stands to the left of an operator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A trait or a property: any type.
    Any,
    Number,
    Instant,
}

const ALWAYS: &str = "is, is_not, in, not_in, is_set, is_not_set, lt, lte, gt, gte, between";
const ON_VALUES: &str = "contains, starts_with, ends_with (each with not_ and _ci), contains_any, contains_all, len";

/// Part of the language, not of this version.
const LATER: [&str; 15] = [
    "changed_in",
    "ever_was",
    "was",
    "matches",
    "before",
    "after",
    "on",
    "within_last",
    "within_next",
    "more_than_ago",
    "anniversary_within_next",
    "month_is",
    "weekday_in",
    "entered_in",
    "exited_in",
];

impl Kind {
    fn operators(self) -> String {
        if self == Self::Any { format!("{ALWAYS}, {ON_VALUES}") } else { ALWAYS.to_owned() }
    }
}

/// The one operator among the members that are left.
pub(super) fn required(members: &mut Members<'_>, kind: Kind) -> Result<Test> {
    let expected = || format!("expected one operator of {}", kind.operators());
    // A name that is no operator is the likelier mistake than two operators: report that one.
    let unknown = members.rest.iter().position(|(key, _)| !is_operator(key, kind));
    let at = unknown.unwrap_or(0);
    if members.rest.is_empty() {
        return Err(members.place.invalid(&expected()));
    }
    let (key, value) = members.rest.remove(at);
    let place = members.place.key(key);
    if unknown.is_some() {
        return Err(not_an_operator(key, &place, &expected()));
    }
    if let Some((second, _)) = members.rest.first().filter(|(key, _)| is_operator(key, kind)) {
        return Err(members.place.key(second).invalid("a second operator; join two conditions with and"));
    }
    test(key, value, &place, kind)
}

fn is_operator(key: &str, kind: Kind) -> bool {
    let on_values =
        kind == Kind::Any && (part(key).is_some() || ["contains_any", "contains_all", "len"].contains(&key));
    on_values || ALWAYS.split(", ").any(|known| known == key)
}

fn not_an_operator(key: &str, place: &Place, expected: &str) -> Error {
    let plain = key.strip_suffix("_ci").unwrap_or(key);
    let plain = plain.strip_prefix("not_").unwrap_or(plain);
    let dynamic = |suffix| key.strip_suffix(suffix).is_some_and(|op| is_operator(op, Kind::Any));
    if LATER.contains(&plain) || dynamic("_step") || dynamic("_trait") {
        return place.unsupported(key);
    }
    place.invalid(&format!("unknown operator; {expected}"))
}

/// `not_starts_with_ci` -> start, negated, folded.
fn part(key: &str) -> Option<(Part, bool, bool)> {
    let (key, fold) = key.strip_suffix("_ci").map_or((key, false), |key| (key, true));
    let (key, negated) = key.strip_prefix("not_").map_or((key, false), |key| (key, true));
    Part::ALL.into_iter().find(|(_, name)| *name == key).map(|(part, _)| (part, negated, fold))
}

fn test(key: &str, json: &Json, place: &Place, kind: Kind) -> Result<Test> {
    if let Some((_, relation)) = Relation::ALL.into_iter().map(|(r, name)| (name, r)).find(|(name, _)| *name == key) {
        return Ok(Test::Compare(relation, comparable(json, place, kind)?));
    }
    if let Some((part, negated, fold)) = part(key) {
        return Ok(Test::Has { part, negated, fold, needle: needle(json, place, part, fold)? });
    }
    let negated = matches!(key, "is_not" | "not_in" | "is_not_set");
    Ok(match key {
        "is" | "is_not" => Test::Is { negated, value: literal(json, place, kind)? },
        "in" | "not_in" => Test::In { negated, values: literals(json, place, kind)? },
        "is_set" | "is_not_set" if *json == Json::Bool(true) => Test::Set { negated },
        "is_set" | "is_not_set" => return Err(place.expected("true", json)),
        "between" => between(json, place, kind)?,
        "contains_any" => Test::ContainsAny(literals(json, place, kind)?),
        "contains_all" => Test::ContainsAll(literals(json, place, kind)?),
        _ => Test::Len(Box::new(length(json, place)?)),
    })
}

fn length(json: &Json, place: &Place) -> Result<Test> {
    const EXPECTED: &str = "a comparison of the length, such as {\"gte\":2}";
    let Json::Object(members) = json else { return Err(place.expected(EXPECTED, json)) };
    let rest = members.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let mut members = Members { place: place.clone(), rest };
    required(&mut members, Kind::Number)
}

fn between(json: &Json, place: &Place, kind: Kind) -> Result<Test> {
    let Json::List(bounds) = json else { return Err(place.expected("a list of two bounds, the lower first", json)) };
    let [low, high] = bounds.as_slice() else {
        return Err(place.invalid("expected a list of two bounds, the lower first"));
    };
    let (low, high) = (comparable(low, &place.item(0), kind)?, comparable(high, &place.item(1), kind)?);
    let upside_down = match (&low, &high) {
        (Literal::Number(low), Literal::Number(high)) => low > high,
        (Literal::Instant(low), Literal::Instant(high)) => low > high,
        _ => false,
    };
    if upside_down { Err(place.invalid("expected the lower bound first")) } else { Ok(Test::Between(low, high)) }
}

/// An operand of an ordering: numbers and instants have one.
fn comparable(json: &Json, place: &Place, kind: Kind) -> Result<Literal> {
    literal(json, place, if kind == Kind::Instant { kind } else { Kind::Number })
}

fn literals(json: &Json, place: &Place, kind: Kind) -> Result<Vec<Literal>> {
    let Json::List(values) = json else { return Err(place.expected("a list of values", json)) };
    values.iter().enumerate().map(|(at, value)| literal(value, &place.item(at), kind)).collect()
}

/// One value of the type that the left side has.
pub(super) fn literal(json: &Json, place: &Place, kind: Kind) -> Result<Literal> {
    match (kind, json) {
        (Kind::Any, Json::Bool(value)) => Ok(Literal::Bool(*value)),
        (Kind::Any | Kind::Number, Json::Number(value)) => Ok(Literal::Number(*value)),
        (Kind::Any, Json::Text(text)) => Ok(Literal::Text(Text::new(text, false))),
        (Kind::Any, Json::Null) => Err(place.expected("a value; for a missing one use is_set or is_not_set", json)),
        (Kind::Any, _) => Err(place.expected("a string, a number, true or false", json)),
        (Kind::Number, _) => Err(place.expected("a number", json)),
        (Kind::Instant, _) => instant(json, place).map(Literal::Instant),
    }
}

fn needle(json: &Json, place: &Place, part: Part, fold: bool) -> Result<Literal> {
    match json {
        Json::Text(text) => Ok(Literal::Text(Text::new(text, fold))),
        _ if part == Part::Anywhere && !fold => literal(json, place, Kind::Any),
        _ => Err(place.expected("a string", json)),
    }
}
