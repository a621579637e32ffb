//! The distinct values of an input, so that a test is asked once a value and not once a person.
//!
//! Codes follow the order of values: missing is 0, then numbers by size, then texts as rules compare them, then the rest.
//! So a range of numbers is a range of codes, and a text is found by halving.

use super::bits::Bits;
use crate::base::Decimal;
use crate::base::bytes::row32;
use crate::base::doc::Doc;
use crate::base::name::nfc;
use crate::rule::compare::{Literal, Relation, Test, Value, name};
use std::cmp::Ordering;
use std::ops::Range;

/// A value of its own. The bytes are those of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stored {
    Missing,
    Doc(Box<[u8]>),
    Name(Box<[u8]>),
    Number(Decimal),
}

/// The same, borrowed, with the same hash: most values are known when they come.
#[derive(Hash)]
enum Lent<'a> {
    Missing,
    Doc(&'a [u8]),
    Name(&'a [u8]),
    Number(Decimal),
}

impl<'a> Lent<'a> {
    fn of(value: Value<'a>) -> Self {
        match value {
            Value::Doc(doc) => Self::Doc(doc.bytes()),
            Value::Name(doc) => Self::Name(doc.bytes()),
            Value::Number(number) => Self::Number(number),
            // Properties and traits are none of these.
            Value::Missing | Value::Ratio(..) | Value::Instant(_) => Self::Missing,
        }
    }
}

impl hashbrown::Equivalent<Stored> for Lent<'_> {
    fn equivalent(&self, stored: &Stored) -> bool {
        match (self, stored) {
            (Self::Missing, Stored::Missing) => true,
            (Self::Doc(own), Stored::Doc(other)) | (Self::Name(own), Stored::Name(other)) => **own == **other,
            (Self::Number(own), Stored::Number(other)) => own == other,
            _ => false,
        }
    }
}

impl From<&Lent<'_>> for Stored {
    fn from(lent: &Lent<'_>) -> Self {
        match lent {
            Lent::Missing => Self::Missing,
            Lent::Doc(bytes) => Self::Doc((*bytes).into()),
            Lent::Name(bytes) => Self::Name((*bytes).into()),
            Lent::Number(number) => Self::Number(*number),
        }
    }
}

impl Stored {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Missing => Value::Missing,
            Self::Doc(bytes) => Value::Doc(Doc::new(bytes)),
            Self::Name(bytes) => Value::Name(Doc::new(bytes)),
            Self::Number(number) => Value::Number(*number),
        }
    }

    /// The text that it is compared by.
    fn text(&self) -> Option<String> {
        match self.value() {
            Value::Doc(doc) => doc.as_str().map(|text| nfc(&text).into_owned()),
            Value::Name(doc) => name(doc).map(|text| nfc(&text).into_owned()),
            _ => None,
        }
    }
}

/// Codes of which something is true.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Range(Range<u32>),
    Table(Bits),
}

impl Verdict {
    /// Codes in a row are a range, which is looked up faster.
    fn of(table: Bits) -> Self {
        let (first, count) = (table.iter().next().unwrap_or(0), table.count());
        let range = first..first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        if range.clone().all(|code| table.contains(code)) { Self::Range(range) } else { Self::Table(table) }
    }

    pub(crate) fn holds(&self, code: u32) -> bool {
        match self {
            Self::Range(range) => range.contains(&code),
            Self::Table(table) => table.contains(code),
        }
    }
}

/// Gathers values; each gets a code in the order of arrival, which [`Building::finish`] maps to its own.
#[derive(Default)]
pub(crate) struct Building {
    codes: hashbrown::HashMap<Stored, u32, ahash::RandomState>,
}

impl Building {
    /// The preliminary code of a value.
    pub(crate) fn add(&mut self, value: Value<'_>) -> u32 {
        let lent = Lent::of(value);
        if let Some(code) = self.codes.get(&lent) {
            return *code;
        }
        let next = row32(self.codes.len());
        self.codes.insert(Stored::from(&lent), next);
        next
    }

    /// The dictionary, and the code of each preliminary one.
    pub(crate) fn finish(mut self) -> (Dictionary, Vec<u32>) {
        self.add(Value::Missing);
        let mut sorted: Vec<(Key, Stored, u32)> =
            self.codes.into_iter().map(|(stored, old)| (Key::of(&stored), stored, old)).collect();
        sorted.sort_unstable_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
        let mut codes = vec![0; sorted.len()];
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        let mut values = Vec::with_capacity(sorted.len());
        for (code, (key, stored, old)) in (0u32..).zip(sorted) {
            if let Some(slot) = codes.get_mut(old as usize) {
                *slot = code;
            }
            match key {
                Key::Number(number) => numbers.push(number),
                Key::Text(text) => texts.push(text.into_boxed_str()),
                Key::Missing | Key::Other => {}
            }
            values.push(stored);
        }
        let mut dictionary = Dictionary { values, numbers, texts, bytes: 0 };
        dictionary.bytes = dictionary.measured();
        (dictionary, codes)
    }
}

