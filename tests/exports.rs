//! Exports as shops have them: files of orders of every kind of layout, in every language that is known.

use regulars::import::{CsvFile, CustomersCsv, From, Kind, OrdersCsv};
use regulars::{Clock, Config, Flag, ImportReport, Ingest, Reason, Result, Store, Timestamp, id, when};

fn store(currency: &str) -> Store {
    Store::options().currency(currency).clock(Clock::Manual).in_memory().expect("opens")
}

fn import(store: &Store, text: &str) -> Result<ImportReport> {
    store.import(CsvFile::new(text.as_bytes(), None))
}

fn net(store: &Store) -> i64 {
    store.snapshot().revenue_by_month().expect("readable").iter().map(|month| month.net_minor).sum()
}

fn refusal(text: &str) -> String {
    let store = store("EUR");
    let error = import(&store, text).expect_err(text).to_string();
    assert_eq!(store.snapshot().events(), 0, "{text}");
    error
}

fn rejects(report: &ImportReport) -> Vec<(u64, Reason)> {
    report.receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn completed(store: &Store) -> u64 {
    let events = store.snapshot().messages(None, usize::MAX).expect("readable");
    events.iter().filter(|(_, message)| message.as_str().contains("\"Order Completed\"")).count() as u64
}

/// Orders, refunds, net revenue in minor units of the currency, and how many people.
type Expected = (u64, u64, i64, u64);

/// Layouts by kind, none of them a shop's to the letter.
const LAYOUTS: [(&str, &str, &str, Expected); 17] = [
    (
        "a till: date, time and zone apart, signs, refunds as rows",
        "USD",
        "Date,Time,Time Zone,Gross Sales,Discounts,Total Collected,Fees,Transaction ID,Event Type,Customer ID,Customer Name\n\
         2026-05-01,10:02:11,Eastern Time (US & Canada),$30.00,-$3.00,$29.16,-$0.93,T1,Payment,C1,Dee\n\
         2026-05-01,11:02:11,Eastern Time (US & Canada),$12.00,$0.00,$12.96,-$0.46,T2,Payment,,\n\
         2026-05-02,09:00:00,Eastern Time (US & Canada),-$12.00,$0.00,-$12.96,$0.00,T2,Refund,,\n",
        (2, 1, 2916, 1),
    ),
    (
        "a card processor: zone in the header, refunded so far, failed payments",
        "EUR",
        "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer Email\n\
         ch_1,2026-05-01 10:00,20.00,5.00,eur,Paid,ann@example.com\n\
         ch_2,2026-05-01 11:00,30.00,0.00,eur,Failed,bob@example.com\n",
        (1, 1, 1500, 1),
    ),
    (
        "a market place: years of two digits",
        "USD",
        "Sale Date,Order ID,Buyer User ID,Full Name,Order Value,Discount Amount,Shipping,Order Total\n\
         09/28/26,1001,ada7,Ada Example,20.00,0.00,5.00,25.00\n09/03/26,1002,bo8,Bo Example,10.00,0.00,5.00,15.00\n",
        (2, 0, 4000, 2),
    ),
    (
        "an auction: dates in letters, quantities and a price a piece",
        "GBP",
        "Sales Record Number,Order Number,Buyer Email,Item Title,Quantity,Sold For,Total Price,Sale Date\n\
         11,27-1,ann@example.com,Kettle,1,£20.00,£24.50,3 Sep 2026\n",
        (1, 0, 2450, 1),
    ),
    (
        "a web shop: rows a line, blank cells behind the first, cancelled at a time",
        "EUR",
        "Order ID,Email,Financial Status,Currency,Total,Amount Refunded,Created at,Lineitem quantity,Lineitem name,Lineitem price,Cancelled at\n\
         7,ann@example.com,PAID,EUR,33.90,0.00,2026-05-01 10:00:00 +0200,1,Kettle,26.90,\n\
         7,,,,,,,2,Tea,3.50,\n\
         8,bob@example.com,PAID,EUR,10.00,0.00,2026-05-02 10:00:00 +0200,1,Cup,10.00,2026-05-03 09:00:00 +0200\n",
        (2, 1, 3390, 2),
    ),
    (
        "a web shop: taxes in brackets, refunds so far, day first",
        "USD",
        "Order ID,Customer ID,Customer Name,Customer Email,Order Date,Order Status,Subtotal (inc tax),Order Total (inc tax),\
         Order Total (ex tax),Refund Amount,Order Currency Code\n\
         101,7,Ada,ada@example.com,03/09/2026,Completed,52.00,58.00,54.71,0.00,USD\n\
         102,0,Bo,bo@example.com,13/09/2026,Partially Refunded,25.00,25.00,25.00,10.00,USD\n",
        (2, 1, 7300, 2),
    ),
    (
        "a web shop: number, date and time apart, refunded amount",
        "EUR",
        "Order number,Date created,Time,Contact email,Item,Qty,Price,Total,Currency,Refunded amount,Payment status\n\
         10001,\"May 1, 2026\",10:15 AM,ann@example.com,Kettle,1,20,25,EUR,0,Paid\n\
         10001,\"May 1, 2026\",10:15 AM,ann@example.com,Tea,1,5,25,EUR,0,Paid\n",
        (1, 0, 2500, 1),
    ),
    (
        "a grid of orders: id, grand total in two currencies",
        "EUR",
        "ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Total Refunded\n\
         000000012,Main,2026-05-01 10:00:00,Ada,€20.00,€20.00,complete,ada@example.com,€5.00\n",
        (1, 1, 1500, 1),
    ),
    (
        "German",
        "EUR",
        "Bestell-Nr.;Bestelldatum;Uhrzeit;E-Mail-Adresse;Vorname;Nachname;Artikelbezeichnung;Menge;Einzelpreis;Gesamtbetrag;Währung\n\
         1001;28.09.2026;10:15;ada@example.com;Ada;Müller;Tasse;1;1.025,50;1.025,50;EUR\n",
        (1, 0, 102_550, 1),
    ),
    (
        "French",
        "EUR",
        "N° de commande;Date de commande;Adresse e-mail;Prénom;Nom;Désignation;Quantité;Prix unitaire;Total TTC;Statut\n\
         1;28/09/2026;ada@example.com;Ada;Petit;Tasse;1;1 025,50 €;1 025,50 €;Expédiée\n\
         2;29/09/2026;bo@example.com;Bo;Grand;Sac;1;10,00 €;10,00 €;Annulée\n",
        (2, 1, 102_550, 2),
    ),
    (
        "Spanish",
        "EUR",
        "Número de pedido;Fecha del pedido;Correo electrónico;Nombre;Apellidos;Artículo;Cantidad;Importe total;Moneda\n\
         1;28/09/2026;ada@example.com;Ada;García;Taza;1;25,50;EUR\n",
        (1, 0, 2550, 1),
    ),
    (
        "Italian",
        "EUR",
        "Numero ordine;Data ordine;Indirizzo email;Nome;Cognome;Prodotto;Quantità;Totale ordine;Valuta\n\
         1;28/09/2026;ada@example.com;Ada;Rossi;Tazza;1;25,50;EUR\n",
        (1, 0, 2550, 1),
    ),
    (
        "Dutch",
        "EUR",
        "Bestelnummer;Besteldatum;E-mailadres;Voornaam;Achternaam;Artikel;Aantal;Totaalbedrag;Valuta\n\
         1;28-09-2026;ada@example.com;Ada;Jansen;Kop;1;25,50;EUR\n",
        (1, 0, 2550, 1),
    ),
    (
        "Danish",
        "DKK",
        "Ordrenummer;Ordredato;E-post;Fornavn;Efternavn;Varenavn;Antal;Totalbeløb\n\
         1;28-09-2026;ada@example.com;Ada;Hansen;Kop;1;125,50 kr.\n",
        (1, 0, 12_550, 1),
    ),
    (
        "without a buyer",
        "EUR",
        "Order ID,Created At,Status,Product,Quantity,Subtotal,Total\nFW-9,2026-09-14,Fulfilled,Tee,1,30.00,37.10\n",
        (1, 0, 3710, 0),
    ),
    (
        "a row of sums at the end, and fees between",
        "EUR",
        "order_id,type,date,email,total\n1,order,2026-05-01,ann@example.com,25.00\n2,service fee,2026-05-01,,-1.00\nTotal,,,,24.00\n",
        (1, 0, 2500, 1),
    ),
    (
        "the currency in the header, the buyer's name beside the address",
        "CHF",
        "order_id,date,email,name,total (CHF)\n1,2026-09-03,ada@example.com,Ada,25.00\n",
        (1, 0, 2500, 1),
    ),
];

#[test]
fn layouts_of_orders_are_read() {
    for (what, currency, text, expected) in LAYOUTS {
        let store = store(currency);
        let report = import(&store, text).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(report.detected.kind, Kind::Orders, "{what}");
        let people = store.snapshot().people();
        assert_eq!((report.orders, report.refunds, net(&store), people), expected, "{what}: {report}");
        let again = import(&store, text).expect("imports");
        assert_eq!((again.receipt.accepted, again.receipt.conflicting, net(&store)), (0, 0, expected.2), "{what}");
        // The same in another order of columns and with another spelling of headers.
        let (header, rows) = text.split_once('\n').expect("a header");
        let shouted = format!("{}\n{rows}", header.to_uppercase());
        let other = self::store(currency);
        import(&other, &shouted).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(net(&other), expected.2, "{what}");
        // Of another encoding, where it has one byte for each letter.
        if text.chars().all(|c| u32::from(c) < 256) {
            let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
            let other = self::store(currency);
            let file = CsvFile::new(&bytes[..], None).encoding("iso-8859-1");
            other.import(file).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(net(&other), expected.2, "{what}");
        }
    }
}

#[test]
fn a_file_that_is_neither_is_refused_with_what_is_missing() {
    for (text, words) in [
        (
            "Order #,Date,Status,Customer,Items sold\n1,2026-09-03,done,Ada,2\n",
            &["an amount", "a person", "order_id"][..],
        ),
        ("date,email,total\n2026-09-03,ann@example.com,5.00\n", &["order_id", "no amount of an order"]),
        ("order_id,email,note\n1,ann@example.com,x\n", &["an amount", "no order's number", "not placed: note"]),
        ("order,date,customer,total\n1,2026-09-03,Ada Example,5.00\n", &["by name only", "email"]),
        (
            "Tilausnumero;Päivä;Email;Summa yht.\n1;2026-09-03;a@example.com;5,00\n",
            &["not placed: Tilausnumero", "Summa"],
        ),
        ("sku,stock\nA,5\n", &["recognized: product_id", "not placed: stock"]),
        ("colour,stock\nA,5\n", &["no column was recognized"]),
        ("order_id,date,email\n1,2026-09-03,a@example.com\n", &["an amount (total, line_total or price)"]),
    ] {
        let error = refusal(text);
        for word in words {
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(!error.contains("example"), "no cell is told: {error}");
    }
    // Whoever says what it is gets what can be read of it.
    let text = "order,date,customer,total\n1,2026-09-03,Ada Example,5.00\n";
    assert_eq!(store("EUR").import(OrdersCsv::new(text.as_bytes())).expect("imports").orders, 1);
    let sums = "email,Total Spent,Last Order Date,Orders Count,City\nann@example.com,50.00,2026-01-02,2,Aarhus\n";
    assert_eq!(import(&store("EUR"), sums).expect("imports").detected.kind, Kind::Customers);
}

#[test]
fn lines_before_the_header_are_told_and_left_out() {
    let text = "\"All amounts in USD, unless specified\"\n\nDefinitions: none; see page 2\n\
                date/time;type;order id;sku;quantity;total\n\
                Sep 4, 2026 1:05:07 AM PDT;Order;11-1;MUG;2;65.45\n\
                Sep 9, 2026 3:00:00 PM PDT;Refund;11-1;MUG;1;-31.38\n";
    let error = refusal(text);
    assert!(error.contains("line 4 looks like the header") && error.contains("--skip 3"), "{error}");
    let store = store("USD");
    let report = store.import(CsvFile::new(text.as_bytes(), None).skip(3)).expect("imports");
    assert_eq!((report.orders, report.refunds, report.detected.skipped, net(&store)), (1, 1, 3, 3407));
    let bad = text.replace("65.45", "cheap");
    let report = self::store("USD").import(CsvFile::new(bad.as_bytes(), None).skip(3)).expect("imports");
    assert_eq!(rejects(&report), [(5, Reason::WrongType)], "lines are those of the file");
    assert!(self::store("USD").import(CsvFile::new(text.as_bytes(), None).skip(99)).is_err());
}

#[test]
fn the_currency_is_the_files_own() {
    let file = |header: &str, cells: &[&str]| {
        let row = |(at, cell): (usize, &&str)| format!("{at}\t2026-05-01\ta@example.com\t{cell}\n");
        format!("order_id\tdate\temail\t{header}\n{}", cells.iter().enumerate().map(row).collect::<String>())
    };
    for (header, cells, currency, minor, refused) in [
        ("total", &["$25.00", "$1,020.00", "€20.00", "20.00 USD"][..], "USD", 106_500, &[4][..]),
        ("total", &["20,00 €", "5,00 EUR", "£3,00"], "EUR", 2500, &[4]),
        ("total", &["CA$5", "$7"], "CAD", 1200, &[]),
        ("total", &["$5", "CAD 7"], "CAD", 1200, &[]),
        ("total", &["5", "7 SEK"], "SEK", 1200, &[]),
        ("total (GBP)", &["5", "7"], "GBP", 1200, &[]),
        ("total (GBP)", &["£5", "$7"], "GBP", 500, &[3]),
        ("total\tcurrency", &["5\tUSD", "$7\tUSD", "€7\tUSD"], "USD", 1200, &[4]),
        ("total\tcurrency", &["kr 5\tDKK", "5 kr\tdkk"], "DKK", 1000, &[]),
    ] {
        let text = file(header, cells);
        // The store's own currency is another one, and not forced on the file.
        let store = store(currency);
        let report = import(&store, &text).expect("imports");
        let lines: Vec<u64> = report.receipt.rejects.iter().map(|reject| reject.line).collect();
        assert_eq!((net(&store), lines.as_slice()), (minor, refused), "{header} {cells:?}");
        assert_eq!(report.detected.currency.as_deref(), Some(currency), "{header} {cells:?}");
        let elsewhere = self::store("JPY");
        import(&elsewhere, &text).expect("imports");
        assert_eq!(net(&elsewhere), 0, "{header} {cells:?}");
    }
    let home = store("NZD");
    import(&home, &file("total", &["$5"])).expect("imports");
    assert_eq!(net(&home), 500, "the dollars of the store, where nothing says whose");
}

#[test]
fn a_time_without_a_zone_is_in_the_shops() {
    let config: Config = serde_json::from_str(
        r#"{"time_zone":"America/New_York","sources":{"till":{"shop":"dk"},"web":{}},"shops":{"dk":{"time_zone":"Europe/Copenhagen"}}}"#,
    )
    .expect("a configuration");
    let first = |header: &str, cell: &str, how: &dyn Fn(CsvFile<'static>) -> CsvFile<'static>| {
        let store = Store::options().config(config.clone()).clock(Clock::Manual).in_memory().expect("opens");
        let text = format!("order_id,{header},email,total\n1,{cell},a@example.com,5\n");
        let file = how(CsvFile::new(std::io::Cursor::new(text.into_bytes()), None));
        let report = store.import(file).expect("imports");
        let profile = store.snapshot().profile(id::email("a@example.com")).expect("readable").expect("known");
        let first = profile.orders.first.map(|at: Timestamp| at.to_string()).unwrap_or_default();
        (first, report.detected.time_zone_from)
    };
    let noon = "2026-07-01 12:00";
    for (source, expected) in
        [("till", ("2026-07-01T10:00:00.000Z", "shop")), ("web", ("2026-07-01T16:00:00.000Z", "store"))]
    {
        let (first, from) = first("date", noon, &|file| file.source(source));
        assert_eq!((first.as_str(), from), expected);
    }
    let tokyo = first("date", noon, &|file| file.source("till").time_zone("Asia/Tokyo"));
    assert_eq!(tokyo, ("2026-07-01T03:00:00.000Z".to_owned(), "option"));
    assert_eq!(first("date (UTC)", noon, &|file| file), ("2026-07-01T12:00:00.000Z".to_owned(), "header"));
    let own = first("date", "2026-07-01 12:00 +0530", &|file| file);
    assert_eq!(own.0, "2026-07-01T06:30:00.000Z");
    let columns = first("date,time,timezone", "2026-07-01,12:00,Europe/Paris", &|file| file);
    assert_eq!(columns.0, "2026-07-01T10:00:00.000Z");
}

/// Whoever tells the day from the month, it is told for the whole file.
#[test]
fn one_row_tells_the_day_from_the_month_wherever_it_stands() {
    let mut text = "order_id,date,email,total\n".to_owned();
    for row in 0..20_000 {
        text.push_str(&format!("{row},05/06/2024,a@example.com,1\n"));
    }
    assert_eq!(import(&store("EUR"), &text).expect("imports").receipt.rejected, 20_000);
    text.push_str("20000,25/06/2024,a@example.com,1\n");
    let store = store("EUR");
    assert_eq!(import(&store, &text).expect("imports").receipt.rejected, 0);
    assert_eq!(store.snapshot().revenue_by_month().expect("readable")[0].month, "2024-06");
}

#[test]
fn serial_dates_are_refused_with_the_remedy() {
    let report = import(&store("EUR"), "order_id,date,total\n1,46268.4266,5\n2,46275,5\n").expect("imports");
    assert_eq!(rejects(&report), [(2, Reason::InvalidTimestamp), (3, Reason::InvalidTimestamp)]);
    assert!(report.detected.dates_serial && report.to_string().contains("spreadsheet"), "{report}");
}

#[test]
fn other_addresses_stand_in_and_what_is_dropped_is_told() {
    let text = "order_id,date,total,email,phone,Billing Email,Billing Phone,Shipping Phone\n\
                1,2026-05-01,5,,,b@example.com,+4520123401,+4520123402\n\
                2,2026-05-01,5,Ann <ann@example.com>,+4520123403,b@example.com,,\n\
                3,2026-05-01,5,mailto:eve@example.com,,,,+4520123404\n\
                4,2026-05-01,5,nobody,4.5E+11,,,\n\
                5,2026-05-01,5,,4.512E+09,,,\n";
    let store = store("EUR");
    let report = import(&store, text).expect("imports");
    let snapshot = store.snapshot();
    for (phone, email) in
        [("+4520123401", "b@example.com"), ("+4520123403", "ann@example.com"), ("+4520123404", "eve@example.com")]
    {
        let by_phone = snapshot.profile(id::phone(phone)).expect("readable").expect("known").id;
        let by_email = snapshot.profile(id::email(email)).expect("readable").map(|profile| profile.id);
        assert_eq!(by_email, Some(by_phone), "{phone}");
    }
    assert!(snapshot.profile(id::phone("+4520123402")).expect("readable").is_none(), "the buyer's comes first");
    assert_eq!(report.receipt.flagged.get(&Flag::UnusableIdentifier), Some(&vec![5, 6]));
    assert!(!format!("{report} {report:?}").contains("4.5E"), "by its line, not by its cell");
}

/// An order of an export that is told again, with whatever changed, was placed once.
#[test]
fn an_order_told_anew_is_placed_once() {
    let week = |total: &str, refunded: &str, status: &str, lines: &str| {
        format!(
            "order_id,date,email,product,price,quantity,order total,refunded amount,status\n{}",
            lines
                .split('|')
                .map(|line| format!("1,2026-05-01 10:00,a@example.com,{line},{total},{refunded},{status}\n"))
                .collect::<String>()
        )
    };
    let weeks = [
        (week("40.00", "0", "pending", "Pot,40,1"), 4000),
        (week("40.00", "0", "paid", "Pot,40,1"), 4000),
        (week("40.00", "10.00", "paid", "Pot,40,1"), 3000),
        (week("45.00", "10.00", "paid", "Pot,40,1|Lid,5,1"), 3500),
        (week("44.00", "10.00", "paid", "Pot,40,1|Lid,4,1"), 3400),
        (week("44.00", "25.00", "paid", "Pot,40,1|Lid,4,1"), 1900),
    ];
    let store = store("EUR");
    for (text, expected) in &weeks {
        for _ in 0..2 {
            import(&store, text).expect("imports");
            assert_eq!((net(&store), completed(&store)), (*expected, 1), "{text}");
        }
    }
    // The older ones again change nothing.
    for (text, _) in &weeks {
        let report = import(&store, text).expect("imports");
        assert_eq!((report.receipt.accepted, report.receipt.conflicting, net(&store)), (0, 0, 1900), "{text}");
    }
    let twice = when::event("Order Completed").at_least(2);
    assert!(!store.snapshot().matches(id::email("a@example.com"), &twice, None).expect("evaluates"));
    // Another source tells for itself.
    let other = store.import(CsvFile::new(weeks[0].0.as_bytes(), None).source("other")).expect("imports");
    assert_eq!((other.receipt.accepted, completed(&store)), (1, 2));
}

#[test]
fn what_was_cancelled_is_cancelled_when_it_was() {
    let text = "order_id,date,email,total,status,cancelled at\n\
                1,2026-05-01,a@example.com,10,paid,2026-05-03 09:00\n\
                2,2026-05-01,b@example.com,10,storniert,\n\
                3,2026-05-01,c@example.com,10,paid,\n";
    let store = store("EUR");
    let report = import(&store, text).expect("imports");
    assert_eq!((report.orders, report.refunds, net(&store)), (3, 2, 1000));
    let messages = store.snapshot().messages(Some(id::email("a@example.com")), 10).expect("readable");
    let cancelled = messages.iter().find(|(_, message)| message.as_str().contains("Order Cancelled")).expect("told");
    assert!(cancelled.1.as_str().contains("2026-05-03T09:00:00.000Z"), "{}", cancelled.1.as_str());
}

#[test]
fn a_refund_without_a_price_takes_its_orders() {
    let store = store("EUR");
    import(&store, "order_id,date,email,sku,quantity,price\n1,2026-05-01,a@example.com,POT,2,20\n").expect("imports");
    let report = import(&store, "order_id,date,email,sku,quantity,price\n1,2026-05-09,a@example.com,POT,-1,\n");
    let report = report.expect("imports");
    assert_eq!((rejects(&report), report.refunds, net(&store)), (vec![], 1, 2000));
}

#[test]
fn files_of_messages_are_one_value_or_one_a_line() {
    let order = |number: u32| {
        format!(
            r#"{{"type":"track","event":"Order Completed","userId":"{number}","timestamp":"2026-05-01T00:00:00Z","properties":{{"order_id":"{number}","total":5}}}}"#
        )
    };
    let (one, two) = (order(1), order(2));
    let pretty = one.replace(',', ",\n  ");
    let many: Vec<String> = (0..20_000).map(order).collect();
    for (text, orders, refused) in [
        (format!("{one}\n{two}\n"), 2, 0),
        (format!("[{one},\n{two}]"), 2, 0),
        (format!("[\n{one}\n,\n{two}\n]\n"), 2, 0),
        (pretty.clone(), 1, 0),
        (format!("\u{feff}{pretty}"), 1, 0),
        (format!("[\n{}\n]", many.join(",\n")), 20_000, 0),
        (format!("{{\"batch\":[\n{one},\n{two}\n]}}"), 2, 0),
        // A line that is cut is one bad line.
        (format!("{{\"type\":\n{one}\n{two}\n"), 2, 1),
        // One value is held at once, and no larger than a line may be.
        (format!("[\n{}\n]", [many.join(",\n"), many.join(",\n")].join(",\n")), 0, 1),
        ("[]".to_owned(), 0, 0),
    ] {
        let store = store("EUR");
        let receipt = store.import_ndjson(text.as_bytes(), &Ingest::new(), |_| {}).expect("imports");
        let cut: String = text.chars().take(80).collect();
        assert_eq!((receipt.accepted, receipt.rejected), (orders, refused), "{cut}");
    }
    for (text, field) in [(r#"{"id":1,"total_price":"5"}"#, "type"), ("{\n\"event_name\":\n\"purchase\"}", "type")] {
        let receipt = store("EUR").import_ndjson(text.as_bytes(), &Ingest::new(), |_| {}).expect("imports");
        let reject = receipt.rejects[0];
        assert_eq!((reject.reason, reject.field), (Reason::MissingField, Some(field)), "{text}");
    }
}

#[test]
fn a_mapping_is_read_as_it_is_meant() {
    let text =
        "Kauf-Nr,Wann,Wer,Wie viel,Wer sonst\n1,2026-05-01,,5.00,b@example.com\n2,2026-05-01,a@example.com,6.00,\n";
    let file = || {
        OrdersCsv::new(text.as_bytes())
            .map("order_id", From::Column("kauf nr".into()))
            .map("time", From::Column("WANN".into()))
            .map("email", From::Columns(vec!["wer".into(), "wer_sonst".into()]))
            .map("total", From::Column("Wie viel".into()))
            .map("currency", From::Const("EUR".into()))
    };
    let store = store("USD");
    let report = store.import(file()).expect("imports");
    assert_eq!((report.orders, store.snapshot().people()), (2, 2));
    let shown = serde_json::to_string(&report.detected.mapping).expect("serializes");
    assert!(shown.contains(r#""email":["Wer","Wer sonst"]"#), "{shown}");
    let contradicted = text.replace("5.00", "$5.00");
    let file = OrdersCsv::new(contradicted.as_bytes())
        .map("order_id", From::Column("Kauf-Nr".into()))
        .map("time", From::Column("Wann".into()))
        .map("total", From::Column("Wie viel".into()))
        .map("currency", From::Const("EUR".into()));
    assert_eq!(rejects(&store.import(file).expect("imports")), [(2, Reason::WrongType)]);
    assert!(store.import(CustomersCsv::new(text.as_bytes()).map("email", From::Column("nobody".into()))).is_err());
}
