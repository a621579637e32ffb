//! What a message says about consent, and about who must not be contacted any more.
//!
//! Three places speak: `context.consent.categoryPreferences` (a yes or no per purpose, on any message, so on the track
//! `Segment Consent Preference Updated`, whose only content it is), the track `Consent Updated` (a channel, a purpose or
//! both, with method and proof), and the e-mail events that suppress a channel.
//! Names of channels and purposes are read as they compare: trimmed, NFC and with case folded.

use crate::base::bytes::put_str;
use crate::base::doc::Doc;
use crate::base::name::label;
use crate::fact::kind::Kind;
use crate::fact::view::Fact;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What somebody answered when they were asked.
///
/// ```
/// assert_eq!(serde_json::to_string(&regulars::ConsentStatus::Granted)?, "\"granted\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentStatus {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Yes once, no more.
    Withdrawn,
}

impl ConsentStatus {
    /// The word for it on the wire and in rules.
    ///
    /// ```
    /// assert_eq!(regulars::ConsentStatus::Withdrawn.name(), "withdrawn");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of a word in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (all, name) = ([Self::Granted, Self::Denied, Self::Withdrawn], label(name));
        all.into_iter().find(|status| status.name() == name)
    }
}

/// Why a channel must not be used any more.
///
/// ```
/// assert_eq!(serde_json::to_string(&regulars::SuppressionCause::Complaint)?, "\"complaint\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionCause {
    /// They unsubscribed. A later consent on the channel lifts it.
    Unsubscribed,
    /// A message could not be delivered for good.
    HardBounce,
    /// They called a message spam.
    Complaint,
    /// They had said no before they were erased. A later consent on the channel lifts it.
    ObjectedBefore,
}

impl SuppressionCause {
    /// The word for it in reports.
    ///
    /// ```
    /// assert_eq!(regulars::SuppressionCause::HardBounce.name(), "hard_bounce");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::ObjectedBefore => "objected_before",
        }
    }

    /// Whether a later yes takes it back: it was somebody's will, not the state of their mailbox.
    pub(crate) fn yields_to_a_yes(self) -> bool {
        matches!(self, Self::Unsubscribed | Self::ObjectedBefore)
    }
}

/// One thing that a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Consent {
        /// `None`: the purpose alone was asked for, whatever the channel.
        channel: Option<Cow<'a, str>>,
        /// `None`: every purpose of the channel.
        purpose: Option<Cow<'a, str>>,
        status: ConsentStatus,
        method: Option<Cow<'a, str>>,
        proof: Option<Cow<'a, str>>,
    },
    Suppressed {
        channel: Cow<'a, str>,
        cause: SuppressionCause,
    },
}

impl Said<'_> {
    /// The channel that it is about.
    pub(crate) fn channel(&self) -> Option<&str> {
        match self {
            Self::Consent { channel, .. } => channel.as_deref(),
            Self::Suppressed { channel, .. } => Some(channel),
        }
    }

    /// Appends bytes that tell one thing said from every other.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let text = |text: &Option<Cow<'_, str>>, out: &mut Vec<u8>| {
            out.push(u8::from(text.is_some()));
            put_str(out, text.as_deref().unwrap_or_default());
        };
        match self {
            Self::Consent { channel, purpose, status, method, proof } => {
                put_str(out, status.name());
                text(channel, out);
                text(purpose, out);
                text(method, out);
                text(proof, out);
            }
            Self::Suppressed { channel, cause } => {
                put_str(out, cause.name());
                put_str(out, channel);
            }
        }
    }
}

/// The parts of a message that speak of consent.
#[derive(Clone, Copy)]
pub(crate) struct Speech<'a> {
    /// The event name of a track.
    pub(crate) track: Option<&'a str>,
    pub(crate) properties: Option<Doc<'a>>,
    pub(crate) context: Option<Doc<'a>>,
}

impl<'a> Speech<'a> {
    /// What a fact says.
    pub(crate) fn of(fact: &Fact<'a>) -> Self {
        Self {
            track: (fact.kind == Kind::Track).then_some(fact.name),
            properties: fact.doc.get("properties"),
            context: fact.doc.get("context"),
        }
    }

    /// Everything that is said, in the order of the message; and whether something was said that cannot be read.
    pub(crate) fn read(self) -> (Vec<Said<'a>>, bool) {
        let (mut said, mut unreadable) = (Vec::new(), false);
        self.preferences(&mut said, &mut unreadable);
        match self.track {
            Some("Consent Updated") => match self.update() {
                Some(update) => said.push(update),
                None => unreadable = true,
            },
            Some("Unsubscribed") => {
                let channel = self.name("channel").flatten().unwrap_or(Cow::Borrowed("email"));
                said.push(Said::Suppressed { channel, cause: SuppressionCause::Unsubscribed });
            }
            Some("Email Bounced") if self.bounces_for_good() => said.push(by_email(SuppressionCause::HardBounce)),
            Some("Email Marked as Spam") => said.push(by_email(SuppressionCause::Complaint)),
            _ => {}
        }
        (said, unreadable)
    }

