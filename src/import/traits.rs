//! Trait cells as JSON: of the type that the store declares, else text.

use super::money::money;
use super::rows::Dialect;
use crate::base::TraitKind;
use crate::base::doc::write_text;
use crate::base::name::nfc;

/// A trait's cell. What cannot be read as the declared type stays text, and is flagged like any other mismatch.
pub(super) fn json(name: &str, cell: &str, dialect: &Dialect) -> String {
    let declared = dialect.trait_kinds.get(&*nfc(name)).copied();
    // Since when somebody is a customer is an instant wherever it can be read as one.
    let kind = declared.or_else(|| (name == "createdAt").then_some(TraitKind::Timestamp));
    kind.and_then(|kind| typed(kind, cell, dialect)).unwrap_or_else(|| text(cell))
}

fn typed(kind: TraitKind, cell: &str, dialect: &Dialect) -> Option<String> {
    match kind {
        TraitKind::Bool => boolean(cell).map(|value| value.to_string()),
        TraitKind::Int => {
            let digits = money(cell, dialect.decimal_comma).ok()?.0.to_string();
            digits.parse::<i64>().ok().map(|whole| whole.to_string())
        }
        TraitKind::Float => Some(money(cell, dialect.decimal_comma).ok()?.0.to_string()),
        TraitKind::Timestamp => Some(text(&dialect.clock.instant(cell)?.to_string())),
        TraitKind::List => {
            let items: Vec<String> = cell.split(',').map(str::trim).filter(|item| !item.is_empty()).map(text).collect();
            Some(format!("[{}]", items.join(",")))
        }
        TraitKind::String | TraitKind::Object => None,
    }
}

/// The words that exports write for yes and no.
fn boolean(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Some(true),
        "false" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_text(text, &mut out);
    out
}
