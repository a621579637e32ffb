//! The shell, driven through its lines.

#[path = "../examples/shell/arguments.rs"]
mod arguments;
#[path = "../examples/shell/command.rs"]
mod command;
#[path = "../examples/shell/commands.rs"]
mod commands;
#[path = "../examples/shell/opening.rs"]
mod opening;
#[path = "../examples/shell/reply.rs"]
mod reply;
#[path = "../examples/shell/rulings.rs"]
mod rulings;
#[path = "../examples/shell/session.rs"]
mod session;

use serde_json::{Value, json};
use std::path::PathBuf;

/// A directory that goes when the test does.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("regulars-shell-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn place(&self) -> &str {
        self.0.to_str().expect("temporary directories are UTF-8")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(place: &str, lines: &[u8]) -> (Vec<Value>, bool) {
    let mut output = Vec::new();
    let good = session::run(place, lines, &mut output).expect("memory does not break");
    let text = String::from_utf8(output).expect("replies are UTF-8");
    (text.lines().map(|line| serde_json::from_str(line).expect("a reply is JSON")).collect(), good)
}

/// Runs commands; one reply each.
fn replies(place: &str, commands: &[Value]) -> Vec<Value> {
    let lines: String = commands.iter().map(|command| format!("{command}\n")).collect();
    let (replies, good) = run(place, lines.as_bytes());
    assert!(good, "the shell opens and closes the store");
    assert_eq!(replies.len(), commands.len());
    replies
}

fn memory(commands: &[Value]) -> Vec<Value> {
    replies(":memory:", commands)
}

fn kind(reply: &Value) -> &str {
    assert_eq!(reply["ok"], false, "{reply}");
    assert!(reply["error"]["message"].is_string());
    reply["error"]["kind"].as_str().expect("an error has a kind")
}

/// Ann browses, buys as a guest and logs in; Bob only browses.
fn shop() -> Value {
    json!({"do": "ingest", "messages": [
        {"type": "page", "anonymousId": "phone-1", "messageId": "m1", "timestamp": "2026-01-01T10:00:00Z"},
        {"type": "track", "event": "Order Completed", "anonymousId": "phone-1", "messageId": "m2",
            "timestamp": "2026-01-02T10:00:00Z",
            "properties": {"order_id": "o1", "total": 19.90, "email": "Ann@Example.com"}},
        {"type": "identify", "userId": "42", "messageId": "m3", "timestamp": "2026-01-03T10:00:00Z",
            "traits": {"email": "ann@example.com", "tier": "gold", "score": 1.50}},
        {"type": "page", "anonymousId": "laptop-9", "messageId": "m4", "timestamp": "2026-01-04T10:00:00Z"},
    ]})
}

fn euro() -> Value {
    json!({"do": "open", "options": {"currency": "EUR", "key": "07".repeat(32)}})
}

#[test]
fn open_tells_the_options_in_force() {
    let options = json!({"currency": "EUR", "default_region": "DK", "clock": "system", "no_mmap": true,
        "durability": {"interval": "100ms"}, "limits": {"depth": 8}, "key": "0a".repeat(32)});
    let all = memory(&[json!({"do": "open", "options": options}), json!({"do": "open"})]);
    let told = &all[0]["options"];
    assert_eq!(told["currency"], "EUR");
    assert_eq!((&told["limits"]["depth"], &told["limits"]["keys"]), (&json!(8), &json!(500)));
    assert_eq!((&told["clock"], &told["no_mmap"]), (&json!("system"), &json!(true)));
    assert_eq!(told["durability"], json!({"interval": "100ms"}));
    assert!(told.get("key").is_none(), "the key is a secret");
    assert_eq!(kind(&all[1]), "Invalid");
    assert_eq!(memory(&[json!({"do": "open"})])[0]["options"]["clock"], "manual");
}

#[test]
fn options_that_cannot_be_end_the_shell_with_the_first_command() {
    for options in [
        json!({"curency": "EUR"}),
        json!({"key": "07"}),
        json!({"key": 7}),
        json!({"clock": "sundial"}),
        json!({"durability": "never"}),
        json!({"durability": {"interval": "soon"}}),
        json!([]),
    ] {
        let line = format!("{}\n{{\"do\":\"stats\"}}\n", json!({"do": "open", "options": options}));
        let (all, good) = run(":memory:", line.as_bytes());
        assert_eq!((all.len(), good), (1, false), "{options}");
        assert_eq!(kind(&all[0]), "Invalid");
    }
}

#[test]
fn what_cannot_be_opened_is_told_to_the_first_command() {
    let (all, good) = run("/nowhere/at/all", b"{\"do\":\"stats\"}\n{\"do\":\"stats\"}\n");
    assert_eq!((all.len(), good), (1, false));
    assert_eq!(kind(&all[0]), "Io");
}

#[test]
fn bad_lines_are_answered_and_the_shell_goes_on() {
    let lines = b"{\"do\":\n\n[1]\n{\"do\":7}\n\xff\n{\"do\":\"stats\",\"depth\":1}\n{\"do\":\"dance\"}\n{\"do\":\"backup\"}\n{\"do\":\"stats\"}";
    let (all, good) = run(":memory:", lines);
    assert!(good);
    let kinds: Vec<&str> = all.iter().take(7).map(kind).collect();
    let invalid = "Invalid";
    assert_eq!(kinds, [invalid, invalid, invalid, invalid, invalid, "Unsupported", "Unsupported"]);
    assert_eq!(all[7]["ok"], true);
}