    /// A quick no for almost every message.
    pub(crate) fn is_silent(self) -> bool {
        let names = ["Consent Updated", "Unsubscribed", "Email Bounced", "Email Marked as Spam"];
        self.context.is_none_or(|context| context.get("consent").is_none())
            && self.track.is_none_or(|track| !names.contains(&track))
    }

    fn preferences(self, said: &mut Vec<Said<'a>>, unreadable: &mut bool) {
        let Some(consent) = self.context.and_then(|context| context.get("consent")) else { return };
        let Some(preferences) = consent.get("categoryPreferences").filter(|value| !value.is_absent()) else { return };
        *unreadable |= !preferences.is_object();
        // Members have no order. Of two spellings of one purpose that say different things the no is heard.
        let mut answers: BTreeMap<Cow<'a, str>, bool> = BTreeMap::new();
        for (purpose, answer) in preferences.members() {
            let purpose = std::str::from_utf8(purpose).ok().map(label).filter(|purpose| !purpose.is_empty());
            match purpose.zip(answer.as_bool()) {
                Some((purpose, yes)) => *answers.entry(purpose).or_insert(true) &= yes,
                None => *unreadable |= !answer.is_null(),
            }
        }
        said.extend(answers.into_iter().map(|(purpose, yes)| Said::Consent {
            channel: None,
            purpose: Some(purpose),
            status: if yes { ConsentStatus::Granted } else { ConsentStatus::Denied },
            method: None,
            proof: None,
        }));
    }

    fn update(self) -> Option<Said<'a>> {
        Some(Said::Consent {
            channel: self.name("channel")?,
            purpose: self.name("purpose")?,
            status: ConsentStatus::from_name(&self.text("status")?)?,
            method: self.as_given("method"),
            proof: self.as_given("proof"),
        })
    }

    /// Providers that tell soft bounces from hard ones say so in one of two fields; a bounce of no kind is for good.
    fn bounces_for_good(self) -> bool {
        let kinds: Vec<Cow<'_, str>> = ["bounce_type", "type"].into_iter().filter_map(|key| self.text(key)).collect();
        let is_hard = |kind: &str| ["hard", "permanent"].iter().any(|word| label(kind).contains(word));
        kinds.is_empty() || kinds.iter().any(|kind| is_hard(kind))
    }

    /// The name of a channel or purpose: `Some(None)` where there is none, `None` for what is no name.
    fn name(self, key: &str) -> Option<Option<Cow<'a, str>>> {
        let Some(value) = self.properties.and_then(|properties| properties.get(key)) else { return Some(None) };
        if value.is_absent() {
            return Some(None);
        }
        let name = match value.as_str()? {
            Cow::Borrowed(text) => label(text),
            Cow::Owned(text) => Cow::Owned(label(&text).into_owned()),
        };
        Some(Some(name))
    }

    /// A text of the properties, to the letter: what proves something is not touched. Blank is absent.
    fn as_given(self, key: &str) -> Option<Cow<'a, str>> {
        self.properties?.get(key)?.as_str().filter(|text| !text.trim().is_empty())
    }

    /// The same, trimmed.
    fn text(self, key: &str) -> Option<Cow<'a, str>> {
        Some(match self.as_given(key)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }
}

fn by_email<'a>(cause: SuppressionCause) -> Said<'a> {
    Said::Suppressed { channel: Cow::Borrowed("email"), cause }
}

/// The namespaces of contacts, with the channels that reach people there.
const CONTACTS: [(&str, &[&str]); 3] =
    [("email", &["email"]), ("phone", &["sms", "call", "whatsapp", "phone"]), ("device", &["push"])];

/// The namespace of the contacts of a channel; `None` for one that reaches people elsewhere.
pub(crate) fn contact_namespace(channel: &str) -> Option<&'static str> {
    CONTACTS.into_iter().find(|(_, channels)| channels.contains(&channel)).map(|(namespace, _)| namespace)
}

