//! The identifiers of one message: from every place where the documentation and the host's mapping look for them.

use super::fields::{Fields, Within, is_longer, push_name};
use super::ident::Bad;
use super::normalizer::Intake;
use crate::base::doc::Doc;
use crate::fact::kind::Kind;
use crate::fact::named::{Named, Role, cut_beyond};
use crate::fact::props::Props;
use crate::message::reason::Flags;
use crate::message::{Flag, Limit, Reason};

/// The identifiers of one message; the buffers live on for the next one.
#[derive(Default)]
pub(crate) struct Names {
    raw: String,
    text: String,
    said: Vec<Said>,
    kept: Vec<Kept>,
}

/// A value as the message says it, not yet normalized.
struct Said {
    /// `None` for a namespace that is not configured.
    namespace: Option<u8>,
    start: usize,
    end: usize,
    /// Why it cannot be an identifier.
    flag: Option<Flag>,
}

#[derive(Clone, Copy)]
struct Kept {
    namespace: u8,
    role: Role,
    start: usize,
    end: usize,
}

/// Where integers are names too: `12345` is, where people write numbers for ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accept {
    Text,
    TextOrInteger,
}

impl Names {
    /// Finds what the message says about identity.
    ///
    /// # Errors
    /// `limit(identifier)`.
    pub(crate) fn find<'a>(
        &mut self,
        intake: &Intake<'_>,
        kind: Option<Kind>,
        message: Doc<'a>,
        fields: &Fields<'a>,
        props: &Props<'a>,
    ) -> Result<(), Reason> {
        self.raw.clear();
        self.said.clear();
        let codes = intake.normalizer.codes;
        let operator = kind == Some(Kind::Alias) && intake.operator_alias;
        self.say(Some(codes.user_id), fields.user_id, Accept::TextOrInteger);
        if kind == Some(Kind::Alias) {
            let namespace = if operator { codes.user_id } else { intake.alias_namespace };
            self.say(Some(namespace), fields.previous_id, Accept::TextOrInteger);
        }
        if !operator {
            self.say(Some(codes.anonymous_id), fields.anonymous_id, Accept::TextOrInteger);
            // The traits of a group are the group's: its e-mail is nobody's.
            let traits = fields.traits.filter(|_| kind != Some(Kind::Group));
            self.contact(intake, traits);
            self.say(Some(codes.email), props.email, Accept::Text);
            self.say(Some(codes.phone), props.phone, Accept::Text);
            self.context(intake, &fields.within);
            for (namespace, path) in &intake.normalizer.mapping {
                let integers = *namespace != codes.email && *namespace != codes.phone;
                self.say(Some(*namespace), message.path(path), accept(integers));
            }
        }
        self.check_lengths(intake.normalizer.wire.limits.identifier_chars)
    }

    /// True if every identifier field is absent.
    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The e-mail and the phone of an object.
    fn contact(&mut self, intake: &Intake<'_>, object: Option<Doc<'_>>) {
        let (mut email, mut phone) = (None, None);
        for (key, value) in object.into_iter().flat_map(Doc::members) {
            match key {
                b"email" => email = Some(value),
                b"phone" => phone = Some(value),
                _ => {}
            }
        }
        self.say(Some(intake.normalizer.codes.email), email, Accept::Text);
        self.say(Some(intake.normalizer.codes.phone), phone, Accept::Text);
    }

    fn context(&mut self, intake: &Intake<'_>, context: &Within<'_>) {
        self.contact(intake, context.traits);
        if let Some(device) = context.device {
            self.say(Some(intake.normalizer.codes.device), device.get("id"), Accept::Text);
            self.say(Some(intake.normalizer.codes.device), device.get("advertisingId"), Accept::Text);
        }
        context.external_ids.into_iter().flat_map(Doc::items).for_each(|item| self.external(intake, item));
    }

    fn external(&mut self, intake: &Intake<'_>, item: Doc<'_>) {
        let kind = item.get("type").filter(|kind| !kind.is_absent());
        let namespace = kind.and_then(Doc::as_str).and_then(|name| intake.normalizer.namespaces().code(&name));
        let codes = intake.normalizer.codes;
        let integers = namespace != Some(codes.email) && namespace != Some(codes.phone);
        self.say(namespace, item.get("id"), accept(integers));
    }

    fn say(&mut self, namespace: Option<u8>, value: Option<Doc<'_>>, accept: Accept) {
        let Some(value) = value.filter(|value| !value.is_absent()) else { return };
        let start = self.raw.len();
        let integer = accept == Accept::TextOrInteger && value.as_integer().is_some();
        let flag = if value.is_string() || integer {
            push_name(value, &mut self.raw);
            value.as_wtf8().map(|_| Flag::UnusableIdentifier)
        } else {
            Some(Flag::TypeMismatch)
        };
        let flag = if namespace.is_none() { Some(Flag::UnknownNamespace) } else { flag };
        self.said.push(Said { namespace, start, end: self.raw.len(), flag });
    }

    fn check_lengths(&self, chars_max: usize) -> Result<(), Reason> {
        let text = |said: &Said| self.raw.get(said.start..said.end).unwrap_or_default().trim();
        let over = self.said.iter().any(|said| said.namespace.is_some() && is_longer(text(said), chars_max));
        if over { Err(Reason::Limit(Limit::Identifier)) } else { Ok(()) }
    }

    /// Normalizes what was found: sorted by strength, distinct, with the role of each.
    pub(crate) fn normalize(&mut self, intake: &Intake<'_>, flags: &mut Flags) -> Vec<Named<'_>> {
        self.text.clear();
        self.kept.clear();
        for said in &self.said {
            let raw = self.raw.get(said.start..said.end).unwrap_or_default();
            let Some((namespace, None)) = said.namespace.map(|namespace| (namespace, said.flag)) else {
                said.flag.into_iter().for_each(|flag| flags.set(flag));
                continue;
            };
            let start = self.text.len();
            match intake.normalizer.identifiers.append(namespace, raw, intake.env, &mut self.text) {
                Ok(normal) => {
                    if normal.mixed_script {
                        flags.set(Flag::MixedScript);
                    }
                    self.kept.push(Kept { namespace, role: role(intake, namespace), start, end: self.text.len() });
                    if namespace == intake.normalizer.codes.email {
                        Self::reach(intake, start, &mut self.text, &mut self.kept);
                    }
                }
                Err(Bad::Blocked) => flags.set(Flag::BlockedIdentifier),
                Err(Bad::Unusable) => flags.set(Flag::UnusableIdentifier),
            }
        }
        self.named(flags)
    }

    /// Names the mailbox that an address, the last text, reaches, where the host wants to know: folding is evidence, which
    /// can be explained and denied.
    fn reach(intake: &Intake<'_>, start: usize, text: &mut String, kept: &mut Vec<Kept>) {
        let Some(namespace) = intake.normalizer.codes.mailbox else { return };
        let Some(address) = text.get(start..).map(str::to_owned) else { return };
        let start = text.len();
        if intake.normalizer.identifiers.append(namespace, &address, intake.env, text).is_ok() {
            kept.push(Kept { namespace, role: role(intake, namespace), start, end: text.len() });
        }
    }

    fn named(&self, flags: &mut Flags) -> Vec<Named<'_>> {
        let view = |kept: &Kept| Named {
            namespace: kept.namespace,
            value: self.text.get(kept.start..kept.end).unwrap_or_default(),
            role: kept.role,
        };
        let mut named: Vec<Named<'_>> = self.kept.iter().map(view).collect();
        named.sort_unstable();
        named.dedup_by(|a, b| a.namespace == b.namespace && a.value == b.value);
        if cut_beyond(&mut named) {
            flags.set(Flag::IdentifiersCut);
        }
        named
    }
}

fn role(intake: &Intake<'_>, namespace: u8) -> Role {
    Role::of(intake.claimed, intake.normalizer.namespaces().is_person(namespace))
}

fn accept(integers: bool) -> Accept {
    if integers { Accept::TextOrInteger } else { Accept::Text }
}
