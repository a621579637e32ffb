//! Commands by which operators rule on identity, and the feed that tells what came of it.

use super::command::Command;
use super::commands::ingested;
use super::reply::{Failure, Reply};
use regulars::{Erasure, MessageId, NamespaceRule, Retracted, Rules, Ruling, Snapshot, Store};
use std::collections::BTreeMap;

/// `alias`, `deny`, `revoke` and `match`: the changes of the commit.
pub(crate) fn rule(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    let matched = command.name == "match";
    command.only(if matched { &["a", "b", "at", "id", "probability"] } else { &["a", "b", "at", "id"] })?;
    let (a, b) = (command.need_id("a")?, command.need_id("b")?);
    let mut ruling = match command.name.as_str() {
        "alias" => Ruling::alias(a, b),
        "deny" => Ruling::deny(a, b),
        "revoke" => Ruling::revoke(a, b),
        _ => Ruling::matched(a, b, command.need("probability", "a number from 0 to 1")?),
    };
    if let Some(at) = command.instant("at")? {
        ruling = ruling.at(at);
    }
    if let Some(id) = message_id(command, "id")? {
        ruling = ruling.id(id);
    }
    let cursor = store.snapshot().changes_end();
    let receipt = store.rule(ruling)?;
    let feed = store.snapshot().changes(cursor, usize::MAX)?;
    ingested(&receipt)?.with("changes", &feed.changes)?.with("cursor", &feed.cursor)
}

/// What to erase: a person by identifier or profile, or identifiers and messages.
fn erasure(command: &Command<'_>) -> Result<Erasure, Failure> {
    let messages: Option<Vec<String>> = command.get("messages", "a list of message ids")?;
    let mut erasure = match (command.id("person")?, command.profile()?, command.ids("identifiers")?) {
        (Some(person), None, None) => Erasure::person(person),
        (None, Some(profile), None) => Erasure::profile(profile),
        (None, None, Some(ids)) => Erasure::identifiers(ids),
        (None, None, None) if messages.is_some() => Erasure::default(),
        (None, None, None) => {
            return Err(Failure::invalid("erase needs a person, a profile, identifiers or messages"));
        }
        _ => return Err(Failure::invalid("erase takes a person, a profile, or identifiers")),
    };
    erasure = erasure.messages(messages.unwrap_or_default().iter().map(|id| MessageId::new(id)));
    if let Some(at) = command.instant("at")? {
        erasure = erasure.at(at);
    }
    if let Some(id) = message_id(command, "id")? {
        erasure = erasure.id(id);
    }
    Ok(erasure)
}

pub(crate) fn erase(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["identifiers", "messages", "person", "profile", "at", "id", "dry"])?;
    let erasure = erasure(command)?;
    if command.get("dry", "true or false")?.unwrap_or(false) {
        return Reply::ok().with("dry", &true)?.with_all(&store.snapshot().what_if_erased(&erasure)?);
    }
    let erased = store.erase(&erasure)?;
    ingested(&erased.receipt)?
        .with("profile", &erased.profile)?
        .with("events", &erased.events)?
        .with("events_of_others", &erased.events_of_others)?
        .with("kept", &erased.kept)
}

pub(crate) fn retract(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["messages"])?;
    let messages: Vec<String> = command.need("messages", "a list of message ids")?;
    let done = store.retract(messages.iter().map(|id| MessageId::new(id)))?;
    retracted(&done)
}

/// What was taken back.
pub(crate) fn retracted(done: &Retracted) -> Result<Reply, Failure> {
    let reply = ingested(&done.receipt)?.with("retracted", &done.retracted)?;
    reply.with("unknown", &done.unknown)?.with("earlier", &done.earlier)
}

const VALUES: &str = "a list of values that identify nobody";

/// The rules in force, or with `set` or `block` what became of changing them.
pub(crate) fn rules(store: &Store, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["set", "block"])?;
    match asked(&store.snapshot(), command, "set")? {
        Some(Asked::Rules(rules)) => Reply::ok().with_all(&store.set_rules(&rules)?),
        Some(Asked::Block(values)) => Reply::ok().with_all(&store.block(values)?),
        None => {
            let Rules { version, namespaces, blocked, .. } = store.snapshot().rules();
            Reply::ok().with("version", &version)?.with("rules", &namespaces)?.with("blocked", &blocked)
        }
    }
}

pub(crate) fn what_if(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["rules", "block"])?;
    match asked(snapshot, command, "rules")? {
        Some(Asked::Rules(rules)) => Reply::ok().with_all(&snapshot.what_if(&rules)?),
        Some(Asked::Block(values)) => Reply::ok().with_all(&snapshot.what_if_blocked(values)?),
        None => Err(Failure::invalid("what_if needs rules, or values to block")),
    }
}

enum Asked {
    Rules(BTreeMap<String, NamespaceRule>),
    Block(Vec<String>),
}

fn asked(snapshot: &Snapshot, command: &Command<'_>, field: &str) -> Result<Option<Asked>, Failure> {
    match (command.raw(field), command.get("block", VALUES)?) {
        (Some(_), Some(_)) => Err(Failure::invalid("change the rules or block values, one at a time")),
        (Some(rules), None) => Ok(Some(Asked::Rules(snapshot.rules().changed(rules)?))),
        (None, values) => Ok(values.map(Asked::Block)),
    }
}

pub(crate) fn changes(snapshot: &Snapshot, command: &Command<'_>) -> Result<Reply, Failure> {
    command.only(&["cursor", "limit"])?;
    let cursor = command.get("cursor", "the cursor of an earlier reply, or 0")?.unwrap_or(0);
    let limit = command.get("limit", "a number of changes")?.unwrap_or(usize::MAX);
    Reply::ok().with_all(&snapshot.changes(cursor, limit)?)
}

fn message_id(command: &Command<'_>, field: &str) -> Result<Option<MessageId>, Failure> {
    let id: Option<String> = command.get(field, "a message id")?;
    Ok(id.map(|id| MessageId::new(&id)))
}
