//! What a message says beside who and when: fields that are named, numbers that are none, sources, names of events.

use super::intake::message_json;
use super::normalizer::{Intake, ReceivedAt};
use super::tests::{House, NOW, house, track};
use crate::base::{Timestamp, Trust};
use crate::fact::view::Fact;
use serde_json::json;

#[test]
fn what_is_missing_or_of_the_wrong_type_is_named() {
    let objects = ["properties", "traits", "context", "integrations"];
    let names = ["messageId", "userId", "anonymousId", "previousId", "groupId"];
    let mut table: Vec<(String, &str, Option<&str>)> = Vec::new();
    for field in objects {
        for wrong in ["5", "\"x\"", "true", "[1]"] {
            table.push((track(&format!(r#","{field}":{wrong}"#)), "wrong_type", Some(field)));
        }
    }
    for field in names {
        for wrong in ["1.5", "12345.0", "1e3", "true", "{}", "[]"] {
            let body = format!(r#"{{"type":"track","event":"e","{field}":{wrong}}}"#);
            table.push((body, "wrong_type", Some(field)));
        }
    }
    table.extend([
        (track(r#","timestamp":{}"#), "wrong_type", Some("timestamp")),
        (r#"{"type":5}"#.into(), "wrong_type", Some("type")),
        (track("").replace("\"e\"", "5"), "wrong_type", Some("event")),
        (r#"{"type":"track","event":5,"userId":1.5,"traits":7}"#.into(), "wrong_type", Some("event")),
        (r#"{"type":"track","userId":1.5,"traits":7}"#.into(), "wrong_type", Some("userId")),
        (r#"{"batch":5}"#.into(), "wrong_type", Some("batch")),
        ("5".into(), "wrong_type", None),
        (r#"{"userId":"u"}"#.into(), "missing_field", Some("type")),
        (r#"{"type":"track","userId":"u"}"#.into(), "missing_field", Some("event")),
        (r#"{"type":"track","event":" ","userId":"u"}"#.into(), "missing_field", Some("event")),
        (r#"{"type":"track","event":NaN,"userId":"u"}"#.into(), "missing_field", Some("event")),
        (r#"{"type":"group","userId":"u"}"#.into(), "missing_field", Some("groupId")),
        (r#"{"type":"alias","previousId":"u"}"#.into(), "missing_field", Some("userId")),
        (r#"{"type":"alias","userId":"u"}"#.into(), "missing_field", Some("previousId")),
        (track(r#","timestamp":"x""#), "invalid_timestamp", None),
        (r#"{"type":"track","event":"e"}"#.into(), "no_identifier", None),
    ]);
    for (body, reason, field) in table {
        assert_eq!(house().refusal(&body), (reason.to_owned(), field), "{body}");
    }
    let strict = House::new(json!({"message_id": "refuse"}));
    assert_eq!(strict.refusal(&track("")), ("missing_field".to_owned(), Some("messageId")));
}

/// A bare word that some writers emit for a number stands for nothing, wherever a value may stand, and costs no neighbor.
#[test]
fn numbers_that_are_none_are_read_as_null() {
    let places = [
        r#"{"type":"page","userId":"u","x":#}"#,
        r#"{"type":"page","userId":"u","properties":{"a":[1,#,{"b":#}]}}"#,
        r#"{"type":"page","userId":"u","context":#}"#,
        r#"{"type":"page","userId":"u","timestamp":#,"messageId":#}"#,
        r#"{"type":"page","userId":"u","properties":{"x":#,"x":1}}"#,
        r#"[{"type":"page","userId":"u","properties":{"x":  #  }}]"#,
        r#"{"batch":[{"type":"page","userId":"u"}],"context":{"os":{"v":#}}}"#,
    ];
    for word in ["NaN", "Infinity", "-Infinity"] {
        for place in places {
            let (fact, flags) = house().one(place.replace('#', word));
            let flags: Vec<_> = flags.into_iter().filter(|flag| *flag == "not_finite").collect();
            assert_eq!(flags, ["not_finite"], "{place}");
            let (as_null, _) = house().one(place.replace('#', "null"));
            let [one, other] = [&fact, &as_null].map(|fact| Fact::parse(fact).unwrap());
            assert_eq!((message_json(&one), one.content), (message_json(&other), other.content), "{place}");
            assert!(!message_json(&one).contains(word));
        }
        // Of an envelope only what its messages take over is theirs; of its messages each speaks for itself.
        let body = r#"{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"v","x":#},
            {"type":"page","userId":"w","context":{}},5],"other":#,"sentAt":#}"#;
        let seen = house().read(body.replace('#', word));
        let flagged: Vec<Option<bool>> =
            seen.iter().map(|one| one.result.as_ref().ok().map(|(_, flags)| flags.contains(&"not_finite"))).collect();
        assert_eq!(flagged, [Some(false), Some(true), Some(false), None], "{word}");
    }
}

#[test]
fn a_source_that_nobody_declared_is_public() {
    let flags = |house: &House, source, trust| {
        let (fact, flags) = house.read_as(track("").as_bytes(), source, trust, None).remove(0).result.unwrap();
        (Fact::parse(&fact).unwrap().claimed(), flags.contains(&"unknown_source"))
    };
    let declared = |undeclared: &str| {
        House::new(json!({"sources": {"browser": {"trust": "claimed"}, "erp": {}}, "undeclared": undeclared}))
    };
    for (undeclared, claimed) in [("claimed", true), ("verified", false)] {
        let house = declared(undeclared);
        for name in ["brwoser", "Browser", "browser ", "erp2"] {
            assert_eq!(flags(&house, Some(name), None), (claimed, true), "{name}");
            assert_eq!(flags(&house, Some(name), Some(Trust::Verified)), (false, true), "{name}");
            assert_eq!(flags(&house, Some(name), Some(Trust::Claimed)), (true, true), "{name}");
        }
        assert_eq!(flags(&house, Some("browser"), None), (true, false));
        assert_eq!(flags(&house, Some("erp"), None), (false, false));
        assert_eq!(flags(&house, None, None), (false, false), "no name is no misspelled one");
    }
    let at = ReceivedAt::At(Timestamp::from_millisecond(NOW));
    let strict = declared("refuse");
    let error = Intake::new(&strict.0, Some("brwoser"), None, None, at).err().unwrap().to_string();
    assert!(error.contains("browser, erp") && !error.contains("brwoser"), "{error}");
    assert!(Intake::new(&strict.0, Some("erp"), None, None, at).is_ok());
    assert_eq!(flags(&House::new(json!({"undeclared": "refuse"})), Some("any"), None), (false, false));
}

/// However an event's name is composed, it is one name: of the same order, the same topic, the same event; and the message
/// reads back as it came.
#[test]
fn names_of_events_are_composed() {
    for (spelled, name) in [("Cafe\u{301} visited", "Café visited"), ("\u{212b}", "Å"), ("Café", "Café"), ("e", "e")]
    {
        let (fact, _) = house().one(json!({"type": "track", "event": spelled, "userId": "u"}).to_string());
        let fact = Fact::parse(&fact).unwrap();
        assert_eq!(fact.name, name);
        assert!(message_json(&fact).contains(spelled), "{spelled}");
    }
}
