//! Files of orders and customers, through the public API.

use crate::data::file as data;
use regulars::import::{CsvFile, CustomersCsv, From, OrdersCsv};
use regulars::{Clock, Durability, Flag, ImportReport, Reason, Snapshot, Store, id, when};

fn store(currency: &str) -> Store {
    let options = Store::options().currency(currency).clock(Clock::Manual).durability(Durability::OnFlush);
    options.in_memory().expect("opens")
}

fn orders(store: &Store, text: &str) -> ImportReport {
    store.import(OrdersCsv::new(text.as_bytes())).expect("imports")
}

fn rejects(report: &ImportReport) -> Vec<(u64, Reason)> {
    report.receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn net(snapshot: &Snapshot, who: regulars::Id) -> (u64, i64) {
    let profile = snapshot.profile(who).expect("readable").expect("known");
    (profile.orders.count, profile.orders.net_minor)
}

#[test]
fn online_retail_is_the_shop_that_was_counted() {
    let Some(file) = data("online_retail_2010-12_to_2011-02.csv.gz") else { return };
    let store = store("GBP");
    let report = store.import(OrdersCsv::new(file)).expect("imports");
    assert_eq!((report.orders, report.refunds), (3875, 805));
    assert_eq!(report.receipt.reasons, [(Reason::NotAnOrder, 214)].into());
    assert_eq!(report.rows, 105_335);
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles()), (1749, 2283));
    let (mut gross, mut refunded) = (0, 0);
    let mut guests = 0;
    for owner in snapshot.identifiers().expect("readable") {
        guests += u64::from(owner.id.namespace() == "anonymous_id");
        let profile = snapshot.profile(owner.id).expect("readable").expect("known");
        gross += profile.orders.gross_minor;
        refunded += profile.orders.refunded_minor;
    }
    assert_eq!((gross, refunded, guests), (203_874_259, 23_172_266, 534));
    let months = snapshot.revenue_by_month().expect("readable");
    let names: Vec<&str> = months.iter().map(|month| month.month.as_str()).collect();
    assert_eq!(names, ["2010-12", "2011-01", "2011-02"]);
    assert_eq!(months.iter().map(|month| month.net_minor).sum::<i64>(), 203_874_259 - 23_172_266);
    let again = data("online_retail_2010-12_to_2011-02.csv.gz").expect("it was there");
    let again = store.import(OrdersCsv::new(again)).expect("imports");
    assert_eq!((again.receipt.accepted, again.receipt.duplicates), (0, 105_121));
}

#[test]
fn complete_journey_is_the_shop_that_was_counted() {
    let Some(file) = data("completejourney_transactions.csv.gz") else { return };
    let store = store("USD");
    let report = store.import(OrdersCsv::new(file)).expect("imports");
    assert_eq!((report.orders, rejects(&report)), (47_243, vec![]));
    let snapshot = store.snapshot();
    // 2,377 households, of whom 1111 and 2222 look like what is typed to get past a form.
    assert_eq!(snapshot.people(), 2375);
    assert_eq!(report.receipt.flags.get(&Flag::BlockedIdentifier), Some(&89));
    let months = snapshot.revenue_by_month().expect("readable");
    assert_eq!(months.iter().map(|month| month.gross_minor).sum::<i64>(), 23_393_524);
    assert_eq!(months.iter().map(|month| month.orders).sum::<u64>(), 47_243);
}

