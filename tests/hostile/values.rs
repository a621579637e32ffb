//! Instants, numbers and money: what can be read, and what must not be guessed.

use super::{are, flagged, how, is, options, order, outcome, page, track};
use regulars::{Store, id};

#[test]
fn instants() {
    for text in [
        "2020-01-31T10:11:12Z",
        "2020-01-31t10:11:12Z",
        "2020-01-31T10:11:12z",
        "2020-01-31t10:11:12.000z",
        "2020-01-31T10:11:12.5Z",
        "2020-01-31T10:11:12.123456789Z",
        "2020-01-31 10:11:12Z",
        "2020-01-31T10:11Z",
        "2020-01-31T00:00:00+00:00",
        "2020-01-31T10:11:12-00:00",
        "2020-01-31T10:11:12+23:59",
        "2020-01-31T10:11:12-23:59",
        "2020-01-31T10:11:12.123456+05:30",
        "2020-02-29T00:00:00Z",
        "2000-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.999Z",
        "2020-01-31T23:59:59.999999999Z",
        "1969-12-31T23:59:59Z",
    ] {
        flagged(page(&format!("\"timestamp\":\"{text}\"")), "");
    }
    for text in ["2020-01-31", "2020-01-31T10:11", "2020-01-31 10:11:12", "2020-01-31T10:11:12.123456789", "0001-01-01"]
    {
        flagged(page(&format!("\"timestamp\":\"{text}\"")), "zone_missing");
    }
    flagged(page("\"timestamp\":\"9999-12-31\""), "future zone_missing");
    flagged(page("\"timestamp\":\"2023-11-15T22:13:20.000Z\""), "");
    flagged(page("\"timestamp\":\"2023-11-15T22:13:20.001Z\""), "future");
    for text in [
        "x",
        "now",
        "2020",
        "2020-01",
        "2020-1-31",
        "20200131",
        "2020-01-31T",
        "2020-01-31Z",
        "2020-01-31T10",
        "2020-01-31T10Z",
        "2020-01-31T1:11:12Z",
        "2020-01-31T10:11:12.Z",
        "2020-01-31T10:11:12.1234567890Z",
        "2020-01-31T10:11:12,5Z",
        "2020-01-31T10:11.5Z",
        "2020-01-31T24:00:00Z",
        "2020-01-31T24:00Z",
        "2020-01-31T23:60:00Z",
        "2020-01-31T23:59:61Z",
        "2020-01-31T10:11:60Z",
        "2020-01-31T22:59:60Z",
        "2020-01-31T10:11:12+24:00",
        "2020-01-31T10:11:12-24:00",
        "2020-01-31T10:11:12+23:60",
        "2020-01-31T10:11:12+01:",
        "2020-01-31T10:11:12+1:00",
        "2020-01-31T10:11:12 +01:00",
        "2020-01-31T10:11:12 Z",
        "2020-01-31T10:11:12ZZ",
        "2020-01-31  10:11:12Z",
        " 2020-01-31T10:11:12Z",
        "2020-01-31T10:11:12Z ",
        "2020-02-30",
        "2021-02-29",
        "1900-02-29",
        "2020-04-31",
        "2020-13-01",
        "2020-00-10",
        "2020-01-00",
        "2020-01-32",
        "0000-01-01",
        "0000-12-31T23:59:59Z",
        "10000-01-01",
        "-2020-01-01",
        "+2020-01-01",
        "2020-W05-1",
        "2020-031",
        "31.01.2020",
        "01/31/2020",
        "2020/01/31",
        "Fri, 31 Jan 2020 10:11:12 GMT",
        "31 Jan 2020",
        "2020-01-31T10:11:12 GMT",
        "2020-01-31T10:11:12[Europe/Copenhagen]",
        "1580465472",
        "1580465472000",
        "1.58e12",
        "null",
        "２０２０-01-31",
        "2020−01−31",
        "2020-01-31T10:11:12.123\\u0000Z",
        "\\ud800",
        "2020-01-31T-1:00:00Z",
    ] {
        is(page(&format!("\"timestamp\":\"{text}\"")), "invalid_timestamp");
        flagged(page(&format!("\"sentAt\":\"{text}\",\"timestamp\":\"2020-01-31T10:11:12Z\"")), "clock_unreadable");
    }
    for number in
        ["100000000000", "1580465472000", "1.580465472e12", "1580465472000.75", "15804654720000e-1", "1700000000000"]
    {
        flagged(page(&format!("\"timestamp\":{number}")), "");
    }
    flagged(page("\"timestamp\":253402300799999"), "future");
    for number in [
        "0",
        "-0",
        "1",
        "-1",
        "1580465472",
        "99999999999",
        "99999999999.999",
        "-1580465472000",
        "253402300800000",
        "1e300",
        "1e999",
        "1e-5",
        "9223372036854775808",
        "-1e12",
    ] {
        is(page(&format!("\"timestamp\":{number}")), "invalid_timestamp");
    }
    for absent in ["null", "\"\"", "\"  \""] {
        flagged(page(&format!("\"timestamp\":{absent}")), "");
    }
    flagged(page(r#""sentAt":"2020-01-01T00:00:05Z","originalTimestamp":"2020-01-01T00:00:00Z""#), "");
    flagged(page(r#""sentAt":"2020-01-01T00:00:00Z","originalTimestamp":"2020-01-01T00:00:05Z""#), "");
    flagged(page(r#""sentAt":5,"originalTimestamp":"yesterday""#), "clock_unreadable");
    flagged(page(r#""receivedAt":"never""#), "");
}

#[test]
fn numbers() {
    for number in
        ["1e308", "-1e308", "1e-999", "0e999999999999", "123456789012345678901234567890.5", "-0.0", "1E400", "1e999"]
    {
        let beyond = matches!(number, "1E400" | "1e999");
        let expected = if beyond { "number_out_of_range" } else { "ok" };
        for members in [
            format!("\"x\":{number}"),
            format!("\"x\":[{{\"y\":[{number}]}}]"),
            format!("\"properties\":{{\"total\":{number}}}"),
            format!("\"traits\":{{\"age\":{number}}}"),
            format!("\"context\":{{\"x\":{number}}}"),
            format!("\"name\":{number}"),
            format!("\"sentAt\":{number}"),
            format!("\"receivedAt\":{number}"),
            format!("\"writeKey\":{number}"),
        ] {
            is(page(&members), expected);
        }
    }
    is(page(&format!("\"x\":{}", "9".repeat(308))), "ok");
    is(page(&format!("\"x\":{}", "9".repeat(309))), "number_out_of_range");
    is(page(&format!("\"x\":-{}", "9".repeat(400))), "number_out_of_range");
    is(page(&format!("\"x\":0.{}1", "0".repeat(5000))), "ok");
    is(page(&format!("\"traits\":{{\"userId\":{}}}", "1".repeat(400))), "number_out_of_range");
    is(page(&format!("\"x\":{{\"userId\":{}}}", "1".repeat(400))), "number_out_of_range");
    // An envelope's context is a part of its messages; its other members are nobody's.
    are(
        format!("{{\"context\":{{\"x\":1e999}},\"batch\":[{},{}]}}", page(""), page("\"context\":{}")),
        "ok 1.1:number_out_of_range",
    );
    are(format!("{{\"context\":{{}},\"x\":1e999,\"batch\":[{}]}}", page("")), "ok");
    are(format!("[{},{}]", page("\"x\":1e999"), page("")), "ok 1.1:number_out_of_range");
}

#[test]
fn money_and_orders() {
    for total in [
        "19.90",
        "0",
        "\"19.90\"",
        "\"0\"",
        "\"007.5\"",
        "1e2",
        "92233720368547758.07",
        "\"92233720368547758.07\"",
        "0.10",
        "-0",
    ] {
        flagged(order("Completed", &format!("\"total\":{total}")), "");
    }
    for total in ["0.125", "19.999", "\"0.001\"", "1e-9", "12.3400000001"] {
        flagged(order("Completed", &format!("\"total\":{total}")), "amount_rounded");
    }
    for total in [
        "\"19,99\"",
        "\"$5\"",
        "\"5 EUR\"",
        "\"1e2\"",
        "\"+5\"",
        "\".5\"",
        "\"5.\"",
        "\"--5\"",
        "\"1_000\"",
        "\"1,000.00\"",
        "\" 5\"",
        "\"5 \"",
        "\"０\"",
        "\"NaN\"",
        "true",
        "[]",
        "{}",
        "-5",
        "-0.01",
        "\"-5\"",
        "\"0x10\"",
        "\"\\ud800\"",
    ] {
        flagged(order("Completed", &format!("\"total\":{total}")), "amount_unknown");
        flagged(order("Completed", &format!("\"total\":{total},\"revenue\":5")), "amount_unknown");
    }
    for currency in ["\"EURO\"", "\"XXX\"", "\"eu\"", "5", "\"€\"", "true"] {
        flagged(order("Completed", &format!("\"total\":5,\"currency\":{currency}")), "amount_unknown");
    }
    flagged(order("Completed", "\"total\":5,\"currency\":\"KWD\""), "");
    flagged(order("Completed", "\"total\":5.005,\"currency\":\"KWD\""), "");
    flagged(order("Completed", "\"total\":5.5,\"currency\":\"JPY\""), "amount_rounded");
    flagged(order("Completed", "\"total\":5,\"currency\":null"), "");
    for beyond in [
        "\"total\":92233720368547758.08",
        "\"total\":\"92233720368547758.08\"",
        "\"total\":1e20",
        "\"total\":-1e30",
        "\"total\":1,\"revenue\":1e30",
        "\"total\":1,\"discount\":1e30",
        "\"total\":1,\"products\":[{\"price\":1e30}]",
        "\"products\":[{\"price\":9e16,\"quantity\":2}]",
        "\"total\":1e999",
        "\"total\":1,\"products\":[{\"quantity\":1e999}]",
        "\"total\":1,\"shipping\":1e20",
        "\"total\":1,\"tax\":\"100000000000000000000\"",
        "\"products\":[{\"price\":1,\"quantity\":1e39}]",
        "\"products\":[{\"price\":1,\"quantity\":\"1000000000000000000000000000000000000000\"}]",
        "\"products\":[{\"price\":9e15,\"quantity\":9e30}]",
    ] {
        is(order("Completed", beyond), "number_out_of_range");
        is(order("Refunded", beyond), "number_out_of_range");
    }
    for count in ["1e39", "\"1000000000000000000000000000000000000000\"", "1e-50", "1e-400"] {
        flagged(order("Completed", &format!("\"total\":1,\"products\":[{{\"price\":1,\"quantity\":{count}}}]")), "");
    }
    flagged(order("Completed", "\"total\":1,\"products\":[{\"price\":1,\"quantity\":-1e39}]"), "quantity_unknown");
    let without_store_currency = Store::options().in_memory().unwrap();
    let receipt = without_store_currency.check(order("Completed", "\"total\":5").as_bytes(), &how()).unwrap();
    assert_eq!((outcome(&receipt).as_str(), receipt.flags.len()), ("ok", 1));
    flagged(order("Refunded", "\"total\":-5"), "");
    flagged(order("Refunded", "\"x\":1"), "");
    flagged(order("Cancelled", "\"x\":1"), "");
    flagged(order("Completed", "\"x\":1"), "amount_unknown");
    for id in ["null", "\"\"", "\"null\"", "\"0\"", "0", "1.5", "true", "[]", "{}", "\"{{order.id}}\"", "\"\\ud800\""] {
        let body = format!(
            r#"{{"type":"track","event":"Order Completed","userId":"u1","properties":{{"order_id":{id},"total":1}}}}"#
        );
        flagged(body, "order_id_missing");
    }
    flagged(
        r#"{"type":"track","event":"Order Completed","userId":"u1","properties":{"order_id":50314,"total":1}}"#,
        "",
    );
    flagged(r#"{"type":"track","event":"order completed","userId":"u1","properties":{"total":"?"}}"#, "");
    for products in ["5", "\"x\"", "{}", "{\"price\":1}", "[5]", "[null]", "[{},[]]", "true"] {
        flagged(order("Completed", &format!("\"total\":1,\"products\":{products}")), "products_malformed");
    }
    for quantity in
        ["0", "-1", "\"0\"", "\"-2\"", "\"many\"", "true", "[]", "{}", "\"1,5\"", "\" 1\"", "0.0", "\"1e2\""]
    {
        let line = format!("\"total\":1,\"products\":[{{\"price\":1,\"quantity\":{quantity}}}]");
        flagged(order("Completed", &line), "quantity_unknown");
        flagged(track(&line), "quantity_unknown");
    }
    for quantity in ["1", "0.5", "\"2\"", "\"0.25\"", "1e2", "null", "\"\""] {
        flagged(order("Completed", &format!("\"products\":[{{\"price\":1,\"quantity\":{quantity}}}]")), "");
    }
}

#[test]
fn the_money_of_commerce_events_that_are_no_orders() {
    let track = |event: &str, properties: &str| {
        format!(r#"{{"type":"track","event":"{event}","userId":"u1","properties":{{{properties}}}}}"#)
    };
    let commerce = ["Product Viewed", "Cart Viewed", "Checkout Started", "Coupon Applied", "Product List Viewed"];
    for event in commerce {
        for beyond in [
            "\"price\":1e20",
            "\"value\":92233720368547758.08",
            "\"value\":\"100000000000000000000000\"",
            "\"discount\":-1e30",
            "\"products\":[{\"price\":1},{\"price\":1e30}]",
        ] {
            is(track(event, beyond), "number_out_of_range");
        }
        flagged(track(event, "\"value\":\"19,99\""), "amount_unknown");
        flagged(track(event, "\"price\":\"$5\",\"value\":5"), "amount_unknown");
        flagged(track(event, "\"price\":5,\"currency\":\"EURO\""), "amount_unknown");
        flagged(track(event, "\"products\":[{\"price\":true}]"), "amount_unknown");
        flagged(track(event, "\"price\":0.125"), "amount_rounded");
        flagged(track(event, "\"price\":-5.00,\"products\":[{\"price\":\"5\"}]"), "");
        flagged(track(event, "\"price\":null,\"currency\":\"EURO\""), "");
    }
    for custom in ["product viewed", "Bid Placed", "Email Opened", "Promoted"] {
        flagged(track(custom, "\"price\":1e20,\"value\":\"19,99\",\"products\":[{\"price\":1e30}]"), "");
    }
    flagged(r#"{"type":"page","event":"Product Viewed","userId":"u1","properties":{"price":1e20}}"#, "");
    // What makes an event an order, or no event of the shop's, does not come first: identifiers do.
    is(r#"{"type":"track","event":"Product Viewed","properties":{"price":1e20}}"#, "number_out_of_range");
}

#[test]
fn lines_with_many_digits_have_an_exact_sum() {
    let store = options().in_memory().unwrap();
    let sevens = format!("0.{}", "7".repeat(20));
    let thirds = format!("0.{}", "3".repeat(60));
    for (at, (price, quantity, minor)) in [
        ("90000000000000000", "\"0.00000000000000000005888888888888888888\"", 1),
        ("90000000000000000", "\"0.000000000000000000058888888888888888888\"", 1),
        (sevens.as_str(), "0.3333333333333333333", 26),
        ("10", thirds.as_str(), 333),
        ("9e16", "1e-16", 900),
        ("0", "1e39", 0),
        ("19.989999999999998436805981327779591083526611328125", "2", 3998),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(
            r#"{{"type":"track","event":"Order Completed","userId":"u{at}","properties":{{"order_id":"{at}",
            "products":[{{"price":{price},"quantity":{quantity}}}]}}}}"#
        );
        let receipt = store.ingest(body.as_bytes(), &how()).unwrap();
        assert_eq!(outcome(&receipt), "ok", "{body}");
        let profile = store.snapshot().profile(id::user(format!("u{at}"))).unwrap().unwrap();
        assert_eq!(profile.orders.gross_minor, minor, "{body}");
    }
    let long = "1".repeat(30);
    flagged(order("Completed", &format!("\"subtotal\":5.{long},\"discount\":0.{long}1")), "amount_rounded");
}

#[test]
fn the_largest_and_the_smallest_of_a_trait() {
    let traits = |rule: &str| {
        format!(
            r#"{{"since":{{"type":"timestamp","rule":"{rule}"}},"score":{{"rule":"{rule}"}},"all":{{"rule":"union"}}}}"#
        )
    };
    let config = |rule: &str| serde_json::from_str(&format!(r#"{{"traits":{}}}"#, traits(rule))).unwrap();
    let said = [
        r#"{"since":"2024-01-01T00:00:00Z","score":0.1,"all":[1,"a"]}"#,
        r#"{"since":"2024-01-01T00:00:00.5Z","score":12345678901234567890123456789012345678.1,"all":[1.0,"a"]}"#,
        r#"{"since":"2023-12-31T23:00:00-05:00","score":12345678901234567890123456789012345678.2,"all":[1e0,2]}"#,
        r#"{"since":"2024-01-01T02:00:00+05:00","score":0.099999999999999999999999999999999999999999,"all":"no list"}"#,
    ];
    for (rule, since, score) in [
        ("max", "2023-12-31T23:00:00-05:00", "12345678901234567890123456789012345678.2"),
        ("min", "2024-01-01T02:00:00+05:00", "0.099999999999999999999999999999999999999999"),
    ] {
        let store = Store::options().config(config(rule)).in_memory().unwrap();
        for (at, traits) in said.iter().enumerate() {
            let body =
                format!(r#"{{"type":"identify","userId":"1","timestamp":"2023-02-0{}","traits":{traits}}}"#, at + 1);
            store.ingest(body.as_bytes(), &how()).unwrap();
        }
        let profile = store.snapshot().profile(id::user("1")).unwrap().unwrap();
        assert_eq!(profile.traits["since"].as_str(), format!("\"{since}\""), "{rule}");
        assert_eq!(profile.traits["score"].as_str(), score, "{rule}");
        assert_eq!(profile.traits["all"].as_str().matches(',').count(), 2, "{}", profile.traits["all"].as_str());
    }
}

#[test]
fn money_beside_an_orders_amount_is_noticed_too() {
    let with = |more: &str| order("Completed", &format!("\"total\":9,{more}"));
    flagged(with("\"products\":[{\"price\":\"$5\"}]"), "amount_unknown");
    flagged(with("\"products\":[{\"price\":1.005}]"), "amount_rounded");
    flagged(with("\"shipping\":\"4,90\""), "amount_unknown");
    flagged(with("\"tax\":0.125,\"discount\":\"1\""), "amount_rounded");
    flagged(with("\"products\":[{\"price\":\"5\"},{\"quantity\":2}],\"discount\":1"), "");
    flagged(order("Refunded", "\"products\":[{\"price\":\"$5\"}],\"total\":1"), "amount_unknown");
}

/// An id of the content leaves out what a sender changes when it sends again.
#[test]
fn an_id_of_the_content_knows_no_conflict() {
    let store = options().in_memory().unwrap();
    let said = |more: &str| format!(r#"{{"type":"track","event":"e","userId":"u1","properties":{{"a":1}}{more}}}"#);
    assert_eq!(outcome(&store.ingest(said("").as_bytes(), &how()).unwrap()), "ok");
    for more in [
        "",
        r#","writeKey":"k""#,
        r#","_metadata":{"retryCount":2}"#,
        r#","sentAt":"2023-01-01T00:00:00Z","x":null,"messageId":null"#,
    ] {
        let receipt = store.ingest(said(more).as_bytes(), &how()).unwrap();
        assert_eq!((receipt.duplicates, receipt.conflicting), (1, 0), "{more}");
    }
    let named = said(r#","messageId":"m1""#);
    store.ingest(named.as_bytes(), &how()).unwrap();
    let receipt = store.ingest(said(r#","messageId":"m1","writeKey":"k""#).as_bytes(), &how()).unwrap();
    assert_eq!((receipt.duplicates, receipt.conflicting), (1, 1));
}
