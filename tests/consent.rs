//! Every way to say no, erased and back again: what a no refused stays refused until it is granted anew.

use crate::laws::Scratch;
use regulars::compose::Consent;
use regulars::import::CsvFile;
use regulars::{
    Clock, ConsentStatus, Erasure, Id, Ingest, MessageId, Options, Reason, Store, SuppressionCause, Timestamp, Trust,
    id, when,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4520123456";
const DEVICE: &str = "device-1";

fn day(day: u32) -> Timestamp {
    format!("2026-03-{day:02}T00:00:00Z").parse().expect("an instant")
}

fn options() -> Options {
    Store::options().key([7; 32]).clock(Clock::Manual)
}

fn store() -> Store {
    let store = options().in_memory().expect("opens");
    store.advance(day(1)).expect("advances");
    store
}

fn ingest(store: &Store, message: &Value, trust: Trust) -> Option<Reason> {
    let receipt = store.ingest(message.to_string().as_bytes(), &Ingest::new().trust(trust)).expect("ingests");
    receipt.rejects.first().map(|reject| reject.reason)
}

fn tell(store: &Store, message: &Value) {
    assert_eq!(ingest(store, message, Trust::Verified), None, "{message}");
}

/// An account with every contact that there is.
fn account(user: &str, on: u32) -> Value {
    json!({"type": "identify", "userId": user, "timestamp": day(on).to_string(), "messageId": format!("{user} on {on}"),
        "traits": {"email": EMAIL, "phone": PHONE}, "context": {"device": {"id": DEVICE}}})
}

/// A track of user 1 on the second day that names every contact.
fn track(event: &str, properties: Value, preferences: Value) -> Value {
    let mut properties = properties;
    properties["email"] = json!(EMAIL);
    properties["phone"] = json!(PHONE);
    json!({"type": "track", "event": event, "userId": "1", "timestamp": day(2).to_string(), "properties": properties,
        "context": {"device": {"id": DEVICE}, "consent": {"categoryPreferences": preferences}}})
}

fn update(properties: Value) -> Value {
    track("Consent Updated", properties, json!({}))
}

fn import(store: &Store, text: &str) {
    let file = CsvFile::new(text.as_bytes(), None).source("list").received_at(day(2));
    assert_eq!(store.import(file).expect("imports").receipt.accepted, 1, "{text}");
}

type Topic = (Option<&'static str>, Option<&'static str>);

/// A way to say no: what it is, how it is said, the channels that it stops, and the topics that it answers.
struct No {
    what: &'static str,
    say: fn(&Store),
    stops: &'static [&'static str],
    topics: &'static [Topic],
}

