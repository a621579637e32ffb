//! What a refund says of its amount where only its order, or the catalogue, can tell the rest: its currency, or the prices
//! of its lines.

use super::props::{Props, decimal, product_lines, quantity_of};
use crate::base::Decimal;
use crate::base::doc::Doc;

/// A refund's own words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// An amount in its own currency, else in its order's.
    Amount(Decimal),
    /// What came back.
    Lines(Vec<ReturnedLine>),
}

/// A line of a refund.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReturnedLine {
    pub(crate) product: ProductName,
    /// As the line says it.
    pub(crate) price: Option<Decimal>,
    pub(crate) quantity: Decimal,
}

/// By what a line names its product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProductName {
    pub(crate) product_id: Option<String>,
    sku: Option<String>,
}

impl ProductName {
    pub(crate) fn of(line: Doc<'_>) -> Self {
        let name = |key| line.get(key).and_then(Doc::as_name);
        Self { product_id: name("product_id"), sku: name("sku") }
    }

    /// Whether an order's line is about the product that this one names.
    pub(crate) fn is_that_of(&self, ordered: &Self) -> bool {
        match &self.product_id {
            Some(id) => ordered.product_id.as_ref() == Some(id),
            None => self.sku.is_some() && self.sku == ordered.sku,
        }
    }
}

/// What the properties of a refund say; `None` where they say nothing of an amount, or nothing that can be read. A field
/// that is there but cannot be read ends the search: falling through would be a guess.
pub(crate) fn said(props: &Props<'_>) -> Option<Said> {
    let [total, revenue, value, subtotal, discount] = props.amounts();
    if let Some(amount) = total.or(revenue).or(value) {
        return decimal(amount).map(Said::Amount);
    }
    if let Some(subtotal) = subtotal {
        let less = match discount {
            Some(discount) => decimal(discount)?,
            None => Decimal::from(0),
        };
        return decimal(subtotal)?.checked_add(less.negated()).map(Said::Amount);
    }
    let lines: Vec<ReturnedLine> = props.lines().map(returned).collect::<Option<_>>()?;
    (!lines.is_empty()).then_some(Said::Lines(lines))
}

fn returned(line: Doc<'_>) -> Option<ReturnedLine> {
    let present = |key| line.get(key).filter(|value| !value.is_absent());
    let product = ProductName::of(line);
    let price = match present("price") {
        Some(price) => Some(decimal(price)?),
        None => None,
    };
    let quantity = quantity_of(present("quantity"))?;
    let told = price.is_some() || product.product_id.is_some() || product.sku.is_some();
    told.then_some(ReturnedLine { product, price, quantity })
}

/// The prices that the lines of an order say.
pub(crate) fn prices(properties: Doc<'_>) -> Vec<(ProductName, Decimal)> {
    let priced = |line: Doc<'_>| Some((ProductName::of(line), decimal(line.get("price")?)?));
    product_lines(properties).filter_map(priced).collect()
}
