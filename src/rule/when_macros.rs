//! The comparisons that several of the builder's nouns share, written once.

/// The comparisons of a number; `$of` is an example of one.
macro_rules! compare_numbers {
    ($type:ty, $of:literal) => {
        impl $type {
            /// The number is exactly this.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".is(1);")]
            /// assert!(rule.to_json().contains(r#""is":1"#));
            /// ```
            #[must_use]
            pub fn is(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Is { negated: false, value: Literal::Number(number.into()) })
            }

            /// The number is anything else, or missing.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".is_not(1);")]
            /// assert!(rule.to_json().contains(r#""is_not":1"#));
            /// ```
            #[must_use]
            pub fn is_not(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Is { negated: true, value: Literal::Number(number.into()) })
            }

            /// The number or more.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".at_least(2);")]
            /// assert!(rule.to_json().contains(r#""gte":2"#));
            /// ```
            #[must_use]
            pub fn at_least(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Compare(Relation::Gte, Literal::Number(number.into())))
            }

            /// The number or less.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".at_most(2);")]
            /// assert!(rule.to_json().contains(r#""lte":2"#));
            /// ```
            #[must_use]
            pub fn at_most(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Compare(Relation::Lte, Literal::Number(number.into())))
            }

            /// More than the number.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".more_than(2);")]
            /// assert!(rule.to_json().contains(r#""gt":2"#));
            /// ```
            #[must_use]
            pub fn more_than(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Compare(Relation::Gt, Literal::Number(number.into())))
            }

            /// Less than the number.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".less_than(2);")]
            /// assert!(rule.to_json().contains(r#""lt":2"#));
            /// ```
            #[must_use]
            pub fn less_than(self, number: impl Into<Decimal>) -> Rule {
                self.compared(Test::Compare(Relation::Lt, Literal::Number(number.into())))
            }

            /// From the one to the other, both included.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".between(1..=3);")]
            /// assert!(rule.to_json().contains(r#""between":[1,3]"#));
            /// ```
            #[must_use]
            pub fn between<N: Into<Decimal>>(self, range: RangeInclusive<N>) -> Rule {
                let (low, high) = range.into_inner();
                self.compared(Test::Between(Literal::Number(low.into()), Literal::Number(high.into())))
            }
        }
    };
}

/// Narrowing what is counted: events and orders alike.
macro_rules! narrow {
    ($type:ty, $of:literal) => {
        impl $type {
            /// Only those that meet the condition.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".filter(when::property(\"coupon\").is_set()).at_least(1);")]
            /// assert!(rule.to_json().contains(r#""where":{"property":"coupon","is_set":true}"#));
            /// ```
            #[must_use]
            pub fn filter(mut self, condition: Condition) -> Self {
                self.filter = Some(match self.filter.take() {
                    Some(earlier) => (Condition(earlier) & condition).0,
                    None => condition.0,
                });
                self
            }

            /// Only those of one shop; the empty name is the shop of sources that declare none.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let rule = ", $of, ".in_shop(\"dk\").at_least(1);")]
            /// assert!(rule.to_json().contains(r#""shop":"dk""#));
            /// ```
            #[must_use]
            pub fn in_shop(mut self, shop: impl Into<String>) -> Self {
                self.shop = Some(shop.into());
                self
            }

            /// Only those of the last `span`, `(t - span, t]`.
            ///
            /// ```
            /// use regulars::{Span, when};
            #[doc = concat!("let rule = ", $of, ".within(Span::days(30)).at_least(1);")]
            /// assert!(rule.to_json().contains(r#""window":{"last":"30d"}"#));
            /// ```
            #[must_use]
            pub fn within(mut self, span: Span) -> Self {
                self.window = Some(Window::Last(span));
                self
            }

            /// Only those between `from` and `to` ago, the longer span first: `(t - from, t - to]`.
            ///
            /// ```
            /// use regulars::{Span, when};
            #[doc = concat!("let rule = ", $of, ".ago(Span::days(90), Span::days(30)).at_least(1);")]
            /// assert!(rule.to_json().contains(r#""window":{"ago":["90d","30d"]}"#));
            /// ```
            #[must_use]
            pub fn ago(mut self, from: Span, to: Span) -> Self {
                self.window = Some(Window::Ago(from, to));
                self
            }

            /// Only those from one instant to another, both included.
            ///
            /// ```
            /// use regulars::when;
            /// let (from, to) = ("2011-01-01".parse()?, "2011-02-01".parse()?);
            #[doc = concat!("let rule = ", $of, ".during(from..=to).at_least(1);")]
            /// assert!(rule.to_json().contains(r#""window":{"between":["2011-01-01","2011-02-01"]}"#));
            /// # Ok::<(), regulars::Error>(())
            /// ```
            #[must_use]
            pub fn during(mut self, range: RangeInclusive<Timestamp>) -> Self {
                let (from, to) = range.into_inner();
                self.window = Some(Window::Between(from, to));
                self
            }
        }
    };
}

