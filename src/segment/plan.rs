//! In which order a rule is evaluated over everybody, and what it reads.

use crate::rule::node::{Ask, EventNode, Measure, Node, Rule, Window};

/// Leaves that look at a value a person before those that look at facts, and these before those that read people.
pub(super) fn cheapest_first(rules: &[Node]) -> Vec<&Node> {
    let mut ordered: Vec<&Node> = rules.iter().collect();
    ordered.sort_by_key(|rule| cost(rule));
    ordered
}

fn cost(node: &Node) -> u8 {
    match node {
        Node::Anonymous | Node::Trait { .. } | Node::Has { .. } | Node::Identifiers { .. } => 0,
        Node::Segment(_) => 1,
        Node::Event(EventNode { ask: Ask::Did(_) | Ask::Stopped(..) | Ask::Measure(Measure::Count, ..), .. })
        | Node::Bought { .. }
        | Node::BoughtTogether { .. } => 2,
        Node::Event(_) | Node::Orders(_) => 3,
        Node::Consent { .. } | Node::Suppressed { .. } => 4,
        Node::And(_) | Node::Or(_) | Node::Not(_) | Node::AtLeast(..) => {
            node.children().iter().map(cost).max().unwrap_or(0)
        }
    }
}

/// The plan of a rule: a line a node, in the order in which they are asked, each with what it reads.
pub(crate) fn plan(rule: &Rule) -> String {
    let mut lines = Vec::new();
    write(&rule.0, 0, &mut lines);
    lines.join("\n")
}

/// As deep as the rule, which parsing and definition bound.
fn write(node: &Node, depth: usize, lines: &mut Vec<String>) {
    lines.push(format!("{}{}", "  ".repeat(depth), told(node)));
    cheapest_first(node.children()).into_iter().for_each(|child| write(child, depth + 1, lines));
}

fn told(node: &Node) -> String {
    match node {
        Node::And(_) => "all of these; each is asked of whoever is left".to_owned(),
        Node::Or(_) => "any of these; each is asked of whoever is left".to_owned(),
        Node::Not(_) => "not".to_owned(),
        Node::AtLeast(needed, _) => format!("at least {needed} of these"),
        Node::Segment(name) => format!("the rule of segment {name:?}"),
        Node::Trait { path, .. } => format!("trait {path:?}: the distinct values are tested, then looked up"),
        Node::Event(event) => format!("event {:?}: {}{}", event.name, by(&event.ask), of(event.filter.is_some())),
        Node::Orders(orders) => {
            format!("orders: {} a person{}", orders.measure.name(), of(orders.filter.is_some()))
        }
        Node::Bought { window, .. } => format!("product lines of orders{}", within(*window)),
        Node::BoughtTogether { window, .. } => format!("orders with their product lines{}", within(*window)),
        Node::Consent { .. } => "consent: read contact by contact".to_owned(),
        Node::Suppressed { channel } => format!("suppression of {channel:?}: read contact by contact"),
        Node::Has { namespace } | Node::Identifiers { namespace, .. } => {
            format!("identifiers of {namespace:?}, counted")
        }
        Node::Anonymous => "people without an identifier of a person".to_owned(),
    }
}

fn by(ask: &Ask) -> String {
    match ask {
        Ask::Did(window) | Ask::Measure(Measure::Count, window, _) => format!("counted by time{}", within(*window)),
        Ask::Stopped(..) => "counted by time in two windows".to_owned(),
        Ask::Measure(..) | Ask::FirstTimeIn(_) | Ask::Restarted { .. } | Ask::Regularly { .. } => {
            "read person by person from the column".to_owned()
        }
    }
}

fn of(filtered: bool) -> &'static str {
    if filtered { ", of those that pass a condition on distinct values" } else { "" }
}

fn within(window: Option<Window>) -> &'static str {
    if window.is_some() { " in a window" } else { "" }
}
