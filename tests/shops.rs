//! More exports as shops have them, written from what shop systems, tills, market places and mailing tools print, and from what
//! becomes of that in a spreadsheet; and what a person expects of each.

use regulars::import::{CsvFile, Kind};
use regulars::{Clock, Flag, ImportReport, Reason, Store, id};

fn import(text: &str, currency: &str) -> (Store, ImportReport) {
    let config = serde_json::json!({"currency": currency, "default_region": "DE"});
    let options = Store::options().config(serde_json::from_value(config).expect("a configuration"));
    let store = options.clock(Clock::Manual).in_memory().expect("opens");
    let file = CsvFile::new(text.as_bytes(), None).received_at("2026-12-01T00:00:00Z".parse().expect("an instant"));
    let report = store.import(file).unwrap_or_else(|error| panic!("{text}{error}"));
    (store, report)
}

fn refused(text: &str) -> String {
    let store = Store::options().currency("EUR").in_memory().expect("opens");
    let error = store.import(CsvFile::new(text.as_bytes(), None)).expect_err(text).to_string();
    assert_eq!(store.snapshot().events(), 0, "{text}");
    error
}

fn net(store: &Store) -> i64 {
    store.snapshot().revenue_by_month().expect("readable").iter().map(|month| month.net_minor).sum()
}

struct Shop {
    what: &'static str,
    currency: &'static str,
    text: &'static str,
    /// Orders, refunds, net, people.
    expected: (u64, u64, i64, u64),
    refused: &'static [(u64, Reason)],
}

