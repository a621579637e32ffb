//! What columns are that nobody declared: by the headers that shops' exports have, and by what stands in their cells.

use super::mapping::{Key, Mapping};
use ahash::AHashMap;

/// The first rows of a file, and its headers.
pub(super) struct Guesses<'s> {
    headers: Vec<String>,
    /// The headers that are written as keys: `trait.city`, `consent.email.marketing`.
    keys: Vec<(Key, usize)>,
    rows: &'s [Vec<String>],
}

/// Headers under which some shops write ids, some names and some addresses.
const OPEN: [&str; 3] = ["customer", "client", "buyer"];

impl<'s> Guesses<'s> {
    pub(super) fn new(headers: &[String], rows: &'s [Vec<String>]) -> Self {
        let keys = headers.iter().enumerate().filter_map(|(at, header)| Some((Key::parse(header)?, at)));
        Self { keys: keys.collect(), headers: headers.iter().map(|header| folded(header)).collect(), rows }
    }

    /// Maps what is not mapped yet.
    pub(super) fn complete(&self, mapping: &mut Mapping, orders: bool) {
        let total_said = mapping.has(&Key::Total);
        for (key, at) in &self.keys {
            if matches!(key, Key::Trait(_) | Key::Consent(..)) {
                mapping.offer(key.clone(), *at);
            }
        }
        let shopify = self.headers.iter().any(|header| header == "lineitemname");
        for (key, names) in guesses(orders, shopify) {
            let fits = |at: &usize| mapping.is_free(*at) && self.fits(&key, *at);
            let of_name = |name: &&str| self.headers.iter().position(|header| header == name).filter(fits);
            if let Some(at) = names.iter().find_map(of_name) {
                mapping.offer(key, at);
            }
        }
        if !total_said && self.totals_are_of_lines(mapping) {
            mapping.forget(&Key::Total).into_iter().for_each(|at| mapping.offer(Key::LineTotal, at));
        }
    }

    /// Whether headers look like those of orders rather than of customers.
    pub(super) fn looks_like_orders(&self) -> bool {
        let mut mapping = Mapping::default();
        self.complete(&mut mapping, true);
        mapping.has(&Key::OrderId) && mapping.has_amount()
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// Whether cells may be what their header says. A name taken for an id would make one person of all who bear it.
    fn fits(&self, key: &Key, column: usize) -> bool {
        let open = self.headers.get(column).is_some_and(|header| OPEN.contains(&header.as_str()));
        match key {
            Key::UserId | Key::CustomerId | Key::LoyaltyCard if open => self.cells(column).all(is_surely_an_id),
            Key::UserId | Key::CustomerId | Key::LoyaltyCard => !self.cells(column).any(is_several_words),
            Key::Email if open => self.cells(column).all(|cell| cell.contains('@')),
            _ => true,
        }
    }

    /// Whether what looks like the order's total is the line's: by what the rows of one order say together.
    fn totals_are_of_lines(&self, mapping: &Mapping) -> bool {
        let column = |key| mapping.column(&key);
        let (Some(id), Some(total)) = (column(Key::OrderId), column(Key::Total)) else { return false };
        if self.headers.get(total).is_some_and(|header| OF_ORDERS.contains(&header.as_str())) {
            return false;
        }
        let (price, quantity) = (column(Key::Price), column(Key::Quantity));
        let mut orders: AHashMap<&str, Vec<Priced>> = AHashMap::new();
        for row in self.rows.iter().filter(|row| row.len() == self.headers.len()) {
            let number = |at: Option<usize>| row.get(at?).and_then(|cell| rough(cell));
            let line = number(price).zip(number(quantity).or(quantity.is_none().then_some(1.0)));
            let Some(id) = row.get(id).filter(|id| !id.is_empty()) else { continue };
            orders.entry(id).or_default().push(Priced { total: number(Some(total)), line: line.map(|(p, q)| p * q) });
        }
        let votes: Vec<Vote> = orders.values().filter_map(|rows| vote(rows)).collect();
        let count = |which| votes.iter().filter(|vote| **vote == which).count();
        match (count(Vote::SurelyLines), count(Vote::SurelyOrder)) {
            // Equal lines say little, different totals much.
            (0, 0) => count(Vote::Lines) > 0 && count(Vote::Lines) >= count(Vote::Order),
            (lines, order) => lines > order,
        }
    }
}

/// Headers that say themselves that they are about orders.
const OF_ORDERS: [&str; 4] = ["ordertotal", "ordertotalamount", "grandtotal", "orderamount"];

/// One row: what stands in the column in question, and price times quantity.
struct Priced {
    total: Option<f64>,
    line: Option<f64>,
}

/// What an order of several rows says of the column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vote {
    SurelyLines,
    SurelyOrder,
    Lines,
    Order,
}

