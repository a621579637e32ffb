//! Next week's export is this week's, grown: whatever is imported in whatever order, the shop is the same.

use crate::data::file as data;
use regulars::import::{CustomersCsv, From, OrdersCsv};
use regulars::{Clock, Config, Durability, Flag, ImportReport, MonthRevenue, Store, id, when};
use std::io::Read;

fn store(currency: &str) -> Store {
    let options = Store::options().currency(currency).clock(Clock::Manual).durability(Durability::OnFlush);
    options.in_memory().expect("opens")
}

fn import(store: &Store, text: &str) -> ImportReport {
    store.import(OrdersCsv::new(text.as_bytes())).expect("imports")
}

fn revenue(store: &Store) -> Vec<MonthRevenue> {
    store.snapshot().revenue_by_month().expect("readable")
}

fn net(store: &Store) -> i64 {
    revenue(store).iter().map(|month| month.net_minor).sum()
}

/// The rows of a file that a mask picks, in order.
fn some(header: &str, rows: &[&str], mask: usize) -> String {
    let picked = rows.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
    format!("{header}\n{}", picked.map(|(_, row)| format!("{row}\n")).collect::<String>())
}

#[test]
fn an_order_grows_by_rows_of_any_time() {
    let header = "order_id,time,email,product_id,quantity,price";
    let rows = [
        "1,2025-11-03,a@example.com,A,1,2.50",
        "1,2025-10-03,a@example.com,B,1,4.00",
        "1,2025-12-03,a@example.com,C,1,8.00",
        "1,2025-11-03,a@example.com,A,1,2.50",
        "1,2025-09-03,a@example.com,D,2,1.00",
    ];
    let whole = some(header, &rows, 31);
    let expected = store("EUR");
    assert_eq!(import(&expected, &whole).orders, 1, "one order, however many messages tell of it");
    assert_eq!((net(&expected), revenue(&expected)[0].month.as_str()), (1900, "2025-09"));
    for first in 1..32 {
        let store = store("EUR");
        import(&store, &some(header, &rows, first));
        import(&store, &whole);
        assert_eq!(revenue(&store), revenue(&expected), "rows {first:05b}, then all");
        import(&store, &some(header, &rows, first));
        assert_eq!(revenue(&store), revenue(&expected), "rows {first:05b}, all, and those again");
        for product in ["A", "B", "C", "D"] {
            let rule = when::bought(when::property("product_id").is(product)).ever();
            assert!(store.snapshot().matches(id::email("a@example.com"), &rule, None).expect("evaluates"), "{product}");
        }
    }
}

/// A line that came back before its order grew takes nothing of what the order grew by.
#[test]
fn an_order_grows_after_it_came_back() {
    let header = "order_id,time,email,product_id,quantity,price,status";
    let rows = ["1,2025-11-03,a@example.com,A,1,10,refunded", "1,2025-11-03,a@example.com,B,1,10,completed"];
    let (grown, whole) = (store("EUR"), store("EUR"));
    import(&grown, &some(header, &rows, 1));
    assert_eq!(net(&grown), 0);
    import(&grown, &some(header, &rows, 3));
    import(&whole, &some(header, &rows, 3));
    assert_eq!((net(&grown), net(&whole)), (1000, 1000));

    // What came back was known before the order was.
    let header = "order_id,time,email,product_id,quantity,price";
    let rows =
        ["1,2025-11-03,a@example.com,A,-1,10", "1,2025-11-03,a@example.com,B,1,30", "1,2025-11-03,a@example.com,C,2,1"];
    for first in [0b001, 0b011, 0b101] {
        let store = store("EUR");
        import(&store, &some(header, &rows, first));
        for _ in 0..2 {
            import(&store, &some(header, &rows, 0b111));
            assert_eq!(net(&store), 2200, "rows {first:03b} first");
        }
    }
    let store = store("EUR");
    import(&store, &some(header, &rows, 0b010));
    import(&store, &some(header, &rows, 0b001));
    import(&store, &some(header, &rows, 0b111));
    assert_eq!(net(&store), 2200, "a slice each");
}