const SHOPS: &[Shop] = &[
    Shop {
        what: "a market place: order value, discount, total, years of two digits",
        currency: "USD",
        text: "Sale Date,Order ID,Buyer User ID,Full Name,First Name,Last Name,Number of Items,Date Shipped,Ship Country,Currency,\
               Order Value,Discount Amount,Shipping,Sales Tax,Order Total,Status,Card Processing Fees,Order Net,Order Type,SKU\n\
               09/28/26,1001,ada7,Ada Example,Ada,Example,1,09/29/26,Germany,USD,20.00,0.00,5.00,0.00,25.00,,1.25,23.75,online,MUG\n\
               09/03/26,1002,bo8,Bo Example,Bo,Example,1,,Germany,USD,10.00,0.00,5.00,0.00,15.00,,1.25,13.75,online,MUG\n",
        expected: (2, 0, 4000, 2),
        refused: &[],
    },
    Shop {
        what: "a grid of orders: written dates with commas, refunded and cancelled",
        currency: "EUR",
        text: "ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Total Refunded\n\
               000000012,Main,\"Sep 1, 2026, 10:00:00 AM\",Ada,€20.00,€20.00,Complete,ada@example.com,€5.00\n\
               000000013,Main,\"Sep 2, 2026, 10:00:00 PM\",Bo,€30.00,€30.00,Canceled,bo@example.com,\n",
        expected: (2, 2, 1500, 2),
        refused: &[],
    },
    Shop {
        what: "a card processor: refunded in part and in full, failed",
        currency: "EUR",
        text: "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Description,Fee,Status,Customer ID,Customer Email\n\
               ch_1,2026-05-01 10:00:00,20.00,5.00,eur,true,20.00,Order,0.5,Paid,cus_1,ann@example.com\n\
               ch_2,2026-05-01 10:00:00,20.00,20.00,eur,true,20.00,Order,0.5,Refunded,cus_2,bob@example.com\n\
               ch_3,2026-05-01 10:00:00,20.00,0,eur,true,20.00,Order,0.5,Failed,cus_2,bob@example.com\n",
        expected: (2, 2, 1500, 2),
        refused: &[(4, Reason::NotAnOrder)],
    },
    Shop {
        what: "a list of payments: refunds with numbers of their own, sent by the shop",
        currency: "EUR",
        text: "\"Date\",\"Time\",\"TimeZone\",\"Name\",\"Type\",\"Status\",\"Currency\",\"Gross\",\"Fee\",\"Net\",\"From Email Address\",\
               \"To Email Address\",\"Transaction ID\",\"Reference Txn ID\"\n\
               \"28/09/2026\",\"10:15:00\",\"CEST\",\"Ada\",\"Express Checkout Payment\",\"Completed\",\"EUR\",\"25,00\",\"-1,00\",\"24,00\",\
               \"ada@example.com\",\"shop@example.com\",\"1AB\",\"\"\n\
               \"29/09/2026\",\"10:15:00\",\"CEST\",\"Ada\",\"Payment Refund\",\"Completed\",\"EUR\",\"-5,00\",\"0,00\",\"-5,00\",\
               \"shop@example.com\",\"ada@example.com\",\"2AB\",\"1AB\"\n\
               \"29/09/2026\",\"10:15:00\",\"CEST\",\"\",\"General Withdrawal\",\"Completed\",\"EUR\",\"-19,00\",\"0,00\",\"-19,00\",\
               \"shop@example.com\",\"\",\"3AB\",\"\"\n",
        expected: (1, 1, 2000, 1),
        refused: &[(4, Reason::NotAnOrder)],
    },
    Shop {
        what: "a builder of shops: blank cells behind the first row of an order",
        currency: "USD",
        text: "Order ID,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Amount Refunded,Total,Discount Code,\
               Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing Phone,Cancelled at\n\
               00001,ann@example.com,PAID,2026-05-01 10:00:00 -0400,FULFILLED,USD,33.90,0,0,3.90,33.90,,\
               2026-05-01 10:00:00 -0400,1,Kettle,26.90,K,Ann,+4520123456,\n\
               00001,,,,,,,,,,,,2026-05-01 10:00:00 -0400,2,Tea,3.50,T,,,\n",
        expected: (1, 1, 3000, 1),
        refused: &[],
    },
    Shop {
        what: "a German shop system: names of columns as in its tables",
        currency: "EUR",
        text: "orderId;number;customerId;status;cleared;invoiceAmount;invoiceAmountNet;invoiceShipping;orderTime;currency;email;billingPhone\n\
               1;20001;7;2;12;59.99;50.41;3.9;2026-09-01 10:15:00;EUR;ada@example.com;0171 1234567\n",
        expected: (1, 0, 5999, 1),
        refused: &[],
    },
    Shop {
        what: "a German merchandise system: a column that says whether an order was cancelled",
        currency: "EUR",
        text: "Auftragsnummer;Auftragsdatum;Kundennummer;E-Mail;Bruttobetrag;Währung;Zahlungsart;Storniert\n\
               AU-1;01.09.2026;10001;ada@example.com;1.059,99 €;EUR;PayPal;nein\nAU-2;02.09.26;10002;bo@example.com;9,99 €;EUR;PayPal;ja\n",
        expected: (2, 1, 105_999, 2),
        refused: &[],
    },
    Shop {
        what: "Polish",
        currency: "PLN",
        text: "Numer zamówienia;Data zamówienia;Adres e-mail;Imię;Nazwisko;Telefon;Nazwa produktu;Ilość;Cena;Wartość zamówienia;Waluta;Status\n\
               1;28.09.2026 10:15;ada@example.com;Ada;Nowak;+48501234567;Kubek;2;12,50 zł;25,00 zł;PLN;Wysłane\n\
               2;29.09.2026 10:15;bo@example.com;Bo;Kowal;;Kubek;1;12,50 zł;12,50 zł;PLN;Anulowane\n",
        expected: (2, 1, 2500, 2),
        refused: &[],
    },
    Shop {
        what: "Portuguese",
        currency: "BRL",
        text: "Número do pedido;Data do pedido;E-mail;Nome;Sobrenome;Produto;Quantidade;Preço unitário;Total;Moeda\n\
               1;28/09/2026;ada@example.com;Ada;Silva;Caneca;1;R$ 25,50;R$ 25,50;BRL\n",
        expected: (1, 0, 2550, 1),
        refused: &[],
    },
    Shop {
        what: "Swedish",
        currency: "SEK",
        text: "Ordernummer;Orderdatum;E-post;Förnamn;Efternamn;Produkt;Antal;Pris;Summa;Valuta\n\
               1;2026-09-28;ada@example.com;Ada;Ek;Kopp;1;125,50 kr;125,50 kr;SEK\n",
        expected: (1, 0, 12_550, 1),
        refused: &[],
    },
    Shop {
        what: "Danish: taxes in the total, a cancelled status",
        currency: "DKK",
        text: "Ordrenr.;Dato;Kundens e-mail;Beløb inkl. moms;Status\n\
               1;28-09-2026;ada@example.com;125,50;Annulleret\n2;28-09-2026;bo@example.com;25,50;Gennemført\n",
        expected: (2, 1, 2550, 2),
        refused: &[],
    },
    Shop {
        what: "Dutch: date and time apart, whose address",
        currency: "EUR",
        text: "Bestelnr.;Datum;Tijd;E-mailadres klant;Naam klant;Product;Aantal;Prijs per stuk;Totaal incl. btw\n\
               1;28-09-2026;10:15;ada@example.com;Ada Jansen;Kop;1;€ 1.025,50;€ 1.025,50\n",
        expected: (1, 0, 102_550, 1),
        refused: &[],
    },
    Shop {
        what: "French: the status of the payment says what came back",
        currency: "EUR",
        text: "Commande;Date;Client;Email;Montant TTC;Statut;Statut du paiement;Remboursé\n\
               1;28/09/2026;Ada Petit;ada@example.com;25,00 €;Expédiée;Payé;5,00 €\n\
               2;28/09/2026;Bo Grand;bo@example.com;15,00 €;Expédiée;Remboursée;\n",
        expected: (2, 2, 2000, 2),
        refused: &[],
    },
    Shop {
        what: "a till: tickets, dollars, a half of the day",
        currency: "USD",
        text: "Date,Ticket #,Customer,Customer Email,Subtotal,Discounts,Tax,Total\n\
               09/28/2026 10:15 AM,220001,\"Example, Ada\",ada@example.com,$20.00,$0.00,$1.60,$21.60\n",
        expected: (1, 0, 2160, 1),
        refused: &[],
    },
    Shop {
        what: "a till: sales, failed ones and refunds of one number",
        currency: "EUR",
        text: "Date,Transaction ID,Type,Status,Quantity,Description,Total,Price (Gross),Tax,Tip\n\
               \"Sep 28, 2026, 10:15\",T1,Sale,Successful,1,Kaffee,3.50,3.50,0.56,0\n\
               \"Sep 28, 2026, 11:15\",T2,Sale,Failed,1,Kaffee,3.50,3.50,0.56,0\n\
               \"Sep 28, 2026, 12:15\",T1,Refund,Refunded,1,Kaffee,-3.50,-3.50,0.56,0\n",
        expected: (1, 1, 0, 0),
        refused: &[(3, Reason::NotAnOrder)],
    },
    Shop {
        what: "an auction: pounds, a month in letters between day and year",
        currency: "GBP",
        text: "Sales Record Number,Order Number,Buyer Username,Buyer Name,Buyer Email,Item Title,Quantity,Sold For,Shipping And Handling,\
               Total Price,Sale Date,Paid On Date\n\
               11,27-1,ada7,Ada,ann@example.com,Kettle,1,£20.00,£4.50,£24.50,3-Sep-26,3-Sep-26\n",
        expected: (1, 0, 2450, 1),
        refused: &[],
    },
    Shop {
        what: "a plug-in: phones of the shipping address, refunds so far, a row a line",
        currency: "EUR",
        text: "Order ID,Order Number,Order Date,Order Status,Customer Name,Billing Email,Billing Phone,Shipping Phone,Item Name,\
               Item Quantity,Item Total,Order Total,Order Currency,Order Refund Total,Order Notes\n\
               5,5,2026-09-01 10:00:00,Completed,Ada,ada@example.com,,+4520123456,Mug,2,20.00,25.00,EUR,10.00,\n\
               5,5,2026-09-01 10:00:00,Completed,Ada,ada@example.com,,+4520123456,Tea,1,5.00,25.00,EUR,10.00,\n",
        expected: (1, 1, 1500, 1),
        refused: &[],
    },
    Shop {
        what: "a buyer who left a phone only, and cancelled",
        currency: "DKK",
        text: "Name,Email,Phone,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Cancelled at,Refunded Amount\n\
               #1,,'+4520123456,voided,DKK,100.00,2026-09-01 10:00:00 +0200,1,Mug,100.00,2026-09-02 10:00:00 +0200,0.00\n",
        expected: (1, 1, 0, 1),
        refused: &[],
    },
    Shop {
        what: "invoices: what is due and what was paid is no total",
        currency: "EUR",
        text: "Invoice Number,Invoice Date,Customer Email,Amount Due,Amount Paid,Total,Status,Currency\n\
               INV-1,2026-09-01,ada@example.com,0.00,25.00,25.00,Paid,EUR\n",
        expected: (1, 0, 2500, 1),
        refused: &[],
    },
    Shop {
        what: "a spreadsheet's empty columns and rows, German short dates",
        currency: "EUR",
        text: "sep=;\nBestellnummer;Datum;E-Mail;Betrag;;\n1;05.06.26;ada@example.com;5,00;;\n;;;;;\n",
        expected: (1, 0, 500, 1),
        refused: &[(4, Reason::MissingField)],
    },
];

