//! The language by example: what reads, what is refused and where, and the corners that the words leave open.

use super::model::{Order, Shopper};
use crate::base::time::DAY_MS;
use crate::base::{Decimal, Span, Timestamp};
use crate::error::ErrorKind;
use crate::rule::node::{Rule, Segment};
use crate::rule::when;
use crate::segment::evaluate::matches;
use crate::segment::schedule::{Boundary, Input, boundaries, check_references, inputs};
use serde_json::json;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms)
}

fn holds(json: &str, who: &Shopper, ms: i64) -> bool {
    matches(&Rule::from_json(json).unwrap(), who, at(ms)).unwrap()
}

/// Every node of the language's description reads, or says by name that it is for later.
#[test]
fn the_language_reads_or_is_named_as_unsupported() {
    for text in [
        r#"{"trait":"address.country","in":["DE","FR"]}"#,
        r#"{"trait":"tier","is":"gold"}"#,
        r#"{"segment":"vip"}"#,
        r#"{"event":"Product Viewed","where":{"property":"category","is":"shoes"},"window":{"last":"30d"},"measure":"count","gte":2}"#,
        r#"{"event":"E","where":{"line":"any","where":{"and":[{"property":"brand","is":"A"},{"property":"price","gte":199.5}]}},"first_time_in":{"last":"30d"}}"#,
        r#"{"event":"E","stopped":["365d","90d"]}"#,
        r#"{"event":"E","restarted":["90d","30d"]}"#,
        r#"{"event":"E","regularly":["30d",3,4]}"#,
        r#"{"orders":"count","window":{"ago":["90d","30d"]},"where":{"property":"coupon","is_set":true},"is":1}"#,
        r#"{"orders":"days_since_last","between":[30,90]}"#,
        r#"{"bought":{"brand":"A"},"window":{"between":["2011-01-01","2011-02-01"]}}"#,
        r#"{"bought_together":[{"property":"brand","is":"A"},{"property":"brand","is":"B"}]}"#,
        r#"{"identity":"has","namespace":"email"}"#,
        r#"{"identity":"count","namespace":"device","gte":3}"#,
        r#"{"identity":"is_anonymous"}"#,
        r#"{"consent":["email","marketing"],"is":"granted"}"#,
        r#"{"consent":["analytics"],"is":"never_asked"}"#,
        r#"{"suppressed":"email"}"#,
        r#"{"orders":"count","shop":"dk","is":1}"#,
        r#"{"event":"E","shop":"","window":{"last":"30d"}}"#,
        r#"{"bought":{"brand":"A"},"shop":"dk"}"#,
        r#"{"at_least":[1,[{"or":[]},{"not":{"and":[]}}]]}"#,
    ] {
        let rule = Rule::from_json(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(rule.to_json(), text);
    }
    for (text, name) in [
        (r#"{"list":"L"}"#, "list"),
        (r#"{"sample":[0.1,"salt"]}"#, "sample"),
        (r#"{"as_of":"2011-01-01","rule":{"segment":"a"}}"#, "as_of"),
        (r#"{"hysteresis":{"enter":{"segment":"a"},"exit":{"segment":"b"}}}"#, "hysteresis"),
        (r#"{"min_dwell":"3d","rule":{"segment":"a"}}"#, "min_dwell"),
        (r#"{"trait":"birthday","anniversary_within_next":"7d"}"#, "anniversary_within_next"),
        (r#"{"trait":"name","not_matches_ci":"a.*"}"#, "not_matches_ci"),
        (r#"{"holdout":"H"}"#, "holdout"),
        (r#"{"identity":"merged_in","window":{"last":"1d"}}"#, "merged_in"),
        (r#"{"identity":"suspicious"}"#, "suspicious"),
        (r#"{"membership":"entered_in","segment":"S","window":{"last":"1d"}}"#, "membership"),
        (r#"{"sequence":[{"event":"A"}],"within":"7d"}"#, "sequence"),
        (r#"{"funnel":{"steps":[],"within":"1d"},"completed":1}"#, "funnel"),
        (
            r#"{"abandoned":{"start":{"event":"A"},"completion":{"event":"B"},"after":"1h","same":"cart_id"}}"#,
            "abandoned",
        ),
        (r#"{"top":{"percent":10,"by":{"orders":"net"}}}"#, "top"),
        (r#"{"percentile":{"of":{"orders":"net"},"between":[80,100]}}"#, "percentile"),
        (r#"{"near":{"lat":1,"lon":2,"km":25}}"#, "near"),
        (r#"{"place":"country","in":["DK"]}"#, "place"),
        (r#"{"event":"E","where":{"property":"p","is_step":[1,"q"]}}"#, "is_step"),
        (r#"{"event":"E","where":{"property":"p","gte_trait":"q"}}"#, "gte_trait"),
        (r#"{"event":"E","where":{"line":"count","where":{"property":"p","is":1}}}"#, "count"),
        (r#"{"event":"E","window":{"calendar":"this_month"}}"#, "calendar"),
        (r#"{"event":"E","window":{"last":"1cm"}}"#, "calendar"),
    ] {
        let error = Rule::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}: {text}");
        assert!(error.to_string().contains(name), "{error}: {text}");
    }
}

#[test]
fn errors_point_at_the_place_and_say_what_was_expected() {
    for (text, place, expected) in [
        (r#"{"and":[{"segment":"a"},{"event":"E","where":3}]}"#, "at $.and[1].where:", "a condition"),
        (r#"{"not":{"trait":"t"}}"#, "at $.not:", "expected one operator"),
        (r#"{"trait":"t","is":1,"gt":2}"#, "at $.gt:", "a second operator"),
        (r#"{"trait":"t","equals":1}"#, "at $.equals:", "unknown operator"),
        (r#"{"trait":"t","is":1,"colour":2}"#, "at $.colour:", "unknown"),
        (r#"{"trait":"t","is":null}"#, "at $.is:", "is_not_set"),
        (r#"{"trait":"t","gt":"5"}"#, "at $.gt:", "expected a number, found a string"),
        (r#"{"trait":"t","between":[9,1]}"#, "at $.between:", "lower"),
        (r#"{"trait":"t","in":[1,[2]]}"#, "at $.in[1]:", "found a list"),
        (r#"{"trait":"t","len":{"contains":1}}"#, "at $.len.contains:", "unknown operator"),
        (r#"{"trait":"","is":1}"#, "at $.trait:", "not empty"),
        (r#"{"orders":"turnover","gt":1}"#, "at $.orders:", "unknown measure"),
        (r#"{"orders":"last_at","gt":1}"#, "at $.gt:", "an instant"),
        (r#"{"orders":"count","starts_with":"1"}"#, "at $.starts_with:", "unknown operator"),
        (r#"{"event":"E","measure":"sum()","gt":1}"#, "at $.measure:", "sum(path)"),
        (r#"{"event":"E","measure":"sum(p)"}"#, "at $:", "expected one operator"),
        (r#"{"event":"E","measure":"nth(0, p)","is":1}"#, "at $.measure:", "nth(n, path)"),
        (r#"{"event":"E","window":{"last":"thirty days"}}"#, "at $.window.last:", "30d"),
        (r#"{"event":"E","window":{"last":"0d"}}"#, "at $.window.last:", "longer than zero"),
        (r#"{"event":"E","window":{"ago":["1d","2d"]}}"#, "at $.window.ago:", "longer span first"),
        (r#"{"event":"E","window":{}}"#, "at $.window:", "last, ago or between"),
        (r#"{"event":"E","stopped":["1d"]}"#, "at $.stopped:", "two spans"),
        (r#"{"event":"E","regularly":["1d",5,4]}"#, "at $.regularly[1]:", "from 1 to 4"),
        (r#"{"event":"E","where":{"line":"some","where":{}}}"#, "at $.where.line:", "any, all or none"),
        (r#"{"at_least":[1.5,[]]}"#, "at $.at_least[0]:", "whole number"),
        (r#"{}"#, "at $:", "an empty object"),
        (r#"[]"#, "at $:", "a rule, an object"),
        (r#"{"and":[}"#, "line 1, column 9", "JSON"),
        (r#"{"segment":"a","segment":"b"}"#, "each once", ""),
    ] {
        let error = Rule::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}: {text}");
        assert!(error.to_string().contains(place), "{error}: {text}");
        assert!(error.to_string().contains(expected), "{error}: {text}");
    }
    let deep = format!("{}{{\"segment\":\"a\"}}{}", r#"{"not":"#.repeat(70), "}".repeat(70));
    assert!(Rule::from_json(&deep).unwrap_err().to_string().contains("64 deep"));
    assert!(Rule::from_json(&"[".repeat(100_000)).is_err());
    let mut built = when::has("email");
    for _ in 0..70 {
        built = !built;
    }
    assert_eq!(built.check().unwrap_err().kind(), ErrorKind::Invalid);
    let empty = when::event("E").within(Span::from_millisecond(0)).happened();
    assert!(empty.check().unwrap_err().to_string().contains("$.window.last"));
    assert!(Segment::new(" ", when::has("email")).check().is_err());
    Segment::new("s", when::has("email")).check().unwrap();
}

#[test]
fn neither_errors_nor_debug_show_values() {
    let rule = when::trait_("email").is("ann@example.com") & when::trait_("name").contains_ci("Ann");
    assert!(!format!("{rule:?}").to_lowercase().contains("ann"), "{rule:?}");
    let error = Rule::from_json(r#"{"trait":"email","gt":"ann@example.com"}"#).unwrap_err();
    assert!(!error.to_string().contains("ann"));
}

#[test]
fn numbers_keep_their_digits() {
    let text = r#"{"trait":"n","is":12345678901234567890.123456789}"#;
    let rule = Rule::from_json(text).unwrap();
    assert_eq!(rule.to_json(), text);
    assert!(serde_json::to_string(&rule).is_err());
    assert_eq!(Rule::from_json(r#"{"orders":"net","gt":199.50}"#).unwrap().to_json(), r#"{"orders":"net","gt":199.5}"#);
}

#[test]
fn the_builder_reads_as_english() {
    let built = when::orders().is(1)
        & when::days_since_last_order().between(60..=180)
        & when::event("Product Viewed")
            .filter(when::property("category").is("shoes"))
            .within(Span::days(30))
            .at_least(2);
    let read = Rule::from_json(
        r#"{"and":[{"orders":"count","is":1},{"orders":"days_since_last","between":[60,180]},
            {"event":"Product Viewed","where":{"property":"category","is":"shoes"},"window":{"last":"30d"},"gte":2}]}"#,
    );
    assert_eq!(built, read.unwrap());
    built.check().unwrap();
}

#[test]
fn nothing_is_coerced_and_strings_are_nfc() {
    let who = Shopper {
        traits: vec![
            (0, "five".into(), json!("5")),
            (0, "city".into(), json!("Cafe\u{301}")),
            (0, "n".into(), json!(5)),
            (0, "a.b".into(), json!("own")),
            (0, "a".into(), json!({ "b": "inner", "c": { "d": true } })),
        ],
        ..Shopper::default()
    };
    for (rule, expected) in [
        (r#"{"trait":"five","is":5}"#, false),
        (r#"{"trait":"five","gte":1}"#, false),
        (r#"{"trait":"five","is_not":5}"#, true),
        (r#"{"trait":"n","is":5.0}"#, true),
        (r#"{"trait":"n","is":"5"}"#, false),
        (r#"{"trait":"city","is":"Café"}"#, true),
        (r#"{"trait":"city","is":"CAFÉ"}"#, false),
        (r#"{"trait":"city","ends_with_ci":"FÉ"}"#, true),
        (r#"{"trait":"a.b","is":"own"}"#, true),
        (r#"{"trait":"a.c.d","is":true}"#, true),
        (r#"{"trait":"a.c.e","is_not_set":true}"#, true),
    ] {
        assert_eq!(holds(rule, &who, 0), expected, "{rule}");
    }
}

#[test]
fn days_since_is_a_floor_and_windows_are_half_open() {
    let who = Shopper {
        orders: vec![Order { ts: 0, gross: Some(19_950), ..Order::default() }],
        events: vec![(0, "E".into(), json!({}))],
        ..Shopper::default()
    };
    let since = r#"{"orders":"days_since_last","is":30}"#;
    assert!(!holds(since, &who, 30 * DAY_MS - 1) && holds(since, &who, 30 * DAY_MS));
    assert!(holds(since, &who, 31 * DAY_MS - 1) && !holds(since, &who, 31 * DAY_MS));
    let last = r#"{"event":"E","window":{"last":"30d"}}"#;
    assert!(!holds(last, &who, -1) && holds(last, &who, 0));
    assert!(holds(last, &who, 30 * DAY_MS - 1) && !holds(last, &who, 30 * DAY_MS));
    assert!(holds(r#"{"orders":"net","is":199.50}"#, &who, 0) && holds(r#"{"orders":"net","is":0}"#, &who, -1));
    let rule = Rule::from_json(since).unwrap();
    let expected = [0, 30 * DAY_MS, 31 * DAY_MS].map(|offset_ms| Boundary { input: Input::Orders, offset_ms });
    assert_eq!(boundaries(&rule), expected);
}

#[test]
fn the_edges_of_windows_and_gaps() {
    let event = |day: i64| (day * DAY_MS, "E".to_owned(), json!({}));
    let who = Shopper {
        events: vec![event(0), event(90), event(91)],
        orders: vec![Order { ts: 0, gross: Some(100), ..Order::default() }],
        lone_refunds: vec![(0, 30)],
        ..Shopper::default()
    };
    for (rule, expected) in [
        (r#"{"event":"E","restarted":["90d","5d"]}"#, true),
        (r#"{"event":"E","restarted":["91d","5d"]}"#, false),
        (r#"{"event":"E","window":{"between":["1970-01-01","1970-04-01"]},"measure":"count","is":2}"#, true),
        (r#"{"event":"E","window":{"between":["1970-01-02","1970-04-02"]},"measure":"count","is":2}"#, true),
        (r#"{"event":"E","measure":"count","gt":2}"#, true),
        (r#"{"event":"E","measure":"count","gt":3}"#, false),
        (r#"{"event":"E","measure":"count","in":[1,2]}"#, false),
        (r#"{"event":"E","measure":"count","not_in":[0,2.5]}"#, true),
        (r#"{"orders":"net","is":0.7}"#, true),
        (r#"{"orders":"average","is":1}"#, true),
        (r#"{"orders":"refund_share","is":0.3}"#, true),
        (r#"{"orders":"count","is":1}"#, true),
    ] {
        assert_eq!(holds(rule, &who, 92 * DAY_MS), expected, "{rule}");
    }
}

#[test]
fn averages_compare_without_dividing() {
    let order = |ts: i64, gross: i64| Order { ts: ts * DAY_MS, gross: Some(gross), ..Order::default() };
    let who = Shopper { orders: vec![order(0, 100), order(1, 0), order(2, 0)], ..Shopper::default() };
    // A third of a euro is no decimal, yet it lies strictly between these two.
    let third: Decimal = "0.33333333333333333333".parse().unwrap();
    let above: Decimal = "0.33333333333333333334".parse().unwrap();
    let rule = when::average_order().more_than(third) & when::average_order().less_than(above);
    assert!(matches(&rule, &who, at(3 * DAY_MS)).unwrap());
    assert!(holds(r#"{"orders":"average_days_between","is":1}"#, &who, 3 * DAY_MS));
}

#[test]
fn segments_refer_to_each_other_without_circles() {
    let (itself, lost) = (when::member_of("b"), !when::member_of("nobody"));
    let (a, b, c) = (when::member_of("b"), when::member_of("c") | when::member_of("d"), when::has("email"));
    let known = |name: &str| match name {
        "b" => Some(&b),
        "c" | "d" => Some(&c),
        _ => None,
    };
    check_references("a", &a, &known).unwrap();
    assert_eq!(inputs(&b), [Input::Segment("c".into()), Input::Segment("d".into())]);
    let circle = check_references("d", &a, &known).unwrap_err();
    assert_eq!(circle.kind(), ErrorKind::Invalid);
    assert!(circle.to_string().contains("d -> b -> d"), "{circle}");
    let own = check_references("b", &itself, &known).unwrap_err();
    assert!(own.to_string().contains("b -> b"), "{own}");
    let missing = check_references("a", &lost, &known).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn rules_nested_as_deep_as_a_program_can_are_refused_and_overflow_nothing() {
    let leaf = || when::trait_("tier").is("gold");
    let one = || when::property("tier").is("gold");
    let nested: [&dyn Fn(when::Condition) -> when::Condition; 3] =
        [&|inner| !inner, &when::any_line, &|inner| one() | (!inner & one())];
    let of_events = |filter| when::event("Visit").filter(filter).at_least(1);
    let mut rules: Vec<Rule> = nested.map(|nest| of_events((0..20_000).fold(one(), |inner, _| nest(inner)))).into();
    let nested: [&dyn Fn(Rule) -> Rule; 5] =
        [&|rule| !rule, &|rule| leaf() & rule, &|rule| (rule | leaf()) & leaf(), &|rule| leaf() | !rule, &|rule| {
            when::at_least(1, [leaf(), rule])
        }];
    rules.extend(nested.map(|nest| (0..20_000).fold(leaf(), |rule, _| nest(rule))));
    for rule in rules {
        let refused = rule.check().unwrap_err();
        assert!(refused.to_string().contains("64 deep"), "{refused}");
        assert!(Rule::from_json(&rule.to_json()).is_err());
        assert_eq!(rule.clone(), rule);
    }
    let chain = (0..5_000).fold(leaf(), |rule, _| rule & leaf());
    chain.check().unwrap();
    let deepest = (0..60).fold(leaf(), |rule, _| !rule);
    assert_eq!(Rule::from_json(&deepest.to_json()).unwrap(), deepest);
}
