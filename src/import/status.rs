//! What the status of an order says about it, in the words of shop systems.
//!
//! An order that awaits its payment (Shopify's `pending`: a bank transfer, cash on delivery) is an order. One whose
//! checkout was never finished (WooCommerce's `wc-pending` and `Pending payment`, drafts, failed payments) is none yet;
//! next week's export may say otherwise. What was `voided` or cancelled is an order that came back.

/// What became of an order, or of one of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It was never placed.
    NeverPlaced,
    /// It was placed, and stands.
    Placed,
    /// It was placed and cancelled.
    Cancelled,
    /// It was placed and refunded in full.
    Refunded,
}

/// Reads a status that is not blank; a word that nobody knows says that there is an order.
pub(super) fn read(status: &str) -> Status {
    let status = status.trim().to_lowercase().replace(['-', '_'], " ");
    match status.as_str() {
        "wc pending" => return Status::NeverPlaced,
        "voided" => return Status::Cancelled,
        _ => {}
    }
    match status.strip_prefix("wc ").unwrap_or(&status) {
        "pending payment" | "failed" | "draft" | "checkout draft" | "auto draft" | "trash" | "abandoned"
        | "expired" => Status::NeverPlaced,
        "cancelled" | "canceled" => Status::Cancelled,
        "refunded" => Status::Refunded,
        _ => Status::Placed,
    }
}

/// Which statuses the rows of one order have; blank ones say nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statuses {
    never_placed: bool,
    placed: bool,
    /// The gravest of those that say that something came back.
    undone: Option<Status>,
}

impl Statuses {
    pub(super) fn add(&mut self, status: Status) {
        match status {
            Status::NeverPlaced => self.never_placed = true,
            Status::Placed => self.placed = true,
            Status::Refunded => _ = self.undone.get_or_insert(status),
            Status::Cancelled => self.undone = Some(status),
        }
    }

    /// Whether all that is said is that there was no order.
    pub(super) fn is_never_placed(self) -> bool {
        self.never_placed && !self.placed && self.undone.is_none()
    }

    /// How the whole order was undone, if no row stands.
    pub(super) fn undone(self) -> Option<Status> {
        self.undone.filter(|_| !self.placed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_shop_systems_are_read() {
        for (word, expected) in [
            ("paid", Status::Placed),
            ("pending", Status::Placed),
            ("authorized", Status::Placed),
            ("partially_refunded", Status::Placed),
            ("wc-on-hold", Status::Placed),
            ("wc-pending", Status::NeverPlaced),
            ("Pending payment", Status::NeverPlaced),
            ("wc-checkout-draft", Status::NeverPlaced),
            ("Failed", Status::NeverPlaced),
            ("voided", Status::Cancelled),
            ("wc-cancelled", Status::Cancelled),
            (" Canceled ", Status::Cancelled),
            ("wc-refunded", Status::Refunded),
        ] {
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn an_order_is_undone_where_no_row_stands() {
        let of = |words: &[&str]| {
            let mut all = Statuses::default();
            words.iter().for_each(|word| all.add(read(word)));
            all
        };
        assert_eq!(of(&["refunded", "cancelled"]).undone(), Some(Status::Cancelled));
        assert_eq!(of(&["cancelled", "refunded"]).undone(), Some(Status::Cancelled));
        assert_eq!(of(&["paid", "refunded"]).undone(), None);
        assert!(of(&["draft"]).is_never_placed() && !of(&["draft", "paid"]).is_never_placed());
        assert!(!of(&[]).is_never_placed());
    }
}