#[test]
fn exports_of_orders_come_to_what_they_say() {
    for Shop { what, currency, text, expected, refused } in SHOPS {
        let (store, report) = import(text, currency);
        assert_eq!(report.detected.kind, Kind::Orders, "{what}");
        let found = (report.orders, report.refunds, net(&store), store.snapshot().people());
        assert_eq!(found, *expected, "{what}: {report}");
        let rejects: Vec<(u64, Reason)> = report.receipt.rejects.iter().map(|one| (one.line, one.reason)).collect();
        assert_eq!(rejects, *refused, "{what}: {report}");
        // In a store of another currency nothing of it is forced into that one.
        if report.detected.currency.is_some() {
            assert_eq!(net(&import(text, "JPY").0), 0, "{what}");
        }
        let file = || CsvFile::new(text.as_bytes(), None);
        let again = store.import(file()).expect("imports").receipt;
        assert_eq!((again.accepted, again.conflicting, net(&store)), (0, 0, expected.2), "{what} twice");
        store.undo(file()).expect("undoes");
        assert_eq!((store.snapshot().events(), net(&store)), (0, 0), "{what} taken back");
    }
}

/// An address, its consent to mail and since when, and why nothing may be sent to it.
type Contact = (&'static str, Option<(&'static str, &'static str)>, Option<&'static str>);

