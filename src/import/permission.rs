//! What the columns of a file of customers say of consent: that, since when and how it ended.
//!
//! A state that is told is a statement: its no denies. "Never subscribed", a confirmation that is awaited and a blank
//! cell are none. Of a yes and a no that hold at the same time the no counts.

use super::csv::Cells;
use super::dates::Clock;
use super::header::folded;
use super::mapping::{Key, Mapping};
use crate::base::Timestamp;
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;

/// What a consent is about: channel and purpose.
pub(super) type Topic = (String, String);

/// One thing that a row says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Permission {
    pub(super) what: What,
    /// At another time than the row's.
    pub(super) time: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Consent(Topic, ConsentStatus),
    /// Messages of a channel came back for good.
    Bounced(String),
    /// They called a message of a channel spam.
    Complained(String),
}

/// What a word in a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Consent(ConsentStatus),
    Bounced,
    Complained,
    /// Neither yes nor no.
    Nothing,
}

const YES: [&str; 51] = [
    "granted",
    "yes",
    "y",
    "true",
    "t",
    "1",
    "subscribed",
    "subscriber",
    "optin",
    "optedin",
    "optsin",
    "accepted",
    "accepts",
    "consented",
    "consent",
    "confirmed",
    "doubleoptin",
    "doubleoptedin",
    "singleoptin",
    "on",
    "x",
    "checked",
    "enabled",
    "ja",
    "j",
    "oui",
    "si",
    "s",
    "wahr",
    "vrai",
    "verdadero",
    "vero",
    "waar",
    "sand",
    "sim",
    "abonniert",
    "angemeldet",
    "abonne",
    "inscrit",
    "suscrito",
    "iscritto",
    "aangemeld",
    "tak",
    "ano",
    "tilmeldt",
    "prenumererar",
    "zapisany",
    "subskrybent",
    "abonnerer",
    "paaloggad",
    "optedinconfirmed",
];
const NO: [&str; 30] = [
    "denied",
    "no",
    "n",
    "false",
    "f",
    "0",
    "notsubscribed",
    "noconsent",
    "declined",
    "refused",
    "off",
    "unchecked",
    "disabled",
    "never",
    "nein",
    "non",
    "falsch",
    "faux",
    "falso",
    "onwaar",
    "nee",
    "nej",
    "nei",
    "nao",
    "objected",
    "notoptedin",
    "nie",
    "ne",
    "ej",
    "notaccepted",
];
const NOTHING: [&str; 31] = [
    "neversubscribed",
    "nonsubscribed",
    "nonsubscriber",
    "notyetsubscribed",
    "neverasked",
    "unknown",
    "na",
    "none",
    "null",
    "nil",
    "notset",
    "undefined",
    "pending",
    "pendingconfirmation",
    "unconfirmed",
    "notconfirmed",
    "awaitingconfirmation",
    "notactivated",
    "active",
    "inactive",
    "transactional",
    "imported",
    "unverified",
    "softbounced",
    "softbounce",
    "unbestatigt",
    "nonconfirme",
    "sinconfirmar",
    "noinformation",
    "notspecified",
    "notasked",
];
/// How the words of those begin who said no in the end, or must not be written to.
const LEFT: [&str; 27] = [
    "unsub",
    "abgemeldet",
    "ausgetragen",
    "desabonn",
    "desinscrit",
    "baja",
    "dadodebaja",
    "disiscritt",
    "uitgeschreven",
    "afmeldt",
    "frameldt",
    "avregistrer",
    "avmeldt",
    "blacklist",
    "blocklist",
    "blocked",
    "suppressed",
    "donot",
    "dnd",
    "globallyunsub",
    "wypisan",
    "rezygnacj",
    "odhlasen",
    "avanmald",
    "usersuppressed",
    "adminblocked",
    "notinterested",
];
const WITHDRAWN: [&str; 7] = ["withdrawn", "revoked", "optout", "optedout", "optsout", "widerrufen", "retire"];
const BOUNCED: [&str; 6] = ["bounced", "hardbounce", "cleaned", "undeliverable", "invalid", "rebote"];
const COMPLAINED: [&str; 6] = ["complain", "spam", "markedasspam", "markedspam", "reportedspam", "abuse"];

/// What a word says; `None` for one that nobody knows, or that may be about something else.
pub(super) fn word(cell: &str) -> Option<Word> {
    let word = folded(cell);
    let word = word.as_str();
    let begins = |words: &[&str]| words.iter().any(|own| word.starts_with(own));
    Some(if YES.contains(&word) {
        Word::Consent(ConsentStatus::Granted)
    } else if NO.contains(&word) {
        Word::Consent(ConsentStatus::Denied)
    } else if NOTHING.contains(&word) || word.is_empty() {
        Word::Nothing
    } else if begins(&WITHDRAWN) {
        Word::Consent(ConsentStatus::Withdrawn)
    } else if begins(&LEFT) || word.contains("unsubscribed") {
        Word::Consent(ConsentStatus::Denied)
    } else if begins(&BOUNCED) {
        Word::Bounced
    } else if begins(&COMPLAINED) || word.contains("spam") {
        Word::Complained
    } else {
        return None;
    })
}

