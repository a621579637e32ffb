//! What the status of an order says about it, in the words of shop systems.
//!
//! An order that awaits its payment (Shopify's `pending`: a bank transfer, cash on delivery) is an order. One whose
//! checkout was never finished (WooCommerce's `wc-pending` and `Pending payment`, drafts, failed payments) is none yet;
//! next week's export may say otherwise. What was `voided` or cancelled is an order that came back.

use super::header::folded;

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

/// How the words of each language begin, folded.
const CANCELLED: [&str; 23] = [
    "cancelled",
    "canceled",
    "void",
    "storniert",
    "annulliert",
    "abgebrochen",
    "annule",
    "cancelad",
    "anulad",
    "annullat",
    "geannuleerd",
    "annulleret",
    "makulerad",
    "anulowan",
    "zrusen",
    "stornovan",
    "storno",
    "avbruten",
    "avbestall",
    "annullerad",
    "kansellert",
    "avbestilt",
    "ordercancel",
];
const REFUNDED: [&str; 16] = [
    "refunded",
    "fullyrefunded",
    "chargeback",
    "chargedback",
    "erstattet",
    "rembourse",
    "reembolsad",
    "rimborsat",
    "terugbetaald",
    "refunderet",
    "aterbetald",
    "refundert",
    "zwrocon",
    "zwrot",
    "vracen",
    "vraceno",
];
const NEVER_PLACED: [&str; 20] = [
    "pendingpayment",
    "failed",
    "paymentfailed",
    "paymenterror",
    "draft",
    "checkoutdraft",
    "autodraft",
    "trash",
    "abandoned",
    "expired",
    "incomplete",
    "declined",
    "fehlgeschlagen",
    "entwurf",
    "echoue",
    "fallid",
    "fallit",
    "mislukt",
    "odrzucon",
    "nieoplacone",
];

/// Reads a status that is not blank; a word that nobody knows says that there is an order.
pub(super) fn read(status: &str) -> Status {
    let word = folded(status);
    if word == "wcpending" {
        return Status::NeverPlaced;
    }
    let word = word.strip_prefix("wc").unwrap_or(&word);
    let is = |words: &[&str]| words.iter().any(|own| word.starts_with(own));
    if NEVER_PLACED.contains(&word) || (word.len() > 5 && is(&["fehlgeschlagen", "echoue", "fallid", "fallit"])) {
        Status::NeverPlaced
    } else if is(&CANCELLED) {
        Status::Cancelled
    } else if is(&REFUNDED) {
        Status::Refunded
    } else {
        Status::Placed
    }
}

/// What the statuses of an order and of its payment say together: that it came back, whichever of them does, else the first.
pub(super) fn of_all(cells: &[&str]) -> Option<Status> {
    let all = || cells.iter().map(|cell| read(cell));
    let undone = |status: Status| all().find(|own| *own == status);
    undone(Status::Cancelled).or_else(|| undone(Status::Refunded)).or_else(|| all().next())
}

/// What a row of a list of payments is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    Order,
    Refund,
    /// Fees, transfers and the like.
    Other,
}

/// How the words for what came back look.
const REFUND_ROWS: [&str; 17] = [
    "refund",
    "return",
    "chargeback",
    "reversal",
    "erstattung",
    "ruckzahlung",
    "gutschrift",
    "retoure",
    "rembours",
    "reembolso",
    "devolucion",
    "rimborso",
    "terugbetaling",
    "retour",
    "refusjon",
    "tilbagebetaling",
    "aterbetalning",
];
/// Those for what is neither.
const OTHER_ROWS: [&str; 15] = [
    "fee",
    "transfer",
    "payout",
    "withdrawal",
    "adjustment",
    "conversion",
    "deposit",
    "gebuhr",
    "auszahlung",
    "virement",
    "frais",
    "retiro",
    "prelievo",
    "uitbetaling",
    "udbetaling",
];
/// Those for what was bought.
const ORDER_ROWS: [&str; 24] = [
    "order",
    "payment",
    "sale",
    "charge",
    "purchase",
    "checkout",
    "zahlung",
    "bestellung",
    "verkauf",
    "commande",
    "paiement",
    "vente",
    "achat",
    "pedido",
    "pago",
    "venta",
    "compra",
    "ordine",
    "pagamento",
    "vendita",
    "bestelling",
    "betaling",
    "verkoop",
    "ordre",
];

/// What the word of a row says that it is; `None` for words that say nothing about that.
pub(super) fn row_kind(word: &str) -> Option<RowKind> {
    let word = folded(word);
    let has = |words: &[&str]| words.iter().any(|own| word.contains(own));
    if has(&OTHER_ROWS) {
        Some(RowKind::Other)
    } else if has(&REFUND_ROWS) {
        Some(RowKind::Refund)
    } else {
        has(&ORDER_ROWS).then_some(RowKind::Order)
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
            ("Storniert", Status::Cancelled),
            ("Annulée", Status::Cancelled),
            ("Remboursée", Status::Refunded),
            ("Partially refunded", Status::Placed),
            ("Cancelled by customer", Status::Cancelled),
            ("Anulowane", Status::Cancelled),
            ("Zrušeno", Status::Cancelled),
            ("Annulleret", Status::Cancelled),
            ("Avbruten", Status::Cancelled),
            ("Kansellert", Status::Cancelled),
            ("Cancelado", Status::Cancelled),
            ("Annullato", Status::Cancelled),
            ("Geannuleerd", Status::Cancelled),
            ("Zwrócone", Status::Refunded),
            ("Terugbetaald", Status::Refunded),
            ("Shipped", Status::Placed),
            ("Declined", Status::NeverPlaced),
        ] {
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn what_came_back_is_told_by_either_status() {
        for (cells, expected) in [
            (&["Completed", "Refunded"][..], Some(Status::Refunded)),
            (&["Refunded", "Voided"], Some(Status::Cancelled)),
            (&["Completed", "Failed"], Some(Status::Placed)),
            (&["Draft", "paid"], Some(Status::NeverPlaced)),
            (&["Shipped"], Some(Status::Placed)),
            (&[], None),
        ] {
            assert_eq!(of_all(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn rows_of_payments_say_what_they_are() {
        for (word, expected) in [
            ("Payment", Some(RowKind::Order)),
            ("Order", Some(RowKind::Order)),
            ("Refund", Some(RowKind::Refund)),
            ("Payment refund", Some(RowKind::Refund)),
            ("Rückerstattung", Some(RowKind::Refund)),
            ("Service Fee", Some(RowKind::Other)),
            ("Transfer", Some(RowKind::Other)),
            ("simple", None),
            ("", None),
        ] {
            assert_eq!(row_kind(word), expected, "{word}");
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