#[test]
fn ingest_counts_and_names_every_message() {
    let all = memory(&[
        shop(),
        shop(),
        json!({"do": "ingest", "messages": [{"type": "page", "userId": "1", "messageId": "x"}, 7,
            [{"type": "page", "userId": "2"}, {"type": "nonsense"}],
            {"type": "page", "userId": "3", "messageId": "x"}]}),
        json!({"do": "ingest", "text": "\u{feff}{\"event\":\"A\",\"userId\":\"1\"}\r\n\n{\"event\":\n",
            "default_type": "track"}),
        json!({"do": "ingest", "text": "", "default_type": "dance"}),
        json!({"do": "ingest", "text": "", "messages": []}),
        json!({"do": "ingest"}),
        json!({"do": "ingest", "messages": []}),
    ]);
    assert_eq!((&all[0]["accepted"], &all[0]["duplicates"], &all[0]["rejected"]), (&json!(4), &json!(0), &json!(0)));
    assert_eq!((&all[1]["accepted"], &all[1]["duplicates"], &all[1]["conflicting"]), (&json!(0), &json!(4), &json!(0)));
    assert_eq!((&all[2]["accepted"], &all[2]["duplicates"], &all[2]["conflicting"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(all[2]["rejects"], json!([[2, "wrong_type"], [3, "unknown_type", 2]]));
    assert_eq!(all[2]["reasons"], json!({"unknown_type": 1, "wrong_type": 1}));
    assert_eq!((&all[3]["accepted"], &all[3]["rejects"]), (&json!(1), &json!([[3, "invalid_json"]])));
    assert_eq!([kind(&all[4]), kind(&all[5]), kind(&all[6])], ["Invalid"; 3]);
    assert_eq!((&all[7]["ok"], &all[7]["accepted"]), (&json!(true), &json!(0)));
}

#[test]
fn files_stream_in_batches() {
    let dir = Dir::new("files");
    std::fs::create_dir(&dir.0).unwrap();
    let file = dir.0.join("in.ndjson");
    let lines: String = (0..25).map(|n| format!("{{\"type\":\"page\",\"userId\":\"u{n}\"}}\r\n\n")).collect();
    std::fs::write(&file, lines + "nonsense").unwrap();
    let path = file.to_str().unwrap();
    let all = memory(&[
        json!({"do": "ingest", "file": path, "batch": 7}),
        json!({"do": "ingest", "file": path, "batch": "many"}),
        json!({"do": "ingest", "file": dir.0.join("none").to_str()}),
        json!({"do": "stats"}),
    ]);
    assert_eq!((&all[0]["accepted"], &all[0]["rejects"]), (&json!(25), &json!([[51, "invalid_json"]])));
    assert_eq!((kind(&all[1]), kind(&all[2])), ("Invalid", "Io"));
    assert_eq!(all[3]["events"], 25);
}

#[test]
fn received_at_moves_time_and_messages_may_bring_their_own() {
    let untimed = json!({"type": "page", "userId": "42", "messageId": "m1", "receivedAt": "2020-05-05T00:00:00Z"});
    let ask = json!({"do": "profile", "identifier": ["user_id", "42"]});
    let told = memory(&[
        json!({"do": "ingest", "messages": [untimed], "received_at": "2026-01-01T00:00:00Z"}),
        ask.clone(),
        json!({"do": "ingest", "messages": [], "received_at": "yesterday"}),
    ]);
    assert_eq!(told[1]["events"][0]["ts"], "2026-01-01T00:00:00.000Z");
    assert_eq!(kind(&told[2]), "Invalid");
    let told = memory(&[json!({"do": "ingest", "messages": [untimed], "received_at": "message"}), ask.clone()]);
    assert_eq!(told[1]["events"][0]["ts"], "2020-05-05T00:00:00.000Z");
    let told = memory(&[json!({"do": "ingest", "messages": [untimed], "received_at": 1_767_225_600_000_i64}), ask]);
    assert_eq!(told[1]["events"][0]["ts"], "2026-01-01T00:00:00.000Z");
}

#[test]
fn claimed_messages_join_nobody() {
    let message = json!({"type": "identify", "anonymousId": "a1", "traits": {"email": "ann@example.com"}});
    let ask = json!({"do": "resolve", "identifier": ["email", "ann@example.com"]});
    let open = json!({"do": "open", "options": {"sources": {"web": {"trust": "claimed"}}}});
    let all = memory(&[
        open,
        json!({"do": "ingest", "messages": [message], "trust": "claimed"}),
        ask.clone(),
        json!({"do": "ingest", "messages": [message], "source": "web", "trust": "nobody"}),
        json!({"do": "ingest", "messages": [{"type": "page", "anonymousId": "a2"}], "source": "web"}),
    ]);
    assert_eq!(all[2], json!({"ok": true, "profile": null}));
    assert_eq!(kind(&all[3]), "Invalid");
    assert_eq!(all[4]["accepted"], 1);
}

#[test]
fn a_profile_is_the_whole_person() {
    let all = memory(&[
        euro(),
        shop(),
        json!({"do": "profile", "identifier": ["email", "ANN@example.com"], "events": 2}),
        json!({"do": "profile", "identifier": ["email", "ann@example.com"], "at": "2026-01-01T12:00:00Z"}),
        json!({"do": "profile", "identifier": ["email", "nobody@example.com"]}),
        json!({"do": "profile", "identifier": ["horoscope", "leo"]}),
        json!({"do": "profile", "identifier": "canary@example.com"}),
        json!({"do": "profile"}),
    ]);
    let ann = &all[2];
    assert_eq!(
        ann["identifiers"],
        json!([["user_id", "42"], ["email", "ann@example.com"], ["anonymous_id", "phone-1"]])
    );
    assert_eq!(ann["orders"]["net_minor"], 1990);
    assert_eq!(
        (&ann["orders"]["currency"], &ann["orders"]["first"]),
        (&json!("EUR"), &json!("2026-01-02T10:00:00.000Z"))
    );
    assert_eq!(ann["activity"], json!({"Order Completed": 1, "identify": 1, "page": 1}));
    assert_eq!(ann["traits"]["tier"], "gold");
    assert_eq!(ann["events"].as_array().unwrap().len(), 2);
    assert_eq!(ann["events"][0]["message_id"], "m3");
    assert_eq!((&all[3]["profile"], &all[3]["orders"]["count"]), (&ann["profile"], &json!(0)));
    assert_eq!(all[4], json!({"ok": true, "profile": null}));
    assert_eq!([kind(&all[5]), kind(&all[6]), kind(&all[7])], ["Invalid"; 3]);
    assert!(!all[6].to_string().contains("canary"), "errors hold no identifiers");
}

#[test]
fn a_shared_address_is_nobodys_name() {
    let identify = |user: u8| {
        json!({"type": "identify", "messageId": format!("m{user}"), "userId": format!("{user}"),
            "timestamp": format!("2026-01-0{user}"), "traits": {"email": "home@example.com"}})
    };
    let shared = json!(["email", "home@example.com"]);
    let told = json!({"do": "ingest", "messages": [identify(1), identify(2), identify(3)]});
    let all = memory(&[
        euro(),
        told.clone(),
        json!({"do": "erase", "person": shared}),
        json!({"do": "profile", "identifier": shared}),
        json!({"do": "profile", "identifier": shared, "at": "2026-01-02T12:00:00Z"}),
        json!({"do": "erase", "person": shared, "at": "2026-01-02T12:00:00Z", "dry": true}),
        json!({"do": "digest"}),
        json!({"do": "erase", "person": shared, "dry": true}),
        json!({"do": "erase", "profile": "nobody"}),
        json!({"do": "erase", "person": shared, "identifiers": []}),
    ]);
    assert_eq!(kind(&all[2]), "Ambiguous");
    let people = all[2]["error"]["people"].as_array().unwrap();
    assert_eq!(people.len(), 3);
    assert!(people.iter().all(|id| all[2]["error"]["message"].as_str().unwrap().contains(id.as_str().unwrap())));
    assert!(!all[2].to_string().contains("home"));
    let asked = &all[3]["asked"];
    assert_eq!((&asked["identifier"], &asked["shared"], &asked["by"]), (&shared, &json!(true), &json!("claim")));
    assert_eq!((&asked["people_count"], all[3]["identifiers"][0][1].as_str()), (&json!(3), Some("3")));
    let (foreseen, digest) = (&all[5], &all[6]["digest"]);
    assert_eq!((&foreseen["profile"], &foreseen["events"]), (&all[4]["profile"], &json!(1)));
    assert_eq!((&foreseen["identifiers"], &foreseen["kept"]), (&json!([["user_id", "2"]]), &json!([shared])));
    assert_eq!((&foreseen["dry"], &foreseen["messages"]), (&json!(true), &json!(1)));
    assert_eq!([kind(&all[7]), kind(&all[8]), kind(&all[9])], ["Ambiguous", "Invalid", "Invalid"]);
    // One of those listed decides, and the dry run did nothing.
    let all = memory(&[
        euro(),
        told.clone(),
        json!({"do": "digest"}),
        json!({"do": "profile", "profile": foreseen["profile"]}),
        json!({"do": "erase", "profile": foreseen["profile"], "at": "2026-01-09T00:00:00Z"}),
        told,
        json!({"do": "retract", "messages": ["m1", "m2", "m9"]}),
        json!({"do": "ingest", "messages": [identify(1)]}),
        json!({"do": "event_log"}),
    ]);
    assert_eq!((&all[2]["digest"], &all[3]["asked"]["by"]), (digest, &json!("profile")));
    assert_eq!((&all[4]["profile"], &all[4]["kept"]), (&foreseen["profile"], &json!([shared])));
    assert_eq!((&all[5]["reasons"], &all[5]["duplicates"]), (&json!({"suppressed": 1}), &json!(2)));
    assert_eq!((&all[6]["retracted"], &all[6]["unknown"]), (&json!(1), &json!(2)));
    assert_eq!(all[7]["reasons"], json!({"retracted": 1}));
    assert_eq!(all[8]["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn numbers_keep_their_digits() {
    let lines = br#"{"do":"ingest","messages":[{"type":"identify","userId":"42","traits":{"n":123456789012345678901234567890,"d":1.50}}]}
{"do":"profile","identifier":["user_id","42"]}
{"do":"event_log"}
"#;
    let mut output = Vec::new();
    session::run(":memory:", &lines[..], &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    assert_eq!(text.matches("123456789012345678901234567890").count(), 3, "profile, its event, and the log: {text}");
    assert_eq!(text.matches(r#""d":1.50"#).count(), 3, "not those of a wall clock: {text}");
}

#[test]
fn identity_can_be_listed_and_explained() {
    // Two accounts in one message: evidence that the limit of one account a person rejects.
    let bob = json!({"do": "ingest", "messages": [{"type": "identify", "userId": "7", "messageId": "m5",
        "timestamp": "2026-01-05", "context": {"externalIds": [{"id": "42", "type": "user_id"}]}}]});
    let why = |a: Value, b: Value| json!({"do": "why", "a": a, "b": b});
    let all = memory(&[
        shop(),
        json!({"do": "identifiers"}),
        json!({"do": "attribution"}),
        why(json!(["user_id", "42"]), json!(["anonymous_id", "phone-1"])),
        why(json!(["user_id", "42"]), json!(["anonymous_id", "laptop-9"])),
        why(json!(["user_id", "42"]), json!("phone-1")),
        json!({"do": "resolve", "identifier": ["anonymous_id", "phone-1"]}),
        json!({"do": "rejected_edges"}),
        bob,
        json!({"do": "rejected_edges"}),
    ]);
    let ann = &all[6]["profile"];
    let rows = all[1]["identifiers"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| (&row[0], &row[1])).collect();
    assert!(names.is_sorted_by_key(|(a, b)| (a.to_string(), b.to_string())));
    assert_eq!(rows[1], json!(["anonymous_id", "phone-1", ann, false]));
    assert_eq!(all[2]["events"][0], json!(["m1", ann]));
    assert_eq!(all[2]["events"].as_array().unwrap().len(), 4);
    let steps: Vec<_> = all[3]["path"].as_array().unwrap().iter().map(|step| &step["message_id"]).collect();
    assert_eq!(steps, ["m3", "m2"]);
    assert_eq!(all[3]["path"][0]["a"], json!(["user_id", "42"]));
    assert_eq!(all[4]["path"], Value::Null);
    assert_eq!(kind(&all[5]), "Invalid");
    assert_eq!(all[7]["edges"], json!([]));
    assert_eq!(all[9]["edges"], json!([[["user_id", "42"], ["user_id", "7"], "limit(user_id)"]]));
}

#[test]
fn segments_live_and_time_passes() {
    let recent = json!({"event": "Order Completed", "window": {"last": "30d"}});
    let all = memory(&[
        json!({"do": "advance", "to": "2026-01-05T00:00:00Z"}),
        shop(),
        json!({"do": "define", "name": "recent", "rule": recent}),
        json!({"do": "define", "name": "gold", "rule": {"trait": "tier", "is": "gold"}, "universe": "all"}),
        json!({"do": "segments"}),
        json!({"do": "members", "rule": {"segment": "recent"}}),
        json!({"do": "members", "rule": {"segment": "recent"}, "ids": false}),
        json!({"do": "members", "rule": {"orders": "count", "is": 0}, "universe": "all"}),
        json!({"do": "members", "rule": {"trait": "tier", "is": "gold"}, "as_of": "2026-01-02T00:00:00Z"}),
        json!({"do": "next_change"}),
        json!({"do": "advance", "to": "2026-02-01T10:00:00.000Z"}),
        json!({"do": "next_change"}),
        json!({"do": "undefine", "name": "gold"}),
        json!({"do": "undefine", "name": "gold"}),
    ]);
    assert_eq!((&all[2]["entered"], &all[3]["entered"]), (&json!(1), &json!(1)));
    let names: Vec<_> =
        all[4]["segments"].as_array().unwrap().iter().map(|one| (&one["name"], &one["count"])).collect();
    assert_eq!(names, [(&json!("gold"), &json!(1)), (&json!("recent"), &json!(1))]);
    assert_eq!(all[4]["segments"][1]["rule"], recent);
    assert_eq!((&all[5]["count"], all[5]["profiles"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!(all[6], json!({"ok": true, "count": 1}));
    assert_eq!((&all[7]["count"], &all[8]["count"]), (&json!(1), &json!(0)));
    assert_eq!(all[9]["next_change"], "2026-02-01T10:00:00.000Z");
    assert_eq!((&all[10]["entered"], &all[10]["left"]), (&json!(0), &json!(1)));
    assert_eq!(all[11]["next_change"], Value::Null);
    assert_eq!((&all[12]["left"], kind(&all[13])), (&json!(1), "NotFound"));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let all = memory(&[
        json!({"do": "members", "rule": "orders = 1"}),
        json!({"do": "members", "rule": {"orders": "count"}}),
        json!({"do": "members", "rule": {"segment": "nobody defined"}}),
        json!({"do": "members"}),
        json!({"do": "members", "rule": {"orders": "count", "is": 1}, "universe": "martians"}),
        json!({"do": "define", "rule": {"orders": "count", "is": 1}}),
        json!({"do": "define", "name": "a", "rule": {"segment": "a"}}),
        json!({"do": "advance"}),
    ]);
    let kinds: Vec<&str> = all.iter().map(kind).collect();
    let (invalid, not_found) = ("Invalid", "NotFound");
    assert_eq!(kinds, ["Unsupported", invalid, not_found, invalid, invalid, invalid, invalid, invalid]);
}

#[test]
fn the_log_gives_messages_back() {
    let all = memory(&[
        shop(),
        json!({"do": "event_log"}),
        json!({"do": "event_log", "identifier": ["user_id", "42"], "limit": 2}),
        json!({"do": "event_log", "identifier": ["user_id", "nobody"]}),
    ]);
    let sent = shop();
    let logged = all[1]["messages"].as_array().unwrap();
    for (logged, sent) in logged.iter().zip(sent["messages"].as_array().unwrap()) {
        assert_eq!((&logged[0], &logged[1]), (&sent["messageId"], sent));
    }
    assert_eq!(logged.len(), 4);
    assert_eq!(all[2]["messages"].as_array().unwrap().len(), 2);
    assert_eq!(all[3]["messages"], json!([]));
}

#[test]
fn a_store_on_disk_is_the_same_after_every_reopening() {
    let dir = Dir::new("reopen");
    let define = json!({"do": "define", "name": "gold", "rule": {"trait": "tier", "is": "gold"}});
    let time = json!({"do": "advance", "to": "2026-03-01T00:00:00Z"});
    let (digest, verify, stats) = (json!({"do": "digest"}), json!({"do": "verify"}), json!({"do": "stats"}));
    let first = replies(dir.place(), &[euro(), shop(), define, time, json!({"do": "flush"}), digest.clone()]);
    let parts = first[5]["parts"].as_object().unwrap();
    assert_eq!(parts.keys().collect::<Vec<_>>(), ["facts", "identity", "profiles", "segments"]);
    let again =
        replies(dir.place(), &[digest.clone(), stats.clone(), verify.clone(), json!({"do": "seal"}), digest.clone()]);
    assert_eq!((&again[0], &again[4]), (&first[5], &first[5]));
    assert_eq!((&again[1]["events"], &again[1]["replayed_events"]), (&json!(4), &json!(4)));
    assert_eq!((&again[2]["events"], &again[2]["differences"]), (&json!(4), &json!([])));
    let sealed = replies(dir.place(), &[json!({"do": "compact"}), stats, digest, verify, json!({"do": "event_log"})]);
    assert_eq!((&sealed[1]["replayed_events"], &sealed[1]["unsealed_events"]), (&json!(0), &json!(0)));
    assert_eq!(sealed[2], first[5]);
    assert_eq!(sealed[3]["differences"], json!([]));
    assert_eq!(sealed[4]["messages"][2][1], shop()["messages"][2]);
}

#[test]
fn a_later_open_may_omit_options_but_not_change_them() {
    let dir = Dir::new("options");
    let open = |options: Value| json!({"do": "open", "options": options});
    replies(dir.place(), &[open(json!({"currency": "EUR", "limits": {"depth": 8}}))]);
    for same in [json!({}), json!({"currency": "EUR"}), json!({"clock": "manual"}), json!({"limits": {"depth": 8}})] {
        let all = replies(dir.place(), &[open(same)]);
        assert_eq!((&all[0]["options"]["currency"], &all[0]["options"]["limits"]["depth"]), (&json!("EUR"), &json!(8)));
    }
    for other in [json!({"currency": "DKK"}), json!({"limits": {}}), json!({"key": "07".repeat(32)})] {
        let (all, good) = run(dir.place(), format!("{}\n", open(other)).as_bytes());
        assert_eq!((kind(&all[0]), good), ("Invalid", false));
    }
}

#[test]
fn the_digest_does_not_depend_on_order_and_batches() {
    let messages = shop()["messages"].as_array().unwrap().clone();
    let ingest = |messages: Vec<Value>| json!({"do": "ingest", "messages": messages});
    let digest = json!({"do": "digest"});
    let whole = memory(&[ingest(messages.clone()), digest.clone()]);
    let mut commands: Vec<Value> = messages.into_iter().rev().map(|message| ingest(vec![message])).collect();
    commands.push(digest);
    let single = memory(&commands);
    assert_eq!(whole.last(), single.last());
}

#[test]
fn no_command_at_all_makes_an_empty_store() {
    let dir = Dir::new("empty");
    assert_eq!(run(dir.place(), b"\n"), (vec![], true));
    assert_eq!(replies(dir.place(), &[json!({"do": "stats"})])[0]["events"], 0);
}

#[test]
fn files_are_imported_and_rates_recorded() {
    let dir = Dir::new("import");
    std::fs::create_dir_all(&dir.0).expect("temporary directories can be made");
    let path = dir.0.join("orders.csv");
    let file = "bon;kunde;dato;belob;valuta\n1;7;31.12.2025;100,00;SEK\n2;7;31-12-2025;cheap;SEK\n3;8;x;5,00;EUR\n";
    std::fs::write(&path, file).expect("the directory is ours");
    let mapping = json!({"order_id": "bon", "customer_id": "kunde", "time": "dato", "total": "belob",
        "currency": {"const": "SEK"}});
    let import = json!({"do": "import", "format": "orders_csv", "file": path, "mapping": mapping, "source": "till"});
    let ann = json!({"do": "profile", "identifier": ["customer_id", "7"]});
    let all = memory(&[
        json!({"do": "open", "options": {"currency": "EUR"}}),
        import.clone(),
        import,
        json!({"do": "rates", "rates": [["2025-12-01", "SEK", "EUR", "0.09"]]}),
        ann,
        json!({"do": "why_not", "a": ["customer_id", "7"], "b": ["customer_id", "8"]}),
        json!({"do": "rates", "rates": [["2025-13-01", "SEK", "EUR", "0.09"]]}),
        json!({"do": "import", "format": "parquet", "file": path}),
        json!({"do": "import", "format": "orders_csv", "file": path}),
    ]);
    let counts = |reply: &Value| (reply["accepted"].clone(), reply["duplicates"].clone(), reply["rejected"].clone());
    assert_eq!(counts(&all[1]), (json!(1), json!(0), json!(2)), "{}", all[1]);
    assert_eq!(all[1]["rejects"], json!([[3, "wrong_type"], [4, "invalid_timestamp"]]));
    assert_eq!(all[1]["detected"]["decimal_comma"], true);
    assert_eq!(counts(&all[2]), (json!(0), json!(1), json!(2)));
    assert_eq!(all[4]["orders"]["net_minor"], 900, "{}", all[4]);
    assert_eq!(all[5]["obstacles"][0]["kind"], "no_evidence", "{}", all[5]);
    assert!(all[6..].iter().all(|reply| reply["ok"] == false));
}

#[test]
fn operators_rule_and_the_feed_tells() {
    let page = |user: &str, at: &str| json!({"type":"page","userId":user,"messageId":user,"timestamp":at});
    let all = memory(&[
        json!({"do":"ingest","messages":[page("1", "2026-01-01"), page("2", "2026-01-02"), page("3", "2026-01-03")]}),
        json!({"do":"alias","a":["user_id","1"],"b":["user_id","2"],"at":"2026-01-05T00:00:00Z","id":"s1"}),
        json!({"do":"why","a":["user_id","1"],"b":["user_id","2"]}),
        json!({"do":"revoke","a":["user_id","1"],"b":["user_id","2"],"at":"2026-01-06T00:00:00Z"}),
        json!({"do":"deny","a":["user_id","1"],"b":["user_id","2"],"at":"2026-01-06T00:00:00Z"}),
        json!({"do":"match","a":["user_id","3"],"b":["email","c@example.com"],"probability":0.95}),
        json!({"do":"match","a":["user_id","3"],"b":["email","c@example.com"],"probability":2}),
        json!({"do":"erase","person":["user_id","3"]}),
        json!({"do":"erase","identifiers":[["user_id","2"]],"messages":["1"],"at":"2026-01-07T00:00:00Z","id":"s2"}),
        json!({"do":"ingest","messages":[page("2", "2026-01-02")]}),
        json!({"do":"identifiers"}),
        json!({"do":"changes","limit":2}),
        json!({"do":"changes","cursor":2}),
        json!({"do":"erase","person":["user_id","9"]}),
        json!({"do":"alias","a":["user_id","1"],"b":["planet","2"]}),
    ]);
    let kinds = |reply: &Value| -> Vec<String> {
        let changes = reply["changes"].as_array().expect("changes");
        changes.iter().map(|change| change["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    assert_eq!((kinds(&all[1]), &all[1]["accepted"]), (vec!["merged".to_owned()], &json!(1)));
    assert_eq!((&all[2]["path"][0]["kind"], &all[2]["path"][0]["message_id"]), (&json!("alias"), &json!("s1")));
    assert_eq!(kinds(&all[3]), ["split"]);
    assert_eq!(kinds(&all[4]), [] as [&str; 0]);
    assert_eq!(kinds(&all[5]), [] as [&str; 0], "an address joins the one who has no other");
    assert_eq!(kind(&all[6]), "Invalid");
    assert_eq!((&all[7]["events"], &all[7]["kept"]), (&json!(1), &json!([])));
    assert_eq!((&all[8]["events"], &all[8]["accepted"]), (&json!(2), &json!(1)));
    assert_eq!(all[9]["reasons"], json!({"suppressed": 1}));
    assert_eq!(all[10]["identifiers"], json!([]), "with the messages went what they were seen in");
    assert_eq!((kinds(&all[11]), &all[11]["cursor"]), (vec!["created".to_owned(); 2], &json!(2)));
    assert_eq!(kinds(&all[12]).last().map(String::as_str), Some("removed"));
    assert_eq!((kind(&all[13]), kind(&all[14])), ("NotFound", "Invalid"));
}

#[test]
fn rules_can_be_read_tried_and_changed() {
    let rule = json!({"rank": 30, "limit": 5, "glue": 0, "person": true});
    let all = memory(&[
        shop(),
        json!({"do": "rules"}),
        json!({"do": "what_if", "rules": {"email": rule}}),
        json!({"do": "rules"}),
        json!({"do": "rules", "set": {"email": rule}}),
        json!({"do": "rules"}),
        json!({"do": "what_if"}),
        json!({"do": "rules", "set": {"planet": rule}}),
        json!({"do": "rules", "set": {"email": {"rank": 30, "glu": 1}}}),
        json!({"do": "changes", "cursor": 0}),
        json!({"do": "rules", "set": {"phone": {"glue": 1}}}),
        json!({"do": "rules"}),
    ]);
    assert_eq!((&all[1]["version"], &all[1]["rules"]["email"]["glue"]), (&json!(0), &json!(2)));
    assert_eq!(all[2]["ok"], true, "{}", all[2]);
    assert_eq!(all[1], all[3], "asking changes nothing");
    assert_eq!(all[2], all[4], "what was foreseen happened");
    assert_eq!((&all[4]["version"], &all[4]["shared"]), (&json!(1), &json!(1)), "{}", all[4]);
    assert_eq!((&all[5]["version"], &all[5]["rules"]["email"]["glue"]), (&json!(1), &json!(0)));
    assert_eq!([kind(&all[6]), kind(&all[7]), kind(&all[8])], ["Invalid"; 3]);
    let last = all[9]["changes"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["cause"]), (&json!("shared"), &json!("rules")), "{last}");
    let fans = [1, 5].map(|at| all[at]["rules"]["email"]["fan"].clone());
    assert_eq!(fans[0], fans[1], "what a change does not name stays");
    let [before, after] = [5, 11].map(|at| all[at]["rules"]["phone"].clone());
    assert_eq!((&before["glue"], &after["glue"]), (&json!(2), &json!(1)), "{}", all[10]);
    assert_eq!([&before["fan"], &before["rank"], &before["limit"]], [&after["fan"], &after["rank"], &after["limit"]]);
}

/// An address that only moves up the ranks still joins no two customers, and a namespace of the host's own goes between
/// the others without naming them.
#[test]
fn a_rule_given_in_part_keeps_the_rest_of_its_default() {
    let own = json!({"email": {"rank": 15}, "till": {"rank": 35, "limit": 1, "glue": 1}});
    let identify = |user: &str| json!({"type": "identify", "userId": user, "traits": {"email": "us@example.com"}});
    let all = memory(&[
        json!({"do": "open", "options": {"namespaces": own}}),
        json!({"do": "ingest", "messages": [identify("1"), identify("2"), identify("3")]}),
        json!({"do": "stats"}),
        json!({"do": "rules"}),
        json!({"do": "what_if", "rules": {"email": {"glu": 1}}}),
    ]);
    assert_eq!(all[2]["people"], 3, "{}", all[1]);
    let email = json!({"rank": 15, "limit": 5, "window": null, "glue": 2, "ttl": null, "person": true, "per_shop": false,
        "fan": {"phone": 10, "device": 100, "anonymous_id": 500}});
    assert_eq!(all[3]["rules"]["email"], email);
    assert_eq!(all[3]["rules"]["phone"]["rank"], 40);
    assert!(all[4]["error"]["message"].as_str().unwrap().contains("email: unknown field `glu`"), "{}", all[4]);
    for options in
        [json!({"curency": "SECRET"}), json!({"limits": {"depth": "SECRET"}}), json!({"message_id": "SECRET"})]
    {
        let word = options.as_object().unwrap().keys().next().unwrap().clone();
        let (refused, good) = run(":memory:", format!("{}\n", json!({"do": "open", "options": options})).as_bytes());
        let message = refused[0]["error"]["message"].as_str().unwrap();
        assert!(!good && message.contains(&word) && !message.contains("SECRET"), "{message}");
    }
}

#[test]
fn the_catalogue_answers_for_lines() {
    let order = json!({"type": "track", "event": "Order Completed", "userId": "1", "timestamp": "2026-01-02",
        "properties": {"order_id": 1, "products": [{"product_id": "kettle"}]}});
    let all = memory(&[
        json!({"do": "ingest", "messages": [order]}),
        json!({"do": "define", "name": "fans", "rule": {"bought": {"brand": "Alessi"}}}),
        json!({"do": "products", "products": [{"product_id": "kettle", "at": "2026-01-01", "brand": "Alessi"}, {"brand": 1}]}),
        json!({"do": "members", "rule": {"segment": "fans"}}),
        json!({"do": "products", "products": [{"product_id": ["kettle"]}]}),
        json!({"do": "products", "products": [{"product_id": 7, "at": "soon"}]}),
    ]);
    assert_eq!((&all[2]["accepted"], &all[2]["rejects"]), (&json!(1), &json!([[2, "missing_field"]])), "{}", all[2]);
    assert_eq!(all[3]["count"], 1, "{}", all[3]);
    assert_eq!([kind(&all[4]), kind(&all[5])], ["Invalid"; 2]);
}

#[test]
fn values_can_be_blocked_later() {
    let till =
        |user: &str| json!({"type": "identify", "userId": user, "messageId": user, "traits": {"phone": "+4520123456"}});
    let all = memory(&[
        json!({"do": "open", "options": {"namespaces": {"phone": {"glue": 5}, "user_id": {"limit": 9}}}}),
        json!({"do": "ingest", "messages": [till("1"), till("2")]}),
        json!({"do": "what_if", "block": ["+4520123456"]}),
        json!({"do": "stats"}),
        json!({"do": "rules", "block": ["+4520123456"]}),
        json!({"do": "stats"}),
        json!({"do": "rules"}),
        json!({"do": "ingest", "messages": [till("3")]}),
        json!({"do": "rules", "block": [" "]}),
        json!({"do": "rules", "block": ["a"], "set": {}}),
    ]);
    let people = |at: usize| all[at]["profiles"].clone();
    assert_eq!((people(3), people(5)), (json!(1), json!(2)), "{} {}", all[1], all[4]);
    assert_eq!(all[2], all[4], "what was foreseen happened");
    assert_eq!((&all[6]["version"], &all[6]["blocked"]), (&json!(1), &json!(["+4520123456"])));
    assert_eq!(all[7]["flags"], json!({"blocked_identifier": 1}), "{}", all[7]);
    assert_eq!([kind(&all[8]), kind(&all[9])], ["Invalid"; 2]);
}

#[test]
fn the_radar_shows_the_worst_first() {
    let identify = |user: &str, cookie: &str, minute: u32, name: &str| {
        json!({"type": "identify", "userId": user, "anonymousId": cookie, "messageId": format!("{user}-{cookie}-{minute}"),
            "timestamp": format!("2026-01-01T10:{minute:02}:00Z"), "traits": {"firstName": name}})
    };
    let messages = json!([
        identify("1", "till", 0, "Ann"),
        identify("2", "till", 10, "Bob"),
        identify("3", "till", 20, "Cy"),
        identify("1", "kiosk", 30, "Ann"),
        identify("2", "kiosk", 40, "Bob"),
        identify("9", "phone", 0, "Dora"),
        identify("9", "laptop", 0, "Eve"),
        identify("9", "phone", 1, "Dora"),
        identify("9", "laptop", 59, "Dora"),
    ]);
    let all = memory(&[
        json!({"do": "ingest", "messages": messages}),
        json!({"do": "radar"}),
        json!({"do": "radar", "limit": 1}),
        json!({"do": "resolve", "identifier": ["user_id", "9"]}),
    ]);
    let (radar, dora) = (&all[1], &all[3]["profile"]);
    let shared = json!([
        {"identifier": ["anonymous_id", "till"], "people": 3, "events": 3},
        {"identifier": ["anonymous_id", "kiosk"], "people": 2, "events": 2},
    ]);
    assert_eq!(radar["shared"], shared, "{radar}");
    let namespaces = json!({"user_id": 1, "anonymous_id": 2});
    assert_eq!(radar["crowded"], json!([{"profile": dora, "identifiers": 3, "namespaces": namespaces}]));
    assert_eq!(radar["conflicting"], json!([{"profile": dora, "trait": "firstName", "values": 2, "returns": 1}]));
    let at_once = json!([{"profile": dora, "times": 1, "last": "2026-01-01T10:00:00.000Z"}]);
    assert_eq!(radar["simultaneous"], at_once);
    assert_eq!(all[2]["shared"].as_array().unwrap().len(), 1);
}

/// Of an address that is shared no profile tells what was said about it; it does itself.
#[test]
fn a_shared_address_keeps_what_was_said_about_it() {
    let identify = |user: &str| json!({"type": "identify", "userId": user, "traits": {"email": "us@example.com"}, "timestamp": "2026-01-01"});
    let out = json!({"type": "track", "event": "Unsubscribed", "userId": "1", "traits": {"email": "us@example.com"},
        "properties": {"email": "us@example.com"}, "timestamp": "2026-01-02"});
    let contact = json!({"do": "contact", "identifier": ["email", "us@example.com"]});
    let all = memory(&[
        contact.clone(),
        json!({"do": "ingest", "messages": [identify("1"), out]}),
        contact.clone(),
        json!({"do": "ingest", "messages": [identify("2")]}),
        contact,
        json!({"do": "contact", "identifier": ["email", "us@example.com"], "at": "2026-01-01T12:00:00Z"}),
    ]);
    assert_eq!(kind(&all[0]), "NotFound");
    assert_eq!(
        (&all[2]["shared"], &all[2]["suppressed"][0]["cause"]),
        (&json!(false), &json!("unsubscribed")),
        "{}",
        all[2]
    );
    assert_eq!((&all[4]["shared"], &all[4]["suppressed"]), (&json!(true), &all[2]["suppressed"]));
    assert_eq!(all[5]["suppressed"], json!([]));
}

/// What looks like an option is no place for a store.
#[test]
fn only_a_place_makes_a_store() {
    use arguments::{Asked, USAGE, asked};
    let of = |all: &[&str]| asked(all.iter().map(|one| (*one).to_owned()));
    assert_eq!((of(&["--help"]), of(&["-h"])), (Asked::Help, Asked::Help));
    for wrong in
        [&[][..], &[""], &["--store"], &["-x"], &["--help", "place"], &["place", "other"], &["place", "--help"]]
    {
        assert_eq!(of(wrong), Asked::Nothing, "{wrong:?}");
    }
    for place in ["place", ":memory:", "./--help", "a b"] {
        assert_eq!(of(&[place]), Asked::Place(place.to_owned()));
    }
    assert!(USAGE.starts_with("usage: shell"));
}

/// A file is imported, taken back and imported as it should have been.
#[test]
fn an_import_is_taken_back() {
    let dir = Dir::new("undo");
    std::fs::create_dir_all(&dir.0).expect("a directory");
    let file = dir.0.join("orders.csv");
    std::fs::write(&file, "order_id,date,email,total\n1,01/02/2026,ann@example.com,10.00\n").expect("writes");
    let import = |order: &str, undo: bool| {
        json!({"do": "import", "format": "orders_csv", "file": file, "date_order": order, "undo": undo,
            "received_at": "2026-03-05T00:00:00Z"})
    };
    let ann = json!({"do": "profile", "identifier": ["email", "ann@example.com"]});
    let all = memory(&[
        json!({"do": "open", "options": {"currency": "EUR"}}),
        import("month_first", false),
        import("month_first", true),
        ann.clone(),
        import("month_first", false),
        import("day_first", false),
        ann,
        json!({"do": "verify"}),
    ]);
    assert_eq!((&all[1]["accepted"], &all[2]["retracted"], &all[2]["unknown"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!((&all[3]["profile"], &all[4]["rejects"]), (&Value::Null, &json!([[2, "retracted"]])));
    assert_eq!((&all[5]["accepted"], &all[6]["orders"]["first"]), (&json!(1), &json!("2026-02-01T00:00:00.000Z")));
    assert_eq!(all[7]["differences"], json!([]));
}