const NOW: &str = "2026-12-01";

const LISTS: &[(&str, &str, &[Contact])] = &[
    (
        "a shop's customers, with sums and last visits",
        "Name,Username,Last active,Sign up,Email,Orders,Total spend,AOV,Country / Region,City,Region,Postal code\n\
         Ada,ada,2026-09-01 10:00:00,2024-01-01 00:00:00,ada@example.com,2,82.50,41.25,DE,Kiel,,24103\n",
        &[("ada", None, None)],
    ),
    (
        "a list of whom a tool does not write to, with reasons",
        "Email,Suppression Reason,Suppression Timestamp\nada@example.com,USER_SUPPRESSED,2026-01-02 03:04:05\n\
         bo@example.com,HARD_BOUNCE,2026-01-02 03:04:05\ncy@example.com,SPAM_COMPLAINT,2026-01-02 03:04:05\n\
         dee@example.com,UNSUBSCRIBE,2026-01-02 03:04:05\n",
        &[
            ("ada", Some(("denied", "2026-01-02")), None),
            ("bo", None, Some("hard_bounce")),
            ("cy", Some(("denied", "2026-01-02")), Some("complaint")),
            ("dee", Some(("denied", "2026-01-02")), None),
        ],
    ),
    (
        "profiles with lists of suppressions",
        "Email,First Name,Email Marketing: Consent,Email Marketing: Consent Timestamp,Email Suppressions,Email Suppressions Timestamp\n\
         ada@example.com,Ada,SUBSCRIBED,2025-01-01 00:00:00,[],\n\
         bo@example.com,Bo,NEVER_SUBSCRIBED,,\"[\"\"UNSUBSCRIBED\"\"]\",2025-02-01 00:00:00\n",
        &[("ada", Some(("granted", "2025-01-01")), None), ("bo", Some(("denied", "2025-02-01")), None)],
    ),
    (
        "an audience that left",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,CC,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,\
         UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES\n\
         ada@example.com,Ada,2,2025-01-02 03:04:05,192.0.2.1,2025-01-02 03:04:05,192.0.2.1,DE,2025-06-07 08:09:10,,,NORMAL,,1,a,\n",
        &[("ada", Some(("denied", "2025-06-07")), None)],
    ),
    (
        "an audience that bounced",
        "Email Address,OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID\n\
         ada@example.com,2025-01-02 03:04:05,2025-01-02 03:04:05,2025-06-07 08:09:10,,,1\n",
        &[("ada", Some(("granted", "2025-01-02")), Some("hard_bounce"))],
    ),
    (
        "contacts, some of them on a block list",
        "CONTACT ID;EMAIL;FIRSTNAME;SMS;OPT_IN;DOUBLE_OPT-IN;BLOCKLISTED;ADDED_TIME\n\
         1;ada@example.com;Ada;+4520123456;true;1;no;2025-01-02 03:04:05\n2;bo@example.com;Bo;;true;1;yes;2025-01-02 03:04:05\n",
        &[("ada", Some(("granted", NOW)), None), ("bo", Some(("denied", NOW)), None)],
    ),
    (
        "contacts of a sales team",
        "Record ID,First Name,Email,Lead Status,Marketing contact status,Create Date,Unsubscribed from all email,\
         Opted out of email: Marketing Information,Email hard bounce reason\n\
         1,Ada,ada@example.com,Open,Marketing contact,2025-01-02 03:04,false,,\n\
         2,Bo,bo@example.com,,Non-marketing contact,2025-01-02 03:04,true,,\n\
         3,Cy,cy@example.com,,Marketing contact,2025-01-02 03:04,,true,\n\
         4,Dee,dee@example.com,,Marketing contact,2025-01-02 03:04,,,UNKNOWN_USER\n",
        &[
            ("ada", None, None),
            ("bo", Some(("denied", NOW)), None),
            ("cy", Some(("denied", NOW)), None),
            ("dee", None, Some("hard_bounce")),
        ],
    ),
    (
        "the same in German",
        "E-Mail;Vorname;Von allen E-Mails abgemeldet;Marketingkontaktstatus\nada@example.com;Ada;true;Marketingkontakt\n\
         bo@example.com;Bo;;Marketingkontakt\n",
        &[("ada", Some(("denied", NOW)), None), ("bo", None, None)],
    ),
    (
        "a status with its date and a reason",
        "id,Email,Status,Unsubscribed Date,Unsubscribe Reason\n1,ada@example.com,Unsubscribed,2026-01-02 03:04:05,too many\n\
         2,bo@example.com,Active,,\n3,cy@example.com,Bounced,,\n4,dee@example.com,Unconfirmed,,\n",
        &[
            ("ada", Some(("denied", "2026-01-02")), None),
            ("bo", None, None),
            ("cy", None, Some("hard_bounce")),
            ("dee", None, None),
        ],
    ),
    (
        "plain headers in small letters",
        "email,name,status\nada@example.com,Ada,unsubscribed\nbo@example.com,Bo,subscribed\n",
        &[("ada", Some(("denied", NOW)), None), ("bo", Some(("granted", NOW)), None)],
    ),
    (
        "a status for each channel, with dates",
        "Email,First name,Email status,Email status date,SMS status,SMS status date,Phone number\n\
         ada@example.com,Ada,Subscribed,2026-01-02,Non-subscribed,2026-01-02,\n\
         bo@example.com,Bo,Unsubscribed,2026-01-02,Subscribed,2026-01-03,+4520123456\n",
        &[("ada", Some(("granted", "2026-01-02")), None), ("bo", Some(("denied", "2026-01-02")), None)],
    ),
    (
        "a till's customers: no calls is not no mail",
        "Customer ID,First name,Email,Date of birth,Email opt-out,Call opt-out,Mail opt-out\n\
         1,Ada,ada@example.com,1980-01-02,no,yes,yes\n2,Bo,bo@example.com,1980-01-02,yes,no,no\n",
        &[("ada", None, None), ("bo", Some(("denied", NOW)), None)],
    ),
    (
        "Polish customers",
        "Adres e-mail;Imię;Nazwisko;Miasto;Zgoda na newsletter\nada@example.com;Ada;Nowak;Łódź;tak\nbo@example.com;Bo;Kowal;Łódź;nie\n",
        &[("ada", Some(("granted", NOW)), None), ("bo", Some(("denied", NOW)), None)],
    ),
    (
        "Spanish customers",
        "ID de cliente;Nombre;Apellidos;Correo electrónico;Boletín;Baja\n1;Ada;García;ada@example.com;Sí;No\n2;Bo;Ruiz;bo@example.com;Sí;Sí\n",
        &[("ada", Some(("granted", NOW)), None), ("bo", Some(("denied", NOW)), None)],
    ),
];