/// Rows of different signs tell nothing: what came back has a total of its own.
fn vote(rows: &[Priced]) -> Option<Vote> {
    let totals: Vec<f64> = rows.iter().filter_map(|row| row.total).collect();
    let near = |a: f64, b: f64| (a - b).abs() <= 0.011 + a.abs() * 1e-6;
    if rows.len() < 2 || totals.is_empty() || rows.iter().any(|row| row.line.or(row.total).is_some_and(|it| it < 0.0)) {
        return None;
    }
    let lines: Option<Vec<f64>> = rows.iter().map(|row| row.line).collect();
    let sum = lines.as_ref().map(|lines| lines.iter().sum::<f64>());
    let is_own = |row: &Priced| row.total.zip(row.line).is_some_and(|(total, line)| near(total, line));
    let equal = totals.iter().all(|total| near(*total, totals.first().copied().unwrap_or_default()));
    if rows.iter().all(is_own) {
        return Some(Vote::SurelyLines);
    }
    // On the first row of an order only, or on all of them.
    let of_order = equal || totals.iter().filter(|total| total.abs() > 0.0).count() == 1;
    if !of_order {
        return Some(Vote::Lines);
    }
    let is_sum = sum.is_some_and(|sum| totals.iter().any(|total| near(*total, sum)));
    Some(if is_sum { Vote::SurelyOrder } else { Vote::Order })
}

/// About what number a cell is, whichever mark stands before the decimals.
fn rough(cell: &str) -> Option<f64> {
    let last = cell.rfind([',', '.']).filter(|at| cell.len() - at != 4 || cell.matches([',', '.']).count() == 1);
    let digits =
        |text: &str| text.chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\u{a0}' | '\'')).collect::<String>();
    let plain = match last {
        Some(at) => format!("{}.{}", digits(cell.get(..at)?), digits(cell.get(at + 1..)?)),
        None => digits(cell),
    };
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_surely_an_id(cell: &str) -> bool {
    cell.chars().any(|c| c.is_ascii_digit()) && !cell.chars().any(|c| c.is_whitespace() || c == '@')
}

fn is_several_words(cell: &str) -> bool {
    cell.contains(char::is_whitespace) && !cell.contains(|c: char| c.is_ascii_digit())
}