const fn no(what: &'static str, say: fn(&Store), stops: &'static [&'static str], topics: &'static [Topic]) -> No {
    No { what, say, stops, topics }
}

const MARKETING: Option<&str> = Some("marketing");
const OF_MAIL: Topic = (Some("email"), MARKETING);

const NOES: &[No] = &[
    no(
        "a category on any message",
        |store| tell(store, &track("View", json!({}), json!({"Marketing ": false, "analytics": true}))),
        &[],
        &[(None, MARKETING)],
    ),
    no(
        "a preference by name",
        |store| {
            let preferences = json!({"ads": false, "ADS ": true, "analytics": false, "functional": true});
            tell(store, &track("Segment Consent Preference Updated", json!({}), preferences));
        },
        &[],
        &[(None, Some("ads")), (None, Some("analytics"))],
    ),
    no(
        "a purpose only",
        |store| tell(store, &update(json!({"purpose": " STRASSE", "status": "denied"}))),
        &[],
        &[(None, Some("strasse"))],
    ),
    no(
        "a purpose only, withdrawn",
        |store| tell(store, &update(json!({"channel": " ", "purpose": "marketing", "status": "Withdrawn"}))),
        &[],
        &[(None, MARKETING)],
    ),
    no("everything", |store| tell(store, &update(json!({"status": "denied"}))), &[], &[(None, None)]),
    no(
        "a channel only",
        |store| tell(store, &update(json!({"channel": "Email ", "status": "withdrawn"}))),
        &["email"],
        &[(Some("email"), None)],
    ),
    no(
        "a channel and a purpose",
        |store| tell(store, &update(json!({"channel": "email", "purpose": "marketing", "status": "denied"}))),
        &["email"],
        &[OF_MAIL],
    ),
    no(
        "two channels of one number",
        |store| {
            tell(store, &update(json!({"channel": "SMS", "purpose": "marketing", "status": "denied"})));
            tell(store, &update(json!({"channel": "call", "purpose": "surveys", "status": "withdrawn"})));
        },
        &["call", "sms"],
        &[(Some("sms"), MARKETING), (Some("call"), Some("surveys"))],
    ),
    no(
        "a device",
        |store| tell(store, &update(json!({"channel": "push", "status": "denied"}))),
        &["push"],
        &[(Some("push"), None)],
    ),
    no(
        "composed in code",
        |store| {
            let who = [id::user("1"), id::email(EMAIL)];
            let no = Consent::new("email", "marketing", ConsentStatus::Denied, who).at(day(2));
            assert_eq!(store.send(no).expect("ingests").accepted, 1);
        },
        &["email"],
        &[OF_MAIL],
    ),
    no("left", |store| tell(store, &track("Unsubscribed", json!({}), json!({}))), &["email"], &[]),
    no(
        "left a channel",
        |store| tell(store, &track("Unsubscribed", json!({"channel": "WhatsApp"}), json!({}))),
        &["whatsapp"],
        &[],
    ),
    no("a bounce", |store| tell(store, &track("Email Bounced", json!({}), json!({}))), &["email"], &[]),
    no("a complaint", |store| tell(store, &track("Email Marked as Spam", json!({}), json!({}))), &["email"], &[]),
    no(
        "by the account alone",
        |store| {
            let no = json!({"channel": "email", "purpose": "marketing", "status": "denied"});
            let time = day(2).to_string();
            let said = json!({"type": "track", "event": "Consent Updated", "userId": "1", "timestamp": time, "properties": no});
            tell(store, &said);
        },
        &["email"],
        &[OF_MAIL],
    ),
    no(
        "a column of a list",
        |store| import(store, "Customer ID,Email,First Name,Accepts Email Marketing\n1,ann@example.com,Ann,no\n"),
        &["email"],
        &[OF_MAIL],
    ),
    no(
        "a list of those who left",
        |store| import(store, "Email,First Name,Unsubscribed\nann@example.com,Ann,yes\n"),
        &["email"],
        &[OF_MAIL],
    ),
    no(
        "a list of bounces",
        |store| import(store, "Email,First Name,Status\nann@example.com,Ann,Bounced\n"),
        &["email"],
        &[],
    ),
    no(
        "a yes taken back",
        |store| {
            let mut yes = update(json!({"purpose": "marketing", "status": "granted"}));
            yes["timestamp"] = json!(day(1).to_string());
            let no = update(json!({"purpose": "marketing", "status": "withdrawn"}));
            [no, yes].iter().for_each(|message| tell(store, message));
        },
        &[],
        &[(None, MARKETING)],
    ),
    no(
        "a no taken back",
        |store| {
            let mut no = update(json!({"purpose": "marketing", "status": "denied"}));
            no["timestamp"] = json!(day(1).to_string());
            let yes = update(json!({"purpose": "marketing", "status": "granted"}));
            [yes, no].iter().for_each(|message| tell(store, message));
        },
        &[],
        &[],
    ),
];

/// A way to be forgotten.
type Forgetting = fn(&Store) -> Erasure;

/// All of them, on the fourth day.
const ERASURES: [(&str, Forgetting); 4] = [
    ("an account", |_| Erasure::person(id::user("1"))),
    ("a profile", |store| Erasure::profile(store.snapshot().resolve(id::user("1"), None).unwrap().unwrap())),
    ("contacts", |_| Erasure::identifiers(contacts())),
    ("as of a day", |_| Erasure::person(id::user("1")).at(day(3))),
];

fn contacts() -> [Id; 3] {
    [id::email(EMAIL), id::phone(PHONE), Id::new("device", DEVICE)]
}

fn erase(store: &Store, erasure: Erasure) {
    store.advance(day(4)).expect("advances");
    assert_eq!(store.erase(&erasure.id(MessageId::new("request"))).expect("erases").receipt.accepted, 1);
}

type Found = (BTreeSet<(Option<String>, Option<String>)>, BTreeSet<String>);

/// What the contacts say of themselves: topics that are denied and channels that are stopped, both by the erasure.
fn remembered(store: &Store) -> Found {
    let (mut denied, mut stopped) = (BTreeSet::new(), BTreeSet::new());
    for contact in contacts() {
        let Some(told) = store.snapshot().contact(&contact, None).expect("readable") else { continue };
        for answer in told.consent {
            let how = (answer.status, answer.method.as_deref(), answer.proof, &*answer.message_id);
            assert_eq!(how, (ConsentStatus::Denied, Some("objected_before"), None, "request"));
            denied.insert((answer.channel, answer.purpose));
        }
        for stop in told.suppressed {
            assert_eq!((stop.cause, &*stop.message_id), (SuppressionCause::ObjectedBefore, "request"));
            stopped.insert(stop.channel);
        }
    }
    (denied, stopped)
}

impl No {
    fn refused(&self) -> Found {
        let own = |name: Option<&str>| name.map(str::to_owned);
        let topics = self.topics.iter().map(|(channel, purpose)| (own(*channel), own(*purpose))).collect();
        (topics, self.stops.iter().map(|channel| (*channel).to_owned()).collect())
    }

    /// Whether rules, and the page of whoever has the contacts now, tell what the contacts tell.
    fn is_told_of(&self, store: &Store, user: &str) {
        let snapshot = store.snapshot();
        let is = |rule| snapshot.matches(id::user(user), &rule, None).expect("evaluates");
        for channel in ["email", "sms", "call", "whatsapp", "push"] {
            assert_eq!(is(when::suppressed(channel)), self.stops.contains(&channel), "{}: {channel}", self.what);
        }
        for (channel, purpose) in self.topics {
            if let (Some(channel), purpose) = (channel, purpose.unwrap_or("marketing")) {
                assert!(is(when::consent(*channel, purpose).denied()), "{}: {channel}", self.what);
            }
        }
        let page = snapshot.profile(id::user(user)).expect("readable").expect("known");
        let denied: BTreeSet<_> = page.consent.into_iter().map(|answer| (answer.channel, answer.purpose)).collect();
        let stopped = page.suppressed.into_iter().map(|stop| stop.channel).collect();
        assert_eq!((denied, stopped), self.refused(), "{}", self.what);
    }
}

#[test]
fn every_no_survives_every_erasure_until_it_is_granted_anew() {
    for no in NOES {
        for (how, erasure) in ERASURES {
            let store = store();
            tell(&store, &account("1", 1));
            (no.say)(&store);
            erase(&store, erasure(&store));
            assert_eq!(remembered(&store), Found::default(), "{}, {how}: before anybody returns", no.what);
            tell(&store, &account("9", 5));
            store.advance(day(6)).expect("advances");
            assert_eq!(remembered(&store), no.refused(), "{}, {how}", no.what);
            no.is_told_of(&store, "9");
            // Whoever is forgotten again is remembered still.
            assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new(), "{}, {how}", no.what);
            for (channel, purpose) in no.topics.iter().copied().chain(no.stops.iter().map(|stop| (Some(*stop), None))) {
                let mut yes = update(json!({"channel": channel, "purpose": purpose, "status": "granted"}));
                yes["timestamp"] = json!(day(6).to_string());
                yes["userId"] = json!("9");
                tell(&store, &yes);
            }
            for contact in contacts() {
                let told = store.snapshot().contact(&contact, None).expect("readable").expect("known");
                assert!(told.suppressed.is_empty(), "{}, {how}: {told:?}", no.what);
                assert!(
                    told.consent.iter().all(|answer| answer.status == ConsentStatus::Granted),
                    "{}: {told:?}",
                    no.what
                );
            }
        }
    }
}

