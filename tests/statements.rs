//! Files of customers are statements: about consent above all, and each at its time.

use proptest::prelude::*;
use regulars::import::CsvFile;
use regulars::{Clock, ImportReport, Store, Timestamp, id, when};

fn store() -> Store {
    Store::options().clock(Clock::Manual).in_memory().expect("opens")
}

fn at(day: u32) -> Timestamp {
    format!("2026-03-{:02}T00:00:00Z", day + 1).parse().expect("an instant")
}

fn import(store: &Store, text: &str, day: u32) -> ImportReport {
    store.import(CsvFile::new(text.as_bytes(), None).source("list").received_at(at(day))).expect("imports")
}

/// What is known of the marketing consent of an address: its status, and when it was given.
fn consent(store: &Store, email: &str) -> Option<(String, String)> {
    let profile = store.snapshot().profile(id::email(email)).expect("readable")?;
    let said = profile.consent.iter().find(|one| one.purpose.as_deref() == Some("marketing"))?;
    Some((said.status.name().to_owned(), said.ts.to_string()))
}

fn causes(store: &Store, email: &str) -> Vec<String> {
    let profile = store.snapshot().profile(id::email(email)).expect("readable").expect("known");
    profile.suppressed.iter().map(|one| one.cause.name().to_owned()).collect()
}

/// How mailing tools say what became of a contact, under which headers; and what that means, at which time.
#[test]
fn each_tools_words_mean_what_they_say() {
    let own = "2026-03-01T00:00:00.000Z";
    for (headers, cells, expected) in [
        ("Accepts Email Marketing", "yes", Some(("granted", own))),
        ("Accepts Marketing", "no", Some(("denied", own))),
        ("Newsletter (0/1)", "1", Some(("granted", own))),
        ("Newsletter (0/1)", "0", Some(("denied", own))),
        ("Newsletter-Abonnent", "nein", Some(("denied", own))),
        ("Inscrit à la newsletter", "oui", Some(("granted", own))),
        ("Nieuwsbrief", "ja", Some(("granted", own))),
        ("Newsletter", "", None),
        (
            "Email Marketing Consent,Email Marketing Consent Timestamp",
            "SUBSCRIBED,2025-01-02 03:04:05",
            Some(("granted", "2025-01-02T03:04:05.000Z")),
        ),
        (
            "Email Marketing Consent,Email Marketing Consent Timestamp",
            "UNSUBSCRIBED,2025-01-02 03:04:05",
            Some(("denied", "2025-01-02T03:04:05.000Z")),
        ),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED", None),
        (
            "OPTIN_TIME,CONFIRM_TIME",
            "2025-01-02 03:04:05,2025-01-02 04:00:00",
            Some(("granted", "2025-01-02T03:04:05.000Z")),
        ),
        ("OPTIN_TIME,CONFIRM_TIME", ",2025-01-02 04:00:00", Some(("granted", "2025-01-02T04:00:00.000Z"))),
        ("OPTIN_TIME,CONFIRM_TIME", ",", None),
        (
            "OPTIN_TIME,UNSUB_TIME,UNSUB_REASON",
            "2025-01-02 03:04:05,2025-06-07 00:00:00,bored",
            Some(("denied", "2025-06-07T00:00:00.000Z")),
        ),
        ("OPTIN_TIME,UNSUB_TIME,UNSUB_REASON", "2025-01-02 03:04:05,,bored", Some(("denied", own))),
        ("OPTIN_TIME,UNSUB_TIME", "2025-01-02 03:04:05,", Some(("granted", "2025-01-02T03:04:05.000Z"))),
        (
            "OPTIN_TIME,UNSUB_TIME",
            "2025-07-02 03:04:05,2025-06-07 00:00:00",
            Some(("granted", "2025-07-02T03:04:05.000Z")),
        ),
        ("Status", "Unsubscribed", Some(("denied", own))),
        ("Status", "Active", None),
        ("Status", "Subscribed", Some(("granted", own))),
        ("Status", "Unconfirmed", None),
        ("Status", "Enabled account", None),
        ("Email status", "Unsubscribed", Some(("denied", own))),
        ("Email status", "Non-subscribed", None),
        ("Unsubscribed", "1", Some(("denied", own))),
        ("Unsubscribed", "0", None),
        ("Unsubscribed from all email", "true", Some(("denied", own))),
        ("Opted out of email: Newsletter", "true", Some(("denied", own))),
        ("Blocklisted", "yes", Some(("denied", own))),
        ("EMAIL_BLACKLISTED", "0", None),
        ("Unsubscribed,Blacklisted", "no,yes", Some(("denied", own))),
        ("Abgemeldet am", "07.06.2025", Some(("denied", "2025-06-07T00:00:00.000Z"))),
        ("Subscribed,Unsubscribed", "yes,yes", Some(("denied", own))),
        ("Subscribed at", "2025-01-02 03:04:05", Some(("granted", "2025-01-02T03:04:05.000Z"))),
        ("Newsletter,Opt-in", "0,1", Some(("denied", own))),
    ] {
        let store = store();
        let text = format!("Email,First Name,{headers}\nann@example.com,Ann,{cells}\n");
        let report = import(&store, &text, 0);
        assert_eq!(report.receipt.accepted, 1, "{text}: {report}");
        let expected = expected.map(|(status, time)| (status.to_owned(), time.to_owned()));
        assert_eq!(consent(&store, "ann@example.com"), expected, "{text}{report}");
        assert_eq!(import(&store, &text, 3).receipt.accepted, 0, "{text} twice");
        assert_eq!(consent(&store, "ann@example.com"), expected, "{text} twice");
    }
    for (headers, cells, cause) in [
        ("Status", "Bounced", "hard_bounce"),
        ("CLEAN_TIME", "2025-01-02 03:04:05", "hard_bounce"),
        ("Hard bounced", "yes", "hard_bounce"),
        ("Status", "Complained", "complaint"),
        ("Spam complaint", "1", "complaint"),
        ("Email Marketing Status", "cleaned", "hard_bounce"),
    ] {
        let store = store();
        import(&store, &format!("Email,{headers}\nann@example.com,{cells}\n"), 0);
        assert_eq!(causes(&store, "ann@example.com"), [cause], "{headers} {cells}");
        assert_eq!(consent(&store, "ann@example.com"), None, "{headers} {cells}");
    }
    let store = store();
    import(
        &store,
        "Email,Phone,Accepts SMS Marketing,SMS_BLACKLISTED\na@example.com,+4520123456,yes,\nb@example.com,+4520123457,,1\n",
        0,
    );
    for (email, granted) in [("a@example.com", true), ("b@example.com", false)] {
        let rule = when::consent("sms", "marketing").granted();
        assert_eq!(store.snapshot().matches(id::email(email), &rule, None).expect("evaluates"), granted, "{email}");
    }
}