#[test]
fn lists_of_people_say_who_may_be_written_to() {
    for (what, text, contacts) in LISTS {
        let (store, report) = import(text, "EUR");
        assert_eq!((report.detected.kind, report.receipt.rejected), (Kind::Customers, 0), "{what}: {report}");
        assert_eq!(report.receipt.accepted, contacts.len() as u64, "{what}");
        for (name, consent, cause) in *contacts {
            let page =
                store.snapshot().profile(id::email(format!("{name}@example.com"))).expect("readable").expect("known");
            let of_mail = (Some("email"), Some("marketing"));
            let said = page.consent.iter().find(|one| (one.channel.as_deref(), one.purpose.as_deref()) == of_mail);
            let said = said.map(|one| (one.status.name().to_owned(), one.ts.to_string().chars().take(10).collect()));
            let expected = consent.map(|(status, day)| (status.to_owned(), day.to_owned()));
            assert_eq!(said, expected, "{what}: {name}: {report}");
            let found = page.suppressed.first().map(|one| one.cause.name());
            assert_eq!(found, *cause, "{what}: {name}");
            let named = ["firstName", "name"].iter().any(|key| page.traits.contains_key(*key));
            let has_names = ["First Name", "Name,", "name,", "FIRSTNAME", "Vorname", "Imię", "Nombre"];
            assert_eq!(named, has_names.iter().any(|own| text.contains(own)), "{what}: {name}");
        }
        let again = store.import(CsvFile::new(text.as_bytes(), None)).expect("imports").receipt;
        assert_eq!((again.accepted, again.conflicting), (0, 0), "{what} twice");
    }
}