#[test]
fn a_no_outlives_two_erasures() {
    for no in NOES {
        let store = store();
        tell(&store, &account("1", 1));
        (no.say)(&store);
        let again = |on: u32, name: &str| {
            store.advance(day(on)).expect("advances");
            store.erase(&Erasure::identifiers(contacts()).id(MessageId::new(name))).expect("erases");
        };
        again(4, "first");
        tell(&store, &account("9", 5));
        again(6, "second");
        tell(&store, &account("10", 7));
        store.advance(day(8)).expect("advances");
        no.is_told_of(&store, "10");
    }
}

/// Also where other people have the contacts: then these stay, and what is left of them remembers.
#[test]
fn a_no_said_for_a_shared_contact_survives_whoever_said_it() {
    for no in NOES {
        let store = store();
        tell(&store, &account("2", 1));
        tell(&store, &account("1", 1));
        (no.say)(&store);
        store.advance(day(3)).expect("advances");
        let before = no_at_contacts(&store);
        assert_eq!(before.0, no.refused().0, "{}", no.what);
        erase(&store, Erasure::person(id::user("1")));
        // A row that names the address alone is of whoever used it last, and stays with them.
        let is_gone = store.snapshot().events() == 1;
        assert_eq!(is_gone, !no.what.contains("list"), "{}", no.what);
        assert_eq!(no_at_contacts(&store), if is_gone { no.refused() } else { before }, "{}", no.what);
    }
}

