//! Hostile messages, bodies and lines, each with the outcome and the reason that the documentation of the wire gives it.

mod values;

use regulars::{Clock, Ingest, Limits, Options, Receipt, Store, Trust, id};
use std::collections::BTreeMap;

/// 2023-11-14T22:13:20Z.
const NOW_MS: i64 = 1_700_000_000_000;

fn options() -> Options {
    Store::options().currency("EUR").default_region("DK").clock(Clock::Manual)
}

fn how() -> Ingest {
    Ingest::new().received_at(regulars::Timestamp::from_millisecond(NOW_MS))
}

fn read(body: impl AsRef<[u8]>) -> Receipt {
    options().in_memory().unwrap().check(body.as_ref(), &how()).unwrap()
}

/// What became of each message: `ok`, or a reason, behind its place where it was refused.
fn outcome(receipt: &Receipt) -> String {
    let mut all: Vec<String> = vec!["ok".to_owned(); usize::try_from(receipt.accepted).unwrap()];
    for reject in &receipt.rejects {
        let ordinal = reject.ordinal.map(|ordinal| format!(".{ordinal}")).unwrap_or_default();
        all.push(format!("{}{ordinal}:{}", reject.line, reject.reason));
    }
    all.join(" ")
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}

/// A body of one message on its first line: accepted, or refused for that reason.
fn is(body: impl AsRef<[u8]>, expected: &str) {
    let receipt = read(&body);
    let expected = if expected == "ok" { expected.to_owned() } else { format!("1:{expected}") };
    assert_eq!(outcome(&receipt), expected, "{}", shown(body.as_ref()));
}

/// A body of several lines or members.
fn are(body: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(outcome(&read(&body)), expected, "{}", shown(body.as_ref()));
}

/// An accepted message, and everything that is noticed about it.
fn flagged(body: impl AsRef<[u8]>, expected: &str) {
    let receipt = read(&body);
    assert_eq!(outcome(&receipt), "ok", "{}", shown(body.as_ref()));
    let flags: Vec<&str> = receipt.flags.keys().map(|flag| flag.name()).collect();
    assert_eq!(flags.join(" "), expected, "{}", shown(body.as_ref()));
}

/// A page of a visitor, with more members.
fn page(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"type":"page","anonymousId":"a1"{comma}{members}}}"#)
}

