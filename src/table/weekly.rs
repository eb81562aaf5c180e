//! Contacts week by week of the after window, by arm, as exact sums.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::cells::ArmId;

/// Customers of an arm who were observed through both of two weeks, and what they add up to.
///
/// Weeks are counted from 0 and from each customer's own start; only whole weeks of the
/// customer's window count. Sums are fixed-point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WeekPair {
    /// Customers observed through both weeks.
    pub customers: u64,
    /// Σ y in the later week.
    pub sum: i128,
    /// Σ y in the earlier week; the same as `sum` where both are one.
    pub other_sum: i128,
    /// Σ y·y'.
    pub product: i128,
}

/// One outcome week by week: for each arm every pair of weeks, which is all that the covariance
/// between weekly means needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekly {
    decimals: u8,
    weeks: usize,
    /// By arm: pairs (0, 0), (1, 0), (1, 1), (2, 0), …
    arms: Vec<Vec<WeekPair>>,
}

impl Weekly {
    /// Most weeks that are kept: two years.
    pub const MOST: usize = 104;
    /// Decimals of handling seconds; contacts have none.
    pub const MEAN_DECIMALS: u8 = 6;

    /// One outcome's weeks, pairs in any order; an arm without any has no customer.
    ///
    /// # Errors
    /// A pair that is missing or there twice, an arm that does not exist, or numbers that no
    /// customers can have: weeks that lose and win customers again, or Σy² · n below (Σy)².
    pub fn new(
        arms: usize,
        decimals: u8,
        pairs: impl IntoIterator<Item = (ArmId, usize, usize, WeekPair)>,
    ) -> Result<Self> {
        let mut found: Vec<(usize, usize, usize, WeekPair)> = pairs
            .into_iter()
            .map(|(arm, week, other, pair)| (usize::from(arm.0), week, other, pair))
            .collect();
        found.sort_unstable_by_key(|(arm, week, other, _)| (*arm, *week, *other));
        let weeks = found.iter().map(|f| f.1 + 1).max().unwrap_or(0);
        let mut by_arm: Vec<Vec<WeekPair>> = vec![Vec::new(); arms];
        for (arm, week, other, pair) in found {
            let list = by_arm
                .get_mut(arm)
                .ok_or_else(|| Error::internal("a week names an arm that does not exist"))?;
            if other > week || list.len() != place(week, other) {
                return Err(Error::data(format!(
                    "weeks {} and {} of an arm are missing or there twice",
                    week + 1,
                    other + 1
                ))
                .hint("every arm has one row for each pair of its weeks, the later one first"));
            }
            list.push(pair);
        }
        let none = WeekPair::default();
        for list in &mut by_arm {
            if list.is_empty() || list.len() == place(weeks, 0) {
                list.resize(place(weeks, 0), none);
                continue;
            }
            return Err(Error::data("the arms have not the same number of weeks")
                .hint("an arm of which nobody was observed so long has rows with 0 customers"));
        }
        let weekly = Weekly {
            decimals,
            weeks,
            arms: by_arm,
        };
        weekly.checked()
    }

    fn checked(self) -> Result<Self> {
        let wrong = |week: usize, why: &str| {
            Err(Error::data(format!("week {}: {why}", week + 1)).hint(
                "`sum` is Σy of `week`, `other_sum` of `other_week`, `product` Σ of their products",
            ))
        };
        for arm in 0..self.arms.len() {
            let arm = ArmId(arm as u16);
            let mut before = u64::MAX;
            for week in 0..self.weeks {
                let own = self.pair(arm, week, week);
                if own.customers > before {
                    return wrong(week, "more customers were observed than the week before");
                }
                before = own.customers;
                let n = i128::from(own.customers);
                let spread = own
                    .product
                    .checked_mul(n)
                    .zip(own.sum.checked_mul(own.sum))
                    .map(|(a, b)| a >= b);
                if own.sum != own.other_sum || spread == Some(false) {
                    return wrong(week, "the sums do not fit each other");
                }
                for other in 0..week {
                    let pair = self.pair(arm, week, other);
                    if pair.customers != own.customers || pair.sum != own.sum {
                        return wrong(
                            week,
                            "customers and sum are not the same in all rows of the week",
                        );
                    }
                }
            }
        }
        Ok(self)
    }

    /// Whole weeks that anybody was observed.
    pub fn weeks(&self) -> usize {
        self.weeks
    }

    /// Number of arms.
    pub fn arms(&self) -> usize {
        self.arms.len()
    }

    /// Decimals of the sums; products have twice as many.
    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Customers observed through both weeks, `other` not after `week`.
    pub fn pair(&self, arm: ArmId, week: usize, other: usize) -> &WeekPair {
        &self.arms[usize::from(arm.0)][place(week, other)]
    }

    /// All pairs: arm, week, other week, and their sums.
    pub fn pairs(&self) -> impl Iterator<Item = (ArmId, usize, usize, &WeekPair)> {
        let weeks = self.weeks;
        self.arms.iter().enumerate().flat_map(move |(arm, list)| {
            let at = (0..weeks).flat_map(|week| (0..=week).map(move |other| (week, other)));
            at.zip(list)
                .map(move |((week, other), pair)| (ArmId(arm as u16), week, other, pair))
        })
    }
}

/// Place of a pair of weeks; of (weeks, 0), how many pairs there are.
fn place(week: usize, other: usize) -> usize {
    week * (week + 1) / 2 + other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(customers: u64, sum: i128, other_sum: i128, product: i128) -> WeekPair {
        WeekPair {
            customers,
            sum,
            other_sum,
            product,
        }
    }

    #[test]
    fn pairs_come_back_in_order_and_an_arm_may_be_empty() {
        let rows = vec![
            (ArmId(1), 1, 1, pair(2, 1, 1, 1)),
            (ArmId(1), 0, 0, pair(3, 4, 4, 6)),
            (ArmId(1), 1, 0, pair(2, 1, 3, 1)),
        ];
        let weekly = Weekly::new(2, 0, rows).unwrap();
        assert_eq!(weekly.weeks(), 2);
        assert_eq!(weekly.pair(ArmId(0), 1, 0), &WeekPair::default());
        let order: Vec<_> = weekly.pairs().map(|(a, w, v, _)| (a.0, w, v)).collect();
        assert_eq!(
            order,
            [
                (0, 0, 0),
                (0, 1, 0),
                (0, 1, 1),
                (1, 0, 0),
                (1, 1, 0),
                (1, 1, 1)
            ]
        );
    }

    #[test]
    fn what_no_customers_can_have_is_refused() {
        let arm = ArmId(0);
        let sound = (arm, 0, 0, pair(3, 4, 4, 6));
        for rows in [
            vec![sound, sound],
            vec![(arm, 1, 1, pair(3, 1, 1, 1))],
            vec![(ArmId(7), 0, 0, pair(1, 0, 0, 0))],
            vec![(arm, 0, 0, pair(3, 4, 4, 5))],
            vec![(arm, 0, 0, pair(3, 4, 3, 6))],
            vec![(arm, 0, 1, pair(3, 4, 3, 6))],
            vec![
                sound,
                (arm, 1, 0, pair(3, 1, 4, 1)),
                (arm, 1, 1, pair(4, 1, 1, 1)),
            ],
            vec![
                sound,
                (arm, 1, 0, pair(4, 1, 4, 1)),
                (arm, 1, 1, pair(4, 1, 1, 1)),
            ],
        ] {
            assert!(Weekly::new(1, 0, rows.clone()).is_err(), "{rows:?}");
        }
    }
}
