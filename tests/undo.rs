//! Imports that are taken back: as if the file had never come, and nothing else.

use proptest::prelude::*;
use regulars::import::{CsvFile, DateOrder, From};
use regulars::{Clock, Ingest, Reason, Retracted, Store, Timestamp, id};

fn store() -> Store {
    Store::options().currency("EUR").key([7; 32]).clock(Clock::Manual).in_memory().expect("opens")
}

fn at(day: u32) -> Timestamp {
    format!("2026-06-{:02}T00:00:00Z", day + 1).parse().expect("an instant")
}

fn file(text: &str, day: u32) -> CsvFile<'_> {
    CsvFile::new(text.as_bytes(), None).source("list").received_at(at(day))
}

/// Who is who and what is known of them; what was said and taken back is in the facts.
fn knows(store: &Store) -> (String, String) {
    assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
    let digest = store.snapshot().digest().expect("readable");
    (digest.identity.to_string(), digest.profiles.to_string())
}

const WRONG: &str = "order_id,date,email,total\n\
    1,01/02/2026,ann@example.com,10.00\n2,02/01/2026,bob@example.com,11.00\n3,03/03/2026,eve@example.com,12.00\n";

#[test]
fn a_wrong_mapping_is_put_right() {
    let store = store();
    let read = |order, day| file(WRONG, day).date_order(order);
    assert_eq!(store.import(read(DateOrder::MonthFirst, 0)).expect("imports").receipt.accepted, 3);
    let other = store.undo(read(DateOrder::DayFirst, 1)).expect("undoes");
    assert_eq!((other.retracted, other.unknown), (0, 3), "the same file under another mapping is another import");
    let done = store.undo(read(DateOrder::MonthFirst, 1)).expect("undoes");
    assert_eq!((done.retracted, done.unknown, done.earlier), (3, 0, 0));
    assert!(store.snapshot().profile(id::email("ann@example.com")).expect("readable").is_none());
    assert_eq!((store.snapshot().events(), store.snapshot().people()), (0, 0));
    // Again there is nothing to take back; and what was taken back stays out.
    assert_eq!(store.undo(read(DateOrder::MonthFirst, 2)).expect("undoes").retracted, 0);
    let again = store.import(read(DateOrder::MonthFirst, 2)).expect("imports").receipt;
    assert_eq!((again.accepted, again.reasons.get(&Reason::Retracted)), (0, Some(&3)));
    // All of the corrected file comes in, also the row that says the same either way.
    assert_eq!(store.import(read(DateOrder::DayFirst, 3)).expect("imports").receipt.accepted, 3);
    for (email, first) in [("ann", "2026-02-01"), ("bob", "2026-01-02"), ("eve", "2026-03-03")] {
        let email = id::email(format!("{email}@example.com"));
        let orders = store.snapshot().profile(email).expect("readable").expect("known").orders;
        let day = orders.first.map(|at| at.to_string());
        assert_eq!((orders.count, day.as_deref().and_then(|day| day.get(..10))), (1, Some(first)));
    }
    // The one that was taken back is not the corrected one.
    assert_eq!(store.undo(read(DateOrder::MonthFirst, 4)).expect("undoes").retracted, 0);
    assert_eq!(store.snapshot().people(), 3);
}