#[test]
fn what_is_neither_is_refused_and_says_what_would_do() {
    for (text, words) in [
        ("Handle,Title,Vendor,Variant Price,SKU\nmug,Mug,Acme,5.00,M\n", &["order_id", "a person"][..]),
        (
            "Customer ID,Email,Orders,Total,Average\n7,ada@example.com,2,50.00,25.00\n",
            &["order_id", "no amount of an order"],
        ),
        ("Order ID,Email,Product,Quantity\n7,ada@example.com,Mug,2\n", &["the time of the order", "an amount"]),
        (
            "ID;Reference;New client;Delivery;Customer;Total;Payment;Status;Date\n5;KHW;0;Germany;J. DOE;€20.90;Bank;Paid;2026-09-01\n",
            &["by name only", "email"],
        ),
        (
            "Sale Date,Item Name,Buyer,Quantity,Price,Item Total,Currency,Order ID\n09/28/26,Mug,Ada Example (ada7),2,10.00,20.00,USD,1001\n",
            &["by name only"],
        ),
        (
            "Id,Email,Created at,Abandoned Checkout URL,Total,Currency\n1,ada@example.com,2026-09-01 10:00:00,https://x,5.00,EUR\n",
            &["abandoned checkouts", "--kind orders"],
        ),
    ] {
        let error = refused(text);
        assert!(words.iter().all(|word| error.contains(word)), "{text}{error}");
    }
}

