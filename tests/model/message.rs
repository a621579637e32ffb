//! Messages as structures, how they print to JSON, and a universe of them that is small enough to collide.

use super::spec::Ident;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const MINUTE: i64 = 60_000;
/// 2026-01-05T00:00:00Z
pub(crate) const BASE: i64 = 1_767_571_200_000;

/// One name in two forms, of an event and of a trait.
pub(crate) const COMPOSED: &str = "Caf\u{e9}";
pub(crate) const DECOMPOSED: &str = "Cafe\u{301}";

/// The identifier fields, as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names {
    pub(crate) user: Option<&'static str>,
    pub(crate) anonymous: Option<&'static str>,
    pub(crate) device: Option<&'static str>,
    pub(crate) email: Option<&'static str>,
    /// In `context.traits`.
    pub(crate) context_email: Option<&'static str>,
    pub(crate) phone: Option<&'static str>,
    /// (namespace, value) in `context.externalIds`.
    pub(crate) external: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Completed,
    Updated,
    Refunded,
    Cancelled,
}

impl Action {
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Completed => "Order Completed",
            Self::Updated => "Order Updated",
            Self::Refunded => "Order Refunded",
            Self::Cancelled => "Order Cancelled",
        }
    }
}

/// The amount as an order event says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said {
    /// In that property, in cents.
    Cents(&'static str, i64),
    /// Something that is no number.
    Unreadable,
    /// Not at all: the lines must tell.
    Nothing,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) product: &'static str,
    /// Of one.
    pub(crate) cents: Option<i64>,
    pub(crate) quantity: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) action: Action,
    pub(crate) order_id: Option<&'static str>,
    pub(crate) currency: Option<&'static str>,
    pub(crate) said: Said,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Identify {
        context: Vec<(&'static str, Value)>,
        traits: Vec<(&'static str, Value)>,
    },
    Track {
        event: &'static str,
        plan: Option<&'static str>,
        price: Option<i64>,
    },
    Order(Order),
    /// `Consent Updated`.
    Consent {
        channel: Option<&'static str>,
        purpose: Option<&'static str>,
        status: &'static str,
    },
    /// From that channel.
    Unsubscribed(Option<&'static str>),
    /// With that `bounce_type`.
    Bounced(Option<&'static str>),
    Complaint,
    Page,
    Group,
    /// Names `previousId` as the anonymous id; only with both ids.
    Alias,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) ts: i64,
    pub(crate) claimed: bool,
    pub(crate) names: Names,
    /// A yes or no to a purpose in `context.consent`.
    pub(crate) preference: Option<(&'static str, bool)>,
    pub(crate) body: Body,
    /// Values that identify nobody by now.
    pub(crate) blocked: BTreeSet<String>,
}

/// As it is sent: a failing case is to be read.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.claimed { "claimed " } else { "" }, self.to_json())
    }
}

impl Message {
    pub(crate) fn kind(&self) -> &'static str {
        match &self.body {
            Body::Identify { .. } => "identify",
            Body::Track { .. } | Body::Order(_) => "track",
            Body::Consent { .. } | Body::Unsubscribed(_) | Body::Bounced(_) | Body::Complaint => "track",
            Body::Page => "page",
            Body::Group => "group",
            Body::Alias => "alias",
        }
    }

    /// The name of the event in the history, however its letters were composed.
    pub(crate) fn event(&self) -> &'static str {
        match self.event_as_sent() {
            DECOMPOSED => COMPOSED,
            name => name,
        }
    }

    fn event_as_sent(&self) -> &'static str {
        match &self.body {
            Body::Track { event, .. } => event,
            Body::Order(order) => order.action.event(),
            Body::Consent { .. } => "Consent Updated",
            Body::Unsubscribed(_) => "Unsubscribed",
            Body::Bounced(_) => "Email Bounced",
            Body::Complaint => "Email Marked as Spam",
            _ => self.kind(),
        }
    }

    /// Strong evidence: identify, alias and orders.
    pub(crate) fn strong(&self) -> bool {
        matches!(self.body, Body::Identify { .. } | Body::Alias | Body::Order(_))
    }

    pub(crate) fn raw_identifiers(&self) -> Vec<(&'static str, &'static str)> {
        let names = &self.names;
        let (email, phone) = match self.body {
            // An alias has no place for them here, and a group's traits are the group's.
            Body::Alias | Body::Group => (None, None),
            _ => (names.email, names.phone),
        };
        let plain = [
            ("user_id", names.user),
            ("anonymous_id", names.anonymous),
            ("device", names.device),
            ("email", email),
            ("email", names.context_email),
            ("phone", phone),
        ];
        let plain = plain.into_iter().filter_map(|(namespace, value)| Some((namespace, value?)));
        plain.chain(names.external).collect()
    }

    /// Normalized, without blocked values.
    pub(crate) fn identifiers(&self) -> Vec<Ident> {
        const BLOCKED: [&str; 4] = ["null", "anonymous", "test@test.com", "0000"];
        let raw = self.raw_identifiers().into_iter().filter(|(_, value)| !BLOCKED.contains(value));
        let all = raw.map(|(namespace, value)| (namespace.to_owned(), normal(namespace, value)));
        all.filter(|(_, value)| !self.blocked.contains(value)).collect()
    }

    /// What an identify says about traits; `traits` win over `context.traits`.
    pub(crate) fn trait_settings(&self) -> Vec<(String, Value)> {
        let Body::Identify { .. } = &self.body else { return Vec::new() };
        let mut all = Map::new();
        for (name, value) in self.context_traits().into_iter().chain(self.traits()) {
            all.insert(if name == DECOMPOSED { COMPOSED.to_owned() } else { name }, value);
        }
        all.into_iter().collect()
    }

    fn traits(&self) -> Map<String, Value> {
        let mut all = Map::new();
        if let Body::Identify { traits, .. } = &self.body {
            all.extend(traits.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        all.extend(self.contacts());
        all
    }

    fn context_traits(&self) -> Map<String, Value> {
        let mut all = Map::new();
        if let Body::Identify { context, .. } = &self.body {
            all.extend(context.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        all.extend(self.names.context_email.map(|email| ("email".to_owned(), json!(email))));
        all
    }

    fn contacts(&self) -> impl Iterator<Item = (String, Value)> {
        let contacts = [("email", self.names.email), ("phone", self.names.phone)];
        contacts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
    }

    fn properties(&self) -> Map<String, Value> {
        let mut all = Map::new();
        match &self.body {
            Body::Track { plan, price, .. } => {
                all.extend(plan.map(|plan| ("plan".to_owned(), json!(plan))));
                all.extend(price.map(|price| ("price".to_owned(), json!(price))));
            }
            Body::Order(order) => all.extend(order.properties()),
            Body::Consent { channel, purpose, status } => {
                all.extend(channel.map(|channel| ("channel".to_owned(), json!(channel))));
                all.extend(purpose.map(|purpose| ("purpose".to_owned(), json!(purpose))));
                all.insert("status".to_owned(), json!(status));
            }
            Body::Unsubscribed(channel) => all.extend(channel.map(|channel| ("channel".to_owned(), json!(channel)))),
            Body::Bounced(kind) => all.extend(kind.map(|kind| ("bounce_type".to_owned(), json!(kind)))),
            _ => {}
        }
        all.extend(self.contacts());
        all
    }

    pub(crate) fn to_json(&self) -> Value {
        let names = &self.names;
        let mut all = json!({"messageId": self.id, "type": self.kind(), "timestamp": self.ts});
        let mut put = |key: &str, value: Value| all.as_object_mut().expect("an object").insert(key.to_owned(), value);
        if let Some(user) = names.user {
            put("userId", json!(user));
        }
        if let Some(anonymous) = names.anonymous {
            put(if self.body == Body::Alias { "previousId" } else { "anonymousId" }, json!(anonymous));
        }
        let mut context = Map::new();
        if let Some(device) = names.device {
            context.insert("device".to_owned(), json!({"id": device}));
        }
        if let Some((namespace, value)) = names.external {
            context.insert("externalIds".to_owned(), json!([{"type": namespace, "id": value}]));
        }
        if !self.context_traits().is_empty() {
            context.insert("traits".to_owned(), json!(self.context_traits()));
        }
        if let Some((purpose, yes)) = self.preference {
            context.insert("consent".to_owned(), json!({"categoryPreferences": {purpose: yes}}));
        }
        if !context.is_empty() {
            put("context", json!(context));
        }
        match &self.body {
            Body::Identify { .. } => put("traits", json!(self.traits())),
            _ if self.kind() == "track" => {
                put("event", json!(self.event_as_sent()));
                put("properties", json!(self.properties()))
            }
            Body::Page => put("properties", json!(self.properties())),
            Body::Group => {
                put("groupId", json!("g1"));
                put("traits", json!(self.traits()))
            }
            _ => None,
        };
        all
    }
}

impl Order {
    fn properties(&self) -> Map<String, Value> {
        let mut all = Map::new();
        all.extend(self.order_id.map(|id| ("order_id".to_owned(), json!(id))));
        all.extend(self.currency.map(|currency| ("currency".to_owned(), json!(currency))));
        match self.said {
            Said::Cents(property, cents) => drop(all.insert(property.to_owned(), json!(decimal(cents)))),
            Said::Unreadable => drop(all.insert("total".to_owned(), json!("19,99"))),
            Said::Nothing => {}
        }
        let line = |line: &Line| {
            let mut all = json!({"product_id": line.product, "quantity": line.quantity});
            let members = all.as_object_mut().expect("an object");
            members.extend(line.cents.map(|cents| ("price".to_owned(), json!(decimal(cents)))));
            all
        };
        if !self.lines.is_empty() {
            all.insert("products".to_owned(), self.lines.iter().map(line).collect());
        }
        all
    }
}

fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

fn normal(namespace: &str, value: &str) -> String {
    match namespace {
        "email" => value.trim().to_lowercase(),
        "phone" | "loyalty_card" => value.chars().filter(|c| !c.is_whitespace()).collect(),
        _ => value.trim().to_owned(),
    }
}

fn one_of(values: &'static [&'static str], likely: f64) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(likely, prop::sample::select(values))
}

fn names() -> impl Strategy<Value = Names> {
    let externals = [("customer_id", "c1"), ("customer_id", "c2"), ("loyalty_card", "l1"), ("loyalty_card", "l 2")];
    let all = (
        one_of(&["u1", "u2", "u3", " u1 ", "null"], 0.4),
        one_of(&["a1", "a2", "a3", "anonymous"], 0.5),
        one_of(&["d1", "d2", "0000"], 0.25),
        one_of(&["e1@x.example", " E1@X.example", "e2@x.example", "e3@x.example", "test@test.com"], 0.25),
        one_of(&["e1@x.example", "e2@x.example"], 0.1),
        one_of(&["+4520123451", "+45 20 12 34 52"], 0.15),
        prop::option::weighted(0.15, prop::sample::select(externals.to_vec())),
    );
    all.prop_map(|(user, anonymous, device, email, context_email, phone, external)| Names {
        user,
        anonymous,
        device,
        email,
        context_email,
        phone,
        external,
    })
}

fn traits() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let value = prop::sample::select(vec![json!("gold"), json!("silver"), Value::Null, json!(7), json!(["x", 1])]);
    prop::collection::vec((prop::sample::select(vec!["tier", "city", "city", COMPOSED, DECOMPOSED]), value), 0..3)
}

