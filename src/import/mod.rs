//! Foreign files -> messages: the order and customer exports that a shop has.
//!
//! A CSV file is read as a stream; its delimiter, decimal mark, date order and columns are declared or found out, and
//! reported. Rows become messages of the Segment spec and go the way of every other message; their ids follow from
//! their content, so importing a file twice changes nothing, and next week's longer export adds only what is new.
//!
//! What is not said elsewhere:
//!
//! - **Guesses** go by headers and by cells: a `Customer` column is a customer_id only where every cell has a digit and
//!   no blank, for a name taken for an id would make one person of all who bear it; other names become a trait. What
//!   looks like the order's total but differs between rows of one order is the line's.
//! - **An order that grows** takes the place of the one before: its latest row is as late or later, and it has more
//!   lines. Of two exports that tell the same lines with different amounts, the message id decides.
//! - **A refund** (all quantities negative) is one of each row, so that new rows add to known ones; where the file has a
//!   column of totals, one of each total.
//! - **An order that is told anew**, with other rows or amounts, is an `Order Updated`, for it was placed once; unless a
//!   row turns up that is earlier than all before, which says that it was placed earlier.
//! - **A row of customers** is a statement of its time: equal to what its source said of them last, it is known already.
//! - **Consent**: an orders file only grants; what a file of customers says is a state, and its no denies.
//! - **Status**: see what its words mean at [`CsvFile::map`]. Blank ones say nothing. Where rows of one order differ,
//!   what is cancelled or refunded is the line.
//! - **A quote that nothing closes** costs the row in which it stands; reading goes on behind that line.
//! - **A row's first failed check** names it: too_large, invalid_utf8, invalid_csv, wrong_type, missing_field,
//!   invalid_timestamp, number_out_of_range, and of customers no_identifier; then what the order as a whole fails.
//!
//! ```
//! use regulars::{Store, id, import::OrdersCsv};
//! let file = "Order ID,Date,Email,Product,Quantity,Unit price\n\
//!             1001,2025-11-03 10:12,ann@example.com,Kettle,1,24.90\n\
//!             1001,2025-11-03 10:12,ann@example.com,Tea,2,4.50\n\
//!             1002,2025-11-04,bob@example.com,Cup,1,cheap\n";
//! let store = Store::options().currency("EUR").in_memory()?;
//! let report = store.import(OrdersCsv::new(file.as_bytes()))?;
//! assert_eq!((report.orders, report.receipt.rejected, report.receipt.rejects[0].line), (1, 1, 4));
//! let ann = store.snapshot().profile(id::email("ann@example.com"))?.expect("known");
//! assert_eq!(ann.orders.net_minor, 3390);
//! # Ok::<(), regulars::Error>(())
//! ```

mod csv;
mod zones;
mod header;
mod dates;
mod values;
mod money;
mod digest;
mod mapping;
mod options;
mod names;
mod status;
mod permission;
mod guess;
mod kind;
mod looks;
mod encoding;
mod input;
mod rows;
mod message;
mod traits;
mod sink;
mod customers;
mod row;
mod order;
mod orders;
mod progress;
mod started;
mod file;
mod kinds;

pub use dates::DateOrder;
pub(crate) use digest::hash_of;
pub use file::CsvFile;
pub(crate) use input::{is_utf16, read_error, refuse_other_formats};
pub use kinds::{CustomersCsv, OrdersCsv};
pub use mapping::From;
pub(crate) use options::Home;
pub use options::Kind;
pub(crate) use progress::OnProgress;
pub use progress::Progress;
pub use rows::Detected;
pub(crate) use sink::{Customer, Said, Sink, Told};