/// The first half of a file, then all of it: the second import adds what the first did not have.
#[test]
fn a_longer_export_adds_only_what_is_new() {
    let rows: Vec<String> = (0..40)
        .map(|row| {
            format!(
                "{},2025-11-{:02},u{}@example.com,Tea,{},4.50\n",
                100 + row / 3,
                1 + row % 28,
                row / 3 % 7,
                1 + row % 4
            )
        })
        .collect();
    let header = "order,date,email,product,qty,price\n";
    let whole = format!("{header}{}", rows.concat());
    let at_once = store("EUR");
    let report = orders(&at_once, &whole);
    assert_eq!((report.receipt.accepted, report.orders), (40, 14));
    for cut in [1, 17, 18, 39, 40] {
        let store = store("EUR");
        orders(&store, &format!("{header}{}", rows[..cut].concat()));
        let second = orders(&store, &whole);
        assert_eq!(second.receipt.accepted + second.receipt.duplicates, 40, "{cut}");
        let (digest, expected) = (store.snapshot().revenue_by_month(), at_once.snapshot().revenue_by_month());
        assert_eq!(digest.expect("readable"), expected.expect("readable"), "{cut}");
        assert_eq!(orders(&store, &whole).receipt.accepted, 0, "a third time");
        let mut backwards: Vec<&str> = rows.iter().map(String::as_str).collect();
        backwards.reverse();
        assert_eq!(orders(&store, &format!("{header}{}", backwards.concat())).receipt.accepted, 0, "rows turned round");
    }
}

