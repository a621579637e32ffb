//! Files of orders and customers as the world writes them: every encoding, language, amount and date, in all pairs.

use regulars::import::{CsvFile, Kind};
use regulars::{Clock, ImportReport, Store, id};

/// The letters of the files below that are not of ASCII.
const LETTERS: &str = "äöüÄÖÜßéèàçñóíúøæåØãõâêłżęąśćńŁěščřžýáůň€£";
/// What each encoding writes for them, zero for nothing.
const ENCODINGS: [(&str, &[u8]); 7] = [
    ("windows-1252", b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf\xe9\xe8\xe0\xe7\xf1\xf3\xed\xfa\xf8\xe6\xe5\xd8\xe3\xf5\xe2\xea\x00\x00\x00\x00\x00\x00\x00\x00\x00\x9a\x00\x00\x9e\xfd\xe1\x00\x00\x80\xa3"),
    ("iso-8859-1", b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf\xe9\xe8\xe0\xe7\xf1\xf3\xed\xfa\xf8\xe6\xe5\xd8\xe3\xf5\xe2\xea\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfd\xe1\x00\x00\x00\xa3"),
    ("iso-8859-15", b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf\xe9\xe8\xe0\xe7\xf1\xf3\xed\xfa\xf8\xe6\xe5\xd8\xe3\xf5\xe2\xea\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa8\x00\x00\xb8\xfd\xe1\x00\x00\xa4\xa3"),
    ("windows-1250", b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf\xe9\x00\x00\xe7\x00\xf3\xed\xfa\x00\x00\x00\x00\x00\x00\xe2\x00\xb3\xbf\xea\xb9\x9c\xe6\xf1\xa3\xec\x9a\xe8\xf8\x9e\xfd\xe1\xf9\xf2\x80\x00"),
    ("iso-8859-2", b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf\xe9\x00\x00\xe7\x00\xf3\xed\xfa\x00\x00\x00\x00\x00\x00\xe2\x00\xb3\xbf\xea\xb1\xb6\xe6\xf1\xa3\xec\xb9\xe8\xf8\xbe\xfd\xe1\xf9\xf2\x00\x00"),
    ("macintosh", b"\x8a\x9a\x9f\x80\x85\x86\xa7\x8e\x8f\x88\x8d\x96\x97\x92\x9c\xbf\xbe\x8c\xaf\x8b\x9b\x89\x90\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x87\x00\x00\xdb\xa3"),
    ("cp850", b"\x84\x94\x81\x8e\x99\x9a\xe1\x82\x8a\x85\x87\xa4\xa2\xa1\xa3\x9b\x91\x86\x9d\xc6\xe4\x83\x88\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xec\xa0\x00\x00\x00\x9c"),
];

/// The headers of an order: number, date, e-mail, first name, product, quantity, total, currency; and a city.
const LANGUAGES: [(&str, [&str; 8], &str); 14] = [
    (
        "English",
        ["Order number", "Order date", "Email address", "First name", "Product", "Quantity", "Order total", "Currency"],
        "York",
    ),
    (
        "snake",
        [
            "order_id",
            "created_at",
            "customer_email",
            "first_name",
            "product_name",
            "qty",
            "grand_total",
            "currency_code",
        ],
        "York",
    ),
    (
        "German",
        [
            "Bestellnummer",
            "Bestelldatum",
            "E-Mail-Adresse",
            "Vorname",
            "Artikelbezeichnung",
            "Menge",
            "Gesamtbetrag",
            "Währung",
        ],
        "Köln",
    ),
    (
        "German, short",
        ["Auftrags-Nr.", "Datum", "Kunden-E-Mail", "Vorname", "Artikel", "Anzahl", "Bruttobetrag", "Währung"],
        "Gießen",
    ),
    (
        "French",
        [
            "N° de commande",
            "Date de commande",
            "Adresse e-mail",
            "Prénom",
            "Désignation",
            "Quantité",
            "Total TTC",
            "Devise",
        ],
        "Besançon",
    ),
    (
        "Spanish",
        [
            "Número de pedido",
            "Fecha del pedido",
            "Correo electrónico",
            "Nombre",
            "Artículo",
            "Cantidad",
            "Importe total",
            "Moneda",
        ],
        "Logroño",
    ),
    (
        "Italian",
        ["Numero ordine", "Data ordine", "Indirizzo email", "Nome", "Prodotto", "Quantità", "Totale ordine", "Valuta"],
        "Forlì",
    ),
    (
        "Dutch",
        [
            "Bestelnr.",
            "Besteldatum",
            "E-mailadres klant",
            "Voornaam",
            "Artikel",
            "Aantal",
            "Totaal incl. btw",
            "Valuta",
        ],
        "Groningen",
    ),
    (
        "Danish",
        ["Ordrenr.", "Ordredato", "Kundens e-mail", "Fornavn", "Varenavn", "Antal", "Beløb inkl. moms", "Valuta"],
        "Århus",
    ),
    ("Swedish", ["Ordernummer", "Orderdatum", "E-post", "Förnamn", "Produkt", "Antal", "Summa", "Valuta"], "Malmö"),
    (
        "Norwegian",
        ["Ordrenummer", "Ordredato", "E-post", "Fornavn", "Varenavn", "Antall", "Totalbeløp", "Valuta"],
        "Tromsø",
    ),
    (
        "Polish",
        [
            "Numer zamówienia",
            "Data zamówienia",
            "Adres e-mail",
            "Imię",
            "Nazwa produktu",
            "Ilość",
            "Wartość zamówienia",
            "Waluta",
        ],
        "Łańcut",
    ),
    (
        "Portuguese",
        [
            "Número do pedido",
            "Data do pedido",
            "E-mail do cliente",
            "Nome",
            "Produto",
            "Quantidade",
            "Valor total",
            "Moeda",
        ],
        "São Paulo",
    ),
    (
        "Czech",
        ["Číslo objednávky", "Datum objednávky", "E-mail", "Jméno", "Název produktu", "Množství", "Celkem", "Měna"],
        "Plzeň",
    ),
];

/// 1234.50 euros, or so.
const AMOUNTS: [&str; 16] = [
    "1234.50",
    "1234.5",
    "1,234.50",
    "1234,50",
    "1.234,50",
    "1 234,50",
    "1\u{a0}234,50",
    "1'234.50",
    "€1,234.50",
    "€ 1.234,50",
    "1.234,50 €",
    "1234,50€",
    "EUR 1234.50",
    "1234,50 EUR",
    "1.234,50\u{a0}€",
    "eur 1,234.50",
];

/// 28 September 2026.
const DATES: [&str; 18] = [
    "2026-09-28",
    "2026-09-28 10:15",
    "2026-09-28 10:15:30",
    "2026-09-28T10:15:30Z",
    "2026-09-28T10:15:30.123+02:00",
    "2026/09/28",
    "28.09.2026",
    "28.9.2026 10:15",
    "28/09/2026",
    "28/09/2026 10:15",
    "09/28/2026",
    "9/28/2026 10:15 AM",
    "28-09-2026",
    "Sep 28, 2026",
    "September 28, 2026 10:15 PM",
    "28 September 2026",
    "28-Sep-26",
    "28.09.26",
];

fn bytes(text: &str, table: &[u8]) -> Option<Vec<u8>> {
    let letter = |c: char| match u8::try_from(c).ok().filter(u8::is_ascii) {
        Some(byte) => Some(byte),
        None => LETTERS.chars().zip(table).find(|(own, byte)| *own == c && **byte > 0).map(|(_, byte)| *byte),
    };
    text.chars().map(letter).collect()
}

/// A file in every encoding that has its letters: bytes, and what is declared of them.
fn written(text: &str) -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let utf16 = |mark: &[u8], little: bool| {
        let units = text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
        [mark, &units.collect::<Vec<u8>>()].concat()
    };
    let mut all = vec![
        ("UTF-8", text.as_bytes().to_vec(), None),
        ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes(), None),
        ("UTF-8, declared", text.as_bytes().to_vec(), Some("utf-8")),
        ("UTF-16, little end first", utf16(b"\xff\xfe", true), None),
        ("UTF-16, big end first", utf16(b"\xfe\xff", false), None),
        ("UTF-16 without a mark", utf16(b"", true), Some("utf-16le")),
        ("lines of Windows", text.replace('\n', "\r\n").into_bytes(), None),
        ("lines of old machines", text.replace('\n', "\r").into_bytes(), None),
    ];
    all.extend(ENCODINGS.iter().filter_map(|(name, table)| Some((*name, bytes(text, table)?, Some(*name)))));
    all
}

fn import(bytes: &[u8], encoding: Option<&str>, what: &str) -> (Store, ImportReport) {
    let store = Store::options().currency("EUR").clock(Clock::Manual).in_memory().expect("opens");
    let file = CsvFile::new(bytes, None).received_at("2026-12-01T00:00:00Z".parse().expect("an instant"));
    let file = match encoding {
        Some(name) => file.encoding(name),
        None => file,
    };
    let report = store.import(file).unwrap_or_else(|error| panic!("{what}: {error}"));
    (store, report)
}

/// Two orders of one person, the second of a day that tells days from months.
fn order(headers: &[&str], amount: &str, date: &str, delimiter: char) -> String {
    let quoted = |cell: &str| if cell.contains([delimiter, '"']) { format!("\"{cell}\"") } else { cell.to_owned() };
    let line = |cells: &[&str]| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(&delimiter.to_string());
    let row = ["1001", date, "ada@example.com", "Zoë", "Tee", "1", amount, "EUR"];
    let cells: Vec<&str> = row.iter().map(|cell| if *cell == "Zoë" { "Zoé" } else { cell }).collect();
    format!("{}\n{}\n", line(headers), line(&cells))
}

fn is_right(store: &Store, report: &ImportReport, what: &str) {
    assert_eq!(
        (report.detected.kind, report.orders, report.receipt.rejected),
        (Kind::Orders, 1, 0),
        "{what}: {report}"
    );
    let ada = store.snapshot().profile(id::email("ada@example.com")).expect("readable").expect("known");
    let day = ada.orders.first.map(|at| at.to_string()).unwrap_or_default();
    assert_eq!((ada.orders.net_minor, day.get(..10)), (123_450, Some("2026-09-28")), "{what}: {report}");
    let name =
        ["firstName", "name"].iter().find_map(|name| ada.traits.get(*name)).map(|value| value.as_str().to_owned());
    assert_eq!(name.as_deref(), Some("\"Zoé\""), "{what}: {report}");
    let products = store.snapshot().messages(Some(id::email("ada@example.com")), 10).expect("readable");
    assert!(products.iter().any(|(_, message)| message.as_str().contains("\"Tee\"")), "{what}: {report}");
    assert_eq!(report.detected.currency.as_deref(), Some("EUR"), "{what}");
}

#[test]
fn every_language_in_every_encoding() {
    for (at, (language, headers, _)) in LANGUAGES.iter().enumerate() {
        let (amount, date) = (AMOUNTS[at % AMOUNTS.len()], DATES[at % DATES.len()]);
        let delimiter = [',', ';', '\t', '|'][at % 4];
        for (encoding, bytes, declared) in written(&order(headers, amount, date, delimiter)) {
            let what = format!("{language} in {encoding}: {amount}, {date}");
            let (store, report) = import(&bytes, declared, &what);
            is_right(&store, &report, &what);
        }
    }
}

#[test]
fn every_amount_beside_every_date() {
    for (at, amount) in AMOUNTS.iter().enumerate() {
        for (other, date) in DATES.iter().enumerate() {
            let (language, headers, _) = &LANGUAGES[(at + other) % LANGUAGES.len()];
            let what = format!("{language}: {amount}, {date}");
            let (store, report) = import(order(headers, amount, date, ';').as_bytes(), None, &what);
            is_right(&store, &report, &what);
        }
    }
}

/// What a file without its encoding would have lost is said before anything is stored.
#[test]
fn letters_of_other_encodings_fail_the_file() {
    for (language, headers, city) in &LANGUAGES {
        let text = order(headers, "5,00", "2026-09-28", ';').replace("Tee", city);
        for (encoding, table) in &ENCODINGS {
            let Some(bytes) = bytes(&text, table) else { continue };
            let store = Store::options().currency("EUR").in_memory().expect("opens");
            let error = store.import(CsvFile::new(&bytes[..], None)).expect_err(language).to_string();
            assert!(error.contains("--encoding windows-1252"), "{language} in {encoding}: {error}");
            assert_eq!(store.snapshot().events(), 0);
        }
    }
}

/// A header of consent, and a yes and a no as its language writes them.
const CONSENTS: [(&str, &str, &str); 20] = [
    ("Newsletter", "yes", "no"),
    ("Newsletter", "TRUE", "FALSE"),
    ("Accepts Marketing", "1", "0"),
    ("Email marketing status", "Subscribed", "Unsubscribed"),
    ("Email opt-in", "opted in", "opted out"),
    ("Marketing permission given", "Y", "N"),
    ("Newsletter-Anmeldung", "ja", "nein"),
    ("Newsletter abonniert?", "angemeldet", "abgemeldet"),
    ("Werbeeinwilligung", "wahr", "falsch"),
    ("Inscrit à la newsletter", "oui", "non"),
    ("Newsletter", "vrai", "faux"),
    ("Suscrito al boletín", "sí", "no"),
    ("Iscritto alla newsletter", "sì", "no"),
    ("Nieuwsbrief", "ja", "nee"),
    ("Nyhedsbrev", "ja", "nej"),
    ("Nyhetsbrev", "ja", "nei"),
    ("Zgoda na newsletter", "tak", "nie"),
    ("Aceita marketing", "sim", "não"),
    ("Odběr novinek", "ano", "ne"),
    ("Newsletter subscription (yes/no)", "x", "-"),
];

/// A header of those who left, in words and stems of mailing tools.
const LEAVING: [&str; 22] = [
    "Unsubscribed",
    "unsubscribed_at",
    "Unsubscribe date",
    "UNSUB_TIME",
    "Opted out",
    "opt_out",
    "Email Opt Out",
    "Opt-out date (UTC)",
    "Unsubscribed from newsletter on",
    "Blacklisted",
    "Is blocklisted",
    "Suppressed at",
    "Do not contact",
    "Abgemeldet am",
    "Abmeldedatum",
    "Désabonné le",
    "Désinscrit",
    "Fecha de baja",
    "Uitgeschreven op",
    "Afmeldt den",
    "Disiscritto il",
    "Data wypisania",
];

fn status(headers: &str, cells: &str) -> Option<String> {
    let text = format!("Email;First name;{headers}\nann@example.com;Ann;{cells}\n");
    let (store, report) = import(text.as_bytes(), None, &text);
    assert_eq!((report.detected.kind, report.receipt.accepted), (Kind::Customers, 1), "{text}: {report}");
    let ann = store.snapshot().profile(id::email("ann@example.com")).expect("readable").expect("known");
    let all = ann.consent.iter().filter(|one| {
        (one.channel.as_deref().unwrap_or_default(), one.purpose.as_deref()) == ("email", Some("marketing"))
    });
    all.map(|one| one.status.name().to_owned()).next()
}

#[test]
fn every_word_for_yes_and_no() {
    for (header, yes, no) in CONSENTS {
        for header in [header.to_owned(), header.to_uppercase(), format!("{header} *"), header.replace([' ', '-'], "_")]
        {
            assert_eq!(status(&header, yes).as_deref(), Some("granted"), "{header} {yes}");
            let said = status(&header, no);
            // A dash is how some write that there is nothing.
            let denied = said.as_deref().is_some_and(|said| ["denied", "withdrawn"].contains(&said));
            assert!(denied || (no == "-" && said.is_none()), "{header} {no}: {said:?}");
            assert_eq!(status(&header, ""), None, "{header}");
        }
    }
}

/// Whoever left is never a plain contact, and whoever did not is none who left.
#[test]
fn whoever_left_has_left() {
    for header in LEAVING {
        for (cell, left) in [
            ("2026-03-04 05:06", true),
            ("04.03.2026", true),
            ("yes", true),
            ("1", true),
            ("TRUE", true),
            ("no", false),
            ("0", false),
            ("", false),
            ("false", false),
            ("0000-00-00 00:00:00", false),
        ] {
            for header in [header.to_owned(), header.to_uppercase(), header.replace(' ', "")] {
                let said = status(&format!("{header};Newsletter"), &format!("{cell};yes"));
                let expected = if left { "denied" } else { "granted" };
                assert_eq!(said.as_deref(), Some(expected), "{header}: {cell}");
            }
        }
    }
    for header in ["Unsubscribe link", "unsubscribe_url", "Opt-out rate", "Newsletter name", "Newsletter ID"] {
        assert_eq!(status(header, "https://example.com/u/1"), None, "{header}");
    }
}
