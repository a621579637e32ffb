//! Messages end to end: what the documentation says, a hostile corpus, and laws.

use super::check::check_message_bytes;
use super::intake::{Outcome, Scratch, message_json, read_body};
use super::normalizer::{Intake, Normalizer, ReceivedAt};
use crate::base::{Config, MessageId, Money, Timestamp, Trust};
use crate::fact::kind::{Bits, Kind};
use crate::fact::named::Role;
use crate::fact::order::Amount;
use crate::fact::view::Fact;
use crate::message::Reason;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) const NOW: i64 = 1_700_000_000_000;

/// The bytes of a fact, and the names of its flags.
pub(super) type Accepted = (Vec<u8>, Vec<&'static str>);

/// What came out, owned.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct Seen {
    line: u64,
    ordinal: Option<u32>,
    pub(super) result: Result<Accepted, Reason>,
}

/// A track of a user, with more members.
pub(super) fn track(rest: &str) -> String {
    format!(r#"{{"type":"track","event":"e","userId":"u"{rest}}}"#)
}

pub(super) struct House(pub(super) Normalizer);

impl House {
    pub(super) fn new(config: Value) -> Self {
        let config: Config = serde_json::from_value(config).unwrap();
        Self(Normalizer::new(&config).unwrap())
    }

    pub(super) fn read_as(
        &self,
        body: &[u8],
        source: Option<&str>,
        trust: Option<Trust>,
        kind: Option<Kind>,
    ) -> Vec<Seen> {
        let at = ReceivedAt::At(Timestamp::from_millisecond(NOW));
        let intake = Intake::new(&self.0, source, trust, kind, at).unwrap();
        let mut seen = Vec::new();
        read_body(body, &intake, &mut Scratch::default(), &mut |outcome| {
            seen.push(match outcome {
                Outcome::Fact { line, ordinal, fact, flags } => {
                    Seen { line, ordinal, result: Ok((fact.to_vec(), flags.iter().map(|flag| flag.name()).collect())) }
                }
                Outcome::Reject { line, ordinal, reason, .. } => Seen { line, ordinal, result: Err(reason) },
            });
        });
        seen
    }

    /// Why a body of one message is refused, and for which field.
    pub(super) fn refusal(&self, body: &str) -> (String, Option<&'static str>) {
        let at = ReceivedAt::At(Timestamp::from_millisecond(NOW));
        let intake = Intake::new(&self.0, None, None, None, at).unwrap();
        let mut seen = Vec::new();
        read_body(body.as_bytes(), &intake, &mut Scratch::default(), &mut |outcome| match outcome {
            Outcome::Fact { .. } => panic!("accepted: {body}"),
            Outcome::Reject { reason, field, .. } => seen.push((reason.to_string(), field)),
        });
        assert_eq!(seen.len(), 1, "{body}");
        seen.remove(0)
    }

    pub(super) fn read(&self, body: impl AsRef<[u8]>) -> Vec<Seen> {
        self.read_as(body.as_ref(), None, None, None)
    }

    /// The one fact of a body, with its flags.
    pub(super) fn one(&self, body: impl AsRef<[u8]>) -> (Vec<u8>, Vec<&'static str>) {
        let mut seen = self.read(body.as_ref());
        assert_eq!(seen.len(), 1, "{}", String::from_utf8_lossy(body.as_ref()));
        let text = String::from_utf8_lossy(body.as_ref()).into_owned();
        seen.remove(0).result.unwrap_or_else(|reason| panic!("{reason}: {text}"))
    }
}

fn names(fact: &[u8], normalizer: &Normalizer) -> Vec<String> {
    let fact = Fact::parse(fact).unwrap();
    let role = |role| match role {
        Role::Live => "",
        Role::Claimed => "?",
        Role::Cut => "-",
        Role::Stated => "!",
    };
    fact.identifiers()
        .map(|named| format!("{}{}={}", role(named.role), normalizer.namespaces().name(named.namespace), named.value))
        .collect()
}

pub(super) fn house() -> House {
    House::new(json!({"currency": "EUR", "default_region": "DK"}))
}

fn reason(body: impl AsRef<[u8]>) -> String {
    let seen = house().read(body.as_ref());
    let text = String::from_utf8_lossy(body.as_ref()).chars().take(200).collect::<String>();
    assert_eq!(seen.len(), 1, "{text}");
    seen[0].result.as_ref().err().map_or_else(|| "accepted".to_owned(), ToString::to_string)
}

#[test]
fn hostile_messages_are_refused_for_the_documented_reason() {
    let nested =
        |depth: usize| format!(r#"{{"type":"page","userId":"u","x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let keys = |count: usize| (0..count).map(|at| format!("\"k{at}\":1")).collect::<Vec<_>>().join(",");
    let products =
        |count: usize| track(&format!(r#","properties":{{"products":[{}]}}"#, ["{}"].repeat(count).join(",")));
    let order =
        |rest: &str| format!(r#"{{"type":"track","event":"Order Completed","userId":"u","properties":{{{rest}}}}}"#);
    let table: Vec<(String, &str)> = vec![
        ("{".into(), "invalid_json"),
        ("nul".into(), "invalid_json"),
        ("{} {}".into(), "invalid_json"),
        (r#"{"a":1,}"#.into(), "invalid_json"),
        (r#"{'a':1}"#.into(), "invalid_json"),
        (r#"{"a":01}"#.into(), "invalid_json"),
        (r#"{"a":.5}"#.into(), "invalid_json"),
        (r#"{"a":NaN"#.into(), "invalid_json"),
        (r#"{"a":nan}"#.into(), "invalid_json"),
        ("{\"a\":\"\t\"}".into(), "invalid_json"),
        (r#"{"a":"\x"}"#.into(), "invalid_json"),
        ("null".into(), "wrong_type"),
        ("5".into(), "wrong_type"),
        ("\"text\"".into(), "wrong_type"),
        ("[".repeat(100_000), "too_deep"),
        (format!("{}{}", "[".repeat(20), "}"), "invalid_json"),
        (nested(32), "accepted"),
        (nested(33), "too_deep"),
        (nested(33).replace("]}", "]"), "too_deep"),
        (nested(33).replacen("{", "{{", 1), "invalid_json"),
        (track(&format!(",\"x\":\"{}\"", "a".repeat(1 << 20))), "too_large"),
        (format!("[{}]", "0,".repeat(3 << 20)), "too_large"),
        (track(r#","userId":"v""#), "duplicate_field"),
        (track(r#","user\u0049d":"v""#), "duplicate_field"),
        (track(r#","userId":"u""#), "accepted"),
        (track(r#","type":"track""#), "accepted"),
        (track(r#","traits":{},"traits":{}"#), "duplicate_field"),
        (track(r#","traits":{"email":"a@x.co","email":"b@x.co"}"#), "duplicate_field"),
        (track(r#","context":{"externalIds":[{"id":"1","id":"2","type":"email"}]}"#), "duplicate_field"),
        (track(r#","properties":{"products":[{"price":1,"price":2}]}"#), "duplicate_field"),
        (track(r#","properties":{"products":[{"price":1,"price":1.0}]}"#), "accepted"),
        (track(r#","other":1,"other":2,"__proto__":1,"__proto__":2,"":1,"":2"#), "accepted"),
        (track(&format!(r#","x":{{{}}}"#, keys(500))), "accepted"),
        (track(&format!(r#","x":{{{}}}"#, keys(501))), "limit(keys)"),
        (track(&format!(r#","x":{{{}}},"userId":"v""#, keys(501))), "duplicate_field"),
        (track(&format!(r#","{}":1"#, "k".repeat(256))), "accepted"),
        (track(&format!(r#","{}":1"#, "k".repeat(257))), "limit(key)"),
        (track(&format!(r#","anonymousId":"  {}""#, "é".repeat(400))), "accepted"),
        (track(&format!(r#","anonymousId":"{}""#, "é".repeat(401))), "limit(identifier)"),
        (track(&format!(r#","previousId":{}"#, "1".repeat(401))), "limit(identifier)"),
        (track(&format!(r#","anonymousId":{}"#, "1".repeat(400))), "accepted"),
        (track(&format!(r#","other":{}"#, "1".repeat(400))), "number_out_of_range"),
        (track(&format!(r#","traits":{{"email":"{}"}}"#, "a".repeat(401))), "limit(identifier)"),
        (track(&format!(r#","messageId":"{}""#, "m".repeat(400))), "accepted"),
        (track(&format!(r#","messageId":"{}""#, "m".repeat(401))), "limit(message_id)"),
        (track("").replace("\"e\"", &format!("\"{}\"", "e".repeat(257))), "limit(event_name)"),
        (products(2000), "accepted"),
        (products(2001), "limit(products)"),
        (r#"{"type":"click","userId":"u"}"#.into(), "unknown_type"),
        (r#"{"type":" track","event":"e","userId":"u"}"#.into(), "unknown_type"),
        (r#"{"type":"TRACK","event":"e","userId":"u"}"#.into(), "accepted"),
        (r#"{"type":"click","userId":1.5}"#.into(), "unknown_type"),
        (r#"{"type":5,"userId":"u"}"#.into(), "wrong_type"),
        (r#"{"userId":"u"}"#.into(), "missing_field"),
        (r#"{"type":"  ","userId":"u"}"#.into(), "missing_field"),
        (track("").replace("\"u\"", "1.0"), "wrong_type"),
        (track("").replace("\"u\"", "1e3"), "wrong_type"),
        (track("").replace("\"u\"", "12345678901234567890123"), "accepted"),
        (track("").replace("\"u\"", "true"), "wrong_type"),
        (track("").replace("\"e\"", "5"), "wrong_type"),
        (track(r#","messageId":1.5"#), "wrong_type"),
        (track(r#","groupId":{}"#), "wrong_type"),
        (track(r#","timestamp":true"#), "wrong_type"),
        (track(r#","properties":5"#), "wrong_type"),
        (track(r#","properties":[1]"#), "wrong_type"),
        (track(r#","properties":[],"traits":[],"context":[],"integrations":[]"#), "accepted"),
        (track(r#","properties":null,"context":"""#), "accepted"),
        (track(r#","name":5,"category":{},"sentAt":true,"originalTimestamp":[]"#), "accepted"),
        (r#"{"type":"track","userId":"u"}"#.into(), "missing_field"),
        (r#"{"type":"track","event":" ","userId":"u"}"#.into(), "missing_field"),
        (r#"{"type":"group","userId":"u"}"#.into(), "missing_field"),
        (r#"{"type":"alias","userId":"u"}"#.into(), "missing_field"),
        (r#"{"type":"alias","previousId":"u"}"#.into(), "missing_field"),
        (track(r#","timestamp":"yesterday""#), "invalid_timestamp"),
        (track(r#","timestamp":"1700000000000""#), "invalid_timestamp"),
        (track(r#","timestamp":1700000000"#), "invalid_timestamp"),
        (track(r#","timestamp":"2023-02-29""#), "invalid_timestamp"),
        (track(r#","timestamp":"2023-02-28T24:00:00Z""#), "invalid_timestamp"),
        (track(r#","timestamp":"Tue, 14 Nov 2023 22:13:20 GMT""#), "invalid_timestamp"),
        (track(r#","timestamp":null"#), "accepted"),
        (track(r#","x":1e999"#), "number_out_of_range"),
        (track(r#","x":1e999,"timestamp":"x""#), "invalid_timestamp"),
        (track(r#","x":123456789012345678901234567890.5,"y":1e-999"#), "accepted"),
        (order(r#""total":92233720368547758.08"#), "number_out_of_range"),
        (order(r#""total":1,"revenue":1e30"#), "number_out_of_range"),
        (order(r#""products":[{"price":9e16,"quantity":2}]"#), "number_out_of_range"),
        (order(r#""total":92233720368547758.07"#), "accepted"),
        (r#"{"type":"track","event":"e"}"#.into(), "no_identifier"),
        (r#"{"type":"track","event":"e","userId":null,"anonymousId":" "}"#.into(), "no_identifier"),
        (r#"{"type":"group","groupId":"g","traits":{"email":"info@x.co"}}"#.into(), "no_identifier"),
        (r#"{"type":"track","event":"e","userId":"null"}"#.into(), "accepted"),
        (r#"{"type":"track","event":"e","traits":{"email":5}}"#.into(), "accepted"),
        (r#"{"batch":5}"#.into(), "wrong_type"),
        (r#"{"batch":[],"batch":[]}"#.into(), "duplicate_field"),
        (r#"{"batch":[],"sentAt":"a","sentAt":"b"}"#.into(), "duplicate_field"),
    ];
    for (body, expected) in table {
        assert_eq!(reason(&body), expected, "{}", body.chars().take(300).collect::<String>());
    }
    assert_eq!(reason(b"{\"a\":\"\xff\"}"), "invalid_utf8");
    assert_eq!(reason(b"\xff{"), "invalid_utf8");
}

#[test]
fn neighbors_survive_and_carry_lines_and_ordinals() {
    let good = r#"{"type":"page","userId":"u"}"#;
    let body = format!(
        "\u{feff}{good}\r\n\n  \nnonsense\n[{good},5,[],{{\"type\":\"x\",\"userId\":\"u\"}},{good}]\n\u{feff}{{\"batch\":[{good},{}1{},{good}]}}\n[]\n{{\"batch\":[]}}",
        "[".repeat(50),
        "]".repeat(50)
    );
    let seen: Vec<_> = house()
        .read(body)
        .into_iter()
        .map(|seen| (seen.line, seen.ordinal, seen.result.err().map(|reason| reason.to_string())))
        .collect();
    let bad = |line, ordinal, reason: &str| (line, ordinal, Some(reason.to_owned()));
    assert_eq!(
        seen,
        [
            (1, None, None),
            bad(4, None, "invalid_json"),
            (5, Some(1), None),
            bad(5, Some(2), "wrong_type"),
            bad(5, Some(3), "wrong_type"),
            bad(5, Some(4), "unknown_type"),
            (5, Some(5), None),
            (6, Some(1), None),
            bad(6, Some(2), "too_deep"),
            (6, Some(3), None),
        ]
    );
}

#[test]
fn a_body_that_is_one_value_is_that_value() {
    let pretty = "\n\n{\n \"type\": \"page\",\n \"userId\": \"u\"\n}\n\n";
    let seen = house().read(pretty);
    assert_eq!((seen.len(), seen[0].line, seen[0].ordinal), (1, 3, None));
    assert!(seen[0].result.is_ok());
    let list = format!("[\n{}\n]", [r#"{"type":"page","userId":"u"}"#; 3].join(",\n"));
    assert_eq!(house().read(list).iter().map(|seen| seen.ordinal).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(house().read("\n \r\n").len(), 0);
    let huge = format!("[\n{}0]", "0,\n".repeat(2 << 20));
    assert_eq!(reason(huge), "too_large");
}

#[test]
fn an_envelope_stands_in_whole_and_only_for_what_is_absent() {
    let body = json!({"batch": [
        {"type": "page", "userId": "u", "messageId": "a"},
        {"type": "page", "userId": "u", "messageId": "b", "sentAt": null, "context": {"x": 1}},
        {"batch": [], "userId": "u"},
    ], "sentAt": "2023-11-14T22:13:00.000Z", "context": {"traits": {"email": "a@x.co"}}, "userId": "no default", "type": "Batch"});
    let seen = house().read(body.to_string());
    let back = |at: usize| -> Value {
        let (fact, _) = seen[at].result.clone().unwrap();
        serde_json::from_str(&message_json(&Fact::parse(&fact).unwrap())).unwrap()
    };
    let sent = "2023-11-14T22:13:00.000Z";
    assert_eq!(
        back(0),
        json!({"type":"page","userId":"u","messageId":"a","sentAt":sent,"context":{"traits":{"email":"a@x.co"}}})
    );
    assert_eq!(back(1), json!({"type":"page","userId":"u","messageId":"b","sentAt":sent,"context":{"x":1}}));
    assert_eq!(seen[2].result, Err(Reason::MissingField), "envelopes do not nest");
    let track = r#"{"type":"track","event":"e","userId":"u","batch":[{"email":"a","email":"b"},5]}"#;
    assert!(house().read(track)[0].result.is_ok(), "batch is data in a message that has a type");
}

#[test]
fn identifiers_come_from_every_documented_place() {
    let house =
        House::new(json!({"default_region":"DK","mapping":{"loyalty_card":"properties.card","customer_id":"erp.no"}}));
    let body = json!({
        "type": "track", "event": "e", "userId": 42, "anonymousId": " 022BB90C-bbac-11e4-8dfc-aa07a5b093db ", "groupId": "g",
        "previousId": "not an alias",
        "traits": {"email": "A@x.co", "phone": "20 12 34 56"},
        "context": {"traits": {"email": "b@x.co"}, "device": {"id": "D1", "advertisingId": "00000000-0000-0000-0000-000000000000"},
            "externalIds": [{"id": "c@x.co", "type": "email"}, {"id": 7, "type": "customer_id"}, {"id": "x", "type": "braze"}, 5]},
        "properties": {"email": "nobody", "phone": 4520123456i64, "card": "12 34"},
        "erp": {"no": 17850},
    });
    let (fact, flags) = house.one(body.to_string());
    assert_eq!(
        names(&fact, &house.0),
        [
            "user_id=42",
            "customer_id=17850",
            "customer_id=7",
            "loyalty_card=1234",
            "email=a@x.co",
            "email=b@x.co",
            "email=c@x.co",
            "phone=+4520123456",
            "device=D1",
            "anonymous_id=022bb90c-bbac-11e4-8dfc-aa07a5b093db"
        ]
    );
    assert_eq!(flags, ["blocked_identifier", "unusable_identifier", "unknown_namespace", "type_mismatch"]);
}

#[test]
fn a_bad_identifier_makes_data_not_identity() {
    for (value, flag) in [
        (r#""null""#, "blocked_identifier"),
        (r#""a\u0000b""#, "unusable_identifier"),
        (r#""a\ud800b""#, "unusable_identifier"),
    ] {
        let body = format!(r#"{{"type":"page","userId":{value}}}"#);
        let (fact, flags) = house().one(&body);
        assert_eq!((names(&fact, &house().0).len(), flags), (0, vec![flag]));
        assert!(message_json(&Fact::parse(&fact).unwrap()).contains(value.trim_matches('"')));
    }
}

#[test]
fn claimed_sources_name_no_person_and_twenty_is_the_most() {
    let many: Vec<Value> = (0..30).map(|at| json!({"id": format!("d{at:02}"), "type": "device"})).collect();
    let body = json!({"type":"identify","userId":"u","anonymousId":"a","traits":{"email":"a@x.co"},"context":{"externalIds":many}});
    let house = house();
    let seen = house.read_as(body.to_string().as_bytes(), None, Some(Trust::Claimed), None);
    let (fact, flags) = seen[0].result.clone().unwrap();
    let names = names(&fact, &house.0);
    assert_eq!(names[..3], ["?user_id=u", "?email=a@x.co", "device=d00"]);
    assert_eq!(names.iter().filter(|name| !name.starts_with(['?', '-'])).count(), 20);
    assert_eq!(names.last().map(String::as_str), Some("-anonymous_id=a"));
    assert!(flags.contains(&"identifiers_cut"));
    let fact = Fact::parse(&fact).unwrap();
    assert!(fact.claimed() && fact.bits.has(Bits::STRONG));
}

#[test]
fn aliases_name_two_identifiers_as_the_source_declares() {
    let house = House::new(
        json!({"sources":{"crm":{"operator_alias":true},"shop":{"alias_namespace":"customer_id","shop":"dk","channel":"web"}}}),
    );
    let body = br#"{"type":"alias","userId":"u","previousId":"p","anonymousId":"a"}"#;
    let read = |source, trust| {
        let (fact, _) = house.read_as(body, Some(source), trust, None)[0].result.clone().unwrap();
        (names(&fact, &house.0).join(" "), Fact::parse(&fact).unwrap().bits.has(Bits::OPERATOR_ALIAS))
    };
    let claimed = "?user_id=u anonymous_id=a anonymous_id=p";
    assert_eq!(read("other", None), (claimed.into(), false), "where sources are declared, others are public");
    assert_eq!(read("other", Some(Trust::Verified)), ("user_id=u anonymous_id=a anonymous_id=p".into(), false));
    assert_eq!(read("shop", None), ("user_id=u customer_id=p anonymous_id=a".into(), false));
    assert_eq!(read("crm", None), ("!user_id=p !user_id=u".into(), true));
    assert_eq!(read("crm", Some(Trust::Claimed)), (claimed.into(), false));
}

#[test]
fn time_is_what_is_said_or_what_the_delay_tells() {
    let at = |rest: &str| {
        let (fact, flags) = house().one(format!(r#"{{"type":"page","userId":"u"{rest}}}"#));
        let fact = Fact::parse(&fact).unwrap();
        assert_eq!(fact.bits.has(Bits::TIME_DERIVED), !rest.contains("\"timestamp\""));
        (fact.ts.as_millisecond() - NOW, flags)
    };
    assert_eq!(at(""), (0, vec![]));
    assert_eq!(at(r#","sentAt":"2020-01-01T00:00:10Z","originalTimestamp":"2020-01-01T00:00:00Z""#), (-10_000, vec![]));
    assert_eq!(at(r#","sentAt":"2020-01-01T00:00:00Z","originalTimestamp":"2020-01-01T00:00:10Z""#), (0, vec![]));
    // A delay of 1000.8 ms: the instant is cut, not the delay.
    assert_eq!(at(r#","sentAt":"2020-01-01T00:00:01.0009Z","originalTimestamp":"2020-01-01T00:00:00.0001Z""#).0, -1001);
    assert_eq!(at(r#","sentAt":"soon","originalTimestamp":"2020-01-01T00:00:10Z""#), (0, vec!["clock_unreadable"]));
    assert_eq!(
        at(r#","sentAt":"9999-01-01T00:00:00Z","originalTimestamp":"0001-01-01T00:00:00Z""#),
        (0, vec!["clock_unreadable"])
    );
    assert_eq!(at(r#","timestamp":"2023-11-14T22:13:20""#), (0, vec!["zone_missing"]));
    assert_eq!(at(r#","timestamp":1700000000000"#), (0, vec![]));
    assert_eq!(at(r#","timestamp":"2023-11-16T00:00:00Z""#).1, ["future"]);
    let at = ReceivedAt::FromMessage { fallback: Timestamp::from_millisecond(5) };
    let house = house();
    let intake = Intake::new(&house.0, None, None, None, at).unwrap();
    let mut seen = Vec::new();
    let body = br#"[{"type":"page","userId":"u","receivedAt":"2020-01-01T00:00:00Z"},{"type":"page","userId":"u"}]"#;
    read_body(body, &intake, &mut Scratch::default(), &mut |outcome| {
        if let Outcome::Fact { fact, .. } = outcome {
            let fact = Fact::parse(fact).unwrap();
            seen.push((fact.ts.as_millisecond(), fact.received_at.as_millisecond()));
        }
    });
    assert_eq!(seen, [(1_577_836_800_000, 1_577_836_800_000), (5, 5)]);
}

fn id_of(body: &str) -> (MessageId, u64) {
    let (fact, _) = house().one(body);
    let fact = Fact::parse(&fact).unwrap();
    (fact.id(), fact.content)
}

#[test]
fn a_message_without_id_is_named_by_its_content() {
    let same = [
        r#"{"type":"page","userId":"u","x":{"a":1,"b":[1.50]}}"#,
        r#"{"x":{"b":[15e-1],"a":1.0},"userId":"u","type":"page"}"#,
        r#"{"type":"page","userId":"u","x":{"a":1,"b":[1.5]},"sentAt":"2020-01-01T00:00:00Z","receivedAt":5,"writeKey":"k","_metadata":{},"y":null,"messageId":""}"#,
    ];
    for body in same {
        assert_eq!(id_of(body).0, id_of(same[0]).0, "{body}");
        assert_eq!(
            id_of(&format!("{{\"batch\":[{body}],\"sentAt\":\"2021-01-01\",\"context\":{{}}}}")).0,
            id_of(same[0]).0
        );
    }
    assert_ne!(id_of(r#"{"type":"page","userId":"u","x":{"a":1,"b":[1.51]}}"#).0, id_of(same[0]).0);
    assert_ne!(id_of(r#"{"type":"page","userId":"u","x":{"a":1,"b":[1.5],"c":null}}"#).0, id_of(same[0]).0);
    let refuse = House::new(json!({"message_id":"refuse"}));
    assert_eq!(refuse.read(same[0])[0].result, Err(Reason::MissingField));
    let random = House::new(json!({"message_id":"random"}));
    assert_ne!(random.one(same[0]).0, random.one(same[0]).0);
}

#[test]
fn message_ids_are_verbatim_and_content_ignores_clocks() {
    let base = r#"{"type":"page","userId":"u","messageId":" M 1 "}"#;
    let (id, content) = id_of(base);
    assert_eq!(id.to_string(), " M 1 ");
    let resent = r#"{"userId":"u","type":"page","messageId":" M 1 ","sentAt":"2020-01-01","receivedAt":"2020-01-01"}"#;
    assert_eq!(id_of(resent), (id, content));
    assert_ne!(id_of(r#"{"type":"page","userId":"v","messageId":" M 1 "}"#).1, content);
    for (id, text) in [("12345678901234567890123", "12345678901234567890123"), ("-5", "-5"), ("\"7\"", "7")] {
        let body = format!(r#"{{"messageId":{id},"type":"page","userId":"u"}}"#);
        let (fact, _) = house().one(&body);
        let fact = Fact::parse(&fact).unwrap();
        assert_eq!((fact.id().to_string().as_str(), message_json(&fact)), (text, body));
    }
    let (_, flags) = house().one(r#"{"messageId":"\ud800","type":"page","userId":"u"}"#);
    assert_eq!(flags, ["unusable_message_id"]);
}

#[test]
fn orders_have_exact_money_or_none() {
    let eur = |minor| Amount::Known(Money::new(minor, "EUR".parse().unwrap()));
    let order = |event: &str, properties: &str| {
        let body = format!(r#"{{"type":"track","event":"Order {event}","userId":"u","properties":{{{properties}}}}}"#);
        let (fact, mut flags) = house().one(body);
        let fact = Fact::parse(&fact).unwrap();
        let order = fact.order.unwrap();
        flags.retain(|flag| *flag != "order_id_missing" || order.order_id.is_some());
        (order.amount, flags)
    };
    let unknown = (Amount::Unknown, vec!["amount_unknown"]);
    for (properties, expected) in [
        (r#""total":19.90"#, (eur(1990), vec![])),
        (r#""total":"19.90","revenue":5"#, (eur(1990), vec![])),
        (r#""total":null,"revenue":" ","value":5"#, (eur(500), vec![])),
        (r#""subtotal":"10.10","discount":0.2"#, (eur(990), vec![])),
        (r#""subtotal":10"#, (eur(1000), vec![])),
        (
            r#""products":[{"price":0.1,"quantity":3},{"price":"1.25"},{"price":2,"quantity":"0.5"}]"#,
            (eur(255), vec![]),
        ),
        (r#""total":0.125"#, (eur(12), vec!["amount_rounded"])),
        (r#""total":5,"currency":"JPY""#, (Amount::Known(Money::new(5, "JPY".parse().unwrap())), vec![])),
        (r#""total":"19,99""#, unknown.clone()),
        (r#""total":"$5","revenue":5"#, unknown.clone()),
        (r#""total":"1e2""#, unknown.clone()),
        (r#""total":5,"currency":" eur ""#, (eur(500), vec![])),
        (r#""total":5,"currency":"EURO""#, unknown.clone()),
        (r#""total":5,"currency":"XXX""#, unknown.clone()),
        (r#""total":5,"currency":5"#, unknown.clone()),
        (r#""total":-5"#, unknown.clone()),
        (r#""products":[{"price":1},{"product_id":"p"}]"#, unknown.clone()),
        (r#""products":[{"price":1,"quantity":0}]"#, (Amount::Unknown, vec!["amount_unknown", "quantity_unknown"])),
        (r#""products":{"price":1},"total":1"#, (eur(100), vec!["products_malformed"])),
        (r#""products":[5],"total":1"#, (eur(100), vec!["products_malformed"])),
        ("", unknown.clone()),
    ] {
        assert_eq!(order("Completed", properties), expected, "{properties}");
    }
    let assumed = |minor| (Amount::Assumed(Money::new(minor, "EUR".parse().unwrap())), vec![]);
    for (properties, expected) in [
        (r#""total":-5"#, assumed(500)),
        (r#""total":-5,"currency":"EUR""#, (eur(500), vec![])),
        (r#""products":[]"#, (Amount::Whole, vec![])),
        (r#""products":[{"price":2,"quantity":2}]"#, assumed(400)),
        (r#""products":[{"price":2},{"product_id":"p"}]"#, (Amount::OfOrder, vec![])),
        (r#""products":[{"sku":"p"}],"currency":"USD""#, (Amount::OfOrder, vec![])),
        (r#""products":[{"name":"p"}]"#, unknown.clone()),
        (r#""products":[{"product_id":"p","price":"2,00"}]"#, unknown.clone()),
        (r#""products":[{"product_id":"p"}],"currency":"EURO""#, unknown.clone()),
        (r#""products":[{"product_id":"p"}],"total":"2,00""#, unknown.clone()),
        (r#""total":5,"currency":"EURO""#, unknown.clone()),
    ] {
        assert_eq!(order("Refunded", properties), expected, "{properties}");
    }
    assert_eq!(order("Cancelled", r#""total":5"#), (Amount::Whole, vec![]));
    let nowhere = House::new(json!({"shops":{"jp":{"currency":"JPY"}},"sources":{"till":{"shop":"jp"}}}));
    let body = br#"{"type":"track","event":"Order Completed","userId":"u","properties":{"order_id":7,"total":5}}"#;
    let read = |source| {
        let (fact, _) = nowhere.read_as(body, Some(source), None, None)[0].result.clone().unwrap();
        let fact = Fact::parse(&fact).unwrap();
        assert_eq!(fact.order.unwrap().order_id, Some("7"));
        (fact.order.unwrap().amount, fact.shop.to_owned())
    };
    assert_eq!(read("web"), (Amount::Unknown, String::new()));
    assert_eq!(read("till"), (Amount::Known(Money::new(5, "JPY".parse().unwrap())), "jp".to_owned()));
}

#[test]
fn unknown_fields_and_exact_numbers_come_back() {
    let body = r#"{"type":"page","userId":"u","a":1.0,"b":123456789012345678901234567890.10,"c":"\ud800x","d":-0,"e":[],"f":{"":null},"g":1E+2}"#;
    let (fact, _) = house().one(body);
    assert_eq!(message_json(&Fact::parse(&fact).unwrap()), body);
}

fn data(name: &str) -> Option<String> {
    let folder = std::env::var_os("REGULARS_DATA").map_or_else(|| "../shared/data".into(), std::path::PathBuf::from);
    let file = folder.join(name);
    if !file.exists() {
        eprintln!("skipped: {name} is not here; $REGULARS_DATA names its folder");
        return None;
    }
    let output = std::process::Command::new("gzip").arg("-dc").arg(&file).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|text| !text.is_empty())
}

#[test]
fn the_messages_of_the_public_documentation_are_accepted() {
    let Some(text) = data("segment_spec_docs.ndjson.gz") else { return };
    for line in text.lines() {
        let event = serde_json::from_str::<Value>(line).unwrap()["event"].take();
        let seen = house().read(event.to_string());
        let Ok((fact, _)) = &seen[0].result else {
            // Some examples show one field only; every other one is a whole message.
            assert!(event.get("userId").is_none() && event.get("anonymousId").is_none(), "{event}");
            assert_eq!(seen[0].result, Err(Reason::NoIdentifier));
            continue;
        };
        let back: Value = serde_json::from_str(&message_json(&Fact::parse(fact).unwrap())).unwrap();
        assert_eq!(back, event);
    }
}

#[test]
fn batches_of_a_public_sdk_are_accepted() {
    let Some(text) = data("segment_analytics_go_batches.ndjson.gz") else { return };
    for line in text.lines() {
        let batch = serde_json::from_str::<Value>(line).unwrap()["batch"].take();
        let seen = house().read(batch.to_string());
        assert_eq!(seen.len(), batch["batch"].as_array().unwrap().len());
        assert!(seen.iter().all(|seen| seen.result.is_ok()), "{batch}: {seen:?}");
    }
}

#[test]
fn what_is_printed_as_json_and_is_none_is_refused() {
    let Some(text) = data("segment_spec_docs_invalid_json.ndjson.gz") else { return };
    for line in text.lines() {
        let raw = serde_json::from_str::<Value>(line).unwrap()["raw"].take();
        let seen = house().read(raw.as_str().unwrap());
        assert!(seen.iter().any(|seen| seen.result == Err(Reason::InvalidJson)), "{raw}");
    }
}

#[test]
fn no_error_shows_what_a_message_said() {
    let canary = "zx-canary-81";
    let config = json!({"currency": canary});
    let error = Normalizer::new(&serde_json::from_value(config).unwrap()).err().unwrap();
    assert!(!format!("{error} {error:?}").contains(canary));
    for body in
        [format!(r#"{{"type":"{canary}","userId":"{canary}"}}"#), format!("{{\"{canary}\""), format!("[{canary}")]
    {
        for seen in house().read(&body) {
            assert!(!format!("{:?} {}", seen.result, seen.result.clone().unwrap_err()).contains(canary));
        }
    }
}

/// JSON of any shape, with documented names among the keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        "(null|a@x\\.co|[a-c]@x\\.co|20123456|2020-01-0[1-9]|u[1-3])".prop_map(Value::from),
    ];
    let key = "(type|userId|email|phone|traits|context|properties|products|price|total|[a-e]|id|batch)";
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_message() -> impl Strategy<Value = Value> {
    let kinds = prop_oneof![Just("track"), Just("identify"), Just("page"), Just("alias"), Just("group")];
    let events = prop_oneof![Just("Order Completed"), Just("Order Refunded"), Just("Download")];
    (kinds, events, any_json(), any_json(), any_json(), any_json()).prop_map(|(kind, event, user, traits, properties, other)| {
        let object = |value: Value| if value.is_object() { value } else { json!({"x": value}) };
        let user = if user.is_string() { user } else { json!("u1") };
        json!({"type": kind, "event": event, "userId": user, "previousId": "p", "groupId": "g", "traits": object(traits),
            "properties": object(properties), "other": other})
    })
}

/// A number that two readers of JSON round to different neighbors reads back with its digits.
#[test]
fn digits_of_large_numbers_come_back() {
    for number in
        ["1.9251898065520203e+42", "-1.9251898065520203E42", "9007199254740993", "0.1000000000000000055511151231257827"]
    {
        let text = format!(
            r#"{{"type":"track","event":"Order Completed","userId":"u1","properties":{{"x":null}},"traits":{{"type":[{number}]}}}}"#
        );
        let seen = house().read(&text);
        let (fact, _) = seen[0].result.as_ref().unwrap();
        let back = message_json(&Fact::parse(fact).unwrap());
        let back: Value = serde_json::from_str(&back).unwrap();
        assert_eq!(back, serde_json::from_str::<Value>(&text).unwrap(), "{number}");
    }
}

proptest! {
    #![proptest_config(crate::base::cases::cases(128))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        check_message_bytes(&bytes);
    }

    #[test]
    fn any_text_like_json_is_read_or_refused(text in r#"([\[\]{},:"\\\n ]|"(type|track|event|userId|batch|\\ud800)"|1e999|-?[0-9.e]|null|true){0,40}"#) {
        check_message_bytes(text.as_bytes());
    }

    #[test]
    fn damaged_messages_are_read_or_refused(message in any_message(), at: usize, byte: u8, cut: usize) {
        let mut bytes = message.to_string().into_bytes();
        let len = bytes.len();
        bytes[at % len] = byte;
        check_message_bytes(&bytes);
        bytes.truncate(cut % len);
        check_message_bytes(&bytes);
    }

    #[test]
    fn what_came_in_can_be_read_back(message in any_message()) {
        let text = message.to_string();
        let seen = house().read(&text);
        if let Ok((fact, _)) = &seen[0].result {
            // Both through the same reader of numbers: serde_json's own is off by a bit at times.
            let came_in: Value = serde_json::from_str(&text).unwrap();
            let back: Value = serde_json::from_str(&message_json(&Fact::parse(fact).unwrap())).unwrap();
            prop_assert_eq!(back, came_in);
        }
    }

    #[test]
    fn good_neighbors_survive(messages in proptest::collection::vec(any_message(), 1..4), bad in any_json(), at in 0usize..3) {
        let alone: Vec<_> = messages.iter().map(|message| house().read(message.to_string()).remove(0).result).collect();
        let mut together = messages;
        let at = at.min(together.len());
        together.insert(at, bad);
        for body in [Value::from(together.clone()).to_string(), json!({"batch": together}).to_string()] {
            let mut seen: Vec<_> = house().read(body).into_iter().map(|seen| seen.result).collect();
            prop_assert_eq!(seen.len(), alone.len() + 1);
            drop(seen.remove(at));
            prop_assert_eq!(&seen, &alone);
        }
        let lines: Vec<String> = together.iter().map(ToString::to_string).collect();
        let seen = house().read(lines.join("\r\n"));
        for (line, expected) in (1u64..).zip(&lines) {
            let found: Vec<_> = seen.iter().filter(|seen| seen.line == line).map(|seen| seen.result.clone()).collect();
            let expected: Vec<_> = house().read(expected).into_iter().map(|seen| seen.result).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn order_of_members_and_spelling_of_numbers_do_not_count(message in any_message()) {
        let Value::Object(members) = &message else { return Ok(()) };
        let reversed: Vec<String> = members.iter().rev().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), value)).collect();
        let read = |body: String| {
            house().read(body)[0].result.clone().map(|(fact, flags)| {
                let fact = Fact::parse(&fact).unwrap();
                (fact.id(), fact.content, flags)
            })
        };
        prop_assert_eq!(read(message.to_string()), read(format!("{{{}}}", reversed.join(","))));
    }
}

/// How long a message of everyday size takes; `cargo test --release --lib timing -- --nocapture` prints it.
#[test]
fn timing_of_an_everyday_message() {
    let body = br#"{"anonymousId":"507f191e-810c-4972-9de8-60ea507f191e","context":{"ip":"8.8.8.8","library":{"name":"analytics.js","version":"2.11.1"},"locale":"en-US","page":{"path":"/academy/","referrer":"","title":"Analytics Academy","url":"https://example.com/academy/"},"userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_5)"},"event":"Product Viewed","messageId":"022bb90c-bbac-11e4-8dfc-aa07a5b093db","properties":{"brand":"Gamer","category":"Games","currency":"USD","name":"Monopoly: 3rd Edition","price":18.99,"product_id":"507f1f77bcf86cd799439011","quantity":1},"sentAt":"2015-02-23T22:28:55.111Z","timestamp":"2015-02-23T22:28:55.387Z","type":"track","userId":"97980cfea0067"}"#;
    let house = house();
    let at = ReceivedAt::At(Timestamp::from_millisecond(NOW));
    let intake = Intake::new(&house.0, None, None, None, at).unwrap();
    let mut scratch = Scratch::default();
    let mut facts = 0u32;
    // The best of many short runs: other work on the machine can only make a run slower.
    let best = |run: &mut dyn FnMut()| {
        let time = |run: &mut dyn FnMut()| {
            let start = std::time::Instant::now();
            (0..100).for_each(|_| run());
            start.elapsed() / 100
        };
        (0..200).map(|_| time(run)).min().unwrap()
    };
    let all = best(&mut || {
        read_body(body, &intake, &mut scratch, &mut |outcome| {
            facts += u32::from(matches!(outcome, Outcome::Fact { .. }));
        });
    });
    let mut wire = crate::message::wire::Wire::default();
    let tokens = best(&mut || wire.read_line(body, &house.0.wire).unwrap());
    println!("{} bytes: {all:?} a message, {tokens:?} of it to tokenize", body.len());
    assert_eq!(facts, 20_000);
}

/// How many, and their sum in minor units.
type Sum = (usize, i64);

/// Facts, orders and refunds of a file, all in one currency.
fn sales(name: &str, currency: &str) -> Option<(usize, Sum, Sum)> {
    let text = data(name)?;
    let house = house();
    let at = ReceivedAt::At(Timestamp::from_millisecond(NOW));
    let intake = Intake::new(&house.0, None, None, None, at).unwrap();
    let (mut scratch, mut facts) = (Scratch::default(), 0);
    let (mut orders, mut refunds) = ((0, 0), (0, 0));
    let mut reader = crate::message::lines::LineReader::new(text.as_bytes(), 4 << 20);
    while let Some(line) = reader.next_line().unwrap() {
        let crate::message::lines::Line::Text(number, line) = line else { panic!("no line is too long") };
        super::intake::read_line(line, number, &intake, &mut scratch, &mut |outcome| {
            let Outcome::Fact { fact, .. } = outcome else { panic!("every message is good") };
            facts += 1;
            let Some(order) = Fact::parse(fact).unwrap().order else { return };
            let minor = match order.amount.known() {
                Some(money) if money.currency.code() == currency => money.minor,
                Some(money) => panic!("{money}"),
                None => 0,
            };
            let sum =
                if order.action == crate::fact::order::OrderAction::Refunded { &mut refunds } else { &mut orders };
            *sum = (sum.0 + 1, sum.1 + minor);
        });
    }
    Some((facts, orders, refunds))
}

#[test]
fn sums_of_real_shops_are_those_that_others_counted() {
    if let Some(seen) = sales("online_retail_2010-12_to_2011-02.ndjson.gz", "GBP") {
        assert_eq!(seen, (6432, (3875, 203_874_259), (805, 23_172_266)));
    }
    if let Some((_, orders, _)) = sales("cdnow_sample.ndjson.gz", "USD") {
        assert_eq!(orders, (6919, 24_409_194));
    }
    if let Some((_, orders, _)) = sales("completejourney.ndjson.gz", "USD") {
        assert_eq!(orders, (47_243, 23_393_524));
    }
    if let Some((facts, orders, _)) = sales("clickstream_2024-01_to_04.ndjson.gz", "USD") {
        assert_eq!((facts, orders.0), (14_897, 203));
    }
}
