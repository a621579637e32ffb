//! Identifiers in their normal form: what makes two spellings of one name the same name.

use super::blocked::BlockedValues;
use super::{email, phone};
use crate::base::ident::parse_uuid;
use crate::base::namespaces::Namespaces;
use phonenumber::country::Id as Region;
use std::collections::BTreeSet;

/// Why a value is data and not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// It is on the list of values that identify nobody.
    Blocked,
    /// It has no normal form, or its namespace is not configured.
    Unusable,
}

/// How the values of a namespace are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Email,
    Mailbox,
    Phone,
    Card,
    Device,
    Verbatim,
}

/// The compiled rules for identifiers.
pub(crate) struct Identifiers {
    pub(crate) namespaces: Namespaces,
    styles: Vec<Style>,
    blocked: BlockedValues,
    pub(crate) shops: BTreeSet<String>,
}

/// Where a value was said: decides what a local number or a number per shop means.
#[derive(Clone, Copy, Default)]
pub(crate) struct Env<'c> {
    pub(crate) shop: &'c str,
    pub(crate) region: Option<Region>,
}

/// A normal form was appended; `mixed_script` notes a domain of look-alike letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Normal {
    pub(crate) mixed_script: bool,
}

impl Identifiers {
    pub(crate) fn new(namespaces: Namespaces, blocked: BlockedValues, shops: BTreeSet<String>) -> Self {
        let style = |name: &str| match name {
            "email" => Style::Email,
            "mailbox" => Style::Mailbox,
            "phone" => Style::Phone,
            "loyalty_card" => Style::Card,
            "device" | "anonymous_id" => Style::Device,
            _ => Style::Verbatim,
        };
        let styles = namespaces.iter().map(|(_, namespace)| style(&namespace.name)).collect();
        Self { namespaces, styles, blocked, shops }
    }

    /// The normal form of a value, or why it has none. Idempotent.
    pub(crate) fn identifier(&self, namespace: &str, raw: &str, env: Env<'_>) -> Result<String, Bad> {
        let code = self.namespaces.code(namespace).ok_or(Bad::Unusable)?;
        let mut out = String::new();
        self.append(code, raw, env, &mut out).map(|_| out)
    }

    /// The normal form for a look-up by a host, who names the shop of a per-shop identifier as `shop:value`.
    pub(crate) fn lookup(&self, namespace: &str, raw: &str, env: Env<'_>) -> Result<String, Bad> {
        let code = self.namespaces.code(namespace).ok_or(Bad::Unusable)?;
        let scoped = if self.is_per_shop(code) { raw.trim().split_once(':') } else { None };
        match scoped {
            Some((shop, value)) if shop.is_empty() || self.shops.contains(shop) => {
                self.identifier(namespace, value, Env { shop, ..env })
            }
            _ => self.identifier(namespace, raw, env),
        }
    }

    /// Whether an order may have that id; one that may not is known by its message only.
    pub(crate) fn names_order(&self, order_id: &str) -> bool {
        !order_id.contains('\0') && !self.blocked.covers(order_id)
    }

