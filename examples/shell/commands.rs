//! What each command does: a library call, and its result as a reply.

use super::command::Command;
use super::reply::{Failure, Reply};
use super::rulings;
use regulars::import::{CsvFile, DateOrder, From, Kind};
use regulars::{Ingest, Product, Rate, Receipt, Rule, Segment, Snapshot, Store, Timestamp, Trust, Universe};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;

/// Runs one command on an open store.
pub(crate) fn execute(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    match command.name.as_str() {
        "ingest" => ingest(store, command),
        "import" => import(store, command),
        "rates" => rates(store, command),
        "products" => products(store, command),
        "why_not" => why_not(&store.snapshot(), command),
        "profile" => profile(&store.snapshot(), command),
        "resolve" => resolve(&store.snapshot(), command),
        "contact" => contact(&store.snapshot(), command),
        "why" => why(&store.snapshot(), command),
        "members" => members(&store.snapshot(), command),
        "plan" => plan(&store.snapshot(), command),
        "define" => define(store, command),
        "undefine" => undefine(store, command),
        "advance" => advance(store, command),
        "alias" | "deny" | "revoke" | "match" => rulings::rule(store, command),
        "erase" => rulings::erase(store, command),
        "retract" => rulings::retract(store, command),
        "rules" => rulings::rules(store, command),
        "what_if" => rulings::what_if(&store.snapshot(), command),
        "radar" => radar(&store.snapshot(), command),
        "changes" => rulings::changes(&store.snapshot(), command),
        "event_log" => event_log(&store.snapshot(), command),
        "identifiers" | "attribution" | "rejected_edges" | "segments" | "digest" | "next_change" | "verify"
        | "flush" | "seal" | "compact" | "stats" => {
            command.only(&[])?;
            plain(store, &command.name)
        }
        _ => Err(Failure::unsupported("this command does not exist, or is not built yet")),
    }
}

fn radar(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["limit"])?;
    let limit = command.get("limit", "a number of entries of each kind")?.unwrap_or(100);
    Reply::ok().with_all(&snapshot.radar(limit)?)
}

/// The commands without arguments.
fn plain(store: &Store, name: &str) -> Result<Reply, Failure> {
    let reply = Reply::ok();
    match name {
        "identifiers" => identifiers(&store.snapshot()),
        "attribution" => {
            let events = store.snapshot().attribution()?;
            let events: Vec<_> = events.iter().map(|(id, profile)| (id.to_string(), profile)).collect();
            reply.with("events", &events)
        }
        "rejected_edges" => {
            let edges = store.snapshot().rejected_edges()?;
            let edges: Vec<_> = edges.iter().map(|edge| (&edge.a, &edge.b, &edge.rule)).collect();
            reply.with("edges", &edges)
        }
        "segments" => segments(&store.snapshot()),
        "digest" => {
            let digest = store.snapshot().digest()?;
            let parts = json!({"facts": digest.facts, "identity": digest.identity,
                "profiles": digest.profiles, "segments": digest.segments});
            reply.with("digest", &digest.digest)?.with("parts", &parts)
        }
        "next_change" => reply.with("next_change", &store.next_change()?),
        "verify" => reply.with_all(&store.verify()?),
        "flush" => Ok(store.flush().map(|()| reply)?),
        "seal" => Ok(store.seal().map(|()| reply)?),
        "compact" => Ok(store.compact().map(|()| reply)?),
        _ => reply.with_all(&store.stats()),
    }
}

fn ingest(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    let fields = ["file", "messages", "text", "source", "trust", "received_at", "default_type", "batch"];
    command.only(&fields)?;
    let how = ingest_options(command)?;
    let file: Option<String> = command.get("file", "a path")?;
    let messages: Option<Vec<&RawValue>> = command.get("messages", "an array of messages")?;
    let text: Option<String> = command.get("text", "a string")?;
    let receipt = match (file, messages, text) {
        (Some(path), None, None) => {
            let file = File::open(&path).map_err(|error| Failure::io(format!("cannot open {path}: {error}")))?;
            store.ingest_reader(file, &how, |_| {})?
        }
        (None, Some(messages), None) => {
            // Each member is a line, as it came: what JSON would fold into one value stays for the library to judge.
            let lines: Vec<&str> = messages.iter().map(|message| message.get()).collect();
            store.ingest(lines.join("\n").as_bytes(), &how)?
        }
        (None, None, Some(text)) => store.ingest(text.as_bytes(), &how)?,
        _ => return Err(Failure::invalid("ingest takes one of file, messages and text")),
    };
    ingested(&receipt)
}