/// An order whose rows name several people is the first one's; the others are told by their lines.
#[test]
fn who_else_an_order_names_is_told() {
    let text = "order_id,date,email,phone,total\n1,2026-09-01,ada@example.com,,5\n1,2026-09-01,bob@example.com,,5\n\
                1,2026-09-01,ADA@example.com,+4520123456,5\n1,2026-09-01,,,5\n";
    let (store, report) = import(text, "EUR");
    assert_eq!(report.receipt.flagged.get(&Flag::IdentifiersCut), Some(&vec![3]), "{report}");
    assert_eq!((report.orders, store.snapshot().people()), (1, 1));
    assert!(report.to_string().contains("identifiers_cut: line 3"), "{report}");
}

/// A spreadsheet's guard stands before what it would compute, and is no part of the cell; any other apostrophe is.
#[test]
fn one_apostrophe_guards_a_cell() {
    for (cell, read) in [
        ("'0042", "0042"),
        ("'+42", "+42"),
        ("'-42", "-42"),
        ("'=42", "=42"),
        ("'@42", "@42"),
        ("''42", "''42"),
        ("'ab42", "'ab42"),
        ("42'", "42'"),
    ] {
        let text = format!("customer_id,email,city\n{cell},ann@example.com,{cell}\n");
        let (store, _) = import(&text, "EUR");
        let ann = store.snapshot().profile(id::email("ann@example.com")).expect("readable").expect("known");
        let found = store.snapshot().profile(id::customer(read)).expect("readable").map(|page| page.id);
        assert_eq!(found, Some(ann.id), "{cell}");
        assert_eq!(ann.traits["city"].as_str(), format!("\"{read}\""), "{cell}");
    }
    let orders =
        "order_id,date,email,total\n'1001,'2026-09-01,ann@example.com,'5.00\n1001,2026-09-01,ann@example.com,5.00\n";
    let (store, report) = import(orders, "EUR");
    assert_eq!((report.orders, net(&store), report.receipt.rejected), (1, 500, 0), "{report}");
}

/// However much is dropped, all of it is counted and the first thousand lines are told.
#[test]
fn the_first_thousand_lines_of_each_kind_are_told() {
    let rows: String = (0..1200).map(|row| format!("{row},2026-09-01,a{row}@example.com,4.5E+11,5\n")).collect();
    let bad: String = (0..1100).map(|row| format!("b{row},2026-09-01,b{row}@example.com,,cheap\n")).collect();
    let (_, report) = import(&format!("order_id,date,email,phone,total\n{rows}{bad}"), "EUR");
    let noticed = &report.receipt.flagged[&Flag::UnusableIdentifier];
    assert!(noticed.iter().copied().eq(2..1002), "{} lines", noticed.len());
    assert!(report.receipt.flags[&Flag::UnusableIdentifier] >= 1200);
    let lines = report.receipt.rejects.iter().map(|reject| reject.line);
    assert_eq!((report.receipt.rejected, lines.clone().count(), lines.min()), (1100, 1000, Some(1202)));
}