    /// Appends the normal form of a value.
    pub(crate) fn append(&self, code: u8, raw: &str, env: Env<'_>, out: &mut String) -> Result<Normal, Bad> {
        if raw.contains('\0') {
            return Err(Bad::Unusable);
        }
        if self.blocked.covers(raw) {
            return Err(Bad::Blocked);
        }
        let style = self.styles.get(usize::from(code)).copied().ok_or(Bad::Unusable)?;
        let address = matches!(style, Style::Email | Style::Mailbox);
        if address && self.blocked.covers_domain(raw) {
            return Err(Bad::Blocked);
        }
        let start = out.len();
        if self.is_per_shop(code) {
            scope(env.shop, raw, out);
        }
        let value_at = out.len();
        let said = raw.trim();
        let written = write(style, said, env, out);
        let value = out.get(value_at..).unwrap_or_default();
        let result = match written {
            None => Err(Bad::Unusable),
            Some(()) if value.is_empty() || self.is_newly_blocked(style, value, said) => Err(Bad::Blocked),
            Some(()) => Ok(Normal { mixed_script: address && email::mixes_scripts(value) }),
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// What only the normal form shows: zero-width characters inside a placeholder, a domain in other letters.
    fn is_newly_blocked(&self, style: Style, value: &str, said: &str) -> bool {
        match style {
            // Case does not matter to the list.
            Style::Email | Style::Mailbox | Style::Card if value.eq_ignore_ascii_case(said) => false,
            Style::Email | Style::Mailbox => self.blocked.covers(value) || self.blocked.covers_domain(value),
            Style::Card => self.blocked.covers(value),
            Style::Device => value == "00000000-0000-0000-0000-000000000000",
            Style::Phone | Style::Verbatim => false,
        }
    }

    fn is_per_shop(&self, code: u8) -> bool {
        self.namespaces.get(code).is_some_and(|namespace| namespace.rule.per_shop)
    }
}

/// The prefix of a value that is a name in one shop only. Shop names hold no colon, so no two shops meet: the default
/// shop writes its bare colon only before values that hold one themselves.
fn scope(shop: &str, raw: &str, out: &mut String) {
    if !shop.is_empty() || raw.contains(':') {
        out.push_str(shop);
        out.push(':');
    }
}

fn write(style: Style, value: &str, env: Env<'_>, out: &mut String) -> Option<()> {
    match style {
        Style::Email => email::normalize(value, out),
        Style::Mailbox => {
            let start = out.len();
            email::normalize(value, out)?;
            let mailbox = email::mailbox(out.get(start..)?)?;
            out.truncate(start);
            out.push_str(&mailbox);
            Some(())
        }
        Style::Phone => phone::normalize(value, env.region, out),
        Style::Card => {
            out.extend(value.chars().filter(|c| !c.is_whitespace()));
            Some(())
        }
        Style::Device if is_uuid(value) => {
            let start = out.len();
            out.push_str(value);
            out.get_mut(start..)?.make_ascii_lowercase();
            Some(())
        }
        Style::Device | Style::Verbatim => {
            out.push_str(value);
            Some(())
        }
    }
}

/// A UUID in any case.
fn is_uuid(value: &str) -> bool {
    if value.len() != 36 {
        return false;
    }
    // The usual spelling has a quicker reader.
    parse_uuid(value).is_some()
        || value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Blocked, NamespaceRule};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn identifiers() -> Identifiers {
        let customer = NamespaceRule { rank: 1, limit: Some(1), per_shop: true, ..NamespaceRule::default() };
        let namespaces = Namespaces::new(&BTreeMap::from([("customer_id".to_owned(), customer)])).unwrap();
        Identifiers::new(namespaces, BlockedValues::new(&Blocked::default()), BTreeSet::from(["dk".to_owned()]))
    }

    #[test]
    fn each_namespace_has_its_normal_form() {
        let all = identifiers();
        let read = |namespace: &str, raw: &str| all.identifier(namespace, raw, Env::default());
        assert_eq!(read("user_id", " Ab c "), Ok("Ab c".into()));
        assert_eq!(read("loyalty_card", " 12 34\u{a0}56 "), Ok("123456".into()));
        assert_eq!(read("loyalty_card", "0 0-0"), Err(Bad::Blocked));
        assert_eq!(
            read("anonymous_id", "022BB90C-bbac-11e4-8dfc-aa07a5b093db"),
            Ok("022bb90c-bbac-11e4-8dfc-aa07a5b093db".into())
        );
        assert_eq!(read("anonymous_id", "ABC"), Ok("ABC".into()));
        assert_eq!(
            read("user_id", "022BB90C-bbac-11e4-8dfc-aa07a5b093db"),
            Ok("022BB90C-bbac-11e4-8dfc-aa07a5b093db".into())
        );
        assert_eq!(read("email", "te\u{200b}st@test.com"), Err(Bad::Blocked));
        assert_eq!(read("email", "a@shop.local\u{200b}host"), Err(Bad::Blocked));
        assert_eq!(read("email", "nobody"), Err(Bad::Unusable));
        assert_eq!(read("user_id", "a\0b"), Err(Bad::Unusable));
        assert_eq!(read("planet", "earth"), Err(Bad::Unusable));
        assert_eq!(read("mailbox", "ann@shop.dk"), Err(Bad::Unusable), "off unless it is configured");
    }

    #[test]
    fn values_per_shop_do_not_meet() {
        let all = identifiers();
        let read = |raw: &str, shop| all.identifier("customer_id", raw, Env { shop, region: None }).unwrap();
        assert_eq!(read("42", "dk"), "dk:42");
        assert_eq!(read("42", ""), "42");
        assert_eq!(read("dk:42", ""), ":dk:42");
        let look = |raw: &str| all.lookup("customer_id", raw, Env::default()).unwrap();
        assert_eq!((look("dk:42"), look("42"), look(":dk:42")), ("dk:42".into(), "42".into(), ":dk:42".into()));
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn normal_forms_are_fixed_points(raw in "[ a-zA-Z0-9@.:-]{0,24}", at in 0usize..7) {
            let all = identifiers();
            let namespace = ["user_id", "customer_id", "loyalty_card", "email", "phone", "device", "anonymous_id"][at];
            if let Ok(once) = all.lookup(namespace, &raw, Env::default()) {
                prop_assert_eq!(all.lookup(namespace, &once, Env::default()), Ok(once.clone()));
            }
        }
    }
}