fn order() -> impl Strategy<Value = Body> {
    let action = prop::sample::select(vec![
        Action::Completed,
        Action::Completed,
        Action::Completed,
        Action::Updated,
        Action::Refunded,
        Action::Refunded,
        Action::Cancelled,
    ]);
    let cents = prop_oneof![4 => 0i64..3000, 1 => -500i64..0];
    let said = prop_oneof![
        6 => (prop::sample::select(vec!["total", "revenue", "value", "subtotal"]), cents)
            .prop_map(|(property, cents)| Said::Cents(property, cents)),
        1 => Just(Said::Unreadable),
        4 => Just(Said::Nothing),
    ];
    let cents = prop::option::weighted(0.8, 0i64..1000);
    let line = (prop::sample::select(vec!["A", "B"]), cents, 1i64..4);
    let line = line.prop_map(|(product, cents, quantity)| Line { product, cents, quantity });
    let currency = prop::sample::select(vec![Some("EUR"), Some("EUR"), Some("EUR"), Some("USD"), None]);
    let all = (action, one_of(&["o1", "o2", "o3"], 0.9), currency, said, prop::collection::vec(line, 0..3));
    all.prop_map(|(action, order_id, currency, said, lines)| {
        Body::Order(Order { action, order_id, currency, said, lines })
    })
}