#[test]
fn a_refund_grows_by_its_new_rows() {
    let header = "order_id,time,email,product_id,quantity,price";
    let rows = [
        "C1,2025-11-03,a@example.com,A,-1,2.50",
        "C1,2025-11-04,a@example.com,B,-1,4.00",
        "C1,2025-11-03,a@example.com,A,-1,2.50",
        "C1,2025-11-03,a@example.com,C,-3,1.00",
    ];
    let expected = store("EUR");
    let report = import(&expected, &some(header, &rows, 15));
    assert_eq!((report.refunds, report.receipt.accepted, net(&expected)), (1, 4, -1200));
    for first in 1..16 {
        let store = store("EUR");
        import(&store, &some(header, &rows, first));
        let second = import(&store, &some(header, &rows, 15));
        assert_eq!(second.receipt.duplicates, u64::from(usize::count_ones(first)), "known rows are known");
        assert_eq!(second.receipt.conflicting, 0);
        assert_eq!(revenue(&store), revenue(&expected), "rows {first:04b}, then all");
    }
}

#[test]
fn a_total_that_every_row_of_a_refund_repeats_counts_once() {
    let header = "order_id,time,email,quantity,price,total";
    let rows = ["C1,2025-11-03,a@example.com,-1,2.50,-9.00", "C1,2025-11-03,a@example.com,-1,6.00,-9.00"];
    for first in 1..4 {
        let store = store("EUR");
        import(&store, &some(header, &rows, first));
        import(&store, &some(header, &rows, 3));
        assert_eq!(net(&store), -900);
    }
}

#[test]
fn a_total_that_differs_from_row_to_row_is_the_lines() {
    let store = store("EUR");
    let file = "order_id,date,email,product,price,total\n1,2025-11-03,,A,2.50,5.00\n1,2025-11-03,,B,4.00,4.00\n";
    let report = import(&store, file);
    assert_eq!(report.detected.mapping.get("line_total"), Some(&From::Column("total".into())));
    assert_eq!(net(&store), 900);
}

const SHOPIFY: &str =
    "Name,Email,Financial Status,Total,Refunded Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price\n";

/// One odd order, a row that is refused or something that came back must not turn the others' totals into lines.
#[test]
fn most_orders_say_what_a_total_is_of() {
    let header = "order_id,time,user_id,product_id,price,quantity,total\n";
    let first = "1,2024-01-02,u1,p,5.00,1,7.50\n1,2024-01-02,u1,q,2.50,1,7.50\n2,2024-01-03,u1,p,5.00,1,5.00\n";
    for (what, rows, minor) in [
        ("alone", "", 1250),
        ("rows of sums", ",,,,,,12.50\n,,,,,,99.00\n", 1250),
        ("another spelling", "3,2024-01-04,u1,p,5.00,1,7.0\n3,2024-01-04,u1,q,2.00,1,7.00\n", 1950),
        ("a row that is refused", "2,2024-13-41,u1,p,5.00,1,6.00\n", 1250),
        ("something that came back", "2,2024-01-05,u1,p,5.00,-1,-5.00\n", 1250),
    ] {
        let store = store("EUR");
        import(&store, &format!("{header}{first}{rows}"));
        assert_eq!(net(&store), minor, "{what}");
    }
    let once = store("EUR");
    import(
        &once,
        &format!(
            "{header}1,2024-01-02,u1,p,1.00,1,3.00\n1,2024-01-02,,q,2.00,1,\n2,2024-01-02,u1,p,1,1,5\n2,2024-01-02,u1,p,1,1,4\n"
        ),
    );
    assert_eq!(net(&once), 800, "a total on the first row");
    // Prices times quantities tell lines from the first week on, though their totals are equal.
    let grown = store("EUR");
    let week = "1,2024-01-02,u1,p,5.00,1,5.00\n1,2024-01-02,u1,q,5.00,1,5.00\n";
    import(&grown, &format!("{header}{week}"));
    assert_eq!(net(&grown), 1000);
    import(&grown, &format!("{header}{week}2,2024-01-03,u1,p,3.00,1,3.00\n2,2024-01-03,u1,q,4.00,1,4.00\n"));
    assert_eq!(net(&grown), 1700);
}