/// Letters and digits, small: `Order ID`, `order_id` and `OrderId` are one header.
fn folded(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a cell of the first line is data rather than a header: an address, a date, or a number of some length.
pub(super) fn looks_like_data(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let number = digits > 0 && cell.chars().all(|c| c.is_ascii_digit() || " +-/.,:".contains(c));
    (cell.contains('@') && cell.contains('.')) || (number && digits > 4)
}

type Guess = (Key, Vec<&'static str>);

/// What headers mean, the likelier first. Sources: the export formats of Shopify and WooCommerce, and the plain names of
/// tills and data sets.
fn guesses(orders: bool, shopify: bool) -> Vec<Guess> {
    let mut all = people_guesses();
    all.extend(if orders { order_guesses(shopify) } else { customer_guesses() });
    all
}

fn marketing(channel: &str) -> Key {
    Key::Consent(channel.to_owned(), "marketing".to_owned())
}

fn people_guesses() -> Vec<Guess> {
    vec![
        (Key::UserId, vec!["userid", "customeruserid", "accountid"]),
        (
            Key::CustomerId,
            vec![
                "customerid",
                "customernumber",
                "customerno",
                "householdid",
                "clientid",
                "customer",
                "client",
                "buyer",
            ],
        ),
        (
            Key::Email,
            vec![
                "email",
                "emailaddress",
                "customeremail",
                "billingemail",
                "emailbilling",
                "contactemail",
                "customer",
                "client",
                "buyer",
            ],
        ),
        (
            Key::Phone,
            vec!["phone", "phonenumber", "billingphone", "phonebilling", "mobile", "mobilephone", "telephone"],
        ),
        (Key::LoyaltyCard, vec!["loyaltycard", "loyaltycardnumber", "loyaltyid", "clubcard", "membershipnumber"]),
        (Key::Country, vec!["country", "billingcountry", "countrycode", "countrycodebilling", "shippingcountry"]),
    ]
}

fn customer_guesses() -> Vec<Guess> {
    let trait_ = |name: &str| Key::Trait(name.to_owned());
    vec![
        (
            Key::Time,
            vec!["time", "createdat", "dateregistered", "registered", "signupdate", "signedupat", "datecreated"],
        ),
        (trait_("firstName"), vec!["firstname", "billingfirstname"]),
        (trait_("lastName"), vec!["lastname", "billinglastname"]),
        (trait_("name"), vec!["name", "fullname", "customername", "customer", "client", "buyer", "customerid"]),
        (trait_("city"), vec!["city", "defaultaddresscity", "billingcity"]),
        (
            trait_("postal_code"),
            vec!["zip", "postcode", "postalcode", "zipcode", "defaultaddresszip", "billingpostcode"],
        ),
        (trait_("birthday"), vec!["birthday", "birthdate", "dateofbirth"]),
        (trait_("gender"), vec!["gender"]),
        (trait_("company"), vec!["company", "defaultaddresscompany", "billingcompany"]),
        (trait_("tags"), vec!["tags"]),
        (marketing("email"), vec!["acceptsemailmarketing", "acceptsmarketing", "emailoptin", "newsletter"]),
        (marketing("sms"), vec!["acceptssmsmarketing", "smsoptin"]),
    ]
}

fn order_guesses(shopify: bool) -> Vec<Guess> {
    let order_id = [
        "orderid",
        "ordernumber",
        "orderno",
        "order",
        "invoiceno",
        "invoicenumber",
        "invoice",
        "basketid",
        "transactionid",
        "receiptid",
        "receiptnumber",
    ];
    // Shopify calls the order's number `Name`, and the products' names `Lineitem name`.
    let order_id = if shopify { [&["name"], order_id.as_slice()].concat() } else { order_id.to_vec() };
    let name: &[&str] = if shopify {
        &["lineitemname"]
    } else {
        &["productname", "itemname", "description", "product", "name", "title"]
    };
    vec![
        (Key::OrderId, order_id),
        (
            Key::Time,
            vec![
                "time",
                "createdat",
                "orderdate",
                "invoicedate",
                "datecreated",
                "transactiontimestamp",
                "timestamp",
                "datetime",
                "date",
                "purchasedate",
                "orderedat",
            ],
        ),
        (Key::ProductId, vec!["productid", "stockcode", "lineitemsku", "sku", "itemsku", "productsku", "itemid"]),
        (Key::Name, name.to_vec()),
        (Key::Brand, vec!["brand", "vendor", "manufacturer"]),
        (Key::Category, vec!["category", "productcategory", "producttype", "department"]),
        (Key::Price, vec!["price", "unitprice", "lineitemprice", "itemprice", "itemcost"]),
        (Key::Quantity, vec!["quantity", "qty", "lineitemquantity", "itemquantity", "quantityrefund", "units"]),
        (Key::LineTotal, vec!["linetotal", "salesvalue", "itemtotal", "rowtotal", "orderlinetotal", "lineamount"]),
        (Key::Total, vec!["total", "ordertotal", "ordertotalamount", "grandtotal", "orderamount", "amount", "revenue"]),
        (Key::Discount, vec!["discount", "discountamount", "cartdiscountamount", "discounttotal", "retaildisc"]),
        (Key::Refunded, vec!["refundedamount", "refundamount", "orderrefundamount", "totalrefunded", "amountrefunded"]),
        (Key::Currency, vec!["currency", "currencycode", "ordercurrency"]),
        (Key::Status, vec!["status", "orderstatus", "financialstatus"]),
        (marketing("email"), vec!["acceptsmarketing", "acceptsemailmarketing"]),
        (Key::Trait("name".to_owned()), vec!["customername", "customer", "client", "buyer", "customerid"]),
    ]
}
