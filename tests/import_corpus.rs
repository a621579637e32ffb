//! Files that nobody would write, and many do: each with what the specification says about it.

use regulars::import::{CustomersCsv, DateOrder, From, OrdersCsv};
use regulars::{Clock, Flag, ImportReport, Ingest, Reason, Result, Store, id, when};

/// What becomes of a file of orders: orders, refunds, net revenue in minor units, and the rows that are refused.
type Expected<'a> = (u64, u64, i64, &'a [(u64, Reason)]);

const HEADER: &str = "order_id,time,email,product_id,quantity,price";

fn store() -> Store {
    Store::options().currency("EUR").clock(Clock::Manual).in_memory().expect("opens")
}

fn import(store: &Store, bytes: &[u8]) -> Result<ImportReport> {
    store.import(OrdersCsv::new(bytes))
}

fn net(store: &Store) -> i64 {
    store.snapshot().revenue_by_month().expect("readable").iter().map(|month| month.net_minor).sum()
}

fn rejects(report: &ImportReport) -> Vec<(u64, Reason)> {
    report.receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn check(what: &str, bytes: &[u8], (orders, refunds, net_minor, refused): Expected<'_>) -> ImportReport {
    let store = store();
    let report = import(&store, bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((report.orders, report.refunds, rejects(&report)), (orders, refunds, refused.to_vec()), "{what}");
    assert_eq!(net(&store), net_minor, "{what}");
    let counted = report.receipt.accepted + report.receipt.duplicates + report.receipt.rejected;
    assert_eq!(counted, report.rows, "{what}: every row is counted once");
    let again = import(&store, bytes).expect("imports");
    assert_eq!((again.receipt.accepted, again.orders, again.refunds), (0, 0, 0), "{what}: a second time");
    assert_eq!(again.receipt.conflicting, 0, "{what}: a second time");
    assert_eq!(net(&store), net_minor, "{what}: a second time");
    report
}

/// Rows behind the usual header.
fn rows(what: &str, rows: &str, expected: Expected<'_>) {
    check(what, format!("{HEADER}\n{rows}").as_bytes(), expected);
}

const GOOD: &str = "1,2025-11-03,a@example.com,A,1,2.50";

#[test]
fn quotes_and_line_ends() {
    use Reason::{InvalidCsv, TooLarge};
    rows("LF", &format!("{GOOD}\n"), (1, 0, 250, &[]));
    rows("no line end at the end", GOOD, (1, 0, 250, &[]));
    rows("CR LF", &format!("{GOOD}\r\n2,2025-11-03,a@example.com,A,1,2.50\r\n"), (2, 0, 500, &[]));
    rows(
        "LF and CR LF mixed",
        &format!("{GOOD}\n2,2025-11-03,a@example.com,A,1,x\r\n"),
        (1, 0, 250, &[(3, Reason::WrongType)]),
    );
    rows("CR LF behind a quote", "1,2025-11-03,a@example.com,A,1,\"2.50\"\r\n", (1, 0, 250, &[]));
    rows("CR at the very end", &format!("{GOOD}\r"), (1, 0, 250, &[]));
    rows(
        "a line break in a cell",
        "1,2025-11-03,a@example.com,\"A\nB\",1,2.50\n2,,,,,\n",
        (1, 0, 250, &[(4, Reason::MissingField)]),
    );
    rows("a CR LF in a cell", "1,2025-11-03,a@example.com,\"A\r\nB\",1,x\n", (0, 0, 0, &[(2, Reason::WrongType)]));
    rows("a delimiter in a cell", "1,2025-11-03,a@example.com,\"A,B\",1,2.50\n", (1, 0, 250, &[]));
    rows("a quote in a cell", "1,2025-11-03,a@example.com,\"5\"\" pipe\",1,2.50\n", (1, 0, 250, &[]));
    rows("a bare quote in a cell", "1,2025-11-03,a@example.com,5\" pipe,1,2.50\n", (1, 0, 250, &[]));
    rows("text behind a quote", "1,2025-11-03,a@example.com,\"A\"B,1,2.50\n", (0, 0, 0, &[(2, InvalidCsv)]));
    rows(
        "an open quote",
        &format!("{GOOD}\n2,2025-11-03,a@example.com,\"A,1,2.50\n3,2025-11-03,b@example.com,A,1,1.50\n"),
        (2, 0, 400, &[(3, InvalidCsv)]),
    );
    rows("empty quotes", "1,2025-11-03,a@example.com,\"\",\"\",2.50\n", (1, 0, 250, &[]));
    rows("blank lines", &format!("\n\n{GOOD}\n\r\n  \n\n2,,,,,x\n\n\n"), (1, 0, 250, &[(8, Reason::WrongType)]));
    rows("blank cells", &format!("{GOOD}\n,,,,,\n"), (1, 0, 250, &[(3, Reason::MissingField)]));
    rows("too few cells", "1,2025-11-03,a@example.com,A,1\n", (0, 0, 0, &[(2, InvalidCsv)]));
    rows("too many cells", &format!("{GOOD},\n"), (0, 0, 0, &[(2, InvalidCsv)]));
    rows("600 cells", &format!("{}\n{GOOD}\n", ",".repeat(599)), (1, 0, 250, &[(2, InvalidCsv)]));
    rows(
        "a cell of 40 KB",
        &format!("2,2025-11-03,a@example.com,{},1,2.50\n{GOOD}\n", "x".repeat(40_000)),
        (1, 0, 250, &[(2, TooLarge)]),
    );
    rows(
        "a quoted cell of 40 KB",
        &format!("2,,,\"{}\",1,x\n{GOOD}\n", "x\n".repeat(20_000)),
        (1, 0, 250, &[(2, TooLarge)]),
    );
    rows(
        "a cell of 32 KiB",
        &format!("1,2025-11-03,a@example.com,{},1,2.50\n", "x".repeat(32 << 10)),
        (1, 0, 250, &[]),
    );
}

/// A file of other bytes fails as a whole, for it is not its rows that are wrong; where the encoding is given, a row of
/// bytes that it does not have is.
#[test]
fn other_bytes() {
    let with = |cell: &[u8]| [HEADER.as_bytes(), b"\n1,2025-11-03,a@example.com,", cell, b",1,2.50\n"].concat();
    check("UTF-8", &with("Kød æøå 🫖".as_bytes()), (1, 0, 250, &[]));
    let long = "x".repeat(40_000);
    for (what, bytes) in [
        ("Latin-1", with(b"K\xf8d")),
        ("half a character", with(b"\xf0\x9f\xab")),
        ("a surrogate", with(b"\xed\xa0\x80")),
        ("a character over a border", with(b"\xc3,\xa9")),
        ("too many cells", with(b"K\xf8d,more")),
        ("one row of two", [&with(b"Tea")[..], b"2,2025-11-03,,\xe6,1,1\n"].concat()),
        ("in a cell that is too large", with(&[long.as_bytes(), b"\xe6"].concat())),
        ("in a column that nobody reads", b"order_id,time,total,note\n1,2025-11-03,5,K\xf8d\n".to_vec()),
    ] {
        let empty = store();
        let error = import(&empty, &bytes).expect_err(what).to_string();
        assert!(error.contains("encoding") && error.contains("windows-1252"), "{what}: {error}");
        assert_eq!(empty.snapshot().events(), 0, "{what}");
        let given = store().import(OrdersCsv::new(&bytes[..]).encoding("utf-8")).expect("imports");
        assert_eq!(given.receipt.rejected, 1, "{what}");
    }
    for (encoding, bytes, product) in [
        ("windows-1252", &b"K\xf8d \x80"[..], Some("Kød €")),
        ("windows-1252", b"K\x81d", None),
        ("iso-8859-1", b"K\xf8d", Some("Kød")),
        ("macintosh", b"K\xbfd", Some("Kød")),
    ] {
        let store = store();
        let report = store.import(OrdersCsv::new(&with(bytes)[..]).encoding(encoding)).expect("imports");
        let refused = if product.is_none() { vec![(2, Reason::InvalidUtf8)] } else { vec![] };
        assert_eq!((rejects(&report), report.detected.encoding.as_str()), (refused, encoding));
        if let Some(name) = product {
            let bought = when::bought(when::property("product_id").is(name)).ever();
            let matches = store.snapshot().matches(id::email("a@example.com"), &bought, None);
            assert!(matches.expect("evaluates"), "{encoding}");
        }
    }
    assert!(store().import(OrdersCsv::new(&with(b"A")[..]).encoding("klingon")).is_err());
    check("a NUL", &with(b"A\0B"), (1, 0, 250, &[]));
    check("many NULs", &with(&[0; 300]), (1, 0, 250, &[]));
    check("control characters", &with(b"A\x01\x7f\x1b"), (1, 0, 250, &[]));
    check("a mark in front", &[b"\xef\xbb\xbf", &with(b"A")[..]].concat(), (1, 0, 250, &[]));
    let nul = format!("{HEADER}\n1,2025-11-03,a\0@example.com,A,1,2.50\n");
    let report = check("a NUL in an address", nul.as_bytes(), (1, 0, 250, &[]));
    assert_eq!(report.receipt.flags.get(&Flag::UnusableIdentifier), Some(&1), "data, not identity");
    assert_eq!(report.receipt.flagged.get(&Flag::UnusableIdentifier), Some(&vec![2]), "by its line");
}

fn utf16(little: bool) -> Vec<u8> {
    let text = format!("{HEADER}\n{GOOD}\n");
    text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn files_that_fail_as_a_whole() {
    let columns = |count: usize| (0..count).map(|at| format!(",column {at}")).collect::<String>();
    let gz = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec();
    for (what, bytes) in [
        ("nothing", vec![]),
        ("a mark only", b"\xef\xbb\xbf".to_vec()),
        ("white space only", b"\n \r\n\t\n".to_vec()),
        ("UTF-16 without a mark, little end first", utf16(true)),
        ("UTF-16 without a mark, big end first", utf16(false)),
        ("UTF-32", b"\xff\xfe\0\0o\0\0\0".to_vec()),
        ("gzip", gz),
        ("zip", b"PK\x03\x04rest".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfdrest".to_vec()),
        ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec()),
        ("a header twice", format!("{HEADER},price\n{GOOD},1\n").into_bytes()),
        ("a header in two spellings", format!("{HEADER},Order-ID\n{GOOD},1\n").into_bytes()),
        ("501 columns", format!("{HEADER}{}\n{GOOD}\n", columns(495)).into_bytes()),
        ("a header that is not UTF-8", [b"k\xf8b,", HEADER.as_bytes(), b"\n"].concat()),
        ("an open quote in the header", format!("\"{HEADER}\n{GOOD}\n").into_bytes()),
        ("a blank header", b",,,\n1,2,3,4\n".to_vec()),
        ("no header", format!("{GOOD}\n").into_bytes()),
        ("no amount", b"order_id,time,email\n1,2025-11-03,a@example.com\n".to_vec()),
        ("only a header", format!("{HEADER}\n").into_bytes()),
        ("only a header, without a line end", HEADER.as_bytes().to_vec()),
    ] {
        let store = store();
        let error = import(&store, &bytes).expect_err(what);
        assert_eq!(error.kind(), regulars::ErrorKind::Invalid, "{what}");
        let said = format!("{error} {error:?}");
        assert!(!["example", "2025", "k\u{f8}b"].iter().any(|data| said.contains(data)), "{what}: {said}");
        assert_eq!(store.snapshot().events(), 0, "{what}");
    }
    let wide = format!("{HEADER}{}\n{GOOD}{}\n", columns(494), ",".repeat(494));
    check("500 columns", wide.as_bytes(), (1, 0, 250, &[]));
    for (mark, little) in [(b"\xff\xfe", true), (b"\xfe\xff", false)] {
        check("UTF-16 with a mark", &[mark, &utf16(little)[..]].concat(), (1, 0, 250, &[]));
        let name = if little { "utf-16le" } else { "utf-16be" };
        let store = store();
        let given = store.import(OrdersCsv::new(&utf16(little)[..]).encoding(name)).expect("imports");
        assert_eq!((given.orders, given.detected.encoding.as_str()), (1, name));
    }
}

#[test]
fn no_error_tells_what_the_first_line_holds() {
    let secret = "Zaphod,Beeblebrox,zb@heart-of-gold.example,Magrathea\n";
    let empty = store();
    let mapped = || OrdersCsv::new(secret.as_bytes()).map("order_id", From::Column("order".into()));
    for error in [
        empty.import(OrdersCsv::new(secret.as_bytes())).expect_err("orders"),
        empty.import(CustomersCsv::new(secret.as_bytes())).expect_err("customers"),
        empty.import(OrdersCsv::new(&b"Zaphod,Beeblebrox\n1,2\n"[..])).expect_err("names only"),
        empty.import(CustomersCsv::new(&b"Zaphod,Beeblebrox\n1,2\n"[..])).expect_err("names only"),
        empty.import(mapped()).expect_err("mapped"),
    ] {
        let said = format!("{error} {error:?}").to_lowercase();
        assert!(!["zaphod", "beeblebrox", "heart", "magrathea"].iter().any(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn delimiters_and_decimals() {
    let with = |delimiter: &str, price: &str| {
        let text = format!("{HEADER}\n1,2025-11-03,a@example.com,A,1,PRICE\n").replace(',', delimiter);
        text.replace("PRICE", price)
    };
    for (delimiter, price, net_minor) in [
        (";", "2,50", 250),
        (";", "1.234,56", 123_456),
        ("\t", "1.234.567", 123_456_700),
        ("|", "2.50", 250),
        (";", "1,234.56", 123_456),
        ("\t", "1,234,567.80", 123_456_780),
        (";", "-2,50", 0),
    ] {
        let report = check(price, with(delimiter, price).as_bytes(), (1, 0, net_minor, &[]));
        assert_eq!(report.detected.delimiter.to_string(), delimiter);
    }
    for price in ["1.234", "1,234"] {
        // Thousands or decimals: of one row nobody knows.
        check(price, with(";", price).as_bytes(), (0, 0, 0, &[(2, Reason::WrongType)]));
    }
    // With commas between cells a point is the mark, and this is a price with three decimals.
    check("three decimals", with(",", "1.234").as_bytes(), (1, 0, 123, &[]));
    check("sep=", format!("sep=|\n{}", with("|", "x")).as_bytes(), (0, 0, 0, &[(3, Reason::WrongType)]));
    check("a quoted comma", with(",", "\"1,234.56\"").as_bytes(), (1, 0, 123_456, &[]));
    let declared = OrdersCsv::new(b"order_id;time;total\n1;2025-11-03;1.234\n".as_slice()).decimal_comma(true);
    let report = store().import(declared).expect("imports");
    assert_eq!(rejects(&report), [(2, Reason::WrongType)], "thousands without decimals could be decimals");
    for delimiter in ['"', '\n', 'a', '7', 'é'] {
        assert!(store().import(OrdersCsv::new(HEADER.as_bytes()).delimiter(delimiter)).is_err(), "{delimiter:?}");
    }
}

#[test]
fn amounts() {
    use Reason::{MissingField, NumberOutOfRange, WrongType};
    let price = |price: &str| format!("1,2025-11-03,a@example.com,A,1,{price}\n");
    for (cell, expected) in [
        ("0", Ok(0)),
        ("+2.50", Ok(250)),
        ("2.5", Ok(250)),
        ("0.125", Ok(12)),
        ("4.440892e-16", Ok(0)),
        ("1.5e-1", Ok(15)),
        (" 2.50 ", Ok(250)),
        ("", Err(MissingField)),
        // Dollars are no euros: of a file of such rows the store knows no amount in euros.
        ("$5", Ok(0)),
        ("5 EUR", Ok(500)),
        ("€ 5", Ok(500)),
        ("-5 €", Ok(0)),
        ("EURO 5", Err(WrongType)),
        ("5-", Err(WrongType)),
        ("(5)", Err(WrongType)),
        (".5", Err(WrongType)),
        ("5.", Err(WrongType)),
        ("1 234.50", Ok(123_450)),
        ("1'234.50", Ok(123_450)),
        ("12 34.50", Err(WrongType)),
        ("0x10", Err(WrongType)),
        ("NaN", Err(WrongType)),
        ("inf", Err(WrongType)),
        ("1e3", Err(WrongType)),
        ("1.23457E+12", Err(WrongType)),
        ("٣", Err(WrongType)),
        ("99999999999999999999", Err(NumberOutOfRange)),
        ("92233720368547758.08", Err(NumberOutOfRange)),
    ] {
        match expected {
            Ok(minor) => rows(cell, &price(cell), (1, 0, minor, &[])),
            Err(reason) => rows(cell, &price(cell), (0, 0, 0, &[(2, reason)])),
        }
    }
    rows(
        "a product beyond",
        "1,2025-11-03,,A,9000000000000000000,9000000000000000000000\n",
        (0, 0, 0, &[(2, NumberOutOfRange)]),
    );
}

#[test]
fn times() {
    let time = |time: &str| format!("1,{time},a@example.com,A,1,2.50\n");
    for good in [
        "2025-11-03",
        "2025-11-03 10:12",
        "2025-11-03T10:12:13.123456789Z",
        "2025-11-03 10:12:13 +01:00",
        "2025/11/3",
        "3.11.2025",
        "25/12/2025",
        "12/25/2025 3:04 PM",
        "05/05/2025",
        "2024-02-29",
        "2025-11-03 10:00 CET",
        "\"Nov 3, 2025\"",
        "3 November 2025 10:12 AM",
    ] {
        rows(good, &time(good), (1, 0, 250, &[]));
    }
    for bad in [
        "01/02/2024",
        "01-02-2024",
        "2024-01-15 24:00",
        "2025-02-29",
        "2025-13-01",
        "2025-00-10",
        "32.01.2025",
        "45321",
        "45321.5",
        "20251103",
        "1762164733",
        "1/2/25",
        "0000-01-01",
        "2025-11-03 10",
        "2025-11-03 10:60",
        "2025-11-03 13:00 PM",
        "2025-11-03 10:00 XYZ",
        "2025-11-03 10:00+25:00",
        "yesterday",
        "Mon 03 Nov 2025 10:12:13 GMT",
    ] {
        rows(bad, &time(bad), (0, 0, 0, &[(2, Reason::InvalidTimestamp)]));
    }
    rows("none", &time(""), (0, 0, 0, &[(2, Reason::MissingField)]));
}

#[test]
fn the_day_and_the_month() {
    let file = |dates: &[&str]| {
        let row = |(at, date): (usize, &&str)| format!("{at},{date},a@example.com,A,1,2.50\n");
        format!("{HEADER}\n{}", dates.iter().enumerate().map(row).collect::<String>())
    };
    let detected = |dates: &[&str]| {
        let report = store().import(OrdersCsv::new(file(dates).as_bytes())).expect("imports");
        (report.detected.date_order, report.detected.dates_ambiguous, report.receipt.rejected)
    };
    assert_eq!(detected(&["01/02/2024", "25/12/2024"]), (Some(DateOrder::DayFirst), false, 0));
    assert_eq!(detected(&["01/02/2024", "12/25/2024"]), (Some(DateOrder::MonthFirst), false, 0));
    assert_eq!(detected(&["01/02/2024", "02/02/2024"]), (None, true, 1));
    assert_eq!(
        detected(&["01/02/2024", "25/12/2024", "12/25/2024"]),
        (None, true, 1),
        "rows that contradict each other"
    );
    assert_eq!(detected(&["05/05/2024", "2024-01-02", "1.2.2024"]), (None, false, 0));
    let declared = file(&["01/02/2024"]);
    let report = store().import(OrdersCsv::new(declared.as_bytes()).date_order(DateOrder::DayFirst)).expect("imports");
    assert_eq!((report.detected.dates_ambiguous, report.receipt.rejected), (false, 0));
    assert!(report.to_string().contains("dates day first"), "{report}");
    let report = import(&store(), file(&["01/02/2024"]).as_bytes()).expect("imports");
    assert!(report.to_string().contains("say what comes first"), "{report}");
    assert_eq!(
        [DateOrder::DayFirst, DateOrder::MonthFirst].map(|order| order.to_string()),
        ["day first", "month first"]
    );
}

#[test]
fn orders_and_what_is_none() {
    use Reason::{MissingField, NotAnOrder, WrongType};
    rows("a free gift", "1,2025-11-03,a@example.com,A,1,0\n", (1, 0, 0, &[]));
    rows("a free gift in an order", &format!("{GOOD}\n1,2025-11-03,a@example.com,Gift,1,0.00\n"), (1, 0, 250, &[]));
    rows("a write-off", "1,2025-11-03,,A,-1,0\n", (0, 0, 0, &[(2, NotAnOrder)]));
    rows("a return for nothing of somebody", "1,2025-11-03,a@example.com,A,-1,0\n", (0, 1, 0, &[]));
    rows("a return", "1,2025-11-03,a@example.com,A,-2,2.50\n", (0, 1, -500, &[]));
    rows("a return of two rows", "1,2025-11-03,,A,-2,2.50\n1,2025-11-03,,B,-1,1.00\n", (0, 1, -600, &[]));
    rows("two equal rows of a return", "1,2025-11-03,,A,-2,2.50\n1,2025-11-03,,A,-2,2.50\n", (0, 1, -1000, &[]));
    rows("an order with a return in it", &format!("{GOOD}\n1,2025-11-03,a@example.com,B,-1,1.00\n"), (1, 0, 150, &[]));
    rows("quantity nothing", "1,2025-11-03,a@example.com,A,0,2.50\n", (1, 0, 0, &[]));
    rows("quantity unsaid", "1,2025-11-03,a@example.com,A,,2.50\n", (1, 0, 250, &[]));
    rows("two equal rows", &format!("{GOOD}\n{GOOD}\n"), (1, 0, 500, &[]));
    rows("rows of an order apart", &format!("{GOOD}\n2,2025-11-03,,A,1,1.00\n{GOOD}\n"), (2, 0, 600, &[]));
    rows(
        "a bad row of an order",
        &format!("{GOOD}\n1,2025-11-03,a@example.com,B,1,x\n"),
        (1, 0, 250, &[(3, WrongType)]),
    );
    rows("a time on the last row only", "1,,,A,1,1.00\n1,2025-11-03,,B,1,1.00\n", (1, 0, 200, &[]));
    rows("no time at all", "1,,,A,1,1.00\n1,,,B,1,1.00\n", (0, 0, 0, &[(2, MissingField), (3, MissingField)]));
    rows("an id with decimals", "17.0,2025-11-03,,A,1,1.00\n17,2025-11-03,,B,1,1.00\n", (1, 0, 200, &[]));
    let spreadsheet = format!("{}\n1,2025-11-03,4.52E+09,1.00\n", "order_id,time,customer_id,price");
    check("an id that a spreadsheet rounded", spreadsheet.as_bytes(), (0, 0, 0, &[(2, WrongType)]));
    let total =
        "order_id,time,quantity,total\n1,2025-11-03,-1,-5.00\n1,2025-11-03,-1,-5.00\n2,2025-11-03,1,-5.00\n3,,1,\n";
    let report = check("totals", total.as_bytes(), (1, 1, -500, &[(5, MissingField)]));
    assert_eq!(report.receipt.flags.get(&Flag::AmountUnknown), Some(&1), "the negative total of an order");
}

#[test]
fn the_first_check_that_fails_names_the_reason() {
    use Reason::{
        InvalidCsv, InvalidTimestamp, InvalidUtf8, Limit, MissingField, NoIdentifier, NumberOutOfRange, WrongType,
    };
    let long = "x".repeat(40_000);
    let chars = "x".repeat(401);
    for (row, reason) in [
        (format!("\"1\"2,x,{long}"), Reason::TooLarge),
        ("\"1\"2,x,\u{fffd}".replace('\u{fffd}', "BYTE"), InvalidUtf8),
        ("\"1\"2,x".to_owned(), InvalidCsv),
        (",x,,A,cheap,99999999999999999999".to_owned(), WrongType),
        (",x,,A,1,99999999999999999999".to_owned(), MissingField),
        ("1,x,,A,1,".to_owned(), MissingField),
        ("1,x,,A,1,99999999999999999999".to_owned(), InvalidTimestamp),
        (format!("1,2025-11-03,{chars},A,1,99999999999999999999"), NumberOutOfRange),
        (format!("1,2025-11-03,{chars},A,1,1.00"), Limit(regulars::Limit::Identifier)),
    ] {
        let text = format!("{HEADER}\n{row}\n");
        let mut bytes = text.into_bytes();
        if reason == InvalidUtf8 {
            let at = bytes.windows(4).position(|four| four == b"BYTE").expect("it is there");
            bytes[at] = 0xff;
        }
        let report = store().import(OrdersCsv::new(&bytes[..]).encoding("utf-8")).expect("imports");
        assert_eq!(rejects(&report), [(2, reason)]);
    }
    let people = "email,time,newsletter\n,x,perhaps\n,x,\n,,yes\n";
    let report = store().import(CustomersCsv::new(people.as_bytes())).expect("imports");
    assert_eq!(rejects(&report), [(2, WrongType), (3, InvalidTimestamp), (4, NoIdentifier)]);
}

#[test]
fn a_column_of_names_is_nobodys_id() {
    let file = |cells: [&str; 3]| {
        let row = |(at, cell): (usize, &str)| format!("{at},2025-11-03,{cell},2.50\n");
        format!("order,date,customer,total\n{}", cells.into_iter().enumerate().map(row).collect::<String>())
    };
    let mapped = |cells: [&str; 3]| {
        let store = store();
        let report = import(&store, file(cells).as_bytes()).expect("imports");
        let key = report.detected.mapping.iter().find(|(_, from)| **from == From::Column("customer".into()));
        (key.map(|(key, _)| key.clone()).unwrap_or_default(), store.snapshot().profiles())
    };
    assert_eq!(mapped(["Anna Smith", "Bob", "Anna Smith"]), ("trait.name".to_owned(), 3));
    assert_eq!(mapped(["Anna", "4711", "Anna"]), ("trait.name".to_owned(), 3));
    assert_eq!(mapped(["4711", "C-12", "4711"]), ("customer_id".to_owned(), 2));
    assert_eq!(mapped(["a@example.com", "b@example.com", "a@example.com"]), ("email".to_owned(), 2));
    let customers = "Customer ID,Email\nAnna Smith,a1@example.com\nAnna Smith,a2@example.com\n";
    let store = store();
    store.import(CustomersCsv::new(customers.as_bytes())).expect("imports");
    assert_eq!(store.snapshot().profiles(), 2);
    let anna = store.snapshot().profile(id::email("a1@example.com")).expect("readable").expect("known");
    assert_eq!(anna.traits["name"].as_str(), "\"Anna Smith\"");
}

/// A placeholder names no order: every row is one. A number of equal digits is a number like its neighbors.
#[test]
fn ids_that_name_no_order() {
    rows(
        "hours apart",
        "1111,2025-11-03 10:00,a@example.com,A,1,50\n1111,2025-11-03 11:00,a@example.com,B,1,50\n",
        (1, 0, 10_000, &[]),
    );
    rows(
        "placeholders",
        "n/a,2025-11-03,a@example.com,A,1,5\nn/a,2025-11-04,b@example.com,A,1,7\nn/a,2025-11-04,c@example.com,A,1,9\n",
        (3, 0, 2100, &[]),
    );
    rows("equal rows", "-,2025-11-03,a@example.com,A,1,5\n-,2025-11-03,a@example.com,A,1,5\n", (2, 0, 1000, &[]));
    rows("returns", "0,2025-11-03,a@example.com,A,-1,5\n0,2025-11-03,b@example.com,A,-1,5\n", (0, 2, -1000, &[]));
    rows(
        "templates",
        "{{id}},2025-11-03,a@example.com,A,1,5\n{{id}},2025-11-04,b@example.com,A,1,7\n",
        (2, 0, 1200, &[]),
    );
    let long = "9".repeat(30) + &"x".repeat(450);
    let grown = format!("{long},2025-11-03 10:00,a@example.com,A,1,5\n{long},2025-11-03 11:00,a@example.com,B,1,7\n");
    rows("a long id is an id", &grown, (1, 0, 1200, &[]));
    let nobody = store();
    let text = format!("{HEADER}\nnull,2025-11-03,,A,1,5\nnull,2025-11-04,,A,1,7\n");
    assert_eq!(import(&nobody, text.as_bytes()).expect("imports").orders, 2);
    assert_eq!(nobody.snapshot().profiles(), 2, "two guests, not one");
    let cancelled = "order_id,time,email,total,status\n1111,2025-11-03,a@example.com,5,cancelled\nn/a,2025-11-03,b@example.com,7,cancelled\n2,2025-11-03,a@example.com,3,paid\n";
    check("cancelled", cancelled.as_bytes(), (3, 2, 300, &[]));
}

#[test]
fn dots_and_semicolons() {
    let dotted = "order_id;time;email;total\n1;03.04.2025;a@example.com;5\n2;12.31.2025;a@example.com;7\n";
    let (by_file, by_word) = (store(), store());
    assert_eq!(import(&by_file, dotted.as_bytes()).expect("imports").receipt.rejected, 0);
    let first_only = dotted.split_inclusive('\n').take(2).collect::<String>();
    let file = OrdersCsv::new(first_only.as_bytes()).date_order(DateOrder::MonthFirst);
    assert_eq!(by_word.import(file).expect("imports").receipt.rejected, 0);
    for store in [by_file, by_word] {
        assert_eq!(store.snapshot().revenue_by_month().expect("readable")[0].month, "2025-03");
    }
    let thousands = "order_id;time;email;total\n1;2025-11-03;a@example.com;2.500\n2;2025-11-03;a@example.com;1.000\n";
    check("thousands, or not", thousands.as_bytes(), (0, 0, 0, &[(2, Reason::WrongType), (3, Reason::WrongType)]));
    let parts = "order_id;time;email;total\n1;2025-11-03;a@example.com;0.500\n2;2025-11-03;a@example.com;2.500\n";
    check("a nought in front", parts.as_bytes(), (2, 0, 300, &[]));
    let long = format!("{HEADER}\n1,2024-12-31 23:59:60,a@example.com,A,1,5.{}1\n", "0".repeat(60));
    check("a leap second and many decimals", long.as_bytes(), (1, 0, 500, &[]));
}

#[test]
fn lines_that_are_none_fail_as_a_whole() {
    for (bytes, word) in [(&b""[..], "empty"), (b"\x1f\x8b\x08\0", "compressed"), (b"\xff\xfe{\0", "UTF-16")] {
        let store = store();
        let error = store.import_ndjson(bytes, &Ingest::new(), |_| {}).expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
        assert_eq!(store.snapshot().events(), 0);
    }
    let line = b"\xff\n{\"type\":\"page\",\"userId\":\"1\"}\n";
    let receipt = store().import_ndjson(&line[..], &Ingest::new(), |_| {}).expect("imports");
    assert_eq!((receipt.accepted, receipt.rejected), (1, 1), "one bad line is one bad line");
}

#[test]
fn headers_that_are_keys_and_phones_in_short() {
    let store = store();
    let file = b"email,consent.email.marketing,trait.city,phone\nann@example.com,yes,Aarhus,4.52E+09\n";
    let report = store.import(CustomersCsv::new(&file[..])).expect("imports");
    // The row's traits and its consent are a message each.
    assert_eq!((report.receipt.accepted, report.receipt.flags[&Flag::UnusableIdentifier]), (1, 2));
    let ann = store.snapshot().profile(id::email("ann@example.com")).expect("readable").expect("known");
    assert_eq!((ann.traits["city"].as_str(), ann.consent.len()), ("\"Aarhus\"", 1));
    let file = b"customer_id,email\n1.23457E+12,ann@example.com\n";
    assert_eq!(rejects(&store.import(CustomersCsv::new(&file[..])).expect("imports")), [(2, Reason::WrongType)]);
}
