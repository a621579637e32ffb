//! Opening the store: the options of the first command.

use super::command::Command;
use super::reply::{Failure, Reply};
use regulars::{Clock, Config, Durability, Span, Store};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// An open store, and the options that the store itself does not remember.
pub(crate) struct Opened {
    pub(crate) store: Store,
    clock: Clock,
    durability: Durability,
    no_mmap: bool,
}

/// Opens the store at `place`, by the options of an `open` command if that is the first one.
pub(crate) fn open(place: &str, command: Option<&Command<'_>>) -> Result<Opened, Failure> {
    let mut given: BTreeMap<String, &RawValue> = BTreeMap::new();
    if let Some(command) = command {
        command.only(&["options"])?;
        given = command.get("options", "an object")?.unwrap_or_default();
    }
    let mut options = Store::options();
    let clock = take(&mut given, "clock")?.map_or(Ok(Clock::Manual), |value| clock(&value))?;
    let durability = take(&mut given, "durability")?.map_or(Ok(Durability::Sync), |value| durability(&value))?;
    let no_mmap = take(&mut given, "no_mmap")?.is_some_and(|value| value == Value::Bool(true));
    options = options.clock(clock).durability(durability).no_mmap(no_mmap);
    if let Some(value) = take(&mut given, "key")? {
        options = options.key(key(&value).ok_or_else(|| Failure::invalid("key is 64 hexadecimal digits"))?);
    }
    if let Some(value) = take(&mut given, "seal_events")? {
        let events = value.as_u64().and_then(|events| u32::try_from(events).ok());
        options = options.seal_events(events.ok_or_else(|| Failure::invalid("seal_events is a whole number"))?);
    }
    let config = config(&given)?;
    let exists = place != ":memory:" && holds_files(Path::new(place));
    if !exists && !given.is_empty() {
        options = options.config(config.clone());
    }
    let store = if place == ":memory:" { options.in_memory()? } else { options.open(place)? };
    if exists {
        agree(&store, &config, &given)?;
    }
    Ok(Opened { store, clock, durability, no_mmap })
}

fn take(given: &mut BTreeMap<String, &RawValue>, name: &str) -> Result<Option<Value>, Failure> {
    let value = given.remove(name).map(|value| serde_json::from_str(value.get()));
    let value = value.transpose().map_err(|_| Failure::invalid(format!("{name} is no JSON that can be read")))?;
    Ok(value.filter(|value: &Value| !value.is_null()))
}

fn config(given: &BTreeMap<String, &RawValue>) -> Result<Config, Failure> {
    Ok(Config::from_json(&serde_json::to_string(given).unwrap_or_default())?)
}

/// The lock file may be left of a creation that was refused.
fn holds_files(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != "lock"))
}

/// A later open may omit what was decided at the creation, all of it or some: what it gives has to be the same.
fn agree(store: &Store, config: &Config, given: &BTreeMap<String, &RawValue>) -> Result<(), Failure> {
    let (ours, theirs) = (as_map(config), as_map(store.config()));
    match given.keys().find(|name| ours.get(*name) != theirs.get(*name)) {
        Some(name) => Err(Failure::invalid(format!("the store was created with another {name}"))),
        None => Ok(()),
    }
}

fn as_map(config: &Config) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn clock(value: &Value) -> Result<Clock, Failure> {
    match value.as_str().map(str::to_lowercase).as_deref() {
        Some("manual") => Ok(Clock::Manual),
        Some("system") => Ok(Clock::System),
        _ => Err(Failure::invalid("clock is manual or system")),
    }
}

fn durability(value: &Value) -> Result<Durability, Failure> {
    let word = value.as_str().map(|word| word.to_lowercase().replace(['_', '-'], ""));
    let interval = value.get("interval").or_else(|| value.get("Interval"));
    let period = interval.and_then(|period| match period {
        Value::String(text) => text.parse().ok().map(Span::as_millisecond),
        other => other.as_i64(),
    });
    match (word.as_deref(), period.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0)) {
        (Some("sync"), _) => Ok(Durability::Sync),
        (Some("onflush"), _) => Ok(Durability::OnFlush),
        (None, Some(ms)) => Ok(Durability::Interval(Duration::from_millis(ms))),
        _ => Err(Failure::invalid(r#"durability is sync, on_flush or {"interval":"100ms"}"#)),
    }
}

fn key(value: &Value) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        value.as_str()?.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, []) = digits.as_deref()?.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

impl Opened {
    /// The options in force. The identity key is a secret and is not told.
    pub(crate) fn reply(&self) -> Result<Reply, Failure> {
        let mut options = as_map(self.store.config());
        let durability = match self.durability {
            Durability::Sync => json!("sync"),
            Durability::OnFlush => json!("on_flush"),
            Durability::Interval(period) => json!({"interval": format!("{}ms", period.as_millis())}),
        };
        let clock = if self.clock == Clock::Manual { "manual" } else { "system" };
        options.insert("clock".to_owned(), json!(clock));
        options.insert("durability".to_owned(), durability);
        options.insert("no_mmap".to_owned(), json!(self.no_mmap));
        Reply::ok().with("options", &options)
    }
}