/// Everything that a row says.
///
/// # Errors
/// `WrongType` for a word that nobody knows in a column of consent, `InvalidTimestamp` for a time that is none.
pub(super) fn read(mapping: &Mapping, cells: Cells<'_>, clock: &Clock) -> Result<Vec<Permission>, Reason> {
    let mut said = Vec::new();
    for key in mapping.keys() {
        match key {
            Key::Consent(channel, purpose) => {
                let Some(cell) = mapping.get(key, cells) else { continue };
                let time = since(mapping, channel, cells, clock)?;
                let topic = (channel.clone(), purpose.clone());
                said.extend(of_word(word(cell).ok_or(Reason::WrongType)?, topic, time));
            }
            Key::OptedIn(channel) => {
                let Some(cell) = mapping.get(key, cells).filter(|cell| !is_no_time(cell)) else { continue };
                said.extend(opted_in(cell, channel, clock)?);
            }
            Key::Unsubscribed(channel) => {
                said.extend(left(&mapping.all(key, cells), channel, clock));
            }
            Key::Bounced(channel) => {
                let cells = mapping.all(key, cells);
                let what = What::Bounced(channel.clone());
                said.extend(ended(&cells, clock).map(|time| Permission { what, time }));
            }
            Key::Complained(channel) => {
                let cells = mapping.all(key, cells);
                let what = What::Complained(channel.clone());
                said.extend(ended(&cells, clock).map(|time| Permission { what, time }));
            }
            Key::ContactStatus(channel) => {
                let time = since(mapping, channel, cells, clock)?;
                let words = mapping.all(key, cells).into_iter().filter_map(word);
                said.extend(words.filter_map(|word| of_word(word, marketing(channel), time)));
            }
            _ => {}
        }
    }
    Ok(without_contradictions(said))
}

/// Since when what a row says of a channel holds, if a column tells.
fn since(mapping: &Mapping, channel: &str, cells: Cells<'_>, clock: &Clock) -> Result<Option<Timestamp>, Reason> {
    let cell = mapping.get(&Key::ConsentTime(channel.to_owned()), cells).filter(|time| !is_no_time(time));
    cell.map(|time| clock.instant(time).ok_or(Reason::InvalidTimestamp)).transpose()
}

fn marketing(channel: &str) -> Topic {
    (channel.to_owned(), "marketing".to_owned())
}

fn of_word(word: Word, topic: Topic, time: Option<Timestamp>) -> Option<Permission> {
    let what = match word {
        Word::Consent(status) => What::Consent(topic, status),
        Word::Bounced => What::Bounced(topic.0),
        Word::Complained => What::Complained(topic.0),
        Word::Nothing => return None,
    };
    Some(Permission { what, time })
}

fn opted_in(cell: &str, channel: &str, clock: &Clock) -> Result<Option<Permission>, Reason> {
    let granted = What::Consent(marketing(channel), ConsentStatus::Granted);
    if let Some(time) = clock.instant(cell) {
        return Ok(Some(Permission { what: granted, time: Some(time) }));
    }
    match word(cell) {
        Some(Word::Consent(ConsentStatus::Granted)) => Ok(Some(Permission { what: granted, time: None })),
        // Whoever did not opt in said nothing.
        Some(_) => Ok(None),
        None => Err(Reason::InvalidTimestamp),
    }
}

/// What it says of somebody that they left: why, if the cells tell that it was not they who said so.
fn left(cells: &[&str], channel: &str, clock: &Clock) -> Vec<Permission> {
    let Some(time) = ended(cells, clock) else { return Vec::new() };
    let tells = |which: Word| cells.iter().any(|cell| word(cell) == Some(which));
    let denied = What::Consent(marketing(channel), ConsentStatus::Denied);
    let what = match (tells(Word::Bounced), tells(Word::Complained)) {
        (true, _) => vec![What::Bounced(channel.to_owned())],
        (false, true) => vec![What::Complained(channel.to_owned()), denied],
        (false, false) => vec![denied],
    };
    what.into_iter().map(|what| Permission { what, time }).collect()
}

