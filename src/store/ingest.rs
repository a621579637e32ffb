//! Messages in: bodies and streams of them.

use super::batch::Batch;
use super::handle::Store;
use super::inner::Inner;
use super::options::Clock;
use super::receipt::Receipt;
use crate::Result;
use crate::base::{Config, Timestamp, Trust};
use crate::compose::Message;
use crate::error::Error;
use crate::fact::kind::Kind;
use crate::message::Reason;
use crate::message::lines::{Line, LineReader};
use crate::message::reason::Refusal;
use crate::normalize::intake::{Outcome, Scratch, read_body, read_line};
use crate::normalize::normalizer::{Intake, Normalizer, ReceivedAt};
use std::io::Read;
use std::path::Path;

/// A commit of a stream ends at this many bytes, however few lines they are.
pub(super) const BATCH_BYTES_MAX: usize = 64 << 20;

/// Told each batch of a file of messages, the instant that it moves the store to, and how much was read.
pub(super) type TakeBatch<'t> = dyn FnMut(Batch, Option<Timestamp>, Progress) -> Result<()> + 't;

/// How to take messages in: where they come from and when they came.
///
/// ```
/// use regulars::{Ingest, Store};
/// let store = Store::in_memory()?;
/// let body = br#"{"event":"Signed Up","userId":"42"}"#;
/// let receipt = store.ingest(body, &Ingest::new().default_type("track"))?;
/// assert_eq!(receipt.accepted, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "this says how to ingest; pass it to Store::ingest"]
pub struct Ingest {
    source: Option<String>,
    trust: Option<Trust>,
    received_at: Option<Timestamp>,
    received_at_from_message: bool,
    default_type: Option<String>,
    batch_lines: Option<u64>,
}

/// How far a stream has come.
///
/// ```
/// use regulars::{Ingest, Store};
/// let store = Store::in_memory()?;
/// let mut lines = 0;
/// store.ingest_reader(&b"{\"type\":\"page\",\"userId\":\"42\"}\n"[..], &Ingest::new(), |progress| lines = progress.lines)?;
/// assert_eq!(lines, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Messages accepted.
    pub accepted: u64,
}

impl Ingest {
    /// Messages of the default source, received now.
    ///
    /// ```
    /// let how = regulars::Ingest::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The source they come from; its declaration gives trust, shop, channel and default type.
    ///
    /// ```
    /// let how = regulars::Ingest::new().source("web");
    /// ```
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.source = Some(name.into());
        self
    }

    /// How far they are believed, instead of what the source declares.
    ///
    /// ```
    /// let how = regulars::Ingest::new().trust(regulars::Trust::Claimed);
    /// ```
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// When they were received, instead of now. Moves the store's live instant there.
    ///
    /// ```
    /// let how = regulars::Ingest::new().received_at("2026-01-31T09:30:00Z".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn received_at(mut self, at: Timestamp) -> Self {
        self.received_at = Some(at);
        self
    }

    /// Believe the `receivedAt` of each message: for archives.
    ///
    /// ```
    /// let how = regulars::Ingest::new().received_at_from_message();
    /// ```
    pub fn received_at_from_message(mut self) -> Self {
        self.received_at_from_message = true;
        self
    }

    /// The type of messages that name none: an endpoint like `/v1/track` implies it.
    ///
    /// ```
    /// let how = regulars::Ingest::new().default_type("track");
    /// ```
    pub fn default_type(mut self, kind: impl Into<String>) -> Self {
        self.default_type = Some(kind.into());
        self
    }

    /// Lines of a stream that are committed together; 10,000 by default.
    ///
    /// ```
    /// let how = regulars::Ingest::new().batch_lines(1000);
    /// ```
    pub fn batch_lines(mut self, lines: u64) -> Self {
        self.batch_lines = Some(lines.max(1));
        self
    }

    /// What the messages of a body would become in a store of default options: how many would be accepted, which be
    /// refused and why, and what would be noticed about them. A dry run: nothing is stored.
    ///
    /// Whoever is not in a store yet cannot be there twice, so nobody is a duplicate here, and the limits of a store
    /// (`event_names`, `trait_names`) do not count. A source is one that no options declare.
    /// [`Store::check`] asks a store of your own options.
    ///
    /// **Cost**: about 2 us a message of 600 bytes, and the options, some 10 us, once.
    ///
    /// # Errors
    /// `Invalid` for a type that does not exist, and for the name of a source above 256 bytes.
    ///
    /// ```
    /// use regulars::{Ingest, Reason};
    /// let body = br#"[{"event":"Signed Up","userId":"42"}, {"event":"Signed Up"}]"#;
    /// let receipt = Ingest::new().default_type("track").check(body)?;
    /// assert_eq!(receipt.to_string(), "1 accepted, 0 duplicates, 1 rejected (1 no_identifier)");
    /// assert_eq!(receipt.rejects[0].reason, Reason::NoIdentifier);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn check(self, body: &[u8]) -> Result<Receipt> {
        let normalizer = Normalizer::new(&Config::default())?;
        let now = self.received_at.unwrap_or_else(Inner::wall_clock);
        Ok(dry_run(body, &self.intake(&normalizer, now)?))
    }

    fn intake<'c>(&'c self, normalizer: &'c Normalizer, received_at: Timestamp) -> Result<Intake<'c>> {
        let kind = |name: &String| {
            Kind::from_name(name)
                .ok_or_else(|| Error::invalid("a type is identify, track, page, screen, group or alias"))
        };
        let default_type = self.default_type.as_ref().map(kind).transpose()?;
        let received_at = if self.received_at_from_message {
            ReceivedAt::FromMessage { fallback: received_at }
        } else {
            ReceivedAt::At(received_at)
        };
        Intake::new(normalizer, self.source.as_deref(), self.trust, default_type, received_at)
    }
}

