//! Customers of a stratum who are alike in what is known of them.

/// The customers of a stratum.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// How many take part in each simulated pilot.
    pub customers: u64,
    /// How many of them are in each arm, where the pilot's arms are in its data.
    pub by_arm: Option<Vec<u64>>,
    pub profiles: Vec<Profile>,
    /// Customers of the profiles up to and with each.
    pub cumulative: Vec<u64>,
    /// The rates that posteriors are over, in contacts per unit of time.
    pub rates: Vec<f64>,
    /// Cumulative probabilities of a customer's rate of whom nothing is known.
    pub prior: Vec<f64>,
}

/// Customers who are alike in what is known of them.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub exposure: i64,
    pub before_exposure: i64,
    /// Time before and after, in the unit of the rates; `None` without a before period.
    pub before_time: Option<f64>,
    pub after_time: f64,
    pub known: Known,
}

/// What is known of a customer's counts.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// Rates are gamma distributed: mean, dispersion φ, and the share of φ that lasts from
    /// before to after.
    Gamma {
        mean: f64,
        dispersion: f64,
        lasting: f64,
    },
    /// The count before (`None`: no before period) and the cumulative probabilities of the rates.
    Before(Option<i64>, Vec<f64>),
    /// Both counts, fixed-point.
    Pair(Option<i64>, Option<i64>),
}

impl Profile {
    /// Mean after; `None` where it was not observed.
    pub fn mean(&self, group: &Group, lasting: f64, unit: f64) -> Option<f64> {
        match &self.known {
            Known::Gamma { mean, .. } => Some(mean * self.after_time),
            Known::Pair(_, after) => after.map(|y| y as f64 * unit),
            Known::Before(_, posterior) => {
                let own = expected(&group.rates, posterior, |r| r);
                let anew = expected(&group.rates, &group.prior, |r| r);
                Some((lasting * own + (1.0 - lasting) * anew) * self.after_time)
            }
        }
    }
}

impl Group {
    /// The customers of a stratum, drawn from profiles with how many customers each has.
    pub fn new(customers: u64, by_arm: Option<Vec<u64>>, profiles: Vec<(Profile, u64)>) -> Self {
        let mut sum = 0;
        let (profiles, cumulative) = profiles
            .into_iter()
            .map(|(profile, n)| {
                sum += n;
                (profile, sum)
            })
            .unzip();
        Group {
            customers,
            by_arm,
            profiles,
            cumulative,
            rates: Vec::new(),
            prior: Vec::new(),
        }
    }
}

/// Mean of f(rate) by cumulative probabilities.
pub(super) fn expected(rates: &[f64], cumulative: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut before = 0.0;
    let mut mean = 0.0;
    for (rate, upto) in rates.iter().zip(cumulative) {
        mean += f(*rate) * (upto - before);
        before = *upto;
    }
    mean
}

/// Running sums of probabilities; the last is 1.
pub(super) fn cumulative(probabilities: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut all: Vec<f64> = probabilities
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect();
    if let Some(last) = all.last_mut() {
        *last = 1.0;
    }
    all
}

/// `total` in the proportions of `weights`, by largest remainder; earlier ones first on a tie.
pub(super) fn in_proportion(weights: &[u64], total: u64) -> Vec<u64> {
    let whole: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let parts: Vec<u128> = weights
        .iter()
        .map(|w| u128::from(*w) * u128::from(total))
        .collect();
    // A part is at most the total.
    let mut shares: Vec<u64> = parts.iter().map(|p| (p / whole) as u64).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(parts[*i] % whole));
    let given: u64 = shares.iter().sum();
    for i in order.into_iter().take((total - given) as usize) {
        shares[i] += 1;
    }
    shares
}