/// The comparisons of a value of any type. Negate a rule or condition with `!` for the exact complement.
macro_rules! compare_values {
    ($type:ty => $out:ty, $of:literal, $wrap:literal) => {
        impl $type {
            /// Equal: same type, same value; strings compare in NFC.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".is(\"gold\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""is":"gold""#));
            /// ```
            #[must_use]
            pub fn is(self, value: impl Into<Scalar>) -> $out {
                self.compared(Test::Is { negated: false, value: value.into().0 })
            }

            /// Anything else, or missing.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".is_not(\"gold\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""is_not":"gold""#));
            /// ```
            #[must_use]
            pub fn is_not(self, value: impl Into<Scalar>) -> $out {
                self.compared(Test::Is { negated: true, value: value.into().0 })
            }

            /// Equal to one of the values.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".is_in([\"a\", \"b\"]);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""in":["a","b"]"#));
            /// ```
            #[must_use]
            pub fn is_in(self, values: impl IntoIterator<Item = impl Into<Scalar>>) -> $out {
                self.compared(Test::In { negated: false, values: literals(values) })
            }

            /// Equal to none of the values, or missing.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".not_in([\"a\", \"b\"]);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""not_in":["a","b"]"#));
            /// ```
            #[must_use]
            pub fn not_in(self, values: impl IntoIterator<Item = impl Into<Scalar>>) -> $out {
                self.compared(Test::In { negated: true, values: literals(values) })
            }

            /// There is a value.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".is_set();")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""is_set":true"#));
            /// ```
            #[must_use]
            pub fn is_set(self) -> $out {
                self.compared(Test::Set { negated: false })
            }

            /// There is no value, or it was cleared.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".is_not_set();")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""is_not_set":true"#));
            /// ```
            #[must_use]
            pub fn is_not_set(self) -> $out {
                self.compared(Test::Set { negated: true })
            }

            /// A number, this or more.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".at_least(2);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""gte":2"#));
            /// ```
            #[must_use]
            pub fn at_least(self, number: impl Into<Decimal>) -> $out {
                self.compared(Test::Compare(Relation::Gte, Literal::Number(number.into())))
            }

            /// A number, this or less.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".at_most(2);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""lte":2"#));
            /// ```
            #[must_use]
            pub fn at_most(self, number: impl Into<Decimal>) -> $out {
                self.compared(Test::Compare(Relation::Lte, Literal::Number(number.into())))
            }

            /// A number above this.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".more_than(2);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""gt":2"#));
            /// ```
            #[must_use]
            pub fn more_than(self, number: impl Into<Decimal>) -> $out {
                self.compared(Test::Compare(Relation::Gt, Literal::Number(number.into())))
            }

            /// A number below this.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".less_than(2);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""lt":2"#));
            /// ```
            #[must_use]
            pub fn less_than(self, number: impl Into<Decimal>) -> $out {
                self.compared(Test::Compare(Relation::Lt, Literal::Number(number.into())))
            }

            /// A number from the one to the other, both included.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".between(1..=3);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""between":[1,3]"#));
            /// ```
            #[must_use]
            pub fn between<N: Into<Decimal>>(self, range: RangeInclusive<N>) -> $out {
                let (low, high) = range.into_inner();
                self.compared(Test::Between(Literal::Number(low.into()), Literal::Number(high.into())))
            }

            /// A string with this in it; or a list with this as a member.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".contains(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""contains":"a""#));
            /// ```
            #[must_use]
            pub fn contains(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::Anywhere,
                    negated: false,
                    fold: false,
                    needle: Literal::Text(Text::new(text, false)),
                })
            }

            /// A string with this in it, in any case.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".contains_ci(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""contains_ci":"a""#));
            /// ```
            #[must_use]
            pub fn contains_ci(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::Anywhere,
                    negated: false,
                    fold: true,
                    needle: Literal::Text(Text::new(text, true)),
                })
            }

            /// A string that begins so.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".starts_with(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""starts_with":"a""#));
            /// ```
            #[must_use]
            pub fn starts_with(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::Start,
                    negated: false,
                    fold: false,
                    needle: Literal::Text(Text::new(text, false)),
                })
            }

            /// A string that begins so, in any case.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".starts_with_ci(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""starts_with_ci":"a""#));
            /// ```
            #[must_use]
            pub fn starts_with_ci(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::Start,
                    negated: false,
                    fold: true,
                    needle: Literal::Text(Text::new(text, true)),
                })
            }

            /// A string that ends so.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".ends_with(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""ends_with":"a""#));
            /// ```
            #[must_use]
            pub fn ends_with(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::End,
                    negated: false,
                    fold: false,
                    needle: Literal::Text(Text::new(text, false)),
                })
            }

            /// A string that ends so, in any case.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".ends_with_ci(\"a\");")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""ends_with_ci":"a""#));
            /// ```
            #[must_use]
            pub fn ends_with_ci(self, text: &str) -> $out {
                self.compared(Test::Has {
                    part: Part::End,
                    negated: false,
                    fold: true,
                    needle: Literal::Text(Text::new(text, true)),
                })
            }

            /// A list with at least one of the values.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".contains_any([\"a\", \"b\"]);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""contains_any":["a","b"]"#));
            /// ```
            #[must_use]
            pub fn contains_any(self, values: impl IntoIterator<Item = impl Into<Scalar>>) -> $out {
                self.compared(Test::ContainsAny(literals(values)))
            }

            /// A list with all of the values.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".contains_all([\"a\", \"b\"]);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""contains_all":["a","b"]"#));
            /// ```
            #[must_use]
            pub fn contains_all(self, values: impl IntoIterator<Item = impl Into<Scalar>>) -> $out {
                self.compared(Test::ContainsAll(literals(values)))
            }

            /// A list of so many members or more.
            ///
            /// ```
            /// use regulars::when;
            #[doc = concat!("let it = ", $of, ".has_at_least(2);")]
            #[doc = concat!("let rule = ", $wrap, ";")]
            /// assert!(rule.to_json().contains(r#""len":{"gte":2}"#));
            /// ```
            #[must_use]
            pub fn has_at_least(self, members: u32) -> $out {
                self.compared(Test::Len(Box::new(Test::Compare(
                    Relation::Gte,
                    Literal::Number(i64::from(members).into()),
                ))))
            }
        }
    };
}

pub(super) use {compare_numbers, compare_values, narrow};