/// What is refused at the contacts, whoever says so.
fn no_at_contacts(store: &Store) -> Found {
    let told = contacts().map(|contact| store.snapshot().contact(&contact, None).expect("readable").expect("known"));
    let denied = told.iter().flat_map(|told| &told.consent).filter(|answer| answer.status != ConsentStatus::Granted);
    let denied = denied.map(|answer| (answer.channel.clone(), answer.purpose.clone())).collect();
    (denied, told.iter().flat_map(|told| &told.suppressed).map(|stop| stop.channel.clone()).collect())
}

#[test]
fn what_an_erasure_remembers_is_on_the_disk() {
    for no in NOES {
        let folder = Scratch::new("objected");
        let open = || options().open(&folder.0).expect("opens");
        let mut store = open();
        store.advance(day(1)).expect("advances");
        tell(&store, &account("1", 1));
        (no.say)(&store);
        store.seal().expect("seals");
        erase(&store, Erasure::person(id::user("1")));
        drop(store);
        store = open();
        tell(&store, &account("9", 5));
        store.advance(day(6)).expect("advances");
        let digest = store.snapshot().digest().expect("digests");
        for step in ["", "seal", "reopen", "compact", "reopen"] {
            match step {
                "seal" => store.seal().expect("seals"),
                "compact" => store.compact().expect("compacts"),
                "reopen" => {
                    store.close().expect("closes");
                    store = open();
                }
                _ => {}
            }
            assert_eq!(remembered(&store), no.refused(), "{}: {step}", no.what);
            assert_eq!(store.snapshot().digest().expect("digests"), digest, "{}: {step}", no.what);
            assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new(), "{}: {step}", no.what);
        }
    }
}

/// What hangs on an account or a visitor without an address hangs there after an erasure, too. A public endpoint says
/// nothing of persons.
#[test]
fn a_purpose_is_refused_at_every_identifier_of_the_message() {
    for (trust, at_account) in [(Trust::Verified, true), (Trust::Claimed, false)] {
        let store = store();
        let visit = |on: u32, ads: Value| {
            json!({"type": "page", "userId": "1", "anonymousId": "visitor", "timestamp": day(on).to_string(),
                "context": {"consent": {"categoryPreferences": {"ads": ads}}}})
        };
        let both = [id::user("1"), id::anonymous("visitor")];
        let denied = |who: &Id| {
            let told = store.snapshot().contact(who, None).expect("readable").expect("known");
            told.consent.iter().any(|answer| answer.purpose.as_deref() == Some("ads"))
        };
        assert_eq!(ingest(&store, &visit(2, json!(false)), trust), None);
        store.advance(day(4)).expect("advances");
        store.erase(&Erasure::identifiers(both.clone())).expect("erases");
        tell(&store, &visit(5, Value::Null));
        store.advance(day(6)).expect("advances");
        assert_eq!(both.each_ref().map(denied), [at_account, true], "{trust:?}");
    }
}