const IMPORT_FIELDS: [&str; 16] = [
    "format",
    "file",
    "mapping",
    "source",
    "trust",
    "received_at",
    "delimiter",
    "decimal_comma",
    "date_order",
    "time_zone",
    "batch",
    "encoding",
    "skip",
    "as_of",
    "default_type",
    "undo",
];

fn import(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&IMPORT_FIELDS)?;
    let undo = command.get("undo", "true or false")?.unwrap_or(false);
    let path: String = command.need("file", "a path")?;
    let formats = "orders_csv, customers_csv, csv (which of the two, the file tells) or ndjson";
    let kind = match command.need::<String>("format", formats)?.as_str() {
        "orders_csv" => Some(Kind::Orders),
        "customers_csv" => Some(Kind::Customers),
        "csv" => None,
        "ndjson" => {
            let file = File::open(&path).map_err(|error| Failure::io(format!("cannot open {path}: {error}")))?;
            let how = ingest_options(command)?;
            return match undo {
                true => rulings::retracted(&store.undo_ndjson(file, &how)?),
                false => ingested(&store.import_ndjson(file, &how, |_| {})?),
            };
        }
        _ => return Err(Failure::invalid(format!("format is {formats}"))),
    };
    let file = declared(CsvFile::open(&path, kind)?, command)?;
    if undo {
        return rulings::retracted(&store.undo(file)?);
    }
    let report = store.import(file)?;
    let reply = ingested(&report.receipt)?;
    let reply = reply.with("rows", &report.rows)?.with("orders", &report.orders)?.with("refunds", &report.refunds)?;
    let reply = reply.with("flagged", &report.receipt.flagged)?;
    reply.with("people", &report.people)?.with("detected", &report.detected)
}

/// A file with all that the command says about it.
fn declared<'f>(mut file: CsvFile<'f>, command: &Command<'_>) -> Result<CsvFile<'f>, Failure> {
    let expected = r#"an object of key and header, key and list of headers, or key and {"const": value}"#;
    for (key, from) in command.get::<BTreeMap<String, From>>("mapping", expected)?.unwrap_or_default() {
        file = file.map(key, from);
    }
    if let Some(source) = command.get::<String>("source", "the name of a source")? {
        file = file.source(source);
    }
    if let Some(trust) = command.get::<Trust>("trust", "verified or claimed")? {
        file = file.trust(trust);
    }
    if let Some(at) = command.instant("received_at")? {
        file = file.received_at(at);
    }
    if let Some(at) = command.instant("as_of")? {
        file = file.as_of(at);
    }
    if let Some(delimiter) = command.get::<char>("delimiter", "one character")? {
        file = file.delimiter(delimiter);
    }
    if let Some(comma) = command.get::<bool>("decimal_comma", "true or false")? {
        file = file.decimal_comma(comma);
    }
    match command.get::<String>("date_order", "day_first or month_first")?.as_deref() {
        Some("day_first") => file = file.date_order(DateOrder::DayFirst),
        Some("month_first") => file = file.date_order(DateOrder::MonthFirst),
        Some(_) => return Err(Failure::invalid("date_order is day_first or month_first")),
        None => {}
    }
    if let Some(zone) = command.get::<String>("time_zone", "an IANA time zone")? {
        file = file.time_zone(zone);
    }
    if let Some(encoding) = command.get::<String>("encoding", "an encoding such as windows-1252")? {
        file = file.encoding(encoding);
    }
    if let Some(lines) = command.get::<u64>("skip", "a number of lines before the header")? {
        file = file.skip(lines);
    }
    if let Some(messages) = command.get::<usize>("batch", "a number of messages")? {
        file = file.batch(messages);
    }
    Ok(file)
}

/// `[[DATE, FROM, TO, "0.134"], ...]`
fn rates(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["rates"])?;
    let expected = r#"a list such as [["2026-01-31","SEK","EUR","0.0871"]]"#;
    let rates: Vec<(String, String, String, String)> = command.need("rates", expected)?;
    let rate = |(date, from, to, rate): &(String, String, String, String)| {
        Rate::new(date, from.parse()?, to.parse()?, rate.parse()?)
    };
    let rates = rates.iter().map(rate).collect::<regulars::Result<Vec<_>>>()?;
    crossed(Reply::ok(), &store.record_rates(&rates)?)
}

