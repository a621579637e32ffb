//! The documented fields of one message, found in one pass over its top level and typed.

use super::clock::{self, Clock};
use crate::base::TraitKind;
use crate::base::doc::Doc;
use crate::base::name::{is_same_name, nfc};
use crate::fact::kind::Kind;
use crate::message::reason::{Flags, Refusal};
use crate::message::wire::Defaults;
use crate::message::{Flag, Limit, Reason};
use std::collections::BTreeMap;

/// The fields of a message; what is `null` or blank is absent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) kind: Option<Doc<'a>>,
    pub(crate) message_id: Option<Doc<'a>>,
    pub(crate) timestamp: Option<Doc<'a>>,
    pub(crate) original_timestamp: Option<Doc<'a>>,
    pub(crate) sent_at: Option<Doc<'a>>,
    pub(crate) received_at: Option<Doc<'a>>,
    pub(crate) user_id: Option<Doc<'a>>,
    pub(crate) anonymous_id: Option<Doc<'a>>,
    pub(crate) previous_id: Option<Doc<'a>>,
    pub(crate) group_id: Option<Doc<'a>>,
    pub(crate) event: Option<Doc<'a>>,
    name: Option<Doc<'a>>,
    category: Option<Doc<'a>>,
    pub(crate) properties: Option<Doc<'a>>,
    pub(crate) traits: Option<Doc<'a>>,
    pub(crate) context: Option<Doc<'a>>,
    integrations: Option<Doc<'a>>,
    /// What the documentation names inside the context.
    pub(crate) within: Within<'a>,
    /// sentAt, or the context, is the envelope's.
    pub(crate) sent_at_filled: bool,
    pub(crate) context_filled: bool,
}

/// The documented members of a context, whatever their type.
#[derive(Clone, Copy, Default)]
pub(crate) struct Within<'a> {
    pub(crate) traits: Option<Doc<'a>>,
    pub(crate) device: Option<Doc<'a>>,
    pub(crate) external_ids: Option<Doc<'a>>,
    timezone: Option<Doc<'a>>,
    pub(crate) consent: Option<Doc<'a>>,
}

impl<'a> Within<'a> {
    fn read(context: Option<Doc<'a>>) -> Self {
        let mut all = Self::default();
        for (key, value) in context.into_iter().flat_map(Doc::members) {
            let field = match key {
                b"traits" => &mut all.traits,
                b"device" => &mut all.device,
                b"externalIds" => &mut all.external_ids,
                b"timezone" => &mut all.timezone,
                b"consent" => &mut all.consent,
                _ => continue,
            };
            *field = (!value.is_absent()).then_some(value);
        }
        all
    }

    /// Whether it names a time zone, known or not.
    pub(crate) fn has_zone(&self) -> bool {
        self.timezone.is_some_and(Doc::is_string)
    }

    /// Whether one of them, or of the external ids, is of another type than the documented one.
    pub(crate) fn is_mismatched(&self) -> bool {
        let objects = [self.traits, self.device, self.consent].into_iter().flatten();
        let listed = |ids: Doc<'_>| ids.is_list() && ids.items().all(Doc::is_object);
        !objects.into_iter().all(is_object)
            || !self.timezone.is_none_or(Doc::is_string)
            || !self.external_ids.is_none_or(listed)
    }
}