#[test]
fn every_declaration_makes_an_import_of_its_own() {
    type How = fn(CsvFile<'_>) -> CsvFile<'_>;
    let ways: [How; 7] = [
        |file| file,
        |file| file.date_order(DateOrder::DayFirst),
        |file| file.date_order(DateOrder::MonthFirst),
        |file| file.decimal_comma(false),
        |file| file.time_zone("Asia/Tokyo"),
        |file| file.delimiter(','),
        |file| {
            let column = |name: &str| From::Column(name.to_owned());
            file.map("order_id", column("order_id")).map("time", column("date")).map("total", column("total"))
        },
    ];
    let text = "order_id,date,email,total\n1,2026-03-03,ann@example.com,10.00\n";
    for (first, wrong) in ways.iter().enumerate() {
        for (second, right) in ways.iter().enumerate() {
            let store = store();
            store.import(wrong(file(text, 0))).expect("imports");
            assert_eq!(store.undo(wrong(file(text, 1))).expect("undoes").retracted, 1, "{first}");
            let accepted = store.import(right(file(text, 2))).expect("imports").receipt.accepted;
            assert_eq!(accepted, u64::from(first != second), "{first} {second}");
        }
    }
}

#[test]
fn nothing_else_goes() {
    let store = store();
    let week = "order_id,date,email,total\n1,2026-01-01,ann@example.com,10.00\n";
    let longer = format!("{week}2,2026-01-02,bob@example.com,20.00\n");
    store.import(file(week, 0)).expect("imports");
    let before = knows(&store);
    store.import(file(&longer, 1)).expect("imports");
    store.import(file(&longer, 2)).expect("imports");
    // What other sources told of the same orders stays.
    let other = CsvFile::new(longer.as_bytes(), None).source("other").received_at(at(3));
    let done = store.undo(other).expect("undoes");
    assert_eq!((done.retracted, done.unknown), (0, 2));
    let done = store.undo(file(&longer, 3)).expect("undoes");
    assert_eq!((done.retracted, done.unknown, done.earlier), (1, 0, 1));
    assert_eq!(knows(&store), before);
    let done = store.undo(file(&longer, 4)).expect("undoes");
    assert_eq!((done.retracted, done.unknown, done.earlier), (1, 1, 0));
    assert_eq!(store.snapshot().events(), 0);
}

#[test]
fn rows_that_cannot_be_read_brought_nothing() {
    let store = store();
    let text = "order_id,date,email,total\n1,2026-01-01,ann@example.com,10.00\n2,2026-01-01,bob@example.com,cheap\n";
    store.import(file(text, 0)).expect("imports");
    let Retracted { retracted, receipt, .. } = store.undo(file(text, 1)).expect("undoes");
    assert_eq!((retracted, receipt.rejects[0].line, receipt.rejects[0].reason), (1, 3, Reason::WrongType));
    assert!(store.undo(file("sku,stock\nA,1\n", 2)).is_err());
}

#[test]
fn files_of_messages_are_taken_back_too() {
    let store = store();
    let line = |id: &str, user: &str| format!(r#"{{"type":"page","userId":"{user}","messageId":"{id}"}}"#);
    let own = format!("{}\n{}\n", line("m1", "1"), line("m2", "2"));
    store.import_ndjson(own.as_bytes(), &Ingest::new(), |_| {}).expect("imports");
    store.ingest_json(line("m3", "3").as_bytes()).expect("ingests");
    // Of an id that has other content now nothing goes.
    let file = format!("{}\n{}\n{}\n", line("m1", "1"), line("m2", "7"), line("m4", "4"));
    let done = store.undo_ndjson(file.as_bytes(), &Ingest::new()).expect("undoes");
    assert_eq!((done.retracted, done.unknown), (1, 2));
    let array = format!("[\n{}\n]", line("m2", "2"));
    assert_eq!(store.undo_ndjson(array.as_bytes(), &Ingest::new()).expect("undoes").retracted, 1);
    assert_eq!((store.snapshot().events(), store.snapshot().people()), (1, 1));
}

#[test]
fn what_was_taken_back_stays_so_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("regulars-undo-{}", std::process::id()));
    let text: String = (0..300).map(|row| format!("{row},2026-01-01,a{row}@example.com,yes,5\n")).collect();
    let text = format!("order_id,date,email,Accepts Marketing,total\n{text}");
    let open = || Store::options().currency("EUR").clock(Clock::Manual).open(&folder).expect("opens");
    {
        let store = open();
        store.import(file(&text, 0)).expect("imports");
        store.seal().expect("seals");
        assert_eq!(store.undo(file(&text, 1)).expect("undoes").retracted, 300);
        store.close().expect("closes");
    }
    for compacted in [false, true] {
        let store = open();
        assert_eq!((store.snapshot().events(), store.snapshot().people()), (0, 0), "{compacted}");
        let again = store.import(file(&text, 2)).expect("imports").receipt;
        assert_eq!((again.accepted, again.reasons.get(&Reason::Retracted)), (0, Some(&300)), "{compacted}");
        assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
        store.compact().expect("compacts");
        store.close().expect("closes");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// One order of one week: how much, what came back so far, how many lines.
type Told = (u8, u8, u8);

fn orders(week: &[Told]) -> String {
    let rows = week.iter().enumerate().flat_map(|(number, (total, refunded, lines))| {
        (0..=lines % 3).map(move |line| {
            let total = 20 + u32::from(total % 4);
            format!(
                "{number},2026-01-0{} 10:00,a{}@example.com,P{line},{total},{}\n",
                number + 1,
                number % 2,
                refunded % 3 * 5
            )
        })
    });
    format!("order_id,date,email,sku,order total,refunded amount\n{}", rows.collect::<String>())
}

fn customers(week: &[Told]) -> String {
    let word = |told: u8| ["yes", "no", ""][usize::from(told % 3)];
    let rows = week.iter().enumerate().map(|(who, (city, answer, extra))| {
        format!(
            "c{who}@example.com,City {},{},{}\n",
            city % 2,
            word(*answer),
            ["", "2026-05-01"][usize::from(extra % 2)]
        )
    });
    format!("email,city,newsletter,unsubscribed at\n{}", rows.collect::<String>())
}

fn undone_in_turn(weeks: &[Vec<Told>], written: fn(&[Told]) -> String) -> Result<(), TestCaseError> {
    let store = store();
    let days = || 0u32..;
    let mut known = vec![knows(&store)];
    let mut brought = Vec::new();
    for (day, week) in days().zip(weeks) {
        brought.push(store.import(file(&written(week), day)).expect("imports").receipt.accepted);
        known.push(knows(&store));
    }
    for (week, brought) in weeks.iter().zip(brought).rev() {
        known.pop();
        let before = known.last().expect("one for each week");
        if brought > 0 {
            let done = store.undo(file(&written(week), 20)).expect("undoes");
            prop_assert_eq!(done.retracted, brought);
        }
        prop_assert_eq!(&knows(&store), before);
    }
    prop_assert_eq!(store.snapshot().events(), 0);
    Ok(())
}

fn weeks() -> impl Strategy<Value = Vec<Vec<Told>>> {
    prop::collection::vec(prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 1..5), 1..5)
}

proptest! {
    #![proptest_config(crate::laws::cases(24))]

    /// Of exports of orders that grow and change the last is taken back again and again: each time as if it had not come.
    #[test]
    fn exports_of_orders_are_undone_one_by_one(mut weeks in weeks()) {
        // What came back of an order only grows.
        for at in 1..weeks.len() {
            for number in 0..weeks[at].len().min(weeks[at - 1].len()) {
                weeks[at][number].1 = weeks[at][number].1.max(weeks[at - 1][number].1);
            }
        }
        undone_in_turn(&weeks, orders)?;
    }

    #[test]
    fn exports_of_customers_are_undone_one_by_one(weeks in weeks()) {
        undone_in_turn(&weeks, customers)?;
    }
}
