//! Consent, naively: for each contact walk through everything that was ever said, and ask of each message whether it
//! speaks of that contact.

#![expect(clippy::indexing_slicing, reason = "the model names its people by their places; a panic fails the test")]

use super::message::{Body, Message};
use super::spec::Ident;
use super::world::World;
use std::collections::BTreeSet;

/// What an erasure remembers: the identifier, what it had refused, when, and the erasure's id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Objection {
    contact: Ident,
    said: Said,
    ts: i64,
    id: String,
}

/// Channel, purpose and status, or the cause of a suppression.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Answer(Option<String>, Option<String>, &'static str),
    Stop(String, &'static str),
}

/// Every channel that the small universe speaks of, as it compares.
pub(crate) const CHANNELS: [&str; 5] = ["email", "sms", "call", "push", "post"];

fn namespace_of(channel: &str) -> Option<&'static str> {
    match channel {
        "email" => Some("email"),
        "sms" | "call" | "whatsapp" | "phone" => Some("phone"),
        "push" => Some("device"),
        _ => None,
    }
}

fn is_person(namespace: &str) -> bool {
    !["device", "anonymous_id"].contains(&namespace)
}

/// As names compare; the small universe has none that needs more.
pub(crate) fn name(text: &str) -> String {
    text.trim().to_lowercase().replace('ß', "ss")
}

fn present(text: Option<&str>) -> Option<String> {
    text.map(name).filter(|text| !text.is_empty())
}

fn said(message: &Message) -> Vec<Said> {
    let mut all = Vec::new();
    if let Some((purpose, yes)) = message.preference {
        all.push(Said::Answer(None, Some(name(purpose)), if yes { "granted" } else { "denied" }));
    }
    match &message.body {
        Body::Consent { channel, purpose, status } => {
            let known = ["granted", "denied", "withdrawn"].into_iter().find(|known| *known == name(status));
            all.extend(known.map(|status| Said::Answer(present(*channel), present(*purpose), status)));
        }
        Body::Unsubscribed(channel) => {
            all.push(Said::Stop(present(*channel).unwrap_or("email".to_owned()), "unsubscribed"));
        }
        Body::Bounced(kind) => {
            let hard = present(*kind).is_none_or(|kind| kind == "hard" || kind == "permanent");
            all.extend(hard.then(|| Said::Stop("email".to_owned(), "hard_bounce")));
        }
        Body::Complaint => all.push(Said::Stop("email".to_owned(), "complaint")),
        _ => {}
    }
    all
}

/// The identifiers that a message names, not only as data.
fn usable(message: &Message) -> BTreeSet<Ident> {
    let counts = |(namespace, _): &Ident| !(message.claimed && is_person(namespace));
    message.identifiers().into_iter().filter(counts).collect()
}

/// The contacts of a person for a channel.
fn contacts(world: &World, person: usize, channel: &str, at: i64) -> BTreeSet<Ident> {
    let Some(namespace) = namespace_of(channel) else { return BTreeSet::new() };
    let shared = world.events(person, at).flat_map(usable).filter(|named| world.outcome.shared.contains(named));
    let all = world.people[person].group.iter().cloned().chain(shared);
    all.filter(|(of, _)| of == namespace).collect()
}

/// A contact: of a name, or the nameless one of a person.
#[derive(Clone, Debug, PartialEq)]
enum Contact {
    Named(Ident),
    Nameless(usize),
}

/// Whether a message that says something on a channel (or on none) speaks of a contact at an instant.
fn speaks_of(
    world: &World,
    (message, owner): &(Message, Option<usize>),
    channel: Option<&str>,
    contact: &Contact,
    at: i64,
) -> bool {
    let names = usable(message);
    let Some(channel) = channel else {
        return matches!(contact, Contact::Named(ident) if names.contains(ident));
    };
    let names: BTreeSet<Ident> =
        names.into_iter().filter(|(namespace, _)| Some(namespace.as_str()) == namespace_of(channel)).collect();
    match contact {
        Contact::Named(ident) if !names.is_empty() => names.contains(ident),
        Contact::Named(ident) => {
            let has = |owner: usize| contacts(world, owner, channel, at).contains(ident);
            owner.is_some_and(has) && !(message.claimed && is_person(&ident.0))
        }
        Contact::Nameless(person) => names.is_empty() && *owner == Some(*person),
    }
}

