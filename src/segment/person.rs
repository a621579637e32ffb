//! One person as rules see them: what the store's history implements.

use crate::base::Timestamp;
use crate::error::Result;
use crate::normalize::consent::ConsentStatus;
use crate::people::entry::{EventRef, LineView, OrderView};
use crate::rule::node::Topic;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Read access to one person, as of the instants that the caller names. Bytes are those of a [`Doc`].
pub(crate) trait Person {
    /// The winning value of one top-level trait among those set at or before `at`; `None` where missing or cleared.
    fn trait_value(&self, name: &str, at: Timestamp) -> Result<Option<Cow<'_, [u8]>>>;

    /// The events of that name with `after < ts <= to`, in the order of (ts, message id), until the visitor breaks.
    fn visit_events(
        &self,
        name: &str,
        after: Timestamp,
        to: Timestamp,
        visit: &mut dyn FnMut(EventRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// The orders by the facts up to `at`, in the order of time, and the refunds that name no known order.
    fn orders(&self, at: Timestamp) -> Result<Vec<OrderView<'_>>>;

    /// The product lines of one of the person's events: what they say, and else what the catalogue said at that time.
    fn lines(&self, event: &EventRef<'_>) -> Result<Vec<LineView>>;

    /// What the person answered when asked, by the facts up to `at`; `None` where nobody asked.
    fn consent(&self, topic: &Topic, at: Timestamp) -> Result<Option<ConsentStatus>>;

    /// Whether a channel must not be used for the person, by the facts up to `at`.
    fn is_suppressed(&self, channel: &str, at: Timestamp) -> Result<bool>;

    /// How many identifiers of a namespace the person has.
    fn count_identifiers(&self, namespace: &str) -> Result<usize>;

    /// Whether the person has an identifier of a person.
    fn is_known(&self) -> Result<bool>;

    /// Decimals of the store's currency.
    fn currency_decimals(&self) -> u8;

    /// The calendar day of an instant in the store's zone, as any number that differs from day to day.
    fn calendar_day(&self, ts: Timestamp) -> i64;

    /// Whether the person is a member of another segment at `at`.
    fn is_member(&self, segment: &str, at: Timestamp) -> Result<bool>;
}
