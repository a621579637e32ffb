//! How identifiers of one namespace behave, and the namespaces that every store has.

use super::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How identifiers of one namespace behave; see the identity chapter of ARCHITECTURE.md.
///
/// A namespace named `mailbox`, which no store has unless it is created so, is filled from every e-mail address: what
/// stands behind a `+`, and the dots of Gmail, left out. So it is evidence, which can be explained and denied, that
/// `a.nn+shop@gmail.com` and `ann@gmail.com` are one person's.
///
/// ```
/// let rule: regulars::NamespaceRule = serde_json::from_str(r#"{"rank":2,"limit":5,"glue":2,"person":true}"#)?;
/// assert_eq!(rule.limit, Some(5));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceRule {
    /// Strength: 0 is strongest; all ranks of a store are distinct. Those of the defaults stand ten apart, in the order
    /// `user_id`, `customer_id`, `loyalty_card`, `email`, `phone`, `device`, `anonymous_id`.
    pub rank: u16,
    /// How many distinct values one profile may hold; none: no limit.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Count the limit inside a sliding window of this length (`"7d"`) only.
    #[serde(default)]
    pub window: Option<Span>,
    /// How many people an identifier may be seen with and still join them; none: no cap.
    #[serde(default)]
    pub glue: Option<u32>,
    /// Weaker namespace -> how many distinct neighbors there before the identifier counts as shared.
    #[serde(default)]
    pub fan: BTreeMap<String, u32>,
    /// Session length for attribution through a shared identifier; none: sticky.
    #[serde(default)]
    pub ttl: Option<Span>,
    /// A profile that holds such an identifier is a known person.
    #[serde(default)]
    pub person: bool,
    /// Values are per shop, not per company.
    #[serde(default)]
    pub per_shop: bool,
}

impl NamespaceRule {
    /// The rule of a namespace that every store has; `None` for another name. What a host changes of it starts here.
    ///
    /// ```
    /// use regulars::NamespaceRule;
    /// let email = NamespaceRule::default_of("email").expect("every store has it");
    /// let stronger = NamespaceRule { rank: 15, ..email };
    /// assert_eq!((stronger.limit, stronger.glue, stronger.person), (Some(5), Some(2), true));
    /// ```
    #[must_use]
    pub fn default_of(name: &str) -> Option<Self> {
        default_namespaces().into_iter().find(|(known, _)| *known == name).map(|(_, rule)| rule)
    }
}

/// The namespaces that every store has, strongest first.
pub(super) fn default_namespaces() -> [(&'static str, NamespaceRule); 7] {
    let fan = |caps: &[(&str, u32)]| caps.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect();
    let session = Some(Span::from_millisecond(30 * 60_000));
    let base = NamespaceRule::default();
    [
        (
            "user_id",
            NamespaceRule {
                limit: Some(1),
                fan: fan(&[("email", 50), ("phone", 50), ("device", 500), ("anonymous_id", 5000)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "customer_id",
            NamespaceRule {
                rank: 10,
                limit: Some(1),
                glue: Some(1),
                fan: fan(&[("email", 20), ("phone", 20)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "loyalty_card",
            NamespaceRule {
                rank: 20,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("email", 6), ("phone", 6)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "email",
            NamespaceRule {
                rank: 30,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("phone", 10), ("device", 100), ("anonymous_id", 500)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "phone",
            NamespaceRule {
                rank: 40,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("device", 100), ("anonymous_id", 500)]),
                person: true,
                ..base.clone()
            },
        ),
        ("device", NamespaceRule { rank: 50, glue: Some(1), ttl: session, ..base.clone() }),
        (
            "anonymous_id",
            NamespaceRule {
                rank: 60,
                limit: Some(20),
                window: Some(Span::days(7)),
                glue: Some(1),
                ttl: session,
                ..base
            },
        ),
    ]
}
