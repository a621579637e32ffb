//! Names of things: an identifier somebody sent, the stable id of a person, the id of a message.

use std::fmt;

/// An identifier as a caller names it: a namespace and a value, not yet normalized.
///
/// `Debug` and `Display` mask the value: identifiers are personal data and end up in logs.
///
/// ```
/// let ann = regulars::id::email("Ann@Example.com");
/// assert_eq!(ann.to_string(), "email:A***@E***");
/// assert_eq!(ann.namespace(), "email");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    namespace: Box<str>,
    value: Box<str>,
}

impl Id {
    /// An identifier of any namespace that the store is configured with.
    ///
    /// ```
    /// let till = regulars::Id::new("loyalty_card", "L-0042");
    /// assert_eq!(till.value(), "L-0042");
    /// ```
    pub fn new(namespace: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        Self { namespace: namespace.into(), value: value.into() }
    }

    /// The kind of identifier: `email`, `phone`, `user_id`, ...
    ///
    /// ```
    /// assert_eq!(regulars::id::phone("+4520123456").namespace(), "phone");
    /// ```
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The value as given. Personal data: do not log it.
    ///
    /// ```
    /// assert_eq!(regulars::id::user("42").value(), "42");
    /// ```
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, mask(&self.value))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&*self.namespace, &*self.value).serialize(serializer)
    }
}

/// The value with all but its first character (and the first of an e-mail's domain) hidden.
pub(crate) fn mask(value: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    match value.split_once('@') {
        Some((local, domain)) => format!("{}***@{}***", first(local), first(domain)),
        None => format!("{}***", first(value)),
    }
}

/// Short constructors for the default namespaces.
///
/// ```
/// use regulars::id;
/// assert_ne!(id::email("ann@example.com"), id::user("ann@example.com"));
/// ```
pub mod id {
    use super::Id;

    /// An e-mail address.
    ///
    /// ```
    /// assert_eq!(regulars::id::email("ann@example.com").namespace(), "email");
    /// ```
    pub fn email(value: impl Into<Box<str>>) -> Id {
        Id::new("email", value)
    }

    /// A phone number, with or without the store's default region.
    ///
    /// ```
    /// assert_eq!(regulars::id::phone("20 12 34 56").namespace(), "phone");
    /// ```
    pub fn phone(value: impl Into<Box<str>>) -> Id {
        Id::new("phone", value)
    }

    /// The account id of the shop (Segment's `userId`).
    ///
    /// ```
    /// assert_eq!(regulars::id::user("42").namespace(), "user_id");
    /// ```
    pub fn user(value: impl Into<Box<str>>) -> Id {
        Id::new("user_id", value)
    }

    /// A customer number of the ERP or till system.
    ///
    /// ```
    /// assert_eq!(regulars::id::customer("17850").namespace(), "customer_id");
    /// ```
    pub fn customer(value: impl Into<Box<str>>) -> Id {
        Id::new("customer_id", value)
    }

    /// A loyalty card number.
    ///
    /// ```
    /// assert_eq!(regulars::id::loyalty_card("L-0042").namespace(), "loyalty_card");
    /// ```
    pub fn loyalty_card(value: impl Into<Box<str>>) -> Id {
        Id::new("loyalty_card", value)
    }

    /// A device or advertising id.
    ///
    /// ```
    /// assert_eq!(regulars::id::device("d-1").namespace(), "device");
    /// ```
    pub fn device(value: impl Into<Box<str>>) -> Id {
        Id::new("device", value)
    }

    /// A visitor cookie (Segment's `anonymousId`).
    ///
    /// ```
    /// assert_eq!(regulars::id::anonymous("a-1").namespace(), "anonymous_id");
    /// ```
    pub fn anonymous(value: impl Into<Box<str>>) -> Id {
        Id::new("anonymous_id", value)
    }
}

/// The stable public id of a person: 128 bits, derived from the eldest identifier of the profile.
///
/// Prints as 32 hexadecimal digits, and parses back.
///
/// ```
/// use regulars::ProfileId;
/// let id: ProfileId = "000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0e0f");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId([u8; 16]);

impl ProfileId {
    /// The id from its 16 bytes.
    ///
    /// ```
    /// assert_eq!(regulars::ProfileId::from_bytes([0; 16]).to_string(), "0".repeat(32));
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for a key column of your own.
    ///
    /// ```
    /// assert_eq!(regulars::ProfileId::from_bytes([7; 16]).as_bytes(), &[7; 16]);
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileId({self})")
    }
}