/// Counts what would become of the messages of a body.
fn dry_run(body: &[u8], intake: &Intake<'_>) -> Receipt {
    let mut receipt = Receipt::default();
    read_body(body, intake, &mut Scratch::default(), &mut |outcome| match outcome {
        Outcome::Fact { flags, .. } => receipt.accept(1, flags),
        Outcome::Reject { line, ordinal, reason, field } => receipt.reject(line, ordinal, Refusal { reason, field }),
    });
    receipt
}

impl Store {
    /// Takes in what SDKs send: one message, an array, NDJSON or a batch envelope. Durable when it returns.
    ///
    /// One bad message never fails its neighbors: the receipt counts and names it.
    ///
    /// # Errors
    /// `Io` and `Poisoned`; bad messages are no errors.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// let receipt = store.ingest_json(br#"[{"type":"page","userId":"42"}, {"type":"nonsense"}]"#)?;
    /// assert_eq!((receipt.accepted, receipt.rejected), (1, 1));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn ingest_json(&self, body: &[u8]) -> Result<Receipt> {
        self.ingest(body, &Ingest::default())
    }

    /// Takes in one message written in code; see [`compose`](crate::compose). Durable when it returns.
    ///
    /// Each call is a commit of its own: give many messages to [`Store::ingest`] as lines.
    ///
    /// # Errors
    /// As [`Store::ingest_json`].
    ///
    /// ```
    /// use regulars::{Store, compose::Track, id};
    /// assert_eq!(Store::in_memory()?.send(Track::new("Signed Up", [id::user("42")]))?.accepted, 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn send(&self, message: impl Into<Message>) -> Result<Receipt> {
        self.ingest_json(message.into().as_json().as_bytes())
    }

    /// The same, told where the messages come from.
    ///
    /// # Errors
    /// As [`Store::ingest_json`]; `Invalid` for a type that does not exist.
    ///
    /// ```
    /// use regulars::{Ingest, Store, Trust};
    /// let store = Store::in_memory()?;
    /// let browser = Ingest::new().source("web").trust(Trust::Claimed);
    /// store.ingest(br#"{"type":"page","anonymousId":"a1"}"#, &browser)?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn ingest(&self, body: &[u8], how: &Ingest) -> Result<Receipt> {
        let (batch, advance) = self.inner.read(body, how)?;
        self.commit(batch, advance)
    }

    /// What the messages of a body would become, by the options of this store: a dry run that stores nothing.
    ///
    /// Duplicates are not looked up and the limits of the store (`event_names`, `trait_names`) not held, so that readers
    /// and writers go on undisturbed.
    ///
    /// **Cost**: about 2 us a message of 600 bytes.
    ///
    /// # Errors
    /// As [`Ingest::check`].
    ///
    /// ```
    /// use regulars::{Flag, Ingest, Store};
    /// let store = Store::options().currency("EUR").in_memory()?;
    /// let order = br#"{"type":"track","event":"Order Completed","userId":"42","properties":{"order_id":"1","total":"$5"}}"#;
    /// let receipt = store.check(order, &Ingest::new())?;
    /// assert_eq!((receipt.accepted, receipt.flags[&Flag::AmountUnknown]), (1, 1));
    /// assert_eq!(store.stats().events, 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn check(&self, body: &[u8], how: &Ingest) -> Result<Receipt> {
        let (received_at, _) = self.inner.moment(how);
        Ok(dry_run(body, &self.inner.intake(how, received_at)?))
    }

    /// Takes in a stream of NDJSON, committing every 10,000 lines (or as `how` says) and calling `progress` after each.
    ///
    /// Memory holds one commit's lines, however long the stream. What was committed before an error stays.
    ///
    /// # Errors
    /// `Io` for a stream that cannot be read, and as [`Store::ingest`].
    ///
    /// ```
    /// use regulars::{Ingest, Store};
    /// let store = Store::in_memory()?;
    /// let lines = b"{\"type\":\"page\",\"userId\":\"1\"}\n{\"type\":\"page\",\"userId\":\"2\"}\n";
    /// let receipt = store.ingest_reader(&lines[..], &Ingest::new(), |_| {})?;
    /// assert_eq!(receipt.accepted, 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn ingest_reader(&self, stream: impl Read, how: &Ingest, progress: impl FnMut(Progress)) -> Result<Receipt> {
        self.commit_each(progress, |take| self.inner.read_lines(stream, how, take))
    }

    /// Commits every batch that `read` hands out, and tells how far it has come.
    pub(super) fn commit_each(
        &self,
        mut progress: impl FnMut(Progress),
        read: impl FnOnce(&mut TakeBatch<'_>) -> Result<()>,
    ) -> Result<Receipt> {
        let mut total = Receipt::default();
        read(&mut |batch, advance, mut come| {
            total.absorb(self.commit(batch, advance)?);
            come.accepted = total.accepted;
            progress(come);
            Ok(())
        })?;
        Ok(total)
    }
}