/// A page that names somebody only by these members.
fn named(members: &str) -> String {
    format!(r#"{{"type":"page",{members}}}"#)
}

fn track(properties: &str) -> String {
    format!(r#"{{"type":"track","event":"Signed Up","userId":"u1","properties":{{{properties}}}}}"#)
}

fn order(event: &str, properties: &str) -> String {
    format!(r#"{{"type":"track","event":"Order {event}","userId":"u1","properties":{{"order_id":"o1",{properties}}}}}"#)
}

fn keys(count: usize) -> String {
    (0..count).map(|at| format!("\"k{at}\":0")).collect::<Vec<_>>().join(",")
}

fn nested(depth: usize, open: &str, close: &str) -> String {
    format!("{}0{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn text_that_is_not_json() {
    for body in [
        "{",
        "}",
        "[",
        "]",
        "nul",
        "tru",
        "falsee",
        "nan",
        "NaN1",
        "-NaN",
        "Inf",
        "+Infinity",
        "[NaN",
        "{NaN:1}",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "'a'",
        "\"a",
        "{} {}",
        "{},",
        "[1,]",
        "[,1]",
        "[1 2]",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a"::1}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":1.e5}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\uD83D\u12"}"#,
        "{\"a\":\"\t\"}",
        "{\"a\":\"\u{0}\"}",
        "{\"a\":\"\u{1f}\"}",
        "{\"a\":1}\u{0}",
        "// {}",
        "{}//",
        "/* */{}",
        "undefined",
        "{\"a\":undefined}",
        "[1}",
        "{\"a\":[}",
        "\u{feff}\u{feff}{}",
        " \u{feff}{}",
        "\u{a0}{}",
        "\u{b}{}",
        "\u{0}",
        "userId=5&type=page",
        "<html>",
        "\"\\",
        "{\"type\":\"page\",\"userId\":\"u\"}\r{\"type\":\"page\",\"userId\":\"u\"}",
    ] {
        is(body, "invalid_json");
    }
    for body in [
        &b"\xff"[..],
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xc3\"}",
        b"{\"\xe2\x28\xa1\":1}",
        b"\xff{",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        is(body, "invalid_utf8");
    }
    is(b"{\"a\":\"\xc0\x80\"}", "invalid_utf8");
    is(b"{\"type\":\"page\",\"userId\":\"\xf5\x80\x80\x80\"}", "invalid_utf8");
    for body in ["null", "true", "0", "-1.5e3", "1e999", "\"text\"", "\"\"", "  5  "] {
        is(body, "wrong_type");
    }
    is(page(r#""x":"\u007f\ud83d\ude00\/\b\f\n\r\t\"\\","y":-0,"z":0.0e-0,"w":1E+2"#), "ok");
    is("{}", "missing_field");
}

#[test]
fn depth_and_the_first_offending_byte() {
    // The message is 0: its member 1, and so on to 32.
    let lists = |depth| page(&format!("\"x\":{}", nested(depth, "[", "]")));
    let objects = |depth| page(&format!("\"x\":{}", nested(depth, "{\"a\":", "}")));
    is(lists(32), "ok");
    is(objects(32), "ok");
    is(lists(33), "too_deep");
    is(objects(33), "too_deep");
    is(lists(5000), "too_deep");
    is("[".repeat(100_000), "too_deep");
    is("{\"a\":".repeat(100_000), "too_deep");
    is(format!("{}x", "[".repeat(20)), "invalid_json");
    is(lists(33).replace("0]", "0"), "too_deep");
    is(format!("x{}", lists(33)), "invalid_json");
    is(format!("{}x", lists(32)), "invalid_json");
    is(lists(33).replace("page", "pa\u{1}ge"), "invalid_json");
    is(page(&format!("\"x\":{},\"userId\":1.5", nested(33, "[", "]"))), "too_deep");
    is(page(&format!("\"userId\":\"a\",\"userId\":\"b\",\"x\":{}", nested(33, "[", "]"))), "too_deep");
    // In an array or an envelope the depth of a message is its own, and its neighbors stand.
    are(format!("[{},{},{}]", page(""), lists(33), lists(32)), "ok ok 1.2:too_deep");
    are(format!("{{\"batch\":[{},{}]}}", lists(32), lists(33)), "ok 1.2:too_deep");
    let own = nested(33, "[", "]");
    are(format!("{{\"context\":{own},\"batch\":[{}]}}", page("")), "1:too_deep");
    is(format!("{{\"type\":\"page\",\"userId\":\"u1\",\"batch\":{}}}", nested(32, "[", "]")), "ok");
    is(format!("{{\"type\":\"page\",\"userId\":\"u1\",\"batch\":{}}}", nested(33, "[", "]")), "too_deep");
}

#[test]
fn sizes() {
    let of_bytes = |bytes: usize| {
        let empty = page("\"x\":\"\"").len();
        page(&format!("\"x\":\"{}\"", "a".repeat(bytes - empty)))
    };
    is(of_bytes(1 << 20), "ok");
    is(of_bytes((1 << 20) + 1), "too_large");
    is(format!("  {}\t\r", of_bytes(1 << 20)), "ok");
    is(format!("\u{feff}{}", of_bytes(1 << 20)), "ok");
    are(format!("[{},{}]", of_bytes(1 << 20), of_bytes((1 << 20) + 1)), "ok 1.2:too_large");
    is(of_bytes((1 << 20) + 1).replace("a1", "a1\",\"anonymousId\":\"a2"), "too_large");
    is(format!("\"{}\"", "a".repeat(1 << 20)), "too_large");
    are(format!("[\"{}\"]", "a".repeat(1 << 20)), "1.1:too_large");
    let line = 4 << 20;
    let blanks = |bytes: usize| format!("[{}{}]", " ".repeat(bytes - 2 - page("").len()), page(""));
    is(blanks(line), "ok");
    is(format!("{}\r\n", blanks(line)), "ok");
    is(blanks(line + 1), "too_large");
    is("a".repeat(line + 1), "too_large");
    is(vec![0xff; line + 1], "too_large");
    are(format!("{}\n{}", blanks(line + 1), page("")), "ok 1:too_large");
    are(format!("[\n{}\n]", vec![page(""); 150_000].join(",\n")), "1:too_large");
    // What the envelope says is a part of every message that it stands in for.
    let context = |bytes: usize| format!("\"context\":{{\"x\":\"{}\"}}", "c".repeat(bytes));
    are(format!("{{{},\"batch\":[{},{}]}}", context(1 << 20), page(""), page("\"context\":{}")), "ok 1.1:too_large");
}

#[test]
fn an_envelope_cannot_fill_the_memory() {
    let members = vec![page(""); 40_000].join(",");
    let body = format!("{{\"context\":{{\"x\":\"{}\"}},\"batch\":[{members}]}}", "c".repeat(1 << 19));
    let receipt = read(&body);
    assert_eq!(receipt.accepted + receipt.rejected, 40_000);
    assert!(receipt.accepted < 200 && receipt.accepted > 100, "{}", receipt.accepted);
}

#[test]
fn fields_that_come_twice() {
    for repeated in [
        r#""userId":"a","userId":"b""#,
        r#""userId":"a","user\u0049d":"b""#,
        r#""\u0075serId":"a","userId":"b""#,
        r#""userId":"a","userId":null"#,
        r#""userId":null,"userId":"a""#,
        r#""userId":"1","userId":1"#,
        r#""userId":"a","userId":"a ""#,
        r#""userId":"a","x":1,"userId":"b","y":2"#,
        r#""userId":["a"],"userId":["a"]"#,
        r#""anonymousId":"a2""#,
        r#""type":"PAGE""#,
        r#""messageId":"a","messageId":"b""#,
        r#""timestamp":"2020-01-01","timestamp":"2020-01-02""#,
        r#""timestamp":1600000000000,"timestamp":1600000000001"#,
        r#""sentAt":"2020-01-01","sentAt":"2020-01-02""#,
        r#""originalTimestamp":1,"originalTimestamp":2"#,
        r#""receivedAt":1,"receivedAt":2"#,
        r#""previousId":"a","previousId":"b""#,
        r#""groupId":"a","groupId":"b""#,
        r#""event":"a","event":"b""#,
        r#""name":"a","name":"b""#,
        r#""category":"a","category":"b""#,
        r#""properties":{},"properties":{}"#,
        r#""properties":{"a":1},"properties":{"a":1}"#,
        r#""traits":{},"traits":{}"#,
        r#""traits":[],"traits":[]"#,
        r#""context":{},"context":{"x":1}"#,
        r#""integrations":{},"integrations":{}"#,
        r#""batch":[],"batch":[]"#,
        r#""traits":{"email":"a@x.co","email":"b@x.co"}"#,
        r#""traits":{"phone":"1","phone":"2"}"#,
        r#""properties":{"email":"a@x.co","e\u006dail":"b@x.co"}"#,
        r#""properties":{"phone":1,"phone":2}"#,
        r#""context":{"traits":{"email":"a@x.co","email":"b@x.co"}}"#,
        r#""context":{"traits":{},"traits":{}}"#,
        r#""context":{"device":{"id":"a","id":"b"}}"#,
        r#""context":{"device":{"advertisingId":"a","advertisingId":"b"}}"#,
        r#""context":{"externalIds":[],"externalIds":[]}"#,
        r#""context":{"externalIds":[{"id":"1","type":"email"},{"id":"2","id":"3","type":"email"}]}"#,
        r#""context":{"externalIds":[{"id":"1","type":"email","type":"phone"}]}"#,
        r#""context":{"timezone":"a","timezone":"b"}"#,
        r#""context":{"consent":{"categoryPreferences":{},"categoryPreferences":{}}}"#,
        r#""properties":{"order_id":"a","order_id":"b"}"#,
        r#""properties":{"total":1,"total":2}"#,
        r#""properties":{"revenue":1,"revenue":"1"}"#,
        r#""properties":{"value":1,"value":2}"#,
        r#""properties":{"subtotal":1,"subtotal":2}"#,
        r#""properties":{"discount":1,"discount":2}"#,
        r#""properties":{"currency":"EUR","currency":"DKK"}"#,
        r#""properties":{"products":[],"products":[]}"#,
        r#""properties":{"products":[{"price":1},{"price":1,"price":2}]}"#,
        r#""properties":{"products":[{"quantity":1,"quantity":2}]}"#,
    ] {
        is(page(repeated), "duplicate_field");
    }
    for repeated in [
        r#""userId":"a","userId":"a""#,
        r#""userId":"a","user\u0049d":"\u0061""#,
        r#""userId":5,"userId":5"#,
        r#""type":"page""#,
        r#""type":"p\u0061ge""#,
        r#""anonymousId":"a1","anonymousId":"a1""#,
        r#""timestamp":null,"timestamp":null"#,
        r#""properties":{"total":1,"total":1.0,"total":10e-1}"#,
        r#""sentAt":true,"sentAt":true"#,
        r#""x":1,"x":2,"x":{}"#,
        r#""__proto__":{"userId":"a"},"__proto__":{"userId":"b"}"#,
        r#""constructor":1,"constructor":2"#,
        r#""":1,"":2"#,
        r#""UserId":"a","UserId":"b""#,
        r#""userid":"a","userid":"b""#,
        r#""userId ":"a","userId ":"b""#,
        r#""email":"a@x.co","email":"b@x.co""#,
        r#""traits.email":"a@x.co","traits.email":"b@x.co""#,
        r#""traits":{"userId":"a","userId":"b"}"#,
        r#""traits":{"type":"a","type":"b"}"#,
        r#""traits":{"address":{"email":"a","email":"b"}}"#,
        r#""properties":{"x":1,"x":2}"#,
        r#""properties":{"context.traits":1,"context.traits":2}"#,
        r#""context":{"email":"a","email":"b"}"#,
        r#""context":{"userId":"a","userId":"b"}"#,
        r#""context":{"externalIds":{"id":"a","id":"b"}}"#,
        r#""integrations":{"All":true,"All":false}"#,
        r#""x":{"userId":"a","userId":"b"}"#,
        r#""x":[{"traits":{"email":"a","email":"b"}}]"#,
        r#""\ud800":1,"\ud800":2"#,
    ] {
        is(page(repeated), "ok");
    }
    // Duplicates come before the limits of shape, and before everything about types.
    is(page(&format!(r#""userId":"a","userId":"b","x":{{{}}}"#, keys(501))), "duplicate_field");
    is(r#"{"type":"x","type":"y"}"#, "duplicate_field");
    is(r#"{"userId":1.5,"userId":2.5,"timestamp":"x"}"#, "duplicate_field");
    // In an array each message answers for itself, and an envelope for its own members.
    let twice = page(r#""userId":"a","userId":"b""#);
    are(format!("[{},{twice}]", page("")), "ok 1.2:duplicate_field");
    are(format!("{{\"batch\":[{twice},{}]}}", page("")), "ok 1.1:duplicate_field");
    are(
        format!("{{\"batch\":[{}],\"sentAt\":\"2020-01-01\",\"sentAt\":\"2020-01-02\"}}", page("")),
        "1:duplicate_field",
    );
    are(format!("{{\"batch\":[{}],\"context\":{{}},\"context\":{{}}}}", page("")), "1:duplicate_field");
    are(format!("{{\"x\":\"{}\",\"batch\":[{},5],\"x\":2,\"x\":[]}}", "y".repeat(300), page("")), "ok 1.2:wrong_type");
    are(format!("{{\"type\":\"batch\",\"type\":\"batch\",\"batch\":[{}]}}", page("")), "ok");
    let mapping = r#"{"mapping":{"loyalty_card":"properties.loyalty_card"}}"#;
    let store = Store::options().config(serde_json::from_str(mapping).unwrap()).in_memory().unwrap();
    let body = page(r#""properties":{"loyalty_card":"1","loyalty_card":"2"}"#);
    assert_eq!(outcome(&store.check(body.as_bytes(), &how()).unwrap()), "1:duplicate_field");
    is(body, "ok");
}

#[test]
fn limits_of_shape() {
    is(page(&keys(498)), "ok");
    is(page(&keys(499)), "limit(keys)");
    is(page(&format!("\"x\":{{{}}}", keys(500))), "ok");
    is(page(&format!("\"x\":{{{}}}", keys(501))), "limit(keys)");
    is(page(&format!("\"x\":[{{{}}}]", keys(501))), "limit(keys)");
    is(page(&format!("\"x\":[{}]", vec!["0"; 10_000].join(","))), "ok");
    is(page(&format!("\"{}\":1", "k".repeat(256))), "ok");
    is(page(&format!("\"{}\":1", "k".repeat(257))), "limit(key)");
    is(page(&format!("\"{}\":1", "é".repeat(128))), "ok");
    is(page(&format!("\"{}\":1", "é".repeat(129))), "limit(key)");
    is(page(&format!("\"{}\":1", r"\u0061".repeat(256))), "ok");
    is(page(&format!("\"x\":{{\"{}\":1}}", "k".repeat(257))), "limit(key)");
    let id = |field: &str, value: &str| format!("{{\"type\":\"page\",\"{field}\":\"{value}\"}}");
    for field in ["userId", "anonymousId"] {
        is(id(field, &"x1".repeat(200)), "ok");
        is(id(field, &format!("{}y", "x1".repeat(200))), "limit(identifier)");
        is(id(field, &format!("  {}\\n", "x1".repeat(200))), "ok");
        is(id(field, &"é1".repeat(200)), "ok");
        is(id(field, &format!("{}😀", "é1".repeat(200))), "limit(identifier)");
        is(format!("{{\"type\":\"page\",\"{field}\":{}}}", "12".repeat(200)), "ok");
        is(format!("{{\"type\":\"page\",\"{field}\":{}}}", "1".repeat(401)), "limit(identifier)");
    }
    for field in ["previousId", "groupId"] {
        is(page(&format!("\"{field}\":\"{}\"", "g".repeat(400))), "ok");
        is(page(&format!("\"{field}\":\"{}\"", "g".repeat(401))), "limit(identifier)");
        is(page(&format!("\"{field}\":{}", "1".repeat(401))), "limit(identifier)");
    }
    let long = "ab".repeat(201);
    for place in [
        format!(r#""traits":{{"email":"{long}"}}"#),
        format!(r#""traits":{{"phone":"{long}"}}"#),
        format!(r#""properties":{{"email":"{long}"}}"#),
        format!(r#""properties":{{"phone":"{long}"}}"#),
        format!(r#""context":{{"traits":{{"email":"{long}"}}}}"#),
        format!(r#""context":{{"device":{{"id":"{long}"}}}}"#),
        format!(r#""context":{{"device":{{"advertisingId":"{long}"}}}}"#),
        format!(r#""context":{{"externalIds":[{{"id":"{long}","type":"loyalty_card"}}]}}"#),
    ] {
        is(page(&place), "limit(identifier)");
    }
    is(page(&format!(r#""context":{{"externalIds":[{{"id":"{long}","type":"braze"}}]}}"#)), "ok");
    is(page(&format!(r#""traits":{{"address":{{"email":"{long}"}}}}"#)), "ok");
    is(page(&format!("\"messageId\":\"{}\"", "m".repeat(400))), "ok");
    is(page(&format!("\"messageId\":\"{}\"", "m".repeat(401))), "limit(message_id)");
    is(page(&format!("\"messageId\":\" {}\"", "m".repeat(400))), "limit(message_id)");
    is(page(&format!("\"messageId\":\"{}\"", "😀".repeat(400))), "ok");
    is(page(&format!("\"messageId\":{}", "9".repeat(400))), "ok");
    is(page(&format!("\"messageId\":{}", "9".repeat(401))), "limit(message_id)");
    is(page(&format!("\"messageId\":\"{}\"", " ".repeat(500))), "ok");
    is(page(&format!("\"messageId\":\"{}\"", r"\ud800".repeat(400))), "ok");
    let event = |name: &str| format!("{{\"type\":\"track\",\"userId\":\"u1\",\"event\":\"{name}\"}}");
    is(event(&"e".repeat(256)), "ok");
    is(event(&"e".repeat(257)), "limit(event_name)");
    is(event(&"é".repeat(128)), "ok");
    is(event(&"é".repeat(129)), "limit(event_name)");
    is(event(&format!("{}  ", "e".repeat(255))), "limit(event_name)");
    let products = |count: usize| track(&format!("\"products\":[{}]", vec!["{}"; count].join(",")));
    is(products(2000), "ok");
    is(products(2001), "limit(products)");
    is(track(&format!("\"products\":[{}]", vec!["0"; 2001].join(","))), "limit(products)");
    is(track(&format!("\"items\":[{}]", vec!["{}"; 2001].join(","))), "ok");
    // Limits of shape come before the type, and everything behind it.
    is(format!(r#"{{"type":"x","userId":"{long}"}}"#), "limit(identifier)");
    is(format!(r#"{{"userId":1.5,"x":{{{}}}}}"#, keys(501)), "limit(keys)");
    is(format!(r#"{{"type":"page","timestamp":"x","{}":1}}"#, "k".repeat(257)), "limit(key)");
    is(format!(r#"{{"x":1e999,"messageId":"{}"}}"#, "m".repeat(401)), "limit(message_id)");
}

#[test]
fn types_of_messages() {
    for kind in ["page", "PAGE", "Page", "screen", "ScReEn", "identify", "IDENTIFY"] {
        is(format!(r#"{{"type":"{kind}","userId":"u1"}}"#), "ok");
    }
    for kind in
        ["pages", " page", "page ", "pagе", "event", "batch", "Track Event", "\\ud800", "page\\u0000", "identity"]
    {
        is(format!(r#"{{"type":"{kind}","userId":"u1"}}"#), "unknown_type");
    }
    for kind in ["5", "true", "[]", "{}", "[\"page\"]", "1e999"] {
        is(format!(r#"{{"type":{kind},"userId":"u1"}}"#), "wrong_type");
    }
    for kind in ["null", "\"\"", "\"  \"", "\"\\t\\n\"", "\"\u{a0}\u{3000}\""] {
        is(format!(r#"{{"type":{kind},"userId":"u1"}}"#), "missing_field");
    }
    is(r#"{"Type":"page","userId":"u1"}"#, "missing_field");
    is(r#"{"userId":"u1","event":"e"}"#, "missing_field");
    let store = options().in_memory().unwrap();
    let defaulted = |body: &str| outcome(&store.check(body.as_bytes(), &how().default_type("track")).unwrap());
    assert_eq!(defaulted(r#"{"userId":"u1","event":"e"}"#), "ok");
    assert_eq!(defaulted(r#"{"userId":"u1","event":"e","type":""}"#), "ok");
    assert_eq!(defaulted(r#"{"userId":"u1","event":"e","type":"x"}"#), "1:unknown_type");
    assert_eq!(defaulted(r#"{"userId":"u1"}"#), "1:missing_field");
    assert_eq!(defaulted(r#"{"userId":"u1","type":"page"}"#), "ok");
    assert_eq!(defaulted(r#"{"batch":[{"userId":"u1","event":"e"},{"batch":[]}]}"#), "ok 1.2:missing_field");
    assert!(store.check(b"{}", &how().default_type("click")).is_err());
    // The order of the checks: unknown_type, wrong_type, missing_field, invalid_timestamp, number, identifier.
    is(r#"{"type":"x","userId":1.5}"#, "unknown_type");
    is(r#"{"type":"track","userId":1.5}"#, "wrong_type");
    is(r#"{"userId":1.5}"#, "wrong_type");
    is(r#"{"type":"track","timestamp":"x"}"#, "missing_field");
    is(r#"{"type":"track","event":"e","timestamp":"x","x":1e999}"#, "invalid_timestamp");
    is(r#"{"type":"track","event":"e","x":1e999}"#, "number_out_of_range");
    is(r#"{"type":"track","event":"e"}"#, "no_identifier");
}

#[test]
fn types_of_fields() {
    for field in ["userId", "anonymousId", "previousId", "groupId", "messageId"] {
        for value in [
            "true",
            "false",
            "1.0",
            "1.5",
            "1e3",
            "1E3",
            "-1.0",
            "0.0",
            "[]",
            "{}",
            "[1]",
            "{\"a\":1}",
            "1e999",
            "12345.0",
        ] {
            is(format!(r#"{{"type":"page","traits":{{"email":"a@x.co"}},"{field}":{value}}}"#), "wrong_type");
        }
        for value in ["5", "-5", "0", "12345678901234567890123", "null", "\"\"", "\" \"", "\"x\""] {
            is(format!(r#"{{"type":"page","traits":{{"email":"a@x.co"}},"{field}":{value}}}"#), "ok");
        }
    }
    for field in ["properties", "traits", "context", "integrations"] {
        for value in ["5", "true", "false", "\"x\"", "[1]", "[[]]", "[null]", "1.5", "[{}]"] {
            is(page(&format!("\"{field}\":{value}")), "wrong_type");
        }
        for value in ["[]", "{}", "null", "\"\"", "\"  \"", "[ ]", "{\"x\":[]}"] {
            is(page(&format!("\"{field}\":{value}")), "ok");
        }
    }
    for value in ["5", "true", "[]", "{}", "[\"e\"]"] {
        is(format!(r#"{{"type":"track","userId":"u1","event":{value}}}"#), "wrong_type");
        is(page(&format!("\"event\":{value}")), "wrong_type");
    }
    for value in ["true", "false", "[]", "{}", "[2020]"] {
        is(page(&format!("\"timestamp\":{value}")), "wrong_type");
        flagged(page(&format!("\"sentAt\":{value}")), "type_mismatch");
        flagged(page(&format!("\"originalTimestamp\":{value}")), "type_mismatch");
        flagged(page(&format!("\"receivedAt\":{value}")), "");
    }
    for value in ["5", "true", "[]", "{}", "1.5"] {
        flagged(page(&format!("\"name\":{value}")), "type_mismatch");
        flagged(page(&format!("\"category\":{value}")), "type_mismatch");
    }
    for deeper in [
        r#""traits":{"email":5}"#,
        r#""traits":{"phone":4520123456}"#,
        r#""traits":{"email":{}}"#,
        r#""properties":{"email":true}"#,
        r#""context":{"traits":5}"#,
        r#""context":{"traits":[1]}"#,
        r#""context":{"device":"x"}"#,
        r#""context":{"externalIds":{}}"#,
        r#""context":{"externalIds":[5]}"#,
        r#""context":{"device":{"id":5}}"#,
        r#""context":{"timezone":5}"#,
        r#""context":{"consent":5}"#,
        r#""context":{"externalIds":[{"id":true,"type":"email"}]}"#,
    ] {
        flagged(page(deeper), "type_mismatch");
    }
    for deeper in [
        r#""context":{"traits":[],"device":[],"externalIds":[]}"#,
        r#""context":{"traits":null,"device":"","timezone":null}"#,
    ] {
        flagged(page(deeper), "");
    }
}

#[test]
fn required_fields() {
    is(r#"{"type":"track","userId":"u1"}"#, "missing_field");
    for blank in ["null", "\"\"", "\" \"", "\"\\n\""] {
        is(format!(r#"{{"type":"track","userId":"u1","event":{blank}}}"#), "missing_field");
        is(format!(r#"{{"type":"group","userId":"u1","groupId":{blank}}}"#), "missing_field");
        is(format!(r#"{{"type":"alias","userId":"u1","previousId":{blank}}}"#), "missing_field");
        is(format!(r#"{{"type":"alias","userId":{blank},"previousId":"p1"}}"#), "missing_field");
    }
    is(r#"{"type":"group","userId":"u1"}"#, "missing_field");
    is(r#"{"type":"group","groupId":"g1"}"#, "no_identifier");
    is(r#"{"type":"group","groupId":5,"anonymousId":"a1"}"#, "ok");
    is(r#"{"type":"alias","userId":"u1","previousId":"p1"}"#, "ok");
    is(r#"{"type":"alias","userId":"u1","previousId":17}"#, "ok");
    is(r#"{"type":"alias","anonymousId":"a1","previousId":"p1"}"#, "missing_field");
    is(r#"{"type":"identify","userId":"u1"}"#, "ok");
    is(r#"{"type":"screen","anonymousId":"a1"}"#, "ok");
    is(r#"{"type":"track","Event":"e","userId":"u1"}"#, "missing_field");
}

#[test]
fn identifiers_present_and_absent() {
    for members in [
        r#""x":1"#,
        r#""userId":null"#,
        r#""userId":"","anonymousId":" ""#,
        r#""groupId":"g1""#,
        r#""previousId":"p1""#,
        r#""traits":{}"#,
        r#""traits":{"email":""}"#,
        r#""traits":{"email":null,"phone":" "}"#,
        r#""context":{"device":{}}"#,
        r#""context":{"externalIds":[]}"#,
        r#""context":{"externalIds":[{"type":"email"}]}"#,
        r#""email":"a@x.co""#,
        r#""properties":{"loyalty_card":"123"}"#,
        r#""traits":{"address":{"email":"a@x.co"}}"#,
        r#""context":{"userId":"u1"}"#,
        r#""user_id":"u1""#,
        r#""UserId":"u1""#,
        r#""traits":[]"#,
        r#""context":{"ip":"192.0.2.1"}"#,
    ] {
        is(named(members), "no_identifier");
    }
    for members in [
        r#""userId":"u1""#,
        r#""anonymousId":"a1""#,
        r#""userId":42"#,
        r#""traits":{"email":"a@x.co"}"#,
        r#""traits":{"phone":"+4520123456"}"#,
        r#""traits":{"phone":"20 12 34 56"}"#,
        r#""properties":{"email":"a@x.co"}"#,
        r#""context":{"traits":{"email":"a@x.co"}}"#,
        r#""context":{"device":{"id":"d1"}}"#,
        r#""context":{"device":{"advertisingId":"d1"}}"#,
        r#""context":{"externalIds":[{"id":"c1","type":"customer_id"}]}"#,
    ] {
        flagged(named(members), "");
    }
    for blocked in [
        "null",
        "NULL",
        "(null)",
        "<nil>",
        "undefined",
        "none",
        "nil",
        "NaN",
        "n/a",
        "na",
        "-",
        "-1",
        "0",
        "true",
        "false",
        "anonymous",
        "unknown",
        "Guest",
        "user",
        "test",
        "void",
        "[object Object]",
        "id",
        "email",
        "distinctid",
        "distinct_id",
        "not_authenticated",
        "not-specified",
        "user_null",
        "0000",
        "0-0-0",
        "00000000-0000-0000-0000-000000000000",
        "xxxx",
        "aaaaa",
        "{{user.id}}",
        "${userId}",
        "%7B%7Bid%7D%7D",
        "'null'",
        "\\\"null\\\"",
        "[null]",
        "( null )",
        " null ",
        "test@test.com",
    ] {
        flagged(named(&format!("\"userId\":\"{blocked}\"")), "blocked_identifier");
    }
    flagged(named("\"userId\":0"), "blocked_identifier");
    flagged(named("\"userId\":-1"), "blocked_identifier");
    flagged(named("\"userId\":-0"), "blocked_identifier");
    for address in
        ["a@test", "a@x.localhost", "a@shop.invalid", "a@a.com", "noreply@example.com", "TEST@test.com", "null"]
    {
        flagged(named(&format!(r#""traits":{{"email":"{address}"}}"#)), "blocked_identifier");
    }
    for bad in [r"a\u0000b", r"\u0000", r"a\ud800b", r"\udc00", r"\ude00\ud83d"] {
        flagged(named(&format!("\"userId\":\"{bad}\"")), "unusable_identifier");
    }
    for address in ["nobody", "a@b@c.de", "a b@x.co", "a@x", "@x.co", "a@", "a@x..co", "<a@x.co>", "a,b@x.co"] {
        flagged(named(&format!(r#""traits":{{"email":"{address}"}}"#)), "unusable_identifier");
    }
    for number in ["(0)20 12 34 56", "1-800-FLOWERS", "12", "+999123456"] {
        flagged(named(&format!(r#""traits":{{"phone":"{number}"}}"#)), "unusable_identifier");
    }
    flagged(named(r#""context":{"externalIds":[{"id":"1","type":"braze_id"}]}"#), "unknown_namespace");
    flagged(named(r#""userId":"u1","context":{"externalIds":[{"id":"1"}]}"#), "unknown_namespace");
    flagged(named(r#""traits":{"email":"a@pаypal.com"}"#), "mixed_script");
    flagged(named(r#""userId":"null","traits":{"email":"a@x.co"}"#), "blocked_identifier");
    flagged(r#"{"type":"alias","userId":"null","previousId":"p1"}"#, "blocked_identifier");
    let many: Vec<String> = (0..21).map(|at| format!(r#"{{"id":"d{at}","type":"device"}}"#)).collect();
    flagged(named(&format!(r#""context":{{"externalIds":[{}]}}"#, many.join(","))), "identifiers_cut");
}

#[test]
fn bodies_arrays_and_envelopes() {
    let good = page("");
    are("", "");
    are(" \n\t\r\n", "");
    are("[]", "");
    are("[]\n[]\n", "");
    are(r#"{"batch":[]}"#, "");
    are(r#"{"batch":[],"type":"batch"}"#, "");
    are(format!("{good}\n{good}"), "ok ok");
    are(format!("{good}\r\n\r\n{good}\r\n"), "ok ok");
    are(format!("\u{feff}{good}\n\u{feff}{good}"), "ok ok");
    are(format!("\n\n{good}\n x\n"), "ok 4:invalid_json");
    are(format!("{good}\n\u{feff}\nx"), "ok 3:invalid_json");
    are("{\n\"type\":\"page\",\n\"userId\":\"u1\"\n}", "ok");
    are("\u{feff}\n{\n\"type\":\"page\",\n\"userId\":\"u1\"\n}\n\n", "ok");
    are("\n\n{\n\"type\":\"x\",\n\"userId\":\"u1\"\n}", "3:unknown_type");
    are(format!("[\n{good},\n5,\n{good}\n]"), "ok ok 1.2:wrong_type");
    are(format!("{{\n\"batch\":[\n{good},\n{{}}\n]\n}}"), "ok 1.2:missing_field");
    are(
        "{\n\"type\":\"page\",\n\"userId\":\"u1\"\n}\n{}",
        "1:invalid_json 2:invalid_json 3:invalid_json 4:invalid_json 5:missing_field",
    );
    are("{\n", "1:invalid_json");
    are(format!("{good}{good}"), "1:invalid_json");
    are(format!("{good},\n{good}"), "ok 1:invalid_json");
    are(b"\n\xff\n5", "2:invalid_utf8 3:wrong_type");
    are(
        format!("[{good},5,null,\"x\",[],[{good}],true]"),
        "ok 1.2:wrong_type 1.3:wrong_type 1.4:wrong_type 1.5:wrong_type 1.6:wrong_type 1.7:wrong_type",
    );
    are(format!("{{\"batch\":[{good},5,[],{{}}]}}"), "ok 1.2:wrong_type 1.3:wrong_type 1.4:missing_field");
    are(format!("[{good},{{\"type\":\"x\",\"userId\":\"u1\"}}"), "1:invalid_json");
    are(format!("{{\"batch\":[{good},{good}]"), "1:invalid_json");
    for batch in ["5", "true", "{}", "\"x\"", "1.5", "{\"batch\":[]}"] {
        is(format!("{{\"batch\":{batch}}}"), "wrong_type");
        is(format!("{{\"type\":\"BATCH\",\"batch\":{batch}}}"), "wrong_type");
    }
    for batch in ["null", "\"\"", "\"  \""] {
        is(format!("{{\"batch\":{batch}}}"), "missing_field");
    }
    is(format!("{{\"type\":\"page\",\"anonymousId\":\"a1\",\"batch\":[{good}]}}"), "ok");
    is(format!("{{\"type\":\"x\",\"batch\":[{good}]}}"), "unknown_type");
    is(format!("{{\"type\":5,\"batch\":[{good}]}}"), "wrong_type");
    are(format!("{{\"type\":null,\"batch\":[{good}]}}"), "ok");
    are(format!("{{\"type\":\"Batch\",\"batch\":[{good}],\"userId\":1.5,\"timestamp\":\"x\"}}"), "ok");
    are(format!("{{\"batch\":[{{\"batch\":[{good}]}}]}}"), "1.1:missing_field");
    are(format!("[{{\"batch\":[{good}]}}]"), "1.1:missing_field");
    are(format!("[{{\"batch\":[{good}],\"type\":\"page\",\"userId\":\"u1\"}}]"), "ok");
    // The envelope's sentAt and context stand in, whole; nothing else does.
    are(
        r#"{"context":{"traits":{"email":"a@x.co"}},"batch":[{"type":"page"},{"type":"page","context":{}}]}"#,
        "ok 1.2:no_identifier",
    );
    are(
        r#"{"context":{"traits":{"email":"a@x.co"}},"batch":[{"type":"page","context":null},{"type":"page","context":[]}]}"#,
        "ok 1.2:no_identifier",
    );
    are(r#"{"userId":"u1","anonymousId":"a1","batch":[{"type":"page"}]}"#, "1.1:no_identifier");
    are(r#"{"timestamp":"x","batch":[{"type":"page","userId":"u1"}]}"#, "ok");
    are(
        r#"{"context":5,"batch":[{"type":"page","userId":"u1"},{"type":"page","userId":"u1","context":{}}]}"#,
        "ok 1.1:wrong_type",
    );
    flagged(r#"{"sentAt":"soon","batch":[{"type":"page","userId":"u1"}]}"#, "clock_unreadable");
    flagged(r#"{"sentAt":"soon","batch":[{"type":"page","userId":"u1","sentAt":"2020-01-01T00:00:00Z"}]}"#, "");
}

#[test]
fn values_of_other_types_than_declared_are_noticed() {
    let traits = r#"{"traits":{"age":{"type":"int"},"vip":{"type":"bool"},"since":{"type":"timestamp"},"any":{}}}"#;
    let store = Store::options().config(serde_json::from_str(traits).unwrap()).in_memory().unwrap();
    let flags = |kind: &str, members: &str| {
        let body = format!(r#"{{"type":"{kind}","userId":"u1",{members}}}"#);
        let receipt = store.check(body.as_bytes(), &how()).unwrap();
        assert_eq!(receipt.accepted, 1, "{body}");
        receipt.flags.keys().map(|flag| flag.name()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(flags("identify", r#""traits":{"age":5,"vip":true,"since":"2020-01-01","any":[],"other":{}}"#), "");
    assert_eq!(flags("identify", r#""traits":{"age":null}"#), "");
    for traits in [r#"{"age":"5"}"#, r#"{"age":5.5}"#, r#"{"vip":1}"#, r#"{"since":"soon"}"#] {
        assert_eq!(flags("identify", &format!("\"traits\":{traits}")), "type_mismatch", "{traits}");
        assert_eq!(flags("identify", &format!("\"context\":{{\"traits\":{traits}}}")), "type_mismatch", "{traits}");
        assert_eq!(flags("track", &format!("\"event\":\"e\",\"context\":{{\"traits\":{traits}}}")), "", "{traits}");
    }
    assert_eq!(
        flags("identify", r#""traits":{"age":5},"context":{"traits":{"age":"5"}}"#),
        "",
        "traits win key by key"
    );
}

#[test]
fn what_was_said_before_a_trait_was_cleared_counts_no_more() {
    let rules = r#"{"traits":{"max":{"rule":"max"},"min":{"rule":"min"},"first":{"rule":"earliest"},
        "all":{"rule":"union"}}}"#;
    let store = Store::options().config(serde_json::from_str(rules).unwrap()).in_memory().unwrap();
    let identify = |day: u32, traits: &str| {
        let body = format!(r#"{{"type":"identify","userId":"u1","timestamp":"2026-01-0{day}","traits":{traits}}}"#);
        assert_eq!(store.ingest_json(body.as_bytes()).unwrap().accepted, 1);
    };
    let traits = || {
        let profile = store.snapshot().profile(id::user("u1")).unwrap().unwrap();
        serde_json::to_value(profile.traits).unwrap()
    };
    identify(3, r#"{"max":1,"min":3,"first":2,"all":["b"]}"#);
    identify(1, r#"{"max":9,"min":0,"first":7,"all":["a"]}"#);
    assert_eq!(traits(), serde_json::json!({"max":9,"min":0,"first":7,"all":["a","b"]}));
    identify(2, r#"{"max":null,"min":null,"first":null,"all":null}"#);
    assert_eq!(traits(), serde_json::json!({"max":1,"min":3,"first":2,"all":["b"]}));
    identify(4, r#"{"max":null,"min":null,"first":null,"all":null}"#);
    assert_eq!(traits(), serde_json::json!({}));
}

#[test]
fn limits_are_configurable_and_sources_may_be_claimed() {
    let mut limits = Limits::default();
    (limits.keys, limits.depth, limits.key_bytes, limits.identifier_chars) = (4, 2, 11, 5);
    let mut config: regulars::Config = serde_json::from_str("{}").unwrap();
    config.limits = limits;
    let store = Store::options().config(config).in_memory().unwrap();
    let check = |body: String| outcome(&store.check(body.as_bytes(), &how().trust(Trust::Claimed)).unwrap());
    assert_eq!(check(page("\"a\":1,\"b\":1")), "ok");
    assert_eq!(check(page("\"a\":1,\"b\":1,\"c\":1")), "1:limit(keys)");
    assert_eq!(check(page("\"x\":[[]]")), "ok");
    assert_eq!(check(page("\"x\":[[[]]]")), "1:too_deep");
    assert_eq!(check(page("\"twelve_bytes\":1")), "1:limit(key)");
    assert_eq!(check(page("\"userId\":\"123456\"")), "1:limit(identifier)");
    assert_eq!(check(page("\"messageId\":\"123456\"")), "1:limit(message_id)");
}

/// `a` without end.
struct Endless(u64);

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = usize::try_from(self.0).unwrap_or(usize::MAX).min(out.len());
        out[..len].fill(b'a');
        self.0 -= len as u64;
        Ok(len)
    }
}

#[test]
fn a_line_of_a_gibibyte_is_refused_in_constant_memory() {
    use std::io::Read;
    let store = options().in_memory().unwrap();
    let before = crate::count::peak_reset();
    let tail = format!("\n{}\n", page(""));
    let stream = Endless(1 << 30).chain(tail.as_bytes());
    let receipt = store.ingest_reader(stream, &how(), |_| {}).unwrap();
    assert_eq!(outcome(&receipt), "ok 1:too_large");
    let used = crate::count::peak() - before;
    assert!(used < 64 << 20, "{used} bytes");
}

#[test]
fn what_is_refused_by_the_store_is_named_in_the_order_of_lines() {
    let config = r#"{"limits":{"event_names":2,"trait_names":1}}"#;
    let store =
        Store::options().config(serde_json::from_str(config).unwrap()).clock(Clock::Manual).in_memory().unwrap();
    let event = |name: &str| format!(r#"{{"type":"track","userId":"u1","event":"{name}"}}"#);
    let traits = |names: &str| format!(r#"{{"type":"identify","userId":"u1","traits":{{{names}}}}}"#);
    let body =
        [event("a"), event("b"), event("c"), "x".into(), event("a"), traits("\"t\":1"), traits("\"t\":2,\"u\":1")]
            .join("\n");
    let receipt = store.ingest(body.as_bytes(), &how()).unwrap();
    assert_eq!(outcome(&receipt), "ok ok ok 3:limit(event_names) 4:invalid_json 7:limit(trait_names)");
    assert_eq!(receipt.duplicates, 1);
    let counted: BTreeMap<String, u64> =
        receipt.reasons.iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
    assert_eq!(counted.values().sum::<u64>(), receipt.rejected);
}
