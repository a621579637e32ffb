//! A profile as a page of text.

use super::consent::Suppression;
use super::profile::{OrderSummary, Profile};
use crate::base::{Id, Money};
use std::fmt;

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.known { "Customer" } else { "Anonymous visitor" };
        writeln!(f, "{who} {}", self.id)?;
        if let Some(id) = self.asked.identifier.as_ref().filter(|_| self.asked.shared) {
            let others = self.asked.people_count.saturating_sub(1);
            writeln!(
                f,
                "  asked for {} {}, which {others} others share: shown is who had it then",
                id.namespace(),
                id.value()
            )?;
        }
        if let (Some(first), Some(last)) = (self.first_seen, self.last_seen) {
            writeln!(f, "  first seen {}, last seen {}", day(first), day(last))?;
        }
        if let Some(zone) = &self.time_zone {
            writeln!(f, "  time zone {zone}")?;
        }
        section(f, "Identifiers")?;
        for id in &self.identifiers {
            writeln!(f, "  {:<14} {}", id.namespace(), id.value())?;
        }
        if !self.traits.is_empty() {
            section(f, "Traits")?;
            for (name, value) in &self.traits {
                writeln!(f, "  {name:<14} {}", value.as_str())?;
            }
        }
        section(f, "Orders")?;
        orders(f, &self.orders)?;
        consent(f, self)?;
        if !self.segments.is_empty() {
            section(f, "Segments")?;
            writeln!(f, "  {}", self.segments.join(", "))?;
        }
        if !self.groups.is_empty() {
            section(f, "Groups")?;
            for membership in &self.groups {
                writeln!(f, "  {:<14} since {}", membership.group, day(membership.since))?;
            }
        }
        section(f, "Activity")?;
        for (name, count) in &self.activity {
            writeln!(f, "  {count:>6} x {name}")?;
        }
        if !self.events.is_empty() {
            section(f, "Latest events")?;
        }
        for event in &self.events {
            let properties = event.properties.as_ref().map_or("", |properties| properties.as_str());
            writeln!(f, "  {}  {:<20} {}", event.ts, event.event, shortened(properties))?;
        }
        Ok(())
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
    writeln!(f, "\n{title}")
}

fn orders(f: &mut fmt::Formatter<'_>, orders: &OrderSummary) -> fmt::Result {
    let money = |minor: i64| match orders.currency {
        Some(currency) => Money::new(minor, currency).to_string(),
        None => minor.to_string(),
    };
    if orders.count == 0 && orders.refunded_minor == 0 {
        return writeln!(f, "  none");
    }
    write!(f, "  {} order{}, net {}", orders.count, if orders.count == 1 { "" } else { "s" }, money(orders.net_minor))?;
    if orders.refunded_minor != 0 {
        write!(f, " (gross {}, refunded {})", money(orders.gross_minor), money(orders.refunded_minor))?;
    }
    if let Some(average) = orders.average_minor {
        write!(f, ", average {}", money(average))?;
    }
    writeln!(f)?;
    if let (Some(first), Some(last)) = (orders.first, orders.last) {
        writeln!(f, "  first {}, last {}", day(first), day(last))?;
    }
    for (code, net) in &orders.other_currencies {
        let amount = code.parse().map_or_else(|_| format!("{net} {code}"), |code| Money::new(*net, code).to_string());
        writeln!(f, "  beside that {amount}, which no recorded rate converts")?;
    }
    Ok(())
}

fn consent(f: &mut fmt::Formatter<'_>, profile: &Profile) -> fmt::Result {
    if !profile.consent.is_empty() || !profile.suppressed.is_empty() {
        section(f, "Consent")?;
    }
    for consent in &profile.consent {
        let topic = [consent.channel.as_deref(), consent.purpose.as_deref()];
        let topic = topic.into_iter().flatten().collect::<Vec<_>>().join(" ");
        write!(f, "  {topic:<20} {} since {}", consent.status.name(), day(consent.ts))?;
        place(f, " for", consent.identifier.as_ref())?;
    }
    for suppression in &profile.suppressed {
        let Suppression { channel, cause, ts, identifier, .. } = suppression;
        write!(f, "  {channel:<20} not to be used: {} on {}", cause.name(), day(*ts))?;
        place(f, " at", identifier.as_ref())?;
    }
    Ok(())
}

/// The contact, if it has a name, and the end of the line.
fn place(f: &mut fmt::Formatter<'_>, word: &str, identifier: Option<&Id>) -> fmt::Result {
    match identifier {
        Some(identifier) => writeln!(f, "{word} {}", identifier.value()),
        None => writeln!(f),
    }
}

fn day(ts: crate::Timestamp) -> String {
    ts.to_string().chars().take(10).collect()
}

/// Enough of a long value to recognize it.
fn shortened(text: &str) -> String {
    const WIDTH: usize = 100;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH).chain(" ...".chars()).collect()
}