#[test]
fn every_bad_row_is_named_by_its_line_and_reason() {
    let long = "x".repeat(40_000);
    let file = format!(
        "order_id,time,email,product_id,quantity,price\n\
         1,2025-11-03,a@example.com,A,1,2.50\n\
         2,2025-11-03,a@example.com,A,1,cheap\n\
         3,03/04/2025,a@example.com,A,1,2.50\n\
         4,2025-02-30,a@example.com,A,1,2.50\n\
         5,45992,a@example.com,A,1,2.50\n\
         6,2025-11-03,a@example.com,A,1\n\
         7,2025-11-03,a@example.com,A,1,2.50,more\n\
         ,2025-11-03,a@example.com,A,1,2.50\n\
         9,,a@example.com,A,1,2.50\n\
         10,2025-11-03,a@example.com,\"two\nlines\",1,\n\
         11,2025-11-03,a@example.com,{long},1,2.50\n\
         12,2025-11-03,,A,-1,0\n\
         13,2025-11-03,,A,-1,2.00\n\
         14,2025-11-03,a@example.com,A,\"1,5\",2.50\n\
         15,2025-11-03,a@example.com,\"A,1,2.50\n"
    );
    let store = store("EUR");
    let report = orders(&store, &file);
    let expected = [
        (3, Reason::WrongType),
        (4, Reason::InvalidTimestamp),
        (5, Reason::InvalidTimestamp),
        (6, Reason::InvalidTimestamp),
        (7, Reason::InvalidCsv),
        (8, Reason::InvalidCsv),
        (9, Reason::MissingField),
        (10, Reason::MissingField),
        (11, Reason::MissingField),
        (13, Reason::TooLarge),
        (14, Reason::NotAnOrder),
        (16, Reason::WrongType),
        (17, Reason::InvalidCsv),
    ];
    assert_eq!(rejects(&report), expected);
    assert_eq!((report.receipt.accepted, report.orders, report.refunds), (2, 1, 1));
    assert_eq!(net(&store.snapshot(), id::anonymous("guest-13")), (0, -200));
    let said = format!("{report} {report:?}");
    assert!(!said.contains("example.com"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_stores_nothing() {
    let store = store("EUR");
    for bytes in
        [&b""[..], b"order_id,time,total,total\n1,2025-11-03,1,1\n", b"\x1f\x8b\x08\0", b"\xff\xfeo\0", b"a,b\n1,2\n"]
    {
        assert!(store.import(OrdersCsv::new(bytes)).is_err());
    }
    let mapped = OrdersCsv::new(&b"a,b\n1,2\n"[..]).map("order_id", From::Column("nothing".into()));
    assert!(store.import(mapped).is_err());
    assert!(store.import(OrdersCsv::new(&b"a\n1\n"[..]).map("planet", From::Const("x".into()))).is_err());
    assert_eq!(store.snapshot().events(), 0);
}

#[test]
fn the_exports_of_shop_systems_are_understood() {
    let shopify = "Name,Email,Financial Status,Currency,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,\
                   Lineitem price,Lineitem sku,Billing Country,Phone,Vendor\n\
                   #1001,ann@example.com,paid,EUR,33.90,2.00,2025-11-03 10:12:00 +0100,1,Kettle,26.90,K1,DK,,Bodum\n\
                   #1001,ann@example.com,,,,,2025-11-03 10:12:00 +0100,2,Tea,4.50,T1,,,\n\
                   #1002,bob@example.com,voided,EUR,10.00,0.00,2025-11-04 08:00:00 +0100,1,Cup,10.00,C1,DK,,\n";
    let store_one = store("EUR");
    let report = orders(&store_one, shopify);
    assert_eq!((report.receipt.accepted, report.orders, rejects(&report)), (3, 2, vec![]));
    let snapshot = store_one.snapshot();
    assert_eq!(net(&snapshot, id::email("ann@example.com")), (1, 3390));
    assert_eq!(net(&snapshot, id::email("bob@example.com")), (1, 0), "a cancelled order is an order that came back");
    let kettles = when::bought(when::property("product_id").is("K1") & when::property("quantity").is(1)).ever();
    assert!(snapshot.matches(id::email("ann@example.com"), &kettles, None).expect("evaluates"));

    let woo = "Order ID;Order Date;Order Status;Customer User ID;Email (Billing);Phone (Billing);Item Name;SKU;Quantity (- Refund);\
               Item Cost;Order Total Amount\n\
               7;03.11.2025 09:00;wc-completed;12;ann@example.com;20123456;Kettle;K1;1;19,90;24,90\n\
               7;03.11.2025 09:00;wc-completed;12;ann@example.com;20123456;Cup;C1;1;5,00;24,90\n\
               8;04.11.2025 09:00;wc-pending;13;bob@example.com;;Cup;C1;1;5,00;5,00\n";
    let store_two = store("EUR");
    let report = orders(&store_two, woo);
    assert_eq!(rejects(&report), [(4, Reason::NotAnOrder)]);
    assert_eq!(net(&store_two.snapshot(), id::user("12")), (1, 2490));

    let customers = "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Accepts SMS Marketing,Phone,Total Spent\n\
                     71,Ann,Hansen,ann@example.com,yes,no,+4520123456,100.00\n\
                     72,Bob,,,no,,,\n\
                     ,,,,,,,\n\
                     73,Eve,,eve@example.com,maybe,,,\n";
    let report = store_two.import(CustomersCsv::new(customers.as_bytes())).expect("imports");
    assert_eq!(rejects(&report), [(4, Reason::NoIdentifier), (5, Reason::WrongType)]);
    assert_eq!(report.detected.unmapped, ["Total Spent"]);
    let snapshot = store_two.snapshot();
    let ann = snapshot.profile(id::user("12")).expect("readable").expect("known");
    assert_eq!(ann.traits["lastName"].as_str(), "\"Hansen\"");
    for (rule, held) in [
        (when::consent("email", "marketing").granted(), true),
        (when::consent("sms", "marketing").denied(), true),
        (when::consent("push", "marketing").never_asked(), true),
    ] {
        assert_eq!(snapshot.matches(id::user("12"), &rule, None).expect("evaluates"), held);
    }
}

#[test]
fn equal_rows_stay_several_and_files_say_what_they_are() {
    let store = store("EUR");
    let file = "order_id,date,user_id,product_id,price\n1,2025-11-03,17850.0,A,2.50\n1,2025-11-03,17850.0,A,2.50\n";
    let kind = CsvFile::new(file.as_bytes(), None);
    let report = store.import(kind).expect("imports");
    assert_eq!((report.detected.kind, report.receipt.accepted), (regulars::import::Kind::Orders, 2));
    assert_eq!(net(&store.snapshot(), id::user("17850")), (1, 500));
    let people = "email\nann@example.com\nann@example.com\n";
    let import = || store.import(CsvFile::new(people.as_bytes(), None)).expect("imports").receipt;
    // Of a customer the second row says what was said.
    let (first, second) = (import(), import());
    assert_eq!((first.accepted, first.duplicates, second.accepted, second.duplicates), (1, 1, 0, 2));
}
