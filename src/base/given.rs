//! Options as a host gives them in JSON: rules of namespaces given in part, and errors that name the wrong word.

use super::namespace::NamespaceRule;
use crate::error::Error;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Rules of namespaces in JSON: what a rule does not name stays as it is.
type Given = BTreeMap<String, Map<String, Value>>;

/// The namespaces of a configuration: a rule given in part starts from the default of its name, so that whoever moves an
/// address up the ranks does not lose what keeps two people apart.
pub(super) fn namespaces<'de, D>(deserializer: D) -> Result<BTreeMap<String, NamespaceRule>, D::Error>
where
    D: Deserializer<'de>,
{
    let given = Given::deserialize(deserializer)?;
    completed(given, NamespaceRule::default_of).map_err(D::Error::custom)
}

/// Whole rules of those given in part, each begun from the one that `base` has for its name.
fn completed(
    given: Given,
    base: impl Fn(&str) -> Option<NamespaceRule>,
) -> Result<BTreeMap<String, NamespaceRule>, String> {
    let whole = |(name, named): (String, Map<String, Value>)| {
        let begun = base(&name).and_then(|rule| serde_json::to_value(rule).ok());
        let mut members = begun.and_then(|rule| rule.as_object().cloned()).unwrap_or_default();
        members.extend(named);
        let rule = serde_json::from_value(Value::Object(members));
        rule.map(|rule| (name, rule)).map_err(|error| told(&error.to_string()))
    };
    given.into_iter().map(whole).collect()
}

/// Rules that change what a JSON text names of these.
///
/// # Errors
/// `Invalid` names the place and what may stand there.
pub(crate) fn changed(
    rules: &BTreeMap<String, NamespaceRule>,
    json: &str,
) -> crate::Result<BTreeMap<String, NamespaceRule>> {
    let read = |value: Value| {
        let given = serde_json::from_value::<Given>(value).map_err(|error| told(&error.to_string()))?;
        completed(given, |name| rules.get(name).cloned())
    };
    readable(json, &read)
}

/// A value from JSON, or what was expected in its place.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| told(&error.to_string()))
}

/// Reads a JSON text by `read`.
///
/// # Errors
/// `Invalid` names the innermost place that cannot be read, and what may stand there.
pub(super) fn readable<T>(json: &str, read: &dyn Fn(Value) -> Result<T, String>) -> crate::Result<T> {
    let value: Value = serde_json::from_str(json).map_err(|error| {
        Error::invalid(format!("options are one JSON object; see line {} column {}", error.line(), error.column()))
    })?;
    // What serde would read as the members of a record, in order.
    if value.is_array() {
        return Err(Error::invalid("options: expected a JSON object"));
    }
    let fault = blame(&value, &|part| read(part).err());
    if let Some((place, message)) = fault {
        let place = if place.is_empty() { "options".to_owned() } else { place };
        return Err(Error::invalid(format!("{place}: {message}")));
    }
    read(value).map_err(|message| Error::invalid(format!("options: {message}")))
}

/// The innermost place that cannot be read, taken alone, and why: `error` says what is wrong with a value that stands in
/// the place of this one.
fn blame(value: &Value, error: &dyn Fn(Value) -> Option<String>) -> Option<(String, String)> {
    let message = error(value.clone())?;
    // What lacks a member lacks it whatever else it has.
    let lacks = message.starts_with("missing field") && error(Value::Object(Map::new())).as_ref() == Some(&message);
    for (key, inner) in value.as_object().filter(|_| !lacks).into_iter().flatten() {
        let alone = |part: Value| error(Value::Object([(key.clone(), part)].into_iter().collect()));
        if message.starts_with(&format!("unknown field `{key}`")) {
            return Some((String::new(), message));
        }
        if let Some((place, message)) = blame(inner, &alone) {
            let place = if place.is_empty() { key.clone() } else { format!("{key}.{place}") };
            return Some((place, message));
        }
    }
    Some((String::new(), message))
}