/// What values are sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Missing,
    Number(Decimal),
    Text(String),
    Other,
}

impl Key {
    fn of(stored: &Stored) -> Self {
        if *stored == Stored::Missing {
            return Self::Missing;
        }
        match stored.value().as_decimal() {
            Some(number) => Self::Number(number),
            None => stored.text().map_or(Self::Other, Self::Text),
        }
    }
}

/// The distinct values of an input; see the module.
pub(crate) struct Dictionary {
    values: Vec<Stored>,
    /// The sizes of the codes from 1 on.
    numbers: Vec<Decimal>,
    /// The texts of the codes behind the numbers.
    texts: Vec<Box<str>>,
    /// In memory.
    bytes: usize,
}

impl Dictionary {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn value(&self, code: u32) -> Value<'_> {
        self.values.get(code as usize).map_or(Value::Missing, Stored::value)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn measured(&self) -> usize {
        let of = |stored: &Stored| match stored {
            Stored::Doc(bytes) | Stored::Name(bytes) => bytes.len(),
            Stored::Missing | Stored::Number(_) => 0,
        };
        let texts: usize = self.texts.iter().map(|text| text.len() + size_of::<Box<str>>()).sum();
        self.values.iter().map(|stored| of(stored) + size_of::<Stored>()).sum::<usize>()
            + self.numbers.len() * size_of::<Decimal>()
            + texts
    }

    /// The codes whose value passes the test.
    pub(crate) fn verdict(&self, test: &Test) -> Verdict {
        if let Some(range) = self.range(test) {
            return Verdict::Range(range);
        }
        let (literals, negated): (&[Literal], bool) = match test {
            Test::Is { negated, value } => (std::slice::from_ref(value), *negated),
            Test::In { negated, values } => (values, *negated),
            _ => return Verdict::of(Bits::of(row32(self.len()), |code| self.tested(code, test))),
        };
        let mut table = Bits::none(row32(self.len()));
        literals.iter().for_each(|literal| self.insert_equal(literal, &mut table));
        Verdict::of(if negated { table.complement() } else { table })
    }

    /// The codes whose value has something at a path, and of these the ones where it passes the test.
    pub(crate) fn verdict_inside(&self, path: &str, test: &Test) -> (Bits, Bits) {
        let inside = |code: usize| match self.values.get(code) {
            Some(Stored::Doc(bytes)) => Value::of(Doc::new(bytes).path(path)),
            _ => Value::Missing,
        };
        let len = row32(self.len());
        let found = Bits::of(len, |code| !matches!(inside(code), Value::Missing));
        let holds = Bits::of(len, |code| found.contains(row32(code)) && test.holds(inside(code)));
        (found, holds)
    }

    fn tested(&self, code: usize, test: &Test) -> bool {
        self.values.get(code).is_some_and(|stored| test.holds(stored.value()))
    }

    /// A comparison with numbers is true of numbers only, and of those in a row.
    fn range(&self, test: &Test) -> Option<Range<u32>> {
        let below = |limit: &Decimal| self.numbers.partition_point(|number| number < limit);
        let up_to = |limit: &Decimal| self.numbers.partition_point(|number| number <= limit);
        let (from, to) = match test {
            Test::Compare(Relation::Lt, Literal::Number(limit)) => (0, below(limit)),
            Test::Compare(Relation::Lte, Literal::Number(limit)) => (0, up_to(limit)),
            Test::Compare(Relation::Gt, Literal::Number(limit)) => (up_to(limit), self.numbers.len()),
            Test::Compare(Relation::Gte, Literal::Number(limit)) => (below(limit), self.numbers.len()),
            Test::Between(Literal::Number(low), Literal::Number(high)) => (below(low), up_to(high)),
            _ => return None,
        };
        Some(1 + row32(from)..1 + row32(to.max(from)))
    }