/// When something ended by these cells, which hold that, when or why it did; `None` if it did not. A time that cannot
/// be read is no reason to write to somebody who left.
fn ended(cells: &[&str], clock: &Clock) -> Option<Option<Timestamp>> {
    let is_no = |cell: &&&str| {
        let none = matches!(word(cell), Some(Word::Consent(ConsentStatus::Denied) | Word::Nothing)) && !said_so(cell);
        none || is_no_time(cell)
    };
    let mut yes = cells.iter().filter(|cell| !is_no(cell)).peekable();
    yes.peek()?;
    Some(yes.find_map(|cell| clock.instant(cell)))
}

/// `Unsubscribed` in a column of who unsubscribed is a yes.
fn said_so(cell: &str) -> bool {
    let word = folded(cell);
    LEFT.iter().any(|own| word.starts_with(own)) || word.contains("unsubscribed")
}

/// `0000-00-00 00:00:00`, `-`: what databases print for no time.
fn is_no_time(cell: &str) -> bool {
    cell.chars().all(|c| matches!(c, '0' | '-' | ':' | ' ' | '/' | '.' | 'T')) && cell != "0"
}

/// A yes that is not later than a no about the same is none; a no that a column dates is told at that time only.
fn without_contradictions(mut said: Vec<Permission>) -> Vec<Permission> {
    said.sort();
    said.dedup();
    let dated: Vec<What> = said.iter().filter(|one| one.time.is_some()).map(|one| one.what.clone()).collect();
    said.retain(|one| one.time.is_some() || !is_no(&one.what) || !dated.iter().any(|other| is_same(other, &one.what)));
    let nos: Vec<(Topic, Option<Timestamp>)> = said
        .iter()
        .filter_map(|one| match &one.what {
            What::Consent(topic, status) if *status != ConsentStatus::Granted => Some((topic.clone(), one.time)),
            _ => None,
        })
        .collect();
    said.retain(|one| match &one.what {
        What::Consent(topic, ConsentStatus::Granted) => {
            let beaten = |no: &Option<Timestamp>| match (one.time, no) {
                // What was said once stays in the history beside what holds now.
                (Some(_), None) => false,
                (Some(yes), Some(no)) => yes == *no,
                (None, _) => true,
            };
            !nos.iter().any(|(about, no)| about == topic && beaten(no))
        }
        _ => true,
    });
    said
}

fn is_no(what: &What) -> bool {
    !matches!(what, What::Consent(_, ConsentStatus::Granted))
}

/// Whether both say no to the same, in whichever word.
fn is_same(a: &What, b: &What) -> bool {
    match (a, b) {
        (What::Consent(one, _), What::Consent(other, _)) => is_no(a) && is_no(b) && one == other,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_mailing_tools_are_read() {
        let yes = Some(Word::Consent(ConsentStatus::Granted));
        let no = Some(Word::Consent(ConsentStatus::Denied));
        for (cells, expected) in [
            (&["yes", "TRUE", "1", "SUBSCRIBED", "Opt-in", "opted in", "Ja", "Sí", "oui", "accepted"][..], yes),
            (
                &["no", "0", "False", "UNSUBSCRIBED", "not_subscribed", "Nein", "Globally unsubscribed", "blacklisted"],
                no,
            ),
            (&["Désabonné", "abgemeldet", "do not contact", "Blocklisted", "baja"], no),
            (
                &["NEVER_SUBSCRIBED", "pending", "Unconfirmed", "n/a", "Non-subscribed", "active", "Soft bounced"],
                Some(Word::Nothing),
            ),
            (&["opt-out", "Withdrawn", "opted out"], Some(Word::Consent(ConsentStatus::Withdrawn))),
            (&["bounced", "Hard Bounce", "cleaned"], Some(Word::Bounced)),
            (&["complained", "Spam complaint", "marked as spam"], Some(Word::Complained)),
            (&["maybe", "weekly", "vip"], None),
        ] {
            for cell in cells {
                assert_eq!(word(cell), expected, "{cell}");
            }
        }
    }

    #[test]
    fn an_end_is_an_end_whatever_the_cell_holds() {
        let clock = Clock::utc(None);
        let at = |cells: &[&str]| ended(cells, &clock).map(|time| time.map(|time| time.to_string()));
        for cells in [&[][..], &["no"], &["0"], &["false", "never"], &["0000-00-00 00:00:00"], &["-"], &["n/a"]] {
            assert_eq!(at(cells), None, "{cells:?}");
        }
        for cells in
            [&["yes"][..], &["1"], &["x"], &["too many mails"], &["05/06/2024"], &["no", "yes"], &["Unsubscribed"]]
        {
            assert_eq!(at(cells), Some(None), "{cells:?}");
        }
        let time = Some(Some("2024-05-06T00:00:00.000Z".to_owned()));
        assert_eq!((at(&["2024-05-06"]), at(&["bored", "2024-05-06"])), (time.clone(), time));
    }
}
