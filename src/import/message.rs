//! Writing the messages that rows become: JSON text, and ids that follow from content alone.

use super::csv::Cells;
use super::digest::{first_16, hash_of, hasher_of};
use super::money::money;
use super::permission::Topic;
use super::rows::{Dialect, Holds};
use super::values::name;
use crate::base::Decimal;
use crate::base::doc::write_text;
use crate::base::ident::uuid_text;
use crate::normalize::consent::ConsentStatus;
use std::borrow::Cow;

/// An object under way.
pub(super) struct Object<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }

    pub(super) fn key(&mut self, key: &str) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        write_text(key, self.out);
        self.out.push(':');
    }

    /// An object as the value of the key before.
    pub(super) fn inner(&mut self) -> Object<'_> {
        Object::open(self.out)
    }

    pub(super) fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.out.push_str(json);
    }

    pub(super) fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.key(key);
            write_text(value, self.out);
        }
    }

    /// A list of what is written already, a comma between; nothing for an empty one.
    pub(super) fn list(&mut self, key: &str, items: &str) {
        if !items.is_empty() {
            self.key(key);
            self.out.push('[');
            self.out.push_str(items);
            self.out.push(']');
        }
    }

    pub(super) fn number(&mut self, key: &str, value: Option<Decimal>) {
        if let Some(value) = value {
            self.raw(key, &value.to_string());
        }
    }

    /// `context.externalIds`, if there are any, how the file was declared, and what the row states about whom.
    pub(super) fn context(
        &mut self,
        ids: [(&str, Option<&str>); 2],
        declared: Option<&str>,
        statement: Option<&Statement>,
    ) {
        let any = ids.iter().any(|(_, id)| id.is_some());
        if !any && declared.is_none() && statement.is_none() {
            return;
        }
        self.key("context");
        let mut context = self.inner();
        if declared.is_some() {
            context.key("import");
            let mut inner = context.inner();
            inner.text("declared", declared);
            inner.close();
        }
        if let Some(Statement { customer, says }) = statement {
            context.key("statement");
            let mut inner = context.inner();
            inner.text("customer", Some(customer));
            inner.text("says", Some(says));
            inner.close();
        }
        if !any {
            return context.close();
        }
        context.key("externalIds");
        context.out.push('[');
        let mut first = true;
        for (namespace, id) in ids {
            let Some(id) = id else { continue };
            if !std::mem::take(&mut first) {
                context.out.push(',');
            }
            let mut external = Object::open(context.out);
            external.text("type", Some(namespace));
            external.text("id", Some(id));
            external.close();
        }
        context.out.push(']');
        context.close();
    }
}

/// Which customer a row is about, and all that the file says about them, as digests: what is told apart from what the
/// same source says later.
pub(super) struct Statement {
    pub(super) customer: String,
    pub(super) says: String,
}

/// The properties of a `Consent Updated`.
pub(super) fn consents(
    object: &mut Object<'_>,
    (channel, purpose): &Topic,
    status: ConsentStatus,
    [email, phone]: [Option<&str>; 2],
) {
    object.key("properties");
    let mut properties = object.inner();
    properties.text("email", email);
    properties.text("phone", phone);
    properties.text("channel", Some(channel));
    properties.text("purpose", Some(purpose));
    properties.text("status", Some(status.name()));
    properties.text("method", Some("import"));
    properties.close();
}

/// The content of a row: every cell under its header, whatever the order of the columns. `5.0` and `5.00` are one amount,
/// `17850.0` and `17850` one name.
pub(super) fn row_hash(cells: Cells<'_>, dialect: &Dialect) -> [u8; 16] {
    hash_of(dialect.by_header.iter().flat_map(|column| {
        let cell = cells.get(column.at);
        let said = match column.holds {
            Holds::Name => name(cell).into(),
            Holds::Amount => {
                money(cell, dialect.decimal_comma).map_or(cell.into(), |(read, _)| read.to_string().into())
            }
            Holds::Text => Cow::Borrowed(cell),
        };
        [Cow::Borrowed(column.header.as_str()), said]
    }))
}

/// A message id of its content: what kind of message, of which source, about what, by which rows.
pub(super) fn message_id(what: &str, source: &str, about: &str, rows: &[[u8; 16]]) -> String {
    let mut hasher = hasher_of(["regulars import", what, source, about].into_iter().map(Cow::Borrowed));
    rows.iter().for_each(|row| {
        hasher.update(row);
    });
    uuid_text(&first_16(&hasher))
}