/// What the catalogue says: objects with `product_id`, and `shop` and `at` where they matter; the rest are attributes.
fn products(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["products"])?;
    let expected = r#"a list such as [{"product_id":"kettle","at":"2025-01-01","brand":"Alessi"}]"#;
    let wrong = || Failure::invalid(format!("products is {expected}"));
    let entries: Vec<BTreeMap<String, &RawValue>> = command.need("products", expected)?;
    let mut products = Vec::new();
    for mut entry in entries {
        let mut text = |name: &str| {
            let Some(json) = entry.remove(name).map(RawValue::get) else { return Ok(String::new()) };
            match serde_json::from_str(json) {
                Ok(Value::Null) => Ok(String::new()),
                Ok(Value::String(text)) => Ok(text),
                // As it is spelled: an id may have more digits than a number holds.
                Ok(Value::Number(_)) => Ok(json.to_owned()),
                _ => Err(wrong()),
            }
        };
        let (product_id, shop, at) = (text("product_id")?, text("shop")?, text("at")?);
        let mut product = Product::new(product_id).shop(shop);
        if !at.is_empty() {
            product = product.at(at.parse().map_err(|_| wrong())?);
        }
        products.push(entry.into_iter().fold(product, |product, (name, value)| product.attribute(name, value.get())));
    }
    ingested(&store.record_products(&products)?)
}

fn why_not(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["a", "b"])?;
    Reply::ok().with_all(&snapshot.why_not(command.need_id("a")?, command.need_id("b")?)?)
}

fn ingest_options(command: &Command<'_>) -> Result<Ingest, Failure> {
    let mut how = Ingest::new();
    if let Some(source) = command.get::<String>("source", "the name of a source")? {
        how = how.source(source);
    }
    if let Some(trust) = command.get::<Trust>("trust", "verified or claimed")? {
        how = how.trust(trust);
    }
    if command.get::<Value>("received_at", "an instant")? == Some(json!("message")) {
        how = how.received_at_from_message();
    } else if let Some(at) = command.instant("received_at")? {
        how = how.received_at(at);
    }
    if let Some(kind) = command.get::<String>("default_type", "a type of message")? {
        how = how.default_type(kind);
    }
    if let Some(lines) = command.get::<u64>("batch", "a number of lines")? {
        how = how.batch_lines(lines);
    }
    Ok(how)
}

pub(crate) fn ingested(receipt: &Receipt) -> Result<Reply, Failure> {
    let rejects = receipt.rejects.iter().map(|reject| match reject.ordinal {
        Some(ordinal) => json!([reject.line, reject.reason, ordinal]),
        None => json!([reject.line, reject.reason]),
    });
    // Beside the refusals, in their order: which field each is about.
    let fields: Vec<Option<&str>> = receipt.rejects.iter().map(|reject| reject.field).collect();
    let reply = Reply::ok()
        .with("accepted", &receipt.accepted)?
        .with("duplicates", &receipt.duplicates)?
        .with("conflicting", &receipt.conflicting)?
        .with("rejected", &receipt.rejected)?
        .with("reasons", &receipt.reasons)?
        .with("flags", &receipt.flags)?
        .with("rejects", &rejects.collect::<Vec<_>>())?
        .with("fields", &fields)?
        .with("merges", &receipt.merges)?
        .with("splits", &receipt.splits)?;
    crossed(reply, receipt)
}

/// How many entered and left, in all and by segment.
fn crossed(reply: Reply, receipt: &Receipt) -> Result<Reply, Failure> {
    let count = |side: &std::collections::BTreeMap<String, Vec<regulars::ProfileId>>| -> usize {
        side.values().map(Vec::len).sum()
    };
    let names = receipt.entered.keys().chain(receipt.left.keys());
    let of = |side: &std::collections::BTreeMap<String, Vec<regulars::ProfileId>>, name: &String| {
        side.get(name).map_or(0, Vec::len)
    };
    let by_segment: serde_json::Map<String, Value> = names
        .map(|name| (name.clone(), json!({"entered": of(&receipt.entered, name), "left": of(&receipt.left, name)})))
        .collect();
    reply
        .with("entered", &count(&receipt.entered))?
        .with("left", &count(&receipt.left))?
        .with("by_segment", &by_segment)
}