/// What else a row says of something that came back may change from one export to the next.
#[test]
fn a_refund_written_otherwise_is_no_other_refund() {
    let store = store("EUR");
    import(&store, "order_id,time,user_id,product_id,price,quantity\n5,2024-01-03,17850,p,5.00,-1\n");
    for again in [
        "order_id,time,user_id,product_id,price,quantity\n5.0,2024-01-03,17850.0,p,5.0,-1\n",
        "order_id,time,user_id,product_id,name,price,quantity,till\n5,2024-01-03,17850,p,A kettle,5.00,-1,7\n",
    ] {
        import(&store, again);
        assert_eq!(net(&store), -500, "{again}");
    }
    import(
        &store,
        "order_id,time,user_id,product_id,price,quantity\n5,2024-01-03,17850,p,5.00,-1\n5,2024-01-03,17850,p,5.00,-1\n",
    );
    assert_eq!(net(&store), -1000, "two equal ones are two");
}

#[test]
fn an_order_in_two_currencies_has_no_amount() {
    for rows in
        ["1,2024-01-02,u1,EUR,5,1\n1,2024-01-02,u1,usd,3,1\n", "1,2024-01-02,u1,USD,3,1\n1,2024-01-02,u1,eur,5,1\n"]
    {
        let store = store("EUR");
        let report = import(&store, &format!("order_id,time,user_id,currency,price,quantity\n{rows}"));
        assert_eq!((report.orders, report.receipt.flags[&regulars::Flag::AmountUnknown]), (1, 1));
        assert_eq!(revenue(&store)[0].orders_unknown, 1);
    }
    let one = store("EUR");
    import(&one, "order_id,time,user_id,currency,price,quantity\n1,2024-01-02,u1,EUR,5,1\n1,2024-01-02,u1,eur,3,1\n");
    assert_eq!(net(&one), 800);
}

#[test]
fn a_refunded_amount_is_what_came_back_so_far() {
    let week = |status: &str, refunded: &str| {
        format!(
            "{SHOPIFY}#1,a@example.com,{status},50.00,{refunded},2025-11-03,1,Kettle,30.00\n\
             #1,a@example.com,,,,2025-11-03,1,Cup,20.00\n"
        )
    };
    let weeks = [week("paid", "0.00"), week("partially_refunded", "10.00"), week("partially_refunded", "30.00")];
    for (order, expected) in
        [(vec![0], 5000), (vec![1], 4000), (vec![0, 1, 2], 2000), (vec![2, 1, 0], 2000), (vec![2], 2000)]
    {
        let store = store("EUR");
        for at in &order {
            import(&store, &weeks[*at]);
            import(&store, &weeks[*at]);
        }
        assert_eq!((net(&store), revenue(&store)[0].orders), (expected, 1), "weeks {order:?}");
    }
    let live = store("EUR");
    let refund = br##"{"type":"track","event":"Order Refunded","userId":"7","timestamp":"2025-11-05T00:00:00Z",
        "properties":{"order_id":"#1","total":10}}"##;
    live.ingest_json(refund).expect("ingests");
    let report = import(&live, &weeks[2]);
    assert_eq!((report.refunds, net(&live)), (1, 2000), "the live stream told of 10 of the 30 already");
    let all = store("EUR");
    import(&all, &week("refunded", "50.00"));
    assert_eq!(net(&all), 0);
}