fn body() -> impl Strategy<Value = Body> {
    let plan = one_of(&["free", "paid"], 0.7);
    let track =
        (prop::sample::select(vec!["View", "View", "Add", COMPOSED, DECOMPOSED]), plan, prop::option::of(1i64..5));
    let status = prop::sample::select(vec!["granted", "granted", "Granted ", "denied", "withdrawn", "maybe"]);
    let channels = &["email", "email", " Email", "sms", "SMS", "call", "push", "post"];
    let purposes = &["marketing", "marketing", "Marketing ", "Gro\u{df}es", "GROSSES", " "];
    let consent = (one_of(channels, 0.9), one_of(purposes, 0.8), status);
    let consent = consent.prop_map(|(channel, purpose, status)| Body::Consent { channel, purpose, status });
    let bounced = one_of(&["hard", " Permanent", "soft", "Transient"], 0.5).prop_map(Body::Bounced);
    prop_oneof![
        4 => (traits(), traits()).prop_map(|(context, traits)| Body::Identify { context, traits }),
        5 => track.prop_map(|(event, plan, price)| Body::Track { event, plan, price }),
        7 => order(),
        3 => consent,
        1 => one_of(channels, 0.5).prop_map(Body::Unsubscribed),
        1 => bounced,
        1 => Just(Body::Complaint),
        1 => Just(Body::Page),
        1 => Just(Body::Group),
        1 => Just(Body::Alias),
    ]
}

/// Instants that coincide, and lie within a session or some days of each other.
pub(crate) fn instant() -> impl Strategy<Value = i64> {
    (0i64..6, 0i64..5).prop_map(|(day, step)| BASE + day * DAY + step * 10 * MINUTE)
}

/// A message of the small universe; ids repeat with other content too.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let preference = prop::sample::select(vec!["ads", "Ads ", "marketing"]);
    let preference = prop::option::weighted(0.1, (preference, any::<bool>()));
    let all = (0u8..40, instant(), prop::bool::weighted(0.25), names(), preference, body());
    all.prop_map(|(id, ts, claimed, names, preference, body)| {
        let both = names.user.is_some() && names.anonymous.is_some();
        let body = if body == Body::Alias && !both { Body::Page } else { body };
        // Whether a verified message may displace a claimed one is a law of its own.
        let id = format!("{}{id:02}", if claimed { "c" } else { "m" });
        Message { id, ts, claimed, names, preference, body, blocked: BTreeSet::new() }
    })
}