/// A box that is not ticked at a checkout is no statement; that of a customers file is.
#[test]
fn orders_grant_and_never_deny() {
    for (word, granted) in [("yes", true), ("no", false), ("0", false), ("unsubscribed", false), ("", false)] {
        let store = store();
        let file = |accepts: &str, number: u32| {
            format!(
                "order_id,date,email,total,Accepts Marketing\n{number},2026-03-0{number},ann@example.com,5,{accepts}\n"
            )
        };
        import(&store, &file(word, 1), 9);
        let said = consent(&store, "ann@example.com").map(|(status, _)| status);
        assert_eq!(said.as_deref(), granted.then_some("granted"), "{word}");
        import(&store, &file("yes", 2), 9);
        import(&store, &file(word, 3), 9);
        assert_eq!(consent(&store, "ann@example.com").map(|(status, _)| status).as_deref(), Some("granted"), "{word}");
    }
}

fn week(answers: &[Option<bool>]) -> String {
    let word = |answer: &Option<bool>| answer.map_or("", |yes| if yes { "yes" } else { "no" });
    let row = |(who, answer): (usize, &Option<bool>)| format!("c{who}@example.com,Name {who},{}\n", word(answer));
    format!("email,name,newsletter\n{}", answers.iter().enumerate().map(row).collect::<String>())
}

proptest! {
    #![proptest_config(crate::laws::cases(24))]

    /// Week after week the store knows what the last export that said anything said, and no export twice is news.
    #[test]
    fn the_last_export_counts(
        weeks in prop::collection::vec(prop::collection::vec(any::<Option<bool>>(), 3), 1..7),
        twice in any::<u64>(),
    ) {
        let store = store();
        let mut known: Vec<Option<bool>> = vec![None; 3];
        for (day, answers) in (0u32..).zip(&weeks) {
            import(&store, &week(answers), day * 4);
            for later in 1..=u32::from(twice & (1 << day) != 0) * 2 {
                let again = import(&store, &week(answers), day * 4 + later);
                prop_assert_eq!((again.receipt.accepted, again.receipt.conflicting), (0, 0));
            }
            known.iter_mut().zip(answers).for_each(|(known, answer)| *known = answer.or(*known));
        }
        for (who, expected) in known.iter().enumerate() {
            let said = consent(&store, &format!("c{who}@example.com")).map(|(status, _)| status == "granted");
            prop_assert_eq!(said, *expected, "customer {}", who);
        }
        // The store says so after everything is read again from the facts.
        prop_assert!(store.verify().expect("verifies").differences.is_empty());
    }

    /// Exports of which it is told as of when they are come in any order.
    #[test]
    fn exports_come_in_any_order(answers in prop::collection::vec(any::<bool>(), 1..6), seed in any::<prop::sample::Index>()) {
        let day_of_last = answers.len() - 1;
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.rotate_left(seed.index(answers.len()));
        let store = store();
        for _ in 0..2 {
            for day in &order {
                let text = week(&[Some(answers[*day])]);
                let as_of = at(u32::try_from(*day).expect("few"));
                let file = CsvFile::new(text.as_bytes(), None).received_at(at(20)).as_of(as_of);
                store.import(file).expect("imports");
            }
        }
        let said = consent(&store, "c0@example.com").map(|(status, _)| status == "granted");
        prop_assert_eq!(said, Some(answers[day_of_last]));
    }
}

