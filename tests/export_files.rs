//! Files in the layouts of real exports, where they lie beside the checkout, against what a person expects of each.

use regulars::import::{CsvFile, DateOrder, Kind};
use regulars::{Clock, Flag, ImportReport, Ingest, Profile, Reason, Result, Store, id};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The file of a name; none, said aloud, where the files are not there.
fn place(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("REGULARS_DATA").map(|data| PathBuf::from(data).join("../exports"));
    let folder = data.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/exports"));
    let place = folder.join(name);
    if !place.exists() {
        println!("skipped: {name} is not in ../shared/exports nor beside REGULARS_DATA");
        return None;
    }
    Some(place)
}

fn store(currency: &str) -> Store {
    Store::options().currency(currency).clock(Clock::Manual).in_memory().expect("opens")
}

fn open(place: &Path) -> CsvFile<'static> {
    let received = "2026-12-01T00:00:00Z".parse().expect("an instant");
    CsvFile::open(place, None).expect("opens").received_at(received)
}

fn net(store: &Store) -> i64 {
    store.snapshot().revenue_by_month().expect("readable").iter().map(|month| month.net_minor).sum()
}

fn rejects(report: &ImportReport) -> Vec<(u64, Reason)> {
    report.receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn profile(store: &Store, email: &str) -> Profile {
    store.snapshot().profile(id::email(email)).expect("readable").expect("known")
}

/// Consent by channel: status, and the day since when.
fn said(store: &Store, email: &str) -> Vec<(String, String, String)> {
    let told = profile(store, email).consent;
    let marketing = told.iter().filter(|one| one.purpose.as_deref() == Some("marketing"));
    let all = marketing.map(|one| {
        let day = one.ts.to_string().chars().take(10).collect();
        (one.channel.clone().unwrap_or_default(), one.status.name().to_owned(), day)
    });
    // What hangs on several identifiers is said once.
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

fn told(channel: &str, status: &str, day: &str) -> (String, String, String) {
    (channel.to_owned(), status.to_owned(), day.to_owned())
}

fn refused(name: &str, file: impl FnOnce(CsvFile<'static>) -> CsvFile<'static>) -> Option<String> {
    let store = store("EUR");
    let result: Result<ImportReport> = store.import(file(open(&place(name)?)));
    let error = result.err().unwrap_or_else(|| panic!("{name} is read")).to_string();
    assert_eq!(store.snapshot().events(), 0, "{name}");
    assert!(!error.contains("@example") && !error.contains("Ada"), "{name} tells of people: {error}");
    Some(error)
}

#[test]
fn files_of_orders_come_to_what_they_say() {
    // Currency, orders, net of refunds, people, lines that are refused.
    type Expected = (&'static str, u64, i64, u64, &'static [(u64, Reason)]);
    let none: &[(u64, Reason)] = &[];
    let expected: [(&str, Expected); 25] = [
        ("shopify_orders.csv", ("USD", 4, 1600 + 8129, 3, none)),
        ("woo_algol.csv", ("EUR", 1, 5629, 1, none)),
        ("woo_webtoffee.csv", ("USD", 3, 7129, 2, none)),
        ("bigcommerce_orders.csv", ("USD", 2, 5800, 2, none)),
        ("square_transactions.csv", ("USD", 2, 3116, 1, none)),
        ("payhip.csv", ("USD", 2, 1800, 2, none)),
        ("fourthwall.csv", ("EUR", 1, 3710, 0, none)),
        ("x_german.csv", ("EUR", 2, 4550, 2, none)),
        ("x_semicolon_decimal_comma.csv", ("EUR", 2, 206_550, 2, none)),
        ("x_ddmm_unambiguous.csv", ("EUR", 2, 4500, 2, none)),
        ("x_ddmm_ambiguous.csv", ("EUR", 0, 0, 0, &[(2, Reason::InvalidTimestamp), (3, Reason::InvalidTimestamp)])),
        ("x_ampm.csv", ("EUR", 2, 4500, 2, none)),
        ("x_quoted_newline.csv", ("EUR", 2, 4500, 2, none)),
        ("x_sep_line.csv", ("EUR", 1, 2500, 1, none)),
        ("x_pipe.csv", ("EUR", 1, 2500, 1, none)),
        ("x_tab.tsv", ("EUR", 1, 2500, 1, none)),
        ("x_utf16le_bom.csv", ("EUR", 2, 6500, 2, none)),
        ("x_utf16le_tab_excel_unicode.txt.csv", ("EUR", 2, 6500, 2, none)),
        ("x_us_dates_text.csv", ("EUR", 3, 6500, 3, none)),
        ("x_excel_serial_date.csv", ("EUR", 0, 0, 0, &[(2, Reason::InvalidTimestamp), (3, Reason::InvalidTimestamp)])),
        ("x_datecol_timecol.csv", ("EUR", 2, 4500, 2, none)),
        ("x_customer_name_in_orders.csv", ("EUR", 1, 2500, 1, none)),
        ("x_money_symbols.csv", ("USD", 3, 2500 + 102_000 + 2000, 3, &[(4, Reason::WrongType)])),
        ("x_phone_excel.csv", ("EUR", 4, 8500, 2, none)),
        ("x_trailing_total_row.csv", ("EUR", 2, 4500, 2, &[(4, Reason::MissingField)])),
    ];
    for (name, (currency, orders, minor, people, refused)) in expected {
        let Some(place) = place(name) else { continue };
        let store = store(currency);
        let report = store.import(open(&place)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.detected.kind, Kind::Orders, "{name}");
        let found = (report.orders, net(&store), store.snapshot().people());
        assert_eq!((found, rejects(&report)), ((orders, minor, people), refused.to_vec()), "{name}: {report}");
        let again = store.import(open(&place)).expect("imports").receipt;
        assert_eq!((again.accepted, again.conflicting, net(&store)), (0, 0, minor), "{name} twice");
        assert_eq!(store.undo(open(&place)).expect("undoes").unknown, 0, "{name}");
        assert_eq!((store.snapshot().events(), net(&store)), (0, 0), "{name} taken back");
    }
}

#[test]
fn what_rows_say_beside_amounts() {
    if let Some(place) = place("square_transactions.csv") {
        let store = store("USD");
        let report = store.import(open(&place)).expect("imports");
        assert_eq!(report.refunds, 1);
        let dee = store.snapshot().profile(id::customer("CUST1")).expect("readable").expect("known");
        assert_eq!(dee.orders.first.map(|at| at.to_string()).as_deref(), Some("2026-09-13T14:02:11.000Z"));
    }
    if let Some(place) = place("x_customer_name_in_orders.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        assert_eq!(profile(&store, "ada@example.com").traits["name"].as_str(), "\"Ada Example\"");
    }
    if let Some(place) = place("x_phone_excel.csv") {
        let report = store("EUR").import(open(&place)).expect("imports");
        assert_eq!(report.receipt.flagged.get(&Flag::UnusableIdentifier), Some(&vec![2, 3, 4, 5]));
        assert!(report.to_string().contains("unusable_identifier: lines 2, 3, 4, 5"), "{report}");
    }
    if let Some(place) = place("x_datecol_timecol.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        let first = profile(&store, "ada@example.com").orders.first.map(|at| at.to_string());
        assert_eq!(first.as_deref(), Some("2026-09-03T10:15:00.000Z"));
    }
    if let Some(place) = place("x_ddmm_ambiguous.csv") {
        let store = store("EUR");
        let report = store.import(open(&place).date_order(DateOrder::DayFirst)).expect("imports");
        assert_eq!((report.orders, net(&store)), (2, 4500));
    }
}

#[test]
fn files_of_customers_say_who_wants_mail() {
    let own = "2026-12-01";
    if let Some(place) = place("shopify_customers.csv") {
        let store = store("USD");
        assert_eq!(store.import(open(&place)).expect("imports").detected.kind, Kind::Customers);
        assert_eq!(said(&store, "ada@example.com"), [told("email", "granted", own), told("sms", "denied", own)]);
        assert_eq!(said(&store, "bo@example.com"), [told("email", "denied", own), told("sms", "denied", own)]);
        let snapshot = store.snapshot();
        for id in [id::customer("7012345678901"), id::phone("+15550100001")] {
            let found = snapshot.profile(id).expect("readable").map(|ada| ada.id);
            assert_eq!(found, Some(profile(&store, "ada@example.com").id), "without its apostrophe");
        }
        assert_eq!(profile(&store, "ada@example.com").traits["postal_code"].as_str(), "\"00000\"");
    }
    if let Some(place) = place("x_shopify_apostrophe.csv") {
        let store = store("USD");
        store.import(open(&place)).expect("imports");
        let found = store.snapshot().profile(id::customer("7012345678901")).expect("readable");
        assert_eq!(found.map(|ada| ada.id), Some(profile(&store, "ada@example.com").id));
    }
    if let Some(place) = place("magento_customers.csv") {
        let store = store("USD");
        store.import(open(&place)).expect("imports");
        let traits = profile(&store, "jondoe@example.com").traits;
        assert_eq!((traits["firstName"].as_str(), traits["lastName"].as_str()), ("\"Jon\"", "\"Doe\""));
        assert!(traits.contains_key("birthday") || !traits.contains_key("dob"));
    }
    if let Some(place) = place("prestashop_customers.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        assert_eq!(said(&store, "peter.pan@example.com"), [told("email", "granted", own)]);
        assert_eq!(said(&store, "james.hook@example.com"), [told("email", "denied", own)]);
        let traits = profile(&store, "peter.pan@example.com").traits;
        assert_eq!(traits["birthday"].as_str(), "\"1987-04-02\"");
        assert_eq!(traits["createdAt"].as_str(), "\"2015-01-10T00:00:00.000Z\"");
    }
    if let Some(place) = place("klaviyo_profiles.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        assert_eq!(said(&store, "ada@example.com"), [told("email", "granted", "2024-03-14")]);
        let [no] = &said(&store, "bo@example.com")[..] else { panic!("one statement") };
        assert_eq!((no.0.as_str(), no.1.as_str()), ("email", "denied"));
        assert_ne!(no.2, own, "at its own time");
    }
    if let Some(place) = place("mailchimp_subscribed.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        assert_eq!(said(&store, "ada@example.com"), [told("email", "granted", "2024-03-14")]);
        assert_eq!(said(&store, "grace@example.com"), [told("email", "granted", "2024-04-01")]);
    }
    if let Some(place) = place("activecampaign.csv") {
        let store = store("EUR");
        store.import(open(&place)).expect("imports");
        assert_eq!(said(&store, "ac@example.com"), [told("email", "denied", own)]);
    }
    if let Some(place) = place("x_mailto.csv") {
        let store = store("EUR");
        let report = store.import(open(&place)).expect("imports");
        assert_eq!(report.receipt.flagged.get(&Flag::UnusableIdentifier), Some(&vec![5]));
        for (email, name) in
            [("ada@example.com", "\"Ada\""), ("bo@example.com", "\"Bo\""), ("cy@example.com", "\"Cy\"")]
        {
            assert_eq!(profile(&store, email).traits["name"].as_str(), name);
        }
    }
}

#[test]
fn files_that_are_refused_say_what_to_do() {
    for (name, words) in [
        ("woo_analytics_orders.csv", &["email", "customer_id", "needs"][..]),
        ("amazon_daterange.csv", &["line 4 looks like the header", "--skip 3"]),
        ("x_cp1252.csv", &["--encoding windows-1252"]),
        ("x_cp1252_mixed.csv", &["--encoding windows-1252"]),
        ("x_empty.csv", &["empty"]),
        ("x_header_only.csv", &["no rows"]),
        ("x_dup_headers.csv", &["same header"]),
        ("x_xlsx_named_csv.csv", &["workbook", "CSV"]),
    ] {
        let Some(error) = refused(name, |file| file) else { continue };
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
    for (name, orders, minor) in [("x_cp1252.csv", 2, 4500), ("x_cp1252_mixed.csv", 3, 5500)] {
        let Some(place) = place(name) else { continue };
        let store = store("EUR");
        let report = store.import(open(&place).encoding("windows-1252")).expect("imports");
        assert_eq!((report.orders, net(&store), report.receipt.rejected), (orders, minor, 0), "{name}");
    }
    if let Some(place) = place("amazon_daterange.csv") {
        let store = store("USD");
        let report = store.import(open(&place).skip(3)).expect("imports");
        assert_eq!((report.orders, report.refunds, net(&store)), (1, 1, 6545 - 3138));
    }
}

#[test]
fn files_of_messages() {
    for (name, accepted, minor) in [("x_orders_array.json", 2, 4500), ("x_pretty.json", 1, 2500)] {
        let Some(place) = place(name) else { continue };
        let store = store("EUR");
        let file = File::open(place).expect("opens");
        let receipt = store.import_ndjson(file, &Ingest::new(), |_| {}).expect("imports");
        assert_eq!((receipt.accepted, receipt.rejected, net(&store)), (accepted, 0, minor), "{name}");
    }
    for name in ["shopify_webhook_order.json", "ga4_event.json"] {
        let Some(place) = place(name) else { continue };
        let file = File::open(place).expect("opens");
        let receipt = store("EUR").import_ndjson(file, &Ingest::new(), |_| {}).expect("reads");
        let reject = receipt.rejects[0];
        assert_eq!((receipt.accepted, reject.reason, reject.field), (0, Reason::MissingField, Some("type")), "{name}");
    }
}