/// The channels of which an identifier of that namespace is a contact.
pub(crate) fn channels_of(namespace: &str) -> &'static [&'static str] {
    CONTACTS.into_iter().find(|(known, _)| *known == namespace).map_or(&[], |(_, channels)| channels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::doc::DocWriter;

    fn said(track: &str, properties: &[(&str, &str)], preferences: &[(&str, bool)]) -> (Vec<String>, bool) {
        let mut bytes = Vec::new();
        let mut doc = DocWriter::new(&mut bytes);
        let root = doc.object();
        for (key, value) in properties {
            doc.key(key.as_bytes());
            doc.string(value);
        }
        doc.close(root);
        let mut context = Vec::new();
        let mut doc = DocWriter::new(&mut context);
        let root = doc.object();
        doc.key(b"consent");
        let consent = doc.object();
        doc.key(b"categoryPreferences");
        let categories = doc.object();
        for (purpose, yes) in preferences {
            doc.key(purpose.as_bytes());
            doc.bool(*yes);
        }
        doc.close(categories);
        doc.close(consent);
        doc.close(root);
        let (properties, context) = (Some(Doc::new(&bytes)), Some(Doc::new(&context)));
        let (said, unreadable) = Speech { track: Some(track), properties, context }.read();
        let short = |said: &Said<'_>| match said {
            Said::Consent { channel, purpose, status, .. } => {
                let text = |name: &Option<Cow<'_, str>>| name.as_deref().unwrap_or_default().to_owned();
                format!("{}/{}: {}", text(channel), text(purpose), status.name())
            }
            Said::Suppressed { channel, cause } => format!("{channel}: {}", cause.name()),
        };
        (said.iter().map(short).collect(), unreadable)
    }

    fn yes(texts: &[&str]) -> (Vec<String>, bool) {
        (texts.iter().map(|text| (*text).to_owned()).collect(), false)
    }

    #[test]
    fn each_place_that_speaks_is_heard() {
        let update = [("channel", "email"), ("purpose", "marketing"), ("status", "granted")];
        assert_eq!(said("Consent Updated", &update, &[]), yes(&["email/marketing: granted"]));
        assert_eq!(said("Consent Updated", &[("status", "denied")], &[]), yes(&["/: denied"]));
        assert_eq!(
            said("Consent Updated", &[("channel", "sms"), ("status", "withdrawn"), ("purpose", " ")], &[]),
            yes(&["sms/: withdrawn"])
        );
        assert_eq!(
            said("x", &[], &[("ads", true), ("analytics", false)]),
            yes(&["/ads: granted", "/analytics: denied"])
        );
        assert_eq!(said("Unsubscribed", &[], &[]), yes(&["email: unsubscribed"]));
        assert_eq!(said("Unsubscribed", &[("channel", "sms")], &[]), yes(&["sms: unsubscribed"]));
        assert_eq!(said("Email Marked as Spam", &[], &[]), yes(&["email: complaint"]));
        assert_eq!(said("Email Opened", &update, &[]), yes(&[]));
    }

    #[test]
    fn names_are_read_as_they_compare() {
        for channel in ["email", " Email", "EMAIL\t", "\u{a0}eMail "] {
            for (purpose, status) in [("straße", "Granted"), ("STRASSE ", " GRANTED ")] {
                let update = [("channel", channel), ("purpose", purpose), ("status", status)];
                assert_eq!(said("Consent Updated", &update, &[]), yes(&["email/strasse: granted"]));
            }
            assert_eq!(said("Unsubscribed", &[("channel", channel)], &[]), yes(&["email: unsubscribed"]));
        }
        assert_eq!(said("x", &[], &[(" Cafe\u{301}", true)]), yes(&["/caf\u{e9}: granted"]));
        for both in [[("Ads", true), ("ads ", false)], [("Ads", false), ("ads ", true)]] {
            assert_eq!(said("x", &[], &both), yes(&["/ads: denied"]));
        }
    }

    #[test]
    fn a_bounce_is_hard_if_it_says_so_or_nothing() {
        let (hard, soft) = (yes(&["email: hard_bounce"]), yes(&[]));
        let bounced = |properties: &[(&str, &str)]| said("Email Bounced", properties, &[]);
        for word in ["hard", "Hard", " PERMANENT ", "HardBounce", "hard_bounce"] {
            assert_eq!(bounced(&[("bounce_type", word)]), hard, "{word}");
            assert_eq!(bounced(&[("type", word)]), hard, "{word}");
            assert_eq!(bounced(&[("bounce_type", "other"), ("type", word)]), hard, "{word}");
        }
        for word in ["soft", "Transient", "blocked", "undetermined", "mailbox full"] {
            assert_eq!(bounced(&[("bounce_type", word)]), soft, "{word}");
            assert_eq!(bounced(&[("type", word), ("bounce_type", " ")]), soft, "{word}");
        }
        assert_eq!((bounced(&[]), bounced(&[("type", "")])), (hard.clone(), hard));
    }

    #[test]
    fn what_cannot_be_read_says_nothing_and_is_told() {
        for status in ["perhaps", "yes", "", "granted!"] {
            let update = [("channel", "email"), ("purpose", "marketing"), ("status", status)];
            assert_eq!(said("Consent Updated", &update, &[]), (Vec::new(), true), "{status}");
        }
        assert_eq!(said("Consent Updated", &[("channel", "email")], &[]), (Vec::new(), true));
    }

    #[test]
    fn channels_know_their_addresses() {
        let of = |channel| contact_namespace(channel).unwrap_or("none");
        assert_eq!(
            ["email", "sms", "call", "whatsapp", "phone"].map(of),
            ["email", "phone", "phone", "phone", "phone"]
        );
        assert_eq!(["push", "post", ""].map(of), ["device", "none", "none"]);
        for namespace in ["email", "phone", "device"] {
            assert!(channels_of(namespace).iter().all(|channel| of(channel) == namespace));
        }
        assert!(channels_of("user_id").is_empty());
    }
}