impl Inner {
    /// When a commit is received, and the instant that it moves the store to.
    pub(super) fn moment(&self, how: &Ingest) -> (Timestamp, Option<Timestamp>) {
        let live = self.gate.published().live;
        match (self.clock, how.received_at) {
            (_, Some(at)) => (at, Some(at)),
            (Clock::System, None) => {
                let now = Self::wall_clock();
                (now, Some(now))
            }
            (Clock::Manual, None) => (live.unwrap_or_else(Self::wall_clock), None),
        }
    }

    /// Hands out the messages of a stream of lines, batch by batch.
    pub(super) fn read_lines(&self, stream: impl Read, how: &Ingest, take: &mut TakeBatch<'_>) -> Result<()> {
        let mut reader = LineReader::new(stream, self.charter.config.limits.line_bytes);
        let mut scratch = Scratch::default();
        let mut lines = 0;
        let batch_lines = how.batch_lines.unwrap_or(10_000);
        loop {
            let (received_at, advance) = self.moment(how);
            let intake = self.intake(how, received_at)?;
            let mut batch = Batch::default();
            let start = lines;
            let mut ended = false;
            while lines - start < batch_lines && batch.size_bytes() < BATCH_BYTES_MAX {
                let next = reader.next_line().map_err(|error| Error::io("read", Path::new("the stream"), error))?;
                match next {
                    Some(Line::Text(number, line)) => {
                        lines = number;
                        read_line(line, number, &intake, &mut scratch, &mut |outcome| batch.take(outcome));
                    }
                    Some(Line::TooLarge(number)) => {
                        lines = number;
                        batch.receipt.reject(number, None, Reason::TooLarge);
                    }
                    None => {
                        ended = true;
                        break;
                    }
                }
            }
            take(batch, advance, Progress { lines, bytes: reader.read_bytes(), accepted: 0 })?;
            if ended {
                return Ok(());
            }
        }
    }

    /// The facts of a body, and the instant that it moves the store to.
    pub(super) fn read(&self, body: &[u8], how: &Ingest) -> Result<(Batch, Option<Timestamp>)> {
        let (received_at, advance) = self.moment(how);
        let intake = self.intake(how, received_at)?;
        let mut batch = Batch::default();
        read_body(body, &intake, &mut Scratch::default(), &mut |outcome| batch.take(outcome));
        Ok((batch, advance))
    }

    pub(super) fn intake<'c>(&'c self, how: &'c Ingest, received_at: Timestamp) -> Result<Intake<'c>> {
        how.intake(&self.normalizer, received_at)
    }
}

impl Batch {
    fn take(&mut self, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Fact { line, ordinal, fact, flags } => self.push(line, ordinal, fact, flags),
            Outcome::Reject { line, ordinal, reason, field } => {
                self.receipt.reject(line, ordinal, Refusal { reason, field });
            }
        }
    }
}