/// What was expected: the rest of what is said about a value repeats it, and it may be anything.
fn told(message: &str) -> String {
    let names_a_key =
        ["unknown field", "missing field", "duplicate field"].iter().any(|kind| message.starts_with(kind));
    match message.rfind("expected ") {
        Some(at) if !names_a_key => message.get(at..).unwrap_or_default().to_owned(),
        _ if names_a_key => message.to_owned(),
        _ => "not what may stand here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::Config;
    use proptest::prelude::*;

    const NAMES: [&str; 7] = ["user_id", "customer_id", "loyalty_card", "email", "phone", "device", "anonymous_id"];

    fn member() -> impl Strategy<Value = (&'static str, Value)> {
        let number = || prop_oneof![Just(Value::Null), (0u32..9).prop_map(Value::from)];
        let span = || prop_oneof![Just(Value::Null), (1u32..9).prop_map(|days| format!("{days}d").into())];
        let fan = prop::collection::btree_map(prop::sample::select(&NAMES[..]), 0u32..9, 0..3);
        prop_oneof![
            (100u16..200).prop_map(|rank| ("rank", rank.into())),
            number().prop_map(|limit| ("limit", limit)),
            number().prop_map(|glue| ("glue", glue)),
            span().prop_map(|window| ("window", window)),
            span().prop_map(|ttl| ("ttl", ttl)),
            any::<bool>().prop_map(|person| ("person", person.into())),
            any::<bool>().prop_map(|per_shop| ("per_shop", per_shop.into())),
            fan.prop_map(|fan| ("fan", serde_json::to_value(fan).unwrap())),
        ]
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        /// Whatever is named is as named, and everything else of the rule as the default has it.
        #[test]
        fn a_rule_given_in_part_changes_that_part(
            name in prop::sample::select(&NAMES[..]),
            members in prop::collection::vec(member(), 0..4),
        ) {
            let named: Map<String, Value> = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let json = serde_json::json!({"namespaces": {name: named}}).to_string();
            let rule = &Config::from_json(&json).unwrap().namespaces[name];
            let of = |rule: &NamespaceRule| serde_json::to_value(rule).unwrap();
            let (got, default) = (of(rule), of(&NamespaceRule::default_of(name).unwrap()));
            for (key, value) in got.as_object().unwrap() {
                prop_assert_eq!(value, named.get(key).unwrap_or(&default[key]), "{}", key);
            }
            // As a store writes its options, they mean the same.
            let config = Config::from_json(&json).unwrap();
            let again = serde_json::to_string(&config).unwrap();
            prop_assert_eq!(serde_json::from_str::<Config>(&again).unwrap(), config);
        }
    }

    #[test]
    fn errors_name_the_wrong_word_and_repeat_no_value() {
        for (json, words) in [
            (r#"{"curency":"SECRET"}"#, &["unknown field `curency`", "`currency`"][..]),
            (r#"{"currency":["SECRET"]}"#, &["currency: expected"]),
            (r#"{"limits":{"keyz":7}}"#, &["limits: unknown field `keyz`"]),
            (r#"{"limits":{"keys":"SECRET"}}"#, &["limits.keys: expected"]),
            (r#"{"limits":{"keys":-77777}}"#, &["limits.keys: expected"]),
            (r#"{"namespaces":{"email":{"glu":1}}}"#, &["namespaces.email: unknown field `glu`", "`glue`"]),
            (
                r#"{"namespaces":{"email":{"glue":"SECRET, expected SECRET"}}}"#,
                &["namespaces.email.glue: expected u32"],
            ),
            (r#"{"namespaces":{"email":{"ttl":"SECRET"}}}"#, &["namespaces.email.ttl: expected a span"]),
            (r#"{"namespaces":{"email":{"fan":{"phone":"SECRET"}}}}"#, &["namespaces.email.fan.phone: expected u32"]),
            (r#"{"namespaces":{"till":{"limit":1}}}"#, &["namespaces.till: missing field `rank`"]),
            (r#"{"namespaces":{"till":{"fan":{"phone":1}}}}"#, &["namespaces.till: missing field `rank`"]),
            (r#"{"namespaces":["SECRET"]}"#, &["namespaces: expected a map"]),
            (r#"{"message_id":"SECRET"}"#, &["message_id: expected one of `derive`"]),
            (r#"{"sources":{"web":{"trust":"SECRET"}}}"#, &["sources.web.trust: expected"]),
            (r#"{"traits":{"a":{"type":"SECRET"}}}"#, &["traits.a.type: expected"]),
            (r#"["SECRET"]"#, &["options: expected"]),
            (r#"{"currency":"SECRET""#, &["column"]),
        ] {
            let error = Config::from_json(json).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{json}: {error}");
            assert!(!error.contains("SECRET") && !error.contains("77777"), "{error}");
        }
    }
}
