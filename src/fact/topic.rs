//! The events that the Segment spec defines for shops (version 2) and for e-mail.

use crate::base::name::nfc;

/// The kinds of events that share their properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Order,
    Product,
    ProductList,
    Cart,
    Checkout,
    Coupon,
    Promotion,
    Campaign,
}

impl Topic {
    /// What a track of that name is about; `None` for custom events.
    pub(crate) fn of(event: &str) -> Option<Self> {
        Some(match event {
            "Order Completed" | "Order Updated" | "Order Refunded" | "Order Cancelled" => Self::Order,
            "Product Viewed"
            | "Product Clicked"
            | "Product Added"
            | "Product Removed"
            | "Product Added to Wishlist"
            | "Product Removed from Wishlist"
            | "Wishlist Product Added to Cart"
            | "Product Shared"
            | "Product Reviewed" => Self::Product,
            "Product List Viewed" | "Product List Filtered" | "Products Searched" => Self::ProductList,
            "Cart Viewed" | "Cart Shared" => Self::Cart,
            "Checkout Started" | "Checkout Step Viewed" | "Checkout Step Completed" | "Payment Info Entered" => {
                Self::Checkout
            }
            "Coupon Entered" | "Coupon Applied" | "Coupon Denied" | "Coupon Removed" => Self::Coupon,
            "Promotion Viewed" | "Promotion Clicked" => Self::Promotion,
            "Email Delivered"
            | "Email Opened"
            | "Email Link Clicked"
            | "Email Bounced"
            | "Email Marked as Spam"
            | "Unsubscribed" => Self::Campaign,
            _ => return None,
        })
    }
}

/// Whether events of that name have money that may be in another currency than the store's.
pub(crate) fn is_commerce(event: &str) -> bool {
    Topic::of(&nfc(event)).is_some_and(|topic| topic != Topic::Campaign)
}