/// Something that counts for a contact: its time, message id and what is said.
type Line = (i64, String, Said);

impl Said {
    fn channel(&self) -> Option<&str> {
        match self {
            Said::Answer(on, ..) => on.as_deref(),
            Said::Stop(on, _) => Some(on),
        }
    }
}

/// What messages say of a contact on a channel (or on none) at an instant.
fn told(
    world: &World,
    contact: &Contact,
    channel: Option<&str>,
    at: i64,
    counts: &dyn Fn(&Message) -> bool,
) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    for told in world.messages.iter().filter(|(message, _)| counts(message)) {
        for said in said(&told.0) {
            if said.channel() == channel && speaks_of(world, told, channel, contact, at) {
                all.push((told.0.ts, told.0.id.clone(), said));
            }
        }
    }
    all
}

/// What erasures remember of it.
fn kept(world: &World, contact: &Contact, channel: Option<&str>) -> Vec<Line> {
    let of = |kept: &&Objection| *contact == Contact::Named(kept.contact.clone()) && kept.said.channel() == channel;
    world.objections.iter().filter(of).map(|kept| (kept.ts, kept.id.clone(), kept.said.clone())).collect()
}

fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|(a, a_id, _), (b, b_id, _)| (a, a_id).cmp(&(b, b_id)));
    lines
}

fn lines_until(world: &World, contact: &Contact, channel: Option<&str>, at: i64) -> Vec<Line> {
    let mut all = told(world, contact, channel, at, &|message| message.ts <= at);
    all.extend(kept(world, contact, channel).into_iter().filter(|(ts, ..)| *ts <= at));
    in_order(all)
}

/// The last answer about a purpose, with its place.
fn answer(lines: &[Line], purpose: Option<&str>) -> Option<(usize, &'static str)> {
    lines.iter().enumerate().rev().find_map(|(at, (_, _, said))| match said {
        Said::Answer(_, why, status) if why.is_none() || why.as_deref() == purpose => Some((at, *status)),
        _ => None,
    })
}

/// The suppressions in force, by cause: the place of the first line since which each is.
fn stops(lines: &[Line]) -> Vec<(&'static str, usize)> {
    let mut open: Vec<(&'static str, usize)> = Vec::new();
    for (at, (_, _, said)) in lines.iter().enumerate() {
        match said {
            Said::Stop(_, cause) if open.iter().all(|(known, _)| known != cause) => open.push((*cause, at)),
            Said::Answer(_, _, "granted") => open.retain(|(cause, _)| ["hard_bounce", "complaint"].contains(cause)),
            _ => {}
        }
    }
    open
}

/// The contacts of a channel, or the nameless one.
fn asked(world: &World, person: usize, channel: Option<&str>, at: i64) -> Vec<Contact> {
    match channel {
        Some(channel) => {
            let contacts = contacts(world, person, channel, at);
            if contacts.is_empty() {
                vec![Contact::Nameless(person)]
            } else {
                contacts.into_iter().map(Contact::Named).collect()
            }
        }
        None => world.people[person].group.iter().cloned().map(Contact::Named).collect(),
    }
}

/// What the person answered up to an instant.
pub(crate) fn status(
    world: &World,
    person: usize,
    channel: Option<&str>,
    purpose: &str,
    at: i64,
) -> Option<&'static str> {
    let (channel, purpose) = (channel.map(name), name(purpose));
    let of = |contact: Contact| {
        answer(&lines_until(world, &contact, channel.as_deref(), at), Some(&purpose)).map(|(_, status)| status)
    };
    let all: Vec<&str> = asked(world, person, channel.as_deref(), at).into_iter().filter_map(of).collect();
    ["granted", "withdrawn", "denied"].into_iter().find(|status| all.contains(status))
}

/// Whether every contact of the person is suppressed.
pub(crate) fn suppressed(world: &World, person: usize, channel: &str, at: i64) -> bool {
    let channel = name(channel);
    let stopped = |contact: &Contact| !stops(&lines_until(world, contact, Some(&channel), at)).is_empty();
    asked(world, person, Some(&channel), at).iter().all(stopped)
}