impl std::str::FromStr for ProfileId {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || crate::Error::invalid("a profile id is 32 hexadecimal digits");
        parse_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(bad)
    }
}

impl serde::Serialize for ProfileId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Bytes of a hexadecimal text, or `None` for anything else.
pub(crate) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// The id of a message: most are canonical UUIDs and take 16 bytes; any other text is kept verbatim.
///
/// Order is the order of the text as bytes, whatever the form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum MessageId {
    /// A lower-case, hyphenated UUID, as its 16 bytes.
    Uuid([u8; 16]),
    /// Any other text, verbatim.
    Text(Box<str>),
}

impl MessageId {
    /// The id for a text, in its compact form.
    ///
    /// ```
    /// use regulars::MessageId;
    /// let id = MessageId::new("022bb90c-bbac-11e4-8dfc-aa07a5b093db");
    /// assert!(matches!(id, MessageId::Uuid(_)));
    /// assert_eq!(id.to_string(), "022bb90c-bbac-11e4-8dfc-aa07a5b093db");
    /// assert!(matches!(MessageId::new("I'm unique"), MessageId::Text(_)));
    /// ```
    #[must_use]
    pub fn new(text: &str) -> Self {
        parse_uuid(text).map_or_else(|| Self::Text(text.into()), Self::Uuid)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => f.write_str(&uuid_text(bytes)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A text may be anything, somebody's address too: it is hidden but for its first character.
impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => write!(f, "MessageId({})", uuid_text(bytes)),
            Self::Text(text) => write!(f, "MessageId({})", mask(text)),
        }
    }
}

impl Ord for MessageId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            // Fixed-width lower-case hexadecimal sorts as its bytes do.
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            _ => self.to_string().cmp(&other.to_string()),
        }
    }
}

impl PartialOrd for MessageId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The 16 bytes of a UUID in its canonical spelling: lower case, hyphens at 8, 13, 18 and 23. Any other spelling is
/// `None`, so that what is stored as bytes prints back as the very same text.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [8, 13, 18, 23].into_iter().any(|at| bytes.get(at) != Some(&b'-')) {
        return None;
    }
    let nibble = |at: usize| bytes.get(at).and_then(|byte| NIBBLES.get(usize::from(*byte)).copied()).unwrap_or(0xff);
    let (mut out, mut all) = ([0u8; 16], 0u8);
    for (slot, at) in out.iter_mut().zip(PAIRS) {
        let (high, low) = (nibble(at), nibble(at + 1));
        all |= high | low;
        *slot = high << 4 | low & 15;
    }
    (all < 16).then_some(out)
}

/// Where the two digits of each byte of a UUID stand.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The value of each lower-case hexadecimal digit, 255 for every other byte.
const NIBBLES: [u8; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [0xff; 256];
    let mut rest: &[u8] = digits;
    let mut value = 0;
    while let [digit, tail @ ..] = rest {
        let (head, _) = table.split_at_mut(*digit as usize + 1);
        if let [.., slot] = head {
            *slot = value;
        }
        value += 1;
        rest = tail;
    }
    table
};

/// The canonical spelling of a UUID.
pub(crate) fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    push_uuid(bytes, &mut out);
    out
}

/// Appends the canonical spelling of a UUID.
pub(crate) fn push_uuid(bytes: &[u8; 16], out: &mut String) {
    let mut text = [b'-'; 36];
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    for (byte, at) in bytes.iter().zip(PAIRS) {
        if let Some([high, low]) = text.get_mut(at..at + 2) {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    out.push_str(std::str::from_utf8(&text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn uuids_print_back_as_they_came(bytes: [u8; 16]) {
            let text = uuid_text(&bytes);
            prop_assert_eq!(parse_uuid(&text), Some(bytes));
            prop_assert_eq!(parse_uuid(&text.to_uppercase()).is_some(), text == text.to_uppercase());
        }

        #[test]
        fn message_ids_order_as_their_text(a in "[0-9a-f]{4}", b: [u8; 16], c: [u8; 16]) {
            let ids = [MessageId::new(&a), MessageId::Uuid(b), MessageId::Uuid(c)];
            for x in &ids {
                for y in &ids {
                    prop_assert_eq!(x.cmp(y), x.to_string().cmp(&y.to_string()));
                }
            }
        }
    }

    #[test]
    fn hex_refuses_what_is_not_hex() {
        assert_eq!(parse_hex("00ff"), Some(vec![0, 255]));
        assert_eq!(parse_hex("0"), None);
        assert_eq!(parse_hex("zz"), None);
    }
}