    /// Adds the codes that equal a literal.
    fn insert_equal(&self, literal: &Literal, table: &mut Bits) {
        let numbers = row32(self.numbers.len());
        if let Literal::Number(wanted) = literal {
            let of =
                |ordering: fn(Ordering) -> bool| self.numbers.partition_point(|number| ordering(number.cmp(wanted)));
            table.insert_range(1 + row32(of(Ordering::is_lt))..1 + row32(of(Ordering::is_le)));
        }
        // A number equals the name that is spelled like it.
        let wanted = match literal {
            Literal::Text(text) => text.compared().to_owned(),
            Literal::Number(number) => number.to_string(),
            Literal::Bool(_) | Literal::Instant(_) => {
                let rest = 1 + numbers + row32(self.texts.len())..row32(self.len());
                return rest.filter(|code| self.value(*code).equals(literal)).for_each(|code| table.insert(code));
            }
        };
        let first = self.texts.partition_point(|text| **text < *wanted);
        for at in (first..self.texts.len()).take_while(|at| self.texts.get(*at).is_some_and(|text| **text == *wanted)) {
            let code = 1 + numbers + row32(at);
            table.put(code, table.contains(code) || self.value(code).equals(literal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::doc::DocWriter;
    use proptest::prelude::*;

    fn doc(json: &str) -> Vec<u8> {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let mut out = Vec::new();
        write(&value, &mut DocWriter::new(&mut out));
        out
    }

    fn write(value: &serde_json::Value, doc: &mut DocWriter<'_>) {
        match value {
            serde_json::Value::Null => doc.null(),
            serde_json::Value::Bool(value) => doc.bool(*value),
            serde_json::Value::Number(number) => doc.number(&number.to_string()),
            serde_json::Value::String(text) => doc.string(text),
            serde_json::Value::Array(items) => {
                let open = doc.list();
                items.iter().for_each(|item| write(item, doc));
                doc.close(open);
            }
            serde_json::Value::Object(members) => {
                let open = doc.object();
                for (key, value) in members {
                    doc.key(key.as_bytes());
                    write(value, doc);
                }
                doc.close(open);
            }
        }
    }

    const VALUES: [&str; 18] = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1",
        "1.0",
        "2.5",
        "1e30",
        "\"\"",
        "\"1\"",
        "\"gold\"",
        "\"Gold\"",
        "\"caf\u{e9}\"",
        "\"cafe\u{301}\"",
        "[1,\"gold\"]",
        "[]",
        "{\"a\":1}",
    ];

    const TESTS: [&str; 22] = [
        r#""is":"gold""#,
        r#""is_not":"gold""#,
        r#""is":1"#,
        r#""is_not":1"#,
        r#""is":true"#,
        r#""in":["gold",1,false]"#,
        r#""not_in":["gold",2.5]"#,
        r#""is_set":true"#,
        r#""is_not_set":true"#,
        r#""lt":1"#,
        r#""lte":1"#,
        r#""gt":1"#,
        r#""gte":1"#,
        r#""between":[0,2]"#,
        r#""between":[2,0]"#,
        r#""contains":"o""#,
        r#""not_contains":"o""#,
        r#""starts_with_ci":"GO""#,
        r#""contains_any":["gold",7]"#,
        r#""len":{"gte":1}"#,
        "\"is\":\"caf\u{e9}\"",
        r#""gt":"a""#,
    ];

    fn test_of(json: &str) -> Option<Test> {
        let rule = crate::rule::node::Rule::from_json(&format!("{{\"trait\":\"t\",{json}}}")).ok()?;
        match rule.0 {
            crate::rule::node::Node::Trait { test, .. } => Some(test),
            _ => None,
        }
    }

    #[test]
    fn every_test_says_of_a_code_what_it_says_of_the_value() {
        let docs: Vec<Vec<u8>> = VALUES.iter().map(|json| doc(json)).collect();
        let mut asked = 0;
        for named in [false, true] {
            let value = |bytes: &'static [u8]| {
                let doc = Doc::new(bytes);
                if named && (doc.is_string() || doc.as_integer().is_some()) {
                    Value::Name(doc)
                } else {
                    Value::of(Some(doc))
                }
            };
            let mut building = Building::default();
            let leaked: Vec<&'static [u8]> = docs.iter().map(|bytes| &*bytes.clone().leak()).collect();
            let old: Vec<u32> = leaked.iter().map(|bytes| building.add(value(bytes))).collect();
            let number = building.add(Value::Number(Decimal::from(1)));
            let (dictionary, codes) = building.finish();
            for test in TESTS.iter().filter_map(|json| test_of(json)) {
                let verdict = dictionary.verdict(&test);
                for (bytes, old) in leaked.iter().zip(&old) {
                    assert_eq!(verdict.holds(codes[*old as usize]), test.holds(value(bytes)), "{test:?} of {bytes:?}");
                    asked += 1;
                }
                assert_eq!(
                    verdict.holds(codes[number as usize]),
                    test.holds(Value::Number(Decimal::from(1))),
                    "{test:?}"
                );
                assert_eq!(verdict.holds(0), test.holds(Value::Missing), "{test:?} of nothing");
            }
        }
        assert!(asked > 600, "{asked}");
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn numbers_lie_in_the_order_of_their_sizes(
            numbers in prop::collection::vec(-1000i64..1000, 1..60),
            low in -1000i64..1000,
            high in -1000i64..1000,
        ) {
            let mut building = Building::default();
            let old: Vec<u32> = numbers.iter().map(|n| building.add(Value::Number(Decimal::from(*n)))).collect();
            let (dictionary, codes) = building.finish();
            let test = Test::Between(Literal::Number(Decimal::from(low)), Literal::Number(Decimal::from(high)));
            let verdict = dictionary.verdict(&test);
            for (number, old) in numbers.iter().zip(old) {
                prop_assert_eq!(verdict.holds(codes[old as usize]), (low..=high).contains(number));
            }
        }
    }
}
