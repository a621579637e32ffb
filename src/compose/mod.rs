//! Messages written in code: what a backend that has no SDK says, as the SDKs would send it.
//!
//! Each becomes a message of the Segment spec and goes the way of every other one: the same checks, the same refusals.
//!
//! ```
//! use regulars::compose::{Consent, Identify, Line, Order, Track};
//! use regulars::{ConsentStatus, Store, id};
//! let store = Store::options().currency("EUR").in_memory()?;
//! let ann = || [id::user("42"), id::email("ann@example.com")];
//! store.send(Identify::new(ann()).with("city", "Aarhus").with("points", 120))?;
//! store.send(Track::new("Wishlist Opened", ann()).at("2026-03-01".parse()?))?;
//! let kettle = Line::new("kettle").brand("Alessi").price("24.90".parse()?).quantity(2.into());
//! let receipt = store.send(Order::completed("1001", ann()).total("49.80".parse()?).line(kettle))?;
//! assert_eq!((receipt.accepted, receipt.flags.len()), (1, 0));
//! store.send(Consent::new("email", "marketing", ConsentStatus::Granted, ann()).method("checkout"))?;
//!
//! let page = store.snapshot().profile(id::user("42"))?.expect("known");
//! assert_eq!((page.orders.net_minor, page.traits["city"].as_str()), (4980, "\"Aarhus\""));
//! assert_eq!(page.consent[0].status, ConsentStatus::Granted);
//! # Ok::<(), regulars::Error>(())
//! ```

pub(crate) mod message;
mod said;
mod order;

pub use message::Message;
pub use order::{Line, Order};
pub use said::{Consent, Identify, Track};