fn profile(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["identifier", "profile", "at", "events"])?;
    // Until the store is told a time, its readers see everything.
    let now = snapshot.live_instant().unwrap_or(Timestamp::from_millisecond(i64::MAX));
    let at = command.instant("at")?.unwrap_or(now);
    let events = command.get("events", "a number of events")?.unwrap_or(20);
    let (found, asked) = match (command.id("identifier")?, command.profile()?) {
        (Some(id), None) => (snapshot.profile_at(id.clone(), at, events)?, Some(snapshot.asked(&id, Some(at))?)),
        (None, Some(profile)) => (snapshot.profile_by_id_at(profile, at, events)?, None),
        _ => return Err(Failure::invalid("profile needs an identifier, or a profile")),
    };
    let Some(profile) = found else {
        let nobody = Reply::ok().with("profile", &Value::Null)?;
        // Of an identifier that is shared it is told with whom, also where nobody had it at that instant.
        return match asked.filter(|asked| asked.shared) {
            Some(asked) => nobody.with("asked", &asked),
            None => Ok(nobody),
        };
    };
    Reply::ok()
        .with("profile", &profile.id)?
        .with("asked", &profile.asked)?
        .with("known", &profile.known)?
        .with("identifiers", &profile.identifiers)?
        .with("traits", &profile.traits)?
        .with("orders", &profile.orders)?
        .with("consent", &profile.consent)?
        .with("suppressed", &profile.suppressed)?
        .with("groups", &profile.groups)?
        .with("time_zone", &profile.time_zone)?
        .with("segments", &profile.segments)?
        .with("activity", &profile.activity)?
        .with("first_seen", &profile.first_seen)?
        .with("last_seen", &profile.last_seen)?
        .with("events", &profile.events)
}

fn resolve(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["identifier", "at"])?;
    let profile = snapshot.resolve(command.need_id("identifier")?, command.instant("at")?)?;
    Reply::ok().with("profile", &profile)
}

/// What was said about consent and suppression at one identifier, whoever it belongs to.
fn contact(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["identifier", "at"])?;
    match snapshot.contact(&command.need_id("identifier")?, command.instant("at")?)? {
        Some(contact) => Reply::ok().with_all(&contact),
        None => Err(Failure::not_found("no fact names that identifier")),
    }
}

fn identifiers(snapshot: &Snapshot) -> Result<Reply, Failure> {
    let all = snapshot.identifiers()?;
    let all: Vec<_> =
        all.iter().map(|owner| (owner.id.namespace(), owner.id.value(), &owner.profile, owner.shared)).collect();
    Reply::ok().with("identifiers", &all)
}

fn why(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["a", "b"])?;
    let why = snapshot.why(command.need_id("a")?, command.need_id("b")?)?;
    Reply::ok().with("path", &why.map(|why| why.path))
}

fn rule(command: &Command<'_>) -> Result<Rule, Failure> {
    match command.raw("rule") {
        Some(text) if text.starts_with('"') => {
            Err(Failure::unsupported("rules as text are not built yet; give the rule as JSON"))
        }
        Some(json) => Ok(Rule::from_json(json)?),
        None => Err(Failure::invalid(format!("{} needs a rule", command.name))),
    }
}

fn universe(command: &Command<'_>) -> Result<Universe, Failure> {
    Ok(command.get("universe", "known or all")?.unwrap_or_default())
}

fn members(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["rule", "as_of", "universe", "ids"])?;
    let segment = Segment::new("members of the shell", rule(command)?).within(universe(command)?);
    let members = match command.instant("as_of")? {
        Some(at) => snapshot.as_of(at)?.members(&segment)?,
        None => snapshot.members(&segment)?,
    };
    let reply = Reply::ok().with("count", &members.len())?;
    match command.get("ids", "true or false")?.unwrap_or(true) {
        true => reply.with("profiles", &members.profiles()?),
        false => Ok(reply),
    }
}

fn plan(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["rule"])?;
    Reply::ok().with("plan", &snapshot.plan(&Segment::new("plan of the shell", rule(command)?))?)
}

fn define(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["name", "rule", "universe"])?;
    let name: String = command.need("name", "the name of the segment")?;
    let receipt = store.define(Segment::new(name, rule(command)?).within(universe(command)?))?;
    crossed(Reply::ok(), &receipt)
}

fn undefine(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["name"])?;
    let name: String = command.need("name", "the name of a segment")?;
    crossed(Reply::ok(), &store.undefine(&name)?)
}

fn segments(snapshot: &Snapshot) -> Result<Reply, Failure> {
    let all: Vec<Value> = snapshot
        .segments()
        .into_iter()
        .map(|(segment, count)| {
            json!({"name": segment.name(), "rule": segment.rule(), "universe": segment.universe(), "count": count})
        })
        .collect();
    Reply::ok().with("segments", &all)
}

fn advance(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["to"])?;
    let to = command.instant("to")?.ok_or_else(|| Failure::invalid("advance needs to: an instant"))?;
    crossed(Reply::ok(), &store.advance(to)?)
}

fn event_log(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["identifier", "limit"])?;
    let limit = command.get("limit", "a number of messages")?.unwrap_or(usize::MAX);
    let messages = snapshot.messages(command.id("identifier")?, limit)?;
    let messages: Vec<_> = messages.iter().map(|(id, message)| (id.to_string(), message)).collect();
    Reply::ok().with("messages", &messages)
}
