//! A real shop's customers, against numbers that were counted independently of this code.

use super::model::{Order, Shopper};
use crate::base::{Decimal, Span, Timestamp};
use crate::rule::node::{Rule, Segment, Universe};
use crate::rule::when;
use crate::segment::evaluate::is_member;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

fn messages() -> Option<String> {
    let folder = std::env::var_os("REGULARS_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let file = folder.join("online_retail_2010-12_to_2011-02.ndjson.gz");
    let unpacked = file.exists().then(|| Command::new("gzip").arg("-dc").arg(&file).output().ok()).flatten();
    let text = unpacked.filter(|out| out.status.success()).and_then(|out| String::from_utf8(out.stdout).ok());
    if text.is_none() {
        println!("skipped: no Online Retail data");
    }
    text
}

fn cents(value: &Value) -> i64 {
    value.to_string().parse::<Decimal>().unwrap().to_units(2).unwrap().0
}

/// Guests have no userId; each is a visitor of its own.
fn shoppers(text: &str) -> Vec<Shopper> {
    let mut people: BTreeMap<String, Shopper> = BTreeMap::new();
    for line in text.lines() {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let user = message["userId"].as_str().map(str::to_owned);
        let who = people.entry(user.clone().unwrap_or_else(|| message["anonymousId"].to_string())).or_default();
        if user.is_some() {
            who.identifiers.insert("email".to_owned(), 1);
        }
        let ts = message["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond();
        let properties = message["properties"].take();
        match message["event"].as_str() {
            Some("Order Completed") => {
                let gross = Some(cents(&properties["total"]));
                who.orders.push(Order { ts, gross, properties, ..Order::default() });
            }
            Some("Order Refunded") => who.lone_refunds.push((ts, cents(&properties["total"]))),
            _ => {}
        }
    }
    people.into_values().collect()
}

#[test]
fn the_shop_counts_what_others_counted() {
    let Some(text) = messages() else { return };
    let people = shoppers(&text);
    let at: Timestamp = "2011-03-01T00:00:00Z".parse().unwrap();
    let count = |rule: &Rule, universe| {
        let segment = Segment::new("x", rule.clone()).within(universe);
        people.iter().filter(|who| is_member(&segment, *who, at).unwrap()).count()
    };
    let known = |rule: Rule| count(&rule, Universe::Known);
    assert_eq!(known(when::orders().at_least(1)), 1682);
    assert_eq!(known(when::orders().is(0)), 67);
    assert_eq!(known(when::orders().is(1)), 1020);
    assert_eq!(known(when::orders().is(2)), 301);
    assert_eq!(known(when::orders().at_least(5)), 114);
    assert_eq!(known(when::orders().within(Span::days(30)).at_least(1)), 807);
    assert_eq!(known(when::orders().within(Span::days(60)).at_least(1)), 1237);
    assert_eq!(known(when::orders().is(1) & when::days_since_last_order().between(30..=90)), 652);
    assert_eq!(known(when::orders().within(Span::days(60)).at_least(2)), 379);
    let product = || when::property("product_id").is("85123A");
    let bought = when::bought(product()).ever();
    assert_eq!((count(&bought, Universe::Known), count(&bought, Universe::All)), (332, 385));
    let many = || when::property("quantity").at_least(32);
    assert_eq!(known(when::bought(product() & many()).ever()), 63);
    assert_eq!(known(when::orders().filter(when::any_line(product() & many())).at_least(1)), 63);
    // What binding the two conditions to one line saves from:
    assert_eq!(known(when::orders().filter(when::any_line(product()) & when::any_line(many())).at_least(1)), 132);
}