/// What is dated before an erasure cannot come after it; the receipt says so, and it can be said again.
#[test]
fn a_no_that_comes_too_late_is_told_and_can_be_said_again() {
    for (what, mut no) in [
        ("a purpose", update(json!({"purpose": "marketing", "status": "denied"}))),
        ("a channel", track("Unsubscribed", json!({}), json!({}))),
    ] {
        let store = store();
        tell(&store, &account("1", 1));
        erase(&store, Erasure::person(id::user("1")));
        assert_eq!(ingest(&store, &no, Trust::Verified), Some(Reason::Suppressed), "{what}");
        tell(&store, &account("9", 5));
        store.advance(day(6)).expect("advances");
        assert_eq!(no_at_contacts(&store), Found::default(), "{what}");
        no["timestamp"] = json!(day(6).to_string());
        tell(&store, &no);
        assert_ne!(no_at_contacts(&store), Found::default(), "{what}");
    }
}

/// A host may want nothing more of whoever was erased, whenever it happened.
#[test]
fn a_store_that_suppresses_takes_nothing_of_the_erased() {
    for suppress in [false, true] {
        let config = serde_json::from_value(json!({"suppress": suppress})).expect("options");
        let store = options().config(config).in_memory().expect("opens");
        store.advance(day(1)).expect("advances");
        tell(&store, &account("1", 1));
        erase(&store, Erasure::person(id::user("1")));
        let refused = suppress.then_some(Reason::Suppressed);
        let named = [
            account("9", 5),
            json!({"type": "page", "anonymousId": "new", "context": {"device": {"id": DEVICE}}, "timestamp": day(9).to_string()}),
            json!({"type": "page", "userId": "1", "timestamp": day(7).to_string()}),
        ];
        for message in &named {
            assert_eq!(ingest(&store, message, Trust::Verified), refused, "{message}");
            assert_eq!(ingest(&store, message, Trust::Claimed), refused, "{message}");
        }
        assert_eq!(store.snapshot().events(), if suppress { 0 } else { 3 });
        assert_eq!(ingest(&store, &json!({"type": "page", "userId": "2"}), Trust::Verified), None);
    }
}

#[test]
fn method_and_proof_come_back_to_the_letter() {
    for (method, proof) in [
        (json!("double opt-in"), json!(" Yes, \u{201c}write\u{201d} to me.\nCaf\u{e9} / Cafe\u{301} \u{1f4e7}\t")),
        (json!("DOUBLE Opt-In "), json!("{\"form\": 7}")),
        (json!("phone"), Value::Null),
        (Value::Null, json!("x")),
        (json!("  "), json!("")),
    ] {
        let given = |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        for purpose in [json!("marketing"), Value::Null] {
            for channel in [json!("email"), Value::Null] {
                let store = store();
                let said = json!({"channel": channel, "purpose": purpose, "status": " Granted", "method": method, "proof": proof});
                tell(&store, &update(said));
                store.advance(day(3)).expect("advances");
                let page = store.snapshot().profile(id::user("1")).expect("readable").expect("known");
                let told = store.snapshot().contact(&id::email(EMAIL), None).expect("readable").expect("known");
                assert!(!page.consent.is_empty() && told.consent.len() == 1);
                for answer in page.consent.iter().chain(&told.consent) {
                    assert_eq!((&answer.method, &answer.proof), (&given(&method), &given(&proof)));
                    assert_eq!((answer.status, answer.ts), (ConsentStatus::Granted, day(2)));
                }
            }
        }
    }
}