/// Whether a field has the type that it is documented with.
type Fits = fn(Doc<'_>) -> bool;

/// An object, or the empty list as which PHP writes an empty one.
fn is_object(value: Doc<'_>) -> bool {
    value.is_object() || (value.is_list() && value.items().next().is_none())
}

impl<'a> Fields<'a> {
    pub(crate) fn read(message: Doc<'a>, defaults: Defaults<'a>) -> Self {
        let mut all = Self::default();
        for (key, value) in message.members() {
            let field = match key {
                b"type" => &mut all.kind,
                b"messageId" => &mut all.message_id,
                b"timestamp" => &mut all.timestamp,
                b"originalTimestamp" => &mut all.original_timestamp,
                b"sentAt" => &mut all.sent_at,
                b"receivedAt" => &mut all.received_at,
                b"userId" => &mut all.user_id,
                b"anonymousId" => &mut all.anonymous_id,
                b"previousId" => &mut all.previous_id,
                b"groupId" => &mut all.group_id,
                b"event" => &mut all.event,
                b"name" => &mut all.name,
                b"category" => &mut all.category,
                b"properties" => &mut all.properties,
                b"traits" => &mut all.traits,
                b"context" => &mut all.context,
                b"integrations" => &mut all.integrations,
                _ => continue,
            };
            *field = (!value.is_absent()).then_some(value);
        }
        all.sent_at_filled = all.sent_at.is_none() && defaults.sent_at.is_some();
        all.context_filled = all.context.is_none() && defaults.context.is_some();
        all.sent_at = all.sent_at.or(defaults.sent_at);
        all.context = all.context.or(defaults.context);
        all.within = Within::read(all.context);
        all
    }

    /// The type, or `None` where neither the message nor the call names one.
    pub(crate) fn kind(&self, default: Option<Kind>) -> Result<Option<Kind>, Refusal> {
        let Some(value) = self.kind else { return Ok(default) };
        if !value.is_string() {
            return Err(Refusal::wrong_type("type"));
        }
        let known = value.as_str().and_then(|name| Kind::from_name(&name));
        known.map(Some).ok_or(Reason::UnknownType.into())
    }

    /// Checks the JSON types of the top level; the first that is wrong, in the order of the documentation, is named.
    pub(crate) fn check_types(&self, flags: &mut Flags) -> Result<(), Refusal> {
        let is_text: Fits = |value| value.is_string();
        let is_name: Fits = |value| value.is_string() || value.as_integer().is_some();
        let is_time: Fits = |value| value.is_string() || value.is_number();
        let fields = [
            ("event", self.event, is_text),
            ("messageId", self.message_id, is_name),
            ("userId", self.user_id, is_name),
            ("anonymousId", self.anonymous_id, is_name),
            ("previousId", self.previous_id, is_name),
            ("groupId", self.group_id, is_name),
            ("timestamp", self.timestamp, is_time),
            ("properties", self.properties, is_object),
            ("traits", self.traits, is_object),
            ("context", self.context, is_object),
            ("integrations", self.integrations, is_object),
        ];
        if let Some((name, ..)) = fields.into_iter().find(|(_, value, fits)| !value.is_none_or(fits)) {
            return Err(Refusal::wrong_type(name));
        }
        if ![self.name, self.category].into_iter().flatten().all(Doc::is_string) {
            flags.set(Flag::TypeMismatch);
        }
        Ok(())
    }

    /// Checks what the type requires.
    pub(crate) fn check_required(&self, kind: Option<Kind>) -> Result<Kind, Refusal> {
        let kind = kind.ok_or(Refusal::missing("type"))?;
        let required = match kind {
            Kind::Track => [Some(("event", self.event)), None],
            Kind::Group => [Some(("groupId", self.group_id)), None],
            Kind::Alias => [Some(("userId", self.user_id)), Some(("previousId", self.previous_id))],
            _ => [None, None],
        };
        match required.into_iter().flatten().find(|(_, value)| value.is_none()) {
            Some((name, _)) => Err(Refusal::missing(name)),
            None => Ok(kind),
        }
    }

    /// The limits of the fields themselves; event names and texts that are longer are found by their bytes alone.
    pub(crate) fn check_limits(&self, limits: &crate::base::Limits, text: &mut String) -> Result<(), Reason> {
        let names = [
            (self.group_id, Limit::Identifier),
            (self.previous_id, Limit::Identifier),
            (self.message_id, Limit::MessageId),
        ];
        for (value, limit) in names {
            // A text takes at least as many bytes as it has characters, and a document holds no fewer, but UUIDs.
            let Some(value) = value.filter(|value| value.bytes().len().max(36) > limits.identifier_chars) else {
                continue;
            };
            text.clear();
            push_name(value, text);
            let counted = if limit == Limit::Identifier { text.trim() } else { text.as_str() };
            if is_longer(counted, limits.identifier_chars) {
                return Err(Reason::Limit(limit));
            }
        }
        let Some(event) = self.event.filter(|event| event.bytes().len().max(36) > limits.key_bytes) else {
            return Ok(());
        };
        let bytes = event.as_wtf8().map(<[u8]>::len).unwrap_or_else(|| {
            text.clear();
            push_name(event, text);
            text.len()
        });
        if bytes > limits.key_bytes { Err(Reason::Limit(Limit::EventName)) } else { Ok(()) }
    }

    /// Whether a trait that the message sets has another type than the declared one. It stays as history.
    pub(crate) fn has_mistyped_trait(&self, declared: &BTreeMap<String, TraitKind>) -> bool {
        if declared.is_empty() {
            return false;
        }
        let mistyped = |(key, value): (&[u8], Doc<'_>)| {
            let kind = std::str::from_utf8(key).ok().and_then(|key| declared.get(&*nfc(key)));
            kind.is_some_and(|kind| !kind.covers(value))
        };
        let own = self.traits.filter(|traits| traits.is_object());
        let replaced = |key: &[u8]| own.is_some_and(|own| own.members().any(|(name, _)| is_same_name(name, key)));
        let others = self.within.traits.into_iter().flat_map(Doc::members).filter(|(key, _)| !replaced(key));
        own.into_iter().flat_map(Doc::members).chain(others).any(mistyped)
    }

    /// The instant that the message says, if it says one.
    pub(crate) fn timestamp(&self, flags: &mut Flags) -> Result<Option<crate::Timestamp>, Reason> {
        let clock = clock::read(self.timestamp);
        if clock.zone_missing() {
            flags.set(Flag::ZoneMissing);
        }
        match clock {
            Clock::Absent => Ok(None),
            Clock::At { instant, .. } => Ok(Some(instant)),
            Clock::Unreadable | Clock::WrongType => Err(Reason::InvalidTimestamp),
        }
    }
}

/// Appends the text of a string (each lone surrogate replaced) or the digits of an integer.
pub(crate) fn push_name(value: Doc<'_>, out: &mut String) {
    if value.push_text(out).is_some() {
        return;
    }
    if let Some(digits) = value.as_integer() {
        out.push_str(&digits);
    }
    for chunk in value.as_wtf8().unwrap_or_default().utf8_chunks() {
        out.push_str(chunk.valid());
        // A surrogate is three bytes, of which the first begins it.
        if chunk.invalid().first().is_some_and(|byte| *byte >= 0xc0) {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// More characters than that; bytes decide most cases.
pub(crate) fn is_longer(text: &str, chars_max: usize) -> bool {
    text.len() > chars_max && text.chars().nth(chars_max).is_some()
}