/// A clock that stands still between two imports hides none of them once it goes on.
#[test]
fn exports_received_at_one_instant_count_in_their_order() {
    for answers in [&[false, true, false][..], &[true, false], &[false, true, true], &[true, false, true, false]] {
        let store = store();
        for answer in answers {
            import(&store, &week(&[Some(*answer)]), 0);
        }
        store.advance(at(1)).expect("advances");
        let said = consent(&store, "c0@example.com").map(|(status, _)| status == "granted");
        assert_eq!(said, answers.last().copied(), "{answers:?}");
    }
}

/// A customer's several rows are one statement: all of them are known, or none is.
#[test]
fn several_rows_of_a_customer_are_known_together() {
    let text = "customer_id,email,city,newsletter\n7,ann@example.com,Kiel,yes\n7,ANN@example.com,Bonn,yes\n8,bob@example.com,Ulm,no\n";
    let turned = "customer_id,email,city,newsletter\n8,bob@example.com,Ulm,no\n7,ANN@example.com,Bonn,yes\n7,ann@example.com,Kiel,yes\n";
    let store = store();
    assert_eq!(import(&store, text, 0).receipt.accepted, 3);
    for (day, again) in [(1, text), (2, turned), (3, text)] {
        let report = import(&store, again, day);
        assert_eq!((report.receipt.accepted, report.receipt.duplicates), (0, 3), "day {day}");
    }
    let moved = text.replace("Kiel", "Jena");
    let report = import(&store, &moved, 4);
    assert_eq!((report.receipt.accepted, report.receipt.duplicates), (2, 1), "who says nothing new is known");
    assert_eq!(import(&store, &moved, 5).receipt.accepted, 0);
    // Other columns that nobody reads, and other headers, say nothing else.
    let wider = moved
        .replace("newsletter\n", "Newsletter (0/1),Orders\n")
        .replace(",yes\n", ",yes,5\n")
        .replace(",no\n", ",no,6\n");
    assert_eq!(import(&store, &wider, 6).receipt.accepted, 0);
    // Another source says it for itself.
    let other = store.import(CsvFile::new(text.as_bytes(), None).source("other").received_at(at(7))).expect("imports");
    assert_eq!(other.receipt.accepted, 3);
}

#[test]
fn rows_that_name_nobody_or_are_only_claimed_are_known_again_too() {
    let store = store();
    let text = "email,newsletter\nnobody,yes\nann@example.com,yes\n";
    let claimed = |day| {
        let file = CsvFile::new(text.as_bytes(), None).trust(regulars::Trust::Claimed).received_at(at(day));
        store.import(file).expect("imports").receipt
    };
    let (first, second) = (claimed(0), claimed(1));
    assert_eq!((first.accepted, second.accepted, second.conflicting), (2, 0, 0));
    assert_eq!(import(&store, text, 2).receipt.accepted, 2);
    assert_eq!(import(&store, text, 3).receipt.accepted, 0);
}

#[test]
fn a_row_with_a_time_of_its_own_is_said_then() {
    let store = store();
    let text = "email,time,newsletter\nann@example.com,2025-05-01,yes\nann@example.com,2025-06-01,no\nann@example.com,2025-04-01,yes\n";
    assert_eq!(import(&store, text, 0).receipt.accepted, 3);
    assert_eq!(import(&store, text, 9).receipt.accepted, 0);
    let said = consent(&store, "ann@example.com");
    assert_eq!(said, Some(("denied".to_owned(), "2025-06-01T00:00:00.000Z".to_owned())));
    // Since when somebody is a customer is no time of what is said now.
    let list = "email,created_at,newsletter\nann@example.com,2019-01-01,yes\n";
    import(&store, list, 10);
    assert_eq!(consent(&store, "ann@example.com"), Some(("granted".to_owned(), "2026-03-11T00:00:00.000Z".to_owned())));
    let ann = store.snapshot().profile(id::email("ann@example.com")).expect("readable").expect("known");
    assert_eq!(ann.traits["createdAt"].as_str(), "\"2019-01-01T00:00:00.000Z\"");
}