#[test]
fn the_status_of_an_order_stands_on_any_of_its_rows() {
    let file = |first: &str, second: &str| {
        format!(
            "{SHOPIFY}#1,a@example.com,{first},50.00,,2025-11-03,1,Kettle,30.00\n\
             #1,a@example.com,{second},50.00,,2025-11-03,1,Cup,20.00\n"
        )
    };
    for (first, second, expected) in [
        ("paid", "", Some(5000)),
        ("pending", "", Some(5000)),
        ("", "", Some(5000)),
        ("", "paid", Some(5000)),
        ("voided", "", Some(0)),
        ("", "voided", Some(0)),
        ("refunded", "refunded", Some(0)),
        ("paid", "refunded", Some(3000)),
        ("cancelled", "paid", Some(2000)),
        ("draft", "", None),
        ("", "draft", None),
        ("draft", "paid", Some(5000)),
    ] {
        let store = store("EUR");
        let report = import(&store, &file(first, second));
        let refused = if expected.is_none() { 2 } else { 0 };
        assert_eq!((report.receipt.rejected, net(&store)), (refused, expected.unwrap_or(0)), "{first:?} {second:?}");
        assert_eq!(report.orders, u64::from(expected.is_some()), "{first:?} {second:?}");
    }
    let unpaid = store("EUR");
    import(&unpaid, &file("pending", ""));
    import(&unpaid, &file("voided", ""));
    assert_eq!((net(&unpaid), revenue(&unpaid)[0].orders), (0, 1), "never paid: an order that came back");
}

#[test]
fn traits_have_the_type_that_the_store_declares() {
    let config: Config = serde_json::from_str(
        r#"{"traits": {"points": {"type": "int"}, "spent": {"type": "float"}, "vip": {"type": "bool"},
            "since": {"type": "timestamp"}, "tags": {"type": "list"}, "zip": {"type": "string"}}}"#,
    )
    .expect("a configuration");
    let store = Store::options().config(config).clock(Clock::Manual).in_memory().expect("opens");
    let file = "email;points;spent;vip;since;tags;zip;shoe\n\
                ann@example.com;1.200,0;1.234,50;yes;31.12.2024;new, loud;0800;42\n\
                bob@example.com;many;12,5;perhaps;soon;;0900;43\n";
    let mut csv = CustomersCsv::new(file.as_bytes()).decimal_comma(true);
    for name in ["points", "spent", "vip", "since", "tags", "zip", "shoe"] {
        csv = csv.map(format!("trait.{name}"), From::Column(name.into()));
    }
    let report = store.import(csv.map("email", From::Column("email".into()))).expect("imports");
    assert_eq!((report.receipt.accepted, report.receipt.flags.get(&Flag::TypeMismatch)), (2, Some(&1)));
    let snapshot = store.snapshot();
    let ann = snapshot.profile(id::email("ann@example.com")).expect("readable").expect("known");
    for (name, json) in [
        ("points", "1200"),
        ("spent", "1234.5"),
        ("vip", "true"),
        ("since", "\"2024-12-31T00:00:00.000Z\""),
        ("tags", "[\"new\",\"loud\"]"),
        ("zip", "\"0800\""),
        ("shoe", "\"42\""),
    ] {
        assert_eq!(ann.traits[name].as_str(), json, "{name}");
    }
    let bob = snapshot.profile(id::email("bob@example.com")).expect("readable").expect("known");
    assert_eq!(bob.traits["spent"].as_str(), "12.5");
}

/// The first rows of a real shop, cut inside of an order or a refund, then all of them, and some again.
fn cut_and_whole(file: &str, currency: &str, cuts: &[usize]) {
    let Some(mut stream) = data(file) else { return };
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("readable");
    let whole = store(currency);
    import(&whole, &text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for cut in cuts {
        let store = store(currency);
        import(&store, &lines[..*cut].concat());
        import(&store, &text);
        let rest = [&lines[..1], &lines[*cut..]].concat().concat();
        let (snapshot, expected) = (store.snapshot(), whole.snapshot());
        assert_eq!(revenue(&store), revenue(&whole), "{cut} lines, then all");
        assert_eq!((snapshot.people(), snapshot.profiles()), (expected.people(), expected.profiles()));
        assert_eq!(import(&store, &text).receipt.accepted, 0, "a second time");
        import(&store, &rest);
        assert_eq!(revenue(&store), revenue(&whole), "the other lines once more");
    }
}

#[test]
fn a_longer_export_of_a_real_shop_adds_only_what_is_new() {
    // The first 237 lines end inside of a refund, the first 49 and 50,003 inside of an order.
    cut_and_whole("online_retail_2010-12_to_2011-02.csv.gz", "GBP", &[49, 237, 50_003]);
    cut_and_whole("completejourney_transactions.csv.gz", "USD", &[37_501]);
}
