//! What was said about consent and suppression, and what of it counts for one contact.
//!
//! A contact is an identifier at which a channel reaches somebody (an address, a number, a device), or the nameless one of
//! a person who has none. What is known of it is a list of statements, in order, each from an instant on; every answer is
//! read from that list. [`contacts`](super::contacts) finds out which statements those are.

use crate::base::{MessageId, Timestamp};
use crate::event::row::At;
use crate::normalize::consent::{ConsentStatus, Said, SuppressionCause};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The fact that says it; none for what an erasure remembers.
    pub(crate) at: Option<At>,
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    pub(crate) source: Box<str>,
    /// A public endpoint says so: nothing of the identifiers of persons.
    pub(crate) claimed: bool,
    pub(crate) what: Said<'static>,
}

/// A channel, if one is named, and a purpose: with one `None`, whatever the purpose. Names as they compare.
pub(crate) type Topic<'t> = (Option<&'t str>, Option<&'t str>);

impl Statement {
    /// What an answer is about; `None` for a suppression.
    fn topic(&self) -> Option<Topic<'_>> {
        match &self.what {
            Said::Consent { channel, purpose, .. } => Some((channel.as_deref(), purpose.as_deref())),
            Said::Suppressed { .. } => None,
        }
    }

    /// The answer, of an answer.
    fn status(&self) -> Option<ConsentStatus> {
        match &self.what {
            Said::Consent { status, .. } => Some(*status),
            Said::Suppressed { .. } => None,
        }
    }
}

/// A statement as it counts for one contact: from when it was said, and the contact was that of whoever said it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) since: Timestamp,
    pub(crate) statement: Arc<Statement>,
}

/// One contact; see the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    /// Its identifier; none for the nameless one.
    pub(crate) node: Option<u32>,
    /// By (time, message id).
    heard: Vec<Heard>,
}

impl Contact {
    pub(crate) fn new(node: Option<u32>, mut heard: Vec<Heard>) -> Self {
        // A stable sort keeps what one message says in the order of the message.
        heard.sort_by(|a, b| (a.statement.ts, &a.statement.id).cmp(&(b.statement.ts, &b.statement.id)));
        Self { node, heard }
    }

    pub(crate) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    fn until(&self, at: Timestamp) -> impl DoubleEndedIterator<Item = &Statement> {
        let heard = self.heard.iter().filter(move |heard| heard.since <= at && heard.statement.ts <= at);
        heard.map(|heard| &*heard.statement)
    }

    /// What was asked, by the facts up to `at`.
    pub(crate) fn topics(&self, at: Timestamp) -> BTreeSet<Topic<'_>> {
        self.until(at).filter_map(Statement::topic).collect()
    }

    /// The last answer about a topic: one about every purpose is about each.
    pub(crate) fn answer(&self, (channel, purpose): Topic<'_>, at: Timestamp) -> Option<&Statement> {
        let about = |(of, why): Topic<'_>| of == channel && (why.is_none() || why == purpose);
        self.until(at).rfind(|statement| statement.topic().is_some_and(about))
    }

    /// The same, as a status.
    pub(crate) fn status(&self, topic: Topic<'_>, at: Timestamp) -> Option<ConsentStatus> {
        self.answer(topic, at)?.status()
    }

    /// What is suppressed at `at`, by channel and cause: with the statement since which it is.
    pub(crate) fn suppressions(&self, at: Timestamp) -> Vec<(&str, SuppressionCause, &Statement)> {
        let mut open: Vec<(&str, SuppressionCause, &Statement)> = Vec::new();
        for statement in self.until(at) {
            match &statement.what {
                Said::Suppressed { channel, cause } => {
                    if !open.iter().any(|(known, why, _)| *known == channel && why == cause) {
                        open.push((channel, *cause, statement));
                    }
                }
                Said::Consent { channel: Some(granted), status: ConsentStatus::Granted, .. } => {
                    open.retain(|(channel, cause, _)| channel != granted || !cause.yields_to_a_yes());
                }
                Said::Consent { .. } => {}
            }
        }
        open
    }

    /// Whether a channel must not be used for it.
    pub(crate) fn is_suppressed(&self, channel: &str, at: Timestamp) -> bool {
        self.suppressions(at).iter().any(|(known, ..)| *known == channel)
    }
}

/// What several contacts answered, as one: a yes of one is a yes; else a yes taken back is told before a no.
pub(crate) fn together(answers: impl Iterator<Item = Option<ConsentStatus>>) -> Option<ConsentStatus> {
    use ConsentStatus::{Denied, Granted, Withdrawn};
    let all: Vec<ConsentStatus> = answers.flatten().collect();
    [Granted, Withdrawn, Denied].into_iter().find(|status| all.contains(status))
}
