//! What unmodified SDKs really sent to a server that refused the first request: the right person, once, in any order.
//!
//! `tests/captured/README.md` tells which SDKs, and how their requests were written down.

use regulars::{Clock, Ingest, Profile, Receipt, Store, id};
use serde_json::Value;

/// An SDK; how many messages its program sends, how many of them it sent again, and how many of those were not what they
/// had been: the browser's SDK names whoever signed in meanwhile. That it counts in `_metadata` how often it tried is no
/// other content.
const SDKS: [(&str, u64, u64, u64); 10] = [
    ("segment_node", 7, 7, 0),
    ("segment_browser", 6, 1, 1),
    ("segment_browser_batch", 6, 6, 0),
    ("segment_python", 7, 7, 0),
    ("segment_rust", 7, 6, 0),
    ("rudder_node", 7, 1, 0),
    ("rudder_python", 7, 7, 0),
    ("rudder_rust", 7, 1, 0),
    ("jitsu_browser", 5, 0, 0),
    ("jitsu_node", 5, 0, 0),
];

/// One request as it came: where to, whether the server took it, and the body.
struct Request {
    path: String,
    taken: bool,
    body: String,
}

fn requests(sdk: &str) -> Vec<Request> {
    let path = format!("{}/tests/captured/{sdk}.ndjson", env!("CARGO_MANIFEST_DIR"));
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        Request { path: text("path"), taken: line["status"] == 200, body: text("body") }
    };
    std::fs::read_to_string(path).unwrap().lines().map(read).collect()
}

/// A host's endpoint: the last word of the path is the type of messages that do not say theirs.
fn take(store: &Store, request: &Request) -> Receipt {
    let word = request.path.rsplit('/').next().unwrap();
    let types = ["identify", "track", "page", "screen", "group", "alias"];
    let how = Ingest::new().received_at("2026-11-30T10:30:00Z".parse().unwrap());
    let how = if types.contains(&word) { how.default_type(word) } else { how };
    store.ingest(request.body.as_bytes(), &how).unwrap()
}

fn fill<'a>(requests: impl IntoIterator<Item = &'a Request>) -> (Store, Receipt) {
    let store = Store::options().currency("EUR").default_region("DK").clock(Clock::Manual).in_memory().unwrap();
    let mut total = Receipt::default();
    for request in requests {
        let receipt = take(&store, request);
        total.accepted += receipt.accepted;
        total.duplicates += receipt.duplicates;
        total.conflicting += receipt.conflicting;
        total.rejected += receipt.rejected;
    }
    (store, total)
}

fn ann(store: &Store, sdk: &str) -> Profile {
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles()), (1, 1), "{sdk}: one person, and no stray visitor");
    let ann = snapshot.profile(id::user("u1")).unwrap().expect("known");
    for other in [id::email("ann@shop.dk"), id::phone("+45 20123456")] {
        assert_eq!(snapshot.profile(other).unwrap().expect("known").id, ann.id, "{sdk}");
    }
    ann
}

#[test]
fn every_sdk_makes_one_person_once() {
    for (sdk, sent, again, conflicting) in SDKS {
        let all = requests(sdk);
        assert_eq!(all.iter().filter(|request| !request.taken).count(), 1, "{sdk}");

        // The answer to the first request was lost: the server has it, and gets it again.
        let (store, total) = fill(&all);
        assert_eq!((total.accepted, total.rejected), (sent, 0), "{sdk}: {total}");
        assert_eq!((total.duplicates, total.conflicting), (again, conflicting), "{sdk}: {total}");
        let ann = ann(&store, sdk);
        assert_eq!(ann.traits["name"].as_str(), "\"Ann Ørsted\"", "{sdk}");
        assert!(!ann.traits.contains_key("plan"), "{sdk}: null says that there is none");
        assert_eq!((ann.orders.count, ann.orders.gross_minor), (1, 5990), "{sdk}");
        assert_eq!(ann.activity.values().sum::<u64>(), sent, "{sdk}: what the visitor did is hers: {:?}", ann.activity);
        assert_eq!(ann.groups.len(), 1, "{sdk}");

        // In the other order it comes to the same, and so it does if the refused request never arrived.
        let (backwards, _) = fill(all.iter().rev());
        let (once, _) = fill(all.iter().filter(|request| request.taken || again == 0));
        for other in [backwards, once] {
            assert_eq!(self::ann(&other, sdk).orders, ann.orders, "{sdk}");
            // Of two versions of one message the first to come counts.
            let same = store.snapshot().digest().unwrap() == other.snapshot().digest().unwrap();
            assert!(same || conflicting > 0, "{sdk}");
        }
    }
}

#[test]
fn what_an_sdk_sent_reads_back_as_it_was() {
    for (sdk, ..) in SDKS {
        for request in requests(sdk) {
            let (store, _) = fill([&request]);
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let mut sent = body.get("batch").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![body.clone()]);
            for message in &mut sent {
                // What the envelope says for its messages stands in them.
                for name in ["sentAt", "context"] {
                    if let (None, Some(said)) = (message.get(name), body.get(name).filter(|said| !said.is_null())) {
                        message[name] = said.clone();
                    }
                }
            }
            let kept = store.snapshot().messages(None, 100).unwrap();
            let mut kept: Vec<Value> =
                kept.iter().map(|(_, message)| serde_json::from_str(message.as_str()).unwrap()).collect();
            for all in [&mut sent, &mut kept] {
                all.sort_by_key(Value::to_string);
            }
            assert_eq!(kept, sent, "{sdk}");
        }
    }
}
