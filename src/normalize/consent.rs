//! What a message says about consent, and about who must not be contacted any more.
//!
//! Three places speak: `context.consent.categoryPreferences` (a yes or no per purpose, on any message), the track
//! `Consent Updated` (one channel and purpose, with method and proof), and the e-mail events that suppress a channel.

use super::fact::{Fact, Kind};
use crate::base::bytes::put_str;
use crate::base::doc::Doc;
use serde::Serialize;
use std::borrow::Cow;

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
        let all = [Self::Granted, Self::Denied, Self::Withdrawn];
        all.into_iter().find(|status| status.name().eq_ignore_ascii_case(name.trim()))
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
    /// They unsubscribed. A later consent to marketing on the channel lifts it.
    Unsubscribed,
    /// A message could not be delivered for good.
    HardBounce,
    /// They called a message spam.
    Complaint,
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
        }
    }
}

/// One thing that a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Consent {
        /// `None`: the purpose alone was asked for, whatever the channel.
        channel: Option<Cow<'a, str>>,
        purpose: Cow<'a, str>,
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
                put_str(out, purpose);
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
                let channel = self.text("channel").unwrap_or(Cow::Borrowed("email"));
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
        for (purpose, answer) in preferences.members() {
            let purpose = std::str::from_utf8(purpose).ok().map(str::trim).filter(|purpose| !purpose.is_empty());
            match purpose.zip(answer.as_bool()) {
                Some((purpose, yes)) => said.push(Said::Consent {
                    channel: None,
                    purpose: Cow::Borrowed(purpose),
                    status: if yes { ConsentStatus::Granted } else { ConsentStatus::Denied },
                    method: None,
                    proof: None,
                }),
                None => *unreadable |= !answer.is_null(),
            }
        }
    }

    fn update(self) -> Option<Said<'a>> {
        let status = ConsentStatus::from_name(&self.text("status")?)?;
        Some(Said::Consent {
            channel: self.text("channel"),
            purpose: self.text("purpose")?,
            status,
            method: self.text("method"),
            proof: self.text("proof"),
        })
    }

    /// Providers that tell soft bounces from hard ones say so in one of two fields; a bounce of no kind is for good.
    fn bounces_for_good(self) -> bool {
        let soft = ["soft", "transient", "undetermined", "block", "blocked"];
        let kind = ["bounce_type", "type"].into_iter().find_map(|key| self.text(key));
        kind.is_none_or(|kind| !soft.iter().any(|word| kind.eq_ignore_ascii_case(word)))
    }

    /// A text of the properties, trimmed; blank is absent.
    fn text(self, key: &str) -> Option<Cow<'a, str>> {
        let text = self.properties?.get(key)?.as_str()?;
        let trimmed = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        Some(trimmed).filter(|text| !text.is_empty())
    }
}

fn by_email<'a>(cause: SuppressionCause) -> Said<'a> {
    Said::Suppressed { channel: Cow::Borrowed("email"), cause }
}

/// The namespace of the addresses that a channel reaches people at; `None` where a message's every identifier counts.
pub(crate) fn contact_namespace(channel: &str) -> Option<&'static str> {
    const CONTACTS: [(&str, &[&str]); 3] = [
        ("email", &["email", "e-mail", "mail", "newsletter"]),
        ("phone", &["phone", "sms", "mms", "call", "voice", "whatsapp", "rcs"]),
        ("device", &["push", "app"]),
    ];
    let is = |names: &[&str]| names.iter().any(|name| channel.eq_ignore_ascii_case(name));
    CONTACTS.into_iter().find(|(_, names)| is(names)).map(|(namespace, _)| namespace)
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
                format!("{}/{purpose}: {}", channel.as_deref().unwrap_or_default(), status.name())
            }
            Said::Suppressed { channel, cause } => format!("{channel}: {}", cause.name()),
        };
        (said.iter().map(short).collect(), unreadable)
    }

    #[test]
    fn each_place_that_speaks_is_heard() {
        let yes = |texts: &[&str]| (texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), false);
        let update = [("channel", "email"), ("purpose", "marketing"), ("status", "Granted")];
        assert_eq!(said("Consent Updated", &update, &[]), yes(&["email/marketing: granted"]));
        assert_eq!(
            said("x", &[], &[("ads", true), ("analytics", false)]),
            yes(&["/ads: granted", "/analytics: denied"])
        );
        assert_eq!(said("Unsubscribed", &[], &[]), yes(&["email: unsubscribed"]));
        assert_eq!(said("Unsubscribed", &[("channel", "sms")], &[]), yes(&["sms: unsubscribed"]));
        assert_eq!(said("Email Bounced", &[], &[]), yes(&["email: hard_bounce"]));
        assert_eq!(said("Email Bounced", &[("bounce_type", "Soft")], &[]), yes(&[]));
        assert_eq!(said("Email Marked as Spam", &[], &[]), yes(&["email: complaint"]));
        assert_eq!(said("Email Opened", &update, &[]), yes(&[]));
    }

    #[test]
    fn what_cannot_be_read_says_nothing_and_is_told() {
        for properties in [
            &[("channel", "email"), ("purpose", "marketing"), ("status", "perhaps")][..],
            &[("channel", "email"), ("status", "granted")],
            &[("channel", "email"), ("purpose", " "), ("status", "granted")],
        ] {
            assert_eq!(said("Consent Updated", properties, &[]), (Vec::new(), true));
        }
    }

    #[test]
    fn channels_know_their_addresses() {
        let of = |channel| contact_namespace(channel).unwrap_or("every");
        assert_eq!([of("email"), of("SMS"), of("push"), of("ads")], ["email", "phone", "device", "every"]);
    }
}
