//! Nothing that a host might log shows what a customer is called or what is known of them.

use regulars::{Clock, Id, Ingest, MessageId, Reason, Rule, Segment, Store, Universe, id, when};
use std::fmt::{Debug, Display};

/// In every value below; masks leave only its first letter.
const CANARY: &str = "qcanary";

/// What was printed, all of it.
#[derive(Default)]
struct Prints(Vec<String>);

impl Prints {
    fn debug(&mut self, value: &impl Debug) {
        self.0.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    fn both(&mut self, value: &(impl Debug + Display)) {
        self.debug(value);
        self.0.push(value.to_string());
    }

    fn error<T>(&mut self, result: regulars::Result<T>) {
        if let Err(error) = result {
            self.both(&error);
        }
    }

    fn check(&self) {
        for print in &self.0 {
            let shown = print.to_lowercase();
            assert!(!shown.contains(CANARY) && !shown.contains("20123456"), "{print}");
        }
    }
}

fn messages() -> String {
    [
        r#"{"type":"identify","messageId":"qcanary-m","userId":"qcanary-u","anonymousId":"qcanary-a","timestamp":"2026-01-01T00:00:00Z","traits":{"email":"qcanary@qcanary.dk","phone":"+4520123456","city":"qcanary","age":"qcanary"}}"#,
        r#"{"type":"identify","userId":"qcanary-v","timestamp":"2026-01-02T00:00:00Z","traits":{"email":"qcanary@qcanary.dk","list":["qcanary"],"deep":{"a":"qcanary"}}}"#,
        r#"{"type":"track","event":"Order Completed","userId":"qcanary-u","timestamp":"2026-01-03T00:00:00Z","properties":{"order_id":"qcanary-o","total":"qcanary","email":"qcanary2@qcanary.dk","products":[{"product_id":"qcanary","quantity":"qcanary"}]}}"#,
        r#"{"type":"group","groupId":"qcanary-g","userId":"qcanary-u","traits":{"name":"qcanary"}}"#,
        r#"{"type":"track","event":"Consent Updated","userId":"qcanary-u","properties":{"email":"qcanary@qcanary.dk","channel":"email","purpose":"marketing","status":"qcanary"}}"#,
        r#"{"type":"page","anonymousId":"qcanary-b","context":{"traits":{"email":"qcanary@"},"externalIds":[{"id":"qcanary","type":"qcanary"}]}}"#,
        r#"{"type":"alias","userId":"qcanary-w","previousId":"qcanary-a"}"#,
        r#"{"type":"qcanary","userId":"qcanary"}"#,
        r#"{"type":"page","userId":"qcanary","timestamp":"qcanary"}"#,
        r#"{"type":"page","userId":["qcanary"]}"#,
        r#"{"type":"page","userId":"qcanary","userId":"qcanary2"}"#,
        r#"{"type":"page","traits":{"qcanary":"qcanary"}}"#,
        r#"{"qcanary":"qcanary""#,
        "qcanary",
    ]
    .join("\n")
}

fn ids() -> Vec<Id> {
    vec![
        id::user("qcanary-u"),
        id::user("qcanary-v"),
        id::user("qcanary-nobody"),
        id::email("QCanary@qcanary.DK"),
        id::email("qcanary"),
        id::email("qcanary@localhost"),
        id::phone("+45 20 12 34 56"),
        id::phone("qcanary"),
        id::anonymous("qcanary-a"),
        id::loyalty_card("qcanary"),
        id::user("qcanary\0"),
        id::user("null"),
        Id::new("planet", "qcanary"),
    ]
}

fn store() -> Store {
    let config = r#"{"currency":"EUR","traits":{"age":{"type":"int"},"city":{"type":"string"}}}"#;
    Store::options().config(serde_json::from_str(config).unwrap()).clock(Clock::Manual).in_memory().unwrap()
}

#[test]
fn receipts_and_snapshots_do_not_tell() {
    let mut prints = Prints::default();
    let store = store();
    let vip = Segment::new("vip", when::trait_("city").is("qcanary"));
    prints.debug(&vip);
    prints.both(&store.define(vip).unwrap());
    let how = Ingest::new();
    prints.debug(&how);
    prints.both(&store.check(messages().as_bytes(), &how).unwrap());
    prints.both(&how.clone().check(messages().as_bytes()).unwrap());
    let receipt = store.ingest(messages().as_bytes(), &how).unwrap();
    assert!(
        receipt.accepted >= 6 && receipt.rejected >= 6 && receipt.reasons.contains_key(&Reason::WrongType),
        "{receipt}"
    );
    prints.both(&receipt);
    store.seal().unwrap();
    for _ in 0..2 {
        let snapshot = store.snapshot();
        prints.debug(&store);
        prints.debug(&store.stats());
        prints.debug(&store.verify().unwrap());
        prints.debug(&snapshot.identifiers().unwrap());
        prints.debug(&snapshot.attribution().unwrap());
        prints.debug(&snapshot.rejected_edges().unwrap());
        prints.debug(&snapshot.messages(None, 100).unwrap());
        prints.debug(&snapshot.digest().unwrap());
        prints.debug(
            &snapshot
                .members(&Segment::new("all", when::trait_("city").is("qcanary")).within(Universe::All))
                .unwrap()
                .profiles(),
        );
        prints.error(snapshot.group("qcanary-g", None));
        for a in ids() {
            prints.both(&a);
            prints.error(snapshot.resolve(a.clone(), None));
            prints.error(snapshot.messages(Some(a.clone()), 10));
            prints.error(snapshot.matches(
                a.clone(),
                &Rule::from_json(r#"{"trait":"city","is":"qcanary"}"#).unwrap(),
                None,
            ));
            match snapshot.profile(a.clone()) {
                Ok(profile) => prints.debug(&profile.map(|page| {
                    let parts = format!(
                        "{:?} {:?} {:?} {:?} {:?}",
                        page.identifiers, page.traits, page.orders, page.consent, page.events
                    );
                    (parts, format!("{page:?}"))
                })),
                Err(error) => prints.both(&error),
            }
            for b in ids() {
                match snapshot.why(a.clone(), b.clone()) {
                    // Its page names the messages, as they were sent.
                    Ok(Some(why)) => {
                        prints.debug(&why);
                        prints.both(&why.to_string().replace("qcanary-m", ""));
                    }
                    Ok(None) => {}
                    Err(error) => prints.both(&error),
                }
                match snapshot.why_not(a.clone(), b) {
                    Ok(why_not) => prints.debug(&why_not),
                    Err(error) => prints.both(&error),
                }
            }
        }
        store.ingest(messages().as_bytes(), &Ingest::new().trust(regulars::Trust::Claimed)).unwrap();
    }
    prints.debug(&MessageId::new("qcanary"));
    prints.check();
}

#[test]
fn errors_of_rules_options_and_values_do_not_tell() {
    let mut prints = Prints::default();
    for rule in [
        r#"{"trait":"city","is":{"qcanary":1}}"#,
        r#"{"trait":"city","between":["qcanary"]}"#,
        r#"{"trait":"city","gte":["qcanary"]}"#,
        r#"{"trait":"city","contains":5,"is":"qcanary"}"#,
        r#"{"event":"e","where":{"property":"p","is_step":"qcanary"}}"#,
        r#"{"event":"e","window":{"last":"qcanary"}}"#,
        r#"{"and":"qcanary"}"#,
        r#"["qcanary"]"#,
        r#""qcanary"#,
    ] {
        prints.error(Rule::from_json(rule));
        if let Ok(rule) = Rule::from_json(rule) {
            prints.debug(&rule);
        }
    }
    prints.debug(&Rule::from_json(r#"{"trait":"email","is":"qcanary@qcanary.dk"}"#).unwrap());
    prints.debug(&when::trait_("email").is_in(["qcanary", "b"]));
    prints.error("qcanary".parse::<regulars::Timestamp>());
    prints.error("qcanary".parse::<Reason>());
    prints.error("qcanary".parse::<regulars::Currency>());
    prints.error("qcanary".parse::<regulars::ProfileId>());
    prints.error("qcanary".parse::<regulars::Span>());
    prints.error(Ingest::new().default_type("qcanary").check(b"{}"));
    prints.error(Ingest::new().source("qcanary".repeat(100)).check(b"{}"));
    let broken = std::io::Error::other("the stream broke");
    prints.error(store().ingest_reader(Broken(Some(broken)), &Ingest::new(), |_| {}));
    prints.check();
}

/// A stream that gives some bytes and then fails.
struct Broken(Option<std::io::Error>);

impl std::io::Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let Some(error) = self.0.take() else { return Ok(0) };
        if out.len() < 20 {
            return Err(error);
        }
        let bytes = b"{\"userId\":\"qcanary\"";
        out[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

#[test]
fn only_the_page_shows_data_and_only_as_text() {
    let store = store();
    store.ingest_json(messages().as_bytes()).unwrap();
    let page = store.snapshot().profile(id::user("qcanary-u")).unwrap().expect("known");
    assert!(page.to_string().contains(CANARY), "this is what it is for");
    assert!(!format!("{page:?}").contains(CANARY));
}
