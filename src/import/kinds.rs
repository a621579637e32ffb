//! Files whose kind is known.

use super::file::CsvFile;
use super::options::Kind;
use crate::Result;
use std::io::Read;
use std::path::Path;

/// A file of orders: a row an order, or a row a line. Give the result to [`Store::import`](crate::Store::import).
///
/// ```no_run
/// use regulars::{Store, import::OrdersCsv};
/// let store = Store::open("shop.regulars")?;
/// println!("{}", store.import(OrdersCsv::open("orders.csv")?)?);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Debug)]
pub struct OrdersCsv;

impl OrdersCsv {
    /// The file at a path.
    ///
    /// # Errors
    /// `Io` for a file that cannot be opened.
    ///
    /// ```
    /// assert!(regulars::import::OrdersCsv::open("no such file").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<CsvFile<'static>> {
        CsvFile::open(path, Some(Kind::Orders))
    }

    /// A stream.
    ///
    /// ```
    /// let file = regulars::import::OrdersCsv::new(&b"order_id,date,total,email\n"[..]);
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "the name says what is read; what it is read with is one type")]
    pub fn new<'r>(stream: impl Read + 'r) -> CsvFile<'r> {
        CsvFile::new(stream, Some(Kind::Orders))
    }
}

/// A file of customers, a row each. Give the result to [`Store::import`](crate::Store::import).
///
/// ```
/// use regulars::{Store, id, import::CustomersCsv};
/// let file = "Customer ID,Email,First Name,Accepts Email Marketing\n7,ann@example.com,Ann,yes\n";
/// let store = Store::in_memory()?;
/// store.import(CustomersCsv::new(file.as_bytes()))?;
/// let ann = store.snapshot().profile(id::email("ann@example.com"))?.expect("known");
/// assert_eq!((ann.traits["firstName"].as_str(), ann.consent[0].status.name()), ("\"Ann\"", "granted"));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Debug)]
pub struct CustomersCsv;

impl CustomersCsv {
    /// The file at a path.
    ///
    /// # Errors
    /// `Io` for a file that cannot be opened.
    ///
    /// ```
    /// assert!(regulars::import::CustomersCsv::open("no such file").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<CsvFile<'static>> {
        CsvFile::open(path, Some(Kind::Customers))
    }

    /// A stream.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]);
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "the name says what is read; what it is read with is one type")]
    pub fn new<'r>(stream: impl Read + 'r) -> CsvFile<'r> {
        CsvFile::new(stream, Some(Kind::Customers))
    }
}