/// Channel, purpose, contact, status, time and message id of an answer.
pub(crate) type Answer = (Option<String>, Option<String>, Option<Ident>, &'static str, i64, String);
/// Channel, cause, contact, time and message id of a suppression.
pub(crate) type Stop = (String, &'static str, Option<Ident>, i64, String);

/// What a page shows of some contacts on a channel (or on none).
fn page(world: &World, contacts: &[Contact], channel: Option<&str>, at: i64) -> (BTreeSet<Answer>, BTreeSet<Stop>) {
    let (mut answers, mut stopped) = (BTreeSet::new(), BTreeSet::new());
    for contact in contacts {
        let lines = lines_until(world, contact, channel, at);
        let named = if let Contact::Named(ident) = contact { Some(ident.clone()) } else { None };
        let purposes: BTreeSet<Option<String>> = lines
            .iter()
            .filter_map(|line| if let Said::Answer(_, why, _) = &line.2 { Some(why.clone()) } else { None })
            .collect();
        for purpose in purposes {
            let (place, status) = answer(&lines, purpose.as_deref()).expect("it was spoken of");
            let (ts, id, _) = lines[place].clone();
            answers.insert((channel.map(str::to_owned), purpose, named.clone(), status, ts, id));
        }
        for (cause, place) in stops(&lines) {
            let (ts, id, _) = lines[place].clone();
            stopped.insert((channel.expect("a channel").to_owned(), cause, named.clone(), ts, id));
        }
    }
    (answers, stopped)
}

/// What the page of a person shows.
pub(crate) fn of_person(world: &World, person: usize, at: i64) -> (BTreeSet<Answer>, BTreeSet<Stop>) {
    let channels = CHANNELS.into_iter().map(Some).chain([None]);
    let pages = channels.map(|channel| page(world, &asked(world, person, channel, at), channel, at));
    pages.fold(Default::default(), together)
}

/// What is known of an identifier, whoever it belongs to.
pub(crate) fn of_contact(world: &World, ident: &Ident, at: i64) -> (BTreeSet<Answer>, BTreeSet<Stop>) {
    let contact = [Contact::Named(ident.clone())];
    let own = CHANNELS.into_iter().filter(|channel| namespace_of(channel) == Some(ident.0.as_str())).map(Some);
    own.chain([None]).map(|channel| page(world, &contact, channel, at)).fold(Default::default(), together)
}

type Pages = (BTreeSet<Answer>, BTreeSet<Stop>);

fn together(mut all: Pages, more: Pages) -> Pages {
    all.0.extend(more.0);
    all.1.extend(more.1);
    all
}

/// What an erasure of these identifiers up to an instant has to remember, when those messages go: what had been refused at
/// identifiers that are erased, or in an erased message.
pub(crate) fn remembered(
    world: &World,
    (id, ts): (&str, i64),
    erased: &[Ident],
    goes: &dyn Fn(&Message) -> bool,
) -> Vec<Objection> {
    let mut all = Vec::new();
    let named: Vec<&Ident> = world.identifiers().collect();
    for ident in named {
        let channels = CHANNELS.into_iter().chain(["phone", "whatsapp"]);
        let channels = channels.filter(|channel| namespace_of(channel) == Some(ident.0.as_str()));
        for channel in channels.map(Some).chain([None]) {
            let contact = Contact::Named(ident.clone());
            let told = |counts: &dyn Fn(&Message) -> bool| told(world, &contact, channel, i64::MAX, counts);
            if !erased.contains(ident) && told(goes).is_empty() {
                continue;
            }
            let mut lines = told(&|message| message.ts <= ts || goes(message));
            lines.extend(kept(world, &contact, channel).into_iter().filter(|line| line.0 <= ts));
            let lines = in_order(lines);
            let purposes: BTreeSet<&Option<String>> = lines
                .iter()
                .filter_map(|line| if let Said::Answer(_, why, _) = &line.2 { Some(why) } else { None })
                .collect();
            let no =
                |why: &&Option<String>| answer(&lines, why.as_deref()).is_some_and(|(_, status)| status != "granted");
            let on = channel.map(str::to_owned);
            let mut refused: Vec<Said> =
                purposes.into_iter().filter(no).map(|why| Said::Answer(on.clone(), why.clone(), "denied")).collect();
            if !refused.is_empty() || !stops(&lines).is_empty() {
                refused.extend(on.map(|on| Said::Stop(on, "objected_before")));
            }
            all.extend(refused.into_iter().map(|said| Objection {
                contact: ident.clone(),
                said,
                ts,
                id: id.to_owned(),
            }));
        }
    }
    all
}
