//! What kind of file it is: told, or recognized by its columns. What fits both kinds or neither fails, with what was
//! recognized and what is missing: an orders file must not be read as customers whose orders nobody misses.

use super::guess::Guesses;
use super::header::Header;
use super::mapping::{Key, Mapping};
use super::names;
use super::options::{Kind, Options};
use crate::Result;
use crate::error::Error;

/// A file that can be read: what it is, and which column is what.
pub(super) struct Fit {
    pub(super) kind: Kind,
    pub(super) mapping: Mapping,
}

/// What a file is.
///
/// # Errors
/// `Invalid` for a file that fits both kinds or neither, or that misses what its kind needs.
pub(super) fn recognize(headers: &[Header], rows: &[Vec<String>], options: &Options) -> Result<Fit> {
    let guesses = Guesses::new(headers, rows);
    // What the host said, with guesses for the rest where that is not enough to read the file.
    let mapping = |kind| {
        let mut mapping = Mapping::declared(&options.mapping, headers)?;
        if !mapping.is_enough(kind == Kind::Orders) {
            guesses.complete(&mut mapping, kind == Kind::Orders);
        }
        Ok::<_, Error>(mapping)
    };
    let kind = match options.kind {
        Some(kind) => kind,
        None => {
            let (orders, customers) = (mapping(Kind::Orders)?, mapping(Kind::Customers)?);
            let unread = guesses.looks_like_unread_orders(&customers);
            by_columns(&orders, &customers, headers, unread)?
        }
    };
    let mapping = mapping(kind)?;
    let missing = mapping.missing(kind == Kind::Orders);
    if !missing.is_empty() {
        let what = if kind == Kind::Orders { "orders" } else { "customers" };
        return Err(unfit(&format!("a file of {what} needs {}", missing.join(", ")), &mapping, headers));
    }
    Ok(Fit { kind, mapping })
}

/// Orders have an order's number and an amount or a line; customers have a person, and neither an order's number nor an
/// amount of one.
fn by_columns(orders: &Mapping, customers: &Mapping, headers: &[Header], unread: bool) -> Result<Kind> {
    let number = orders.column(&Key::OrderId).and_then(|at| headers.get(at));
    // A column `id` may be anybody's.
    let is_short =
        number.is_some_and(|header| names::ORDER_ID_SHORT.split_whitespace().any(|own| own == header.full()));
    let line = orders.has(&Key::ProductId) || orders.has(&Key::Quantity);
    let is_orders = orders.has(&Key::OrderId) && (orders.has_amount() || (line && !is_short));
    let numbered = orders.has(&Key::OrderId) && !is_short;
    let is_customers = customers.names_people() && !orders.has_amount() && !numbered;
    match (is_orders, is_customers) {
        (true, true) => {
            let text = "the file may be one of orders as well as one of customers; say which (option kind, --kind)";
            Err(unfit(text, orders, headers))
        }
        (true, false) if !orders.names_people() && names_buyers(orders) => {
            let text = "the orders name their buyers by name only, and many people have one name; export a column of \
                        their e-mail (email), phone (phone) or number (customer_id, user_id), or say that the orders \
                        have no buyers (option kind, --kind orders)";
            Err(unfit(text, orders, headers))
        }
        (true, false) if headers.iter().any(|header| header.full().contains("abandoned")) => {
            let text = "the file tells of abandoned checkouts, which are no orders; if it is one of orders all the same, say \
                        so (option kind, --kind orders)";
            Err(unfit(text, orders, headers))
        }
        (true, false) => Ok(Kind::Orders),
        (false, true) if unread => {
            let text = "the file has dates and amounts under headers that are not known here, so it may be one of orders; \
                        map its columns, or say that it is one of customers (option kind, --kind customers)";
            Err(unfit(text, customers, headers))
        }
        (false, true) => Ok(Kind::Customers),
        (false, false) => {
            let missing = orders.missing(true).join(", ");
            let person = customers.missing(false).join(", ");
            let customers_need = match (person.as_str(), numbered, orders.has_amount()) {
                ("", true, _) => "a file of customers has no order's number".to_owned(),
                ("", false, _) => "a file of customers has no amount of an order".to_owned(),
                (person, ..) => format!("a file of customers needs {person}"),
            };
            let text = format!("a file of orders needs {missing}; {customers_need}");
            Err(unfit(&text, orders, headers))
        }
    }
}

fn names_buyers(orders: &Mapping) -> bool {
    ["name", "firstName", "lastName"].iter().any(|name| orders.has(&Key::Trait((*name).to_owned())))
}

/// How many headers are told, and how much of each.
const TOLD_MAX: usize = 30;

/// What is wrong with a file as a whole, with what was recognized. Other headers are told only beside those: a file without
/// any has a row of data in their place.
fn unfit(what: &str, mapping: &Mapping, headers: &[Header]) -> Error {
    let known: Vec<String> =
        mapping.shown(headers).into_iter().map(|(key, from)| format!("{key} from {from}")).collect();
    if known.is_empty() {
        return Error::invalid(format!(
            "no column was recognized: {what}; name them so in the first line, or map them"
        ));
    }
    let cut = |text: String| text.chars().take(60).collect::<String>();
    let other: Vec<String> = mapping.unmapped(headers).into_iter().take(TOLD_MAX).map(cut).collect();
    let other = if other.is_empty() { String::new() } else { format!("; not placed: {}", other.join(", ")) };
    Error::invalid(format!(
        "{what}; recognized: {}{other}; name columns so in the first line, or map them",
        known.join(", ")
    ))
}
