//! The situations in which every estimator is tried: no effect, and everything else.

use std::path::Path;

use pilot::experiment::{self, Experiment, GroupSequential, PlannedEstimand, Sequential};
use pilot::planning::simulate::{
    ClusterLaw, Looking, LooksAt, NegativeBinomial, Population, Replay, Scenario,
};
use pilot::table::Evidence;

/// Draws of each permutation test and bootstrap.
pub const DRAWS: u32 = 999;
/// Seed of everything.
pub const SEED: u64 = 20_260_101;
/// Days of both windows.
const DAYS: u32 = 60;

/// One situation.
pub struct Cell {
    /// Stable name.
    pub id: String,
    /// Which table it belongs to.
    pub family: Family,
    /// In words, without the customers.
    pub words: String,
    /// Customers an arm.
    pub n: u64,
    /// The plan.
    pub experiment: Experiment,
    /// Its customers.
    pub population: Population,
    /// What happens to them.
    pub scenario: Scenario,
}

/// Tables of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Negative binomial counts.
    NegativeBinomial,
    /// The same where nothing is known of customers before.
    WithoutBefore,
    /// Negative binomial counts with 30 % of customers who never contact.
    ExtraZeros,
    /// Poisson counts with Pareto distributed rates.
    Pareto,
    /// Several arms, late arrivals, missing outcomes.
    Designs,
    /// Whole clusters of unequal size.
    Clusters,
    /// Five looks.
    Looks,
}

impl Family {
    /// All, in the document's order.
    pub const ALL: [Family; 7] = [
        Family::NegativeBinomial,
        Family::WithoutBefore,
        Family::ExtraZeros,
        Family::Pareto,
        Family::Designs,
        Family::Clusters,
        Family::Looks,
    ];

    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Family::NegativeBinomial => "negative-binomial",
            Family::WithoutBefore => "without-before",
            Family::ExtraZeros => "extra-zeros",
            Family::Pareto => "pareto",
            Family::Designs => "designs",
            Family::Clusters => "clusters",
            Family::Looks => "looks",
        }
    }
}

impl Cell {
    /// Its replays.
    pub fn replay(&self) -> Replay<'_> {
        Replay {
            experiment: &self.experiment,
            population: &self.population,
            scenario: &self.scenario,
            draws: DRAWS,
            seed: SEED,
        }
    }

    /// The plan and the evidence of its pilot `i`; at the first look where there are looks.
    pub fn pilot(&self, i: u64) -> pilot::error::Result<(Experiment, Evidence)> {
        let replay = self.replay();
        match self.family {
            Family::Looks => replay.first_look(i, &LooksAt::equal_times(LOOKS, &replay)?),
            _ => replay.pilot(i),
        }
    }

    /// The rules under which its pilots are looked at, by name; none where nobody looks.
    pub fn rules(&self) -> Vec<(&'static str, Looking)> {
        if self.family != Family::Looks {
            return Vec::new();
        }
        let replay = self.replay();
        let at = LooksAt::equal_times(LOOKS, &replay).expect("the cells have contacts");
        let rule = |spending: &'static str| {
            let rule = Sequential {
                looks: Vec::new(),
                information: Vec::new(),
                rule: Some(GroupSequential {
                    spending: spending.into(),
                    parameter: None,
                    futility: None,
                }),
                information_max: None,
                extension_weights: None,
            };
            let looking = Looking::new(&self.experiment, &rule, at.clone());
            (spending, looking.expect("the cells' looks have boundaries"))
        };
        RULES.map(rule).into()
    }
}

/// Looks, equally far apart in time.
const LOOKS: u32 = 5;
/// Lan and DeMets' spending functions.
const RULES: [&str; 2] = ["obrien-fleming", "pocock"];

const SIZES: [u64; 3] = [50, 200, 2000];
/// Clusters an arm, for each of the sizes.
const MANY: [u64; 3] = [10, 20, 100];
/// The same where they are few and large.
const FEW: [u64; 3] = [5, 10, 20];
const MEANS: [f64; 3] = [0.2, 1.0, 5.0];

/// Every situation.
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    let plain = Scenario {
        // Whether a treated customer took it up is recorded, so that `cace` has its column.
        uptake: Some(0.7),
        ..Scenario::PLAIN
    };
    for n in SIZES {
        for mean in MEANS {
            for dispersion in [0.1, 1.0, 5.0] {
                cells.push(cell(
                    Family::NegativeBinomial,
                    &format!("nb-mean{mean}-phi{dispersion}"),
                    format!("mean {mean}, φ {dispersion}"),
                    (n, 2),
                    (mean, dispersion),
                    plain,
                ));
            }
        }
        for mean in MEANS {
            cells.push(cell(
                Family::ExtraZeros,
                &format!("zeros-mean{mean}"),
                format!("mean {mean} of the others, φ 1, 30 % extra zeros"),
                (n, 2),
                (mean, 1.0),
                Scenario {
                    zero_inflation: 0.3,
                    ..plain
                },
            ));
        }
        for mean in MEANS {
            for tail in [2.5, 1.5] {
                cells.push(cell(
                    Family::Pareto,
                    &format!("pareto{tail}-mean{mean}"),
                    format!("mean {mean}, Pareto tail {tail}"),
                    (n, 2),
                    (mean, 0.0),
                    Scenario {
                        heavy_tail: Some(tail),
                        ..plain
                    },
                ));
            }
        }
        cells.push(cell(
            Family::Designs,
            "four-arms",
            "4 arms, mean 1, φ 1".into(),
            (n, 4),
            (1.0, 1.0),
            plain,
        ));
        let mut late = cell(
            Family::Designs,
            "late-arrivals",
            "customers observed for 1 to 60 days, mean 1 over 60, φ 1".into(),
            (n, 2),
            (1.0, 1.0),
            plain,
        );
        let days: Vec<u32> = (1..=DAYS).collect();
        late.population = late.population.observed_for(&days);
        cells.push(late);
        cells.push(cell(
            Family::Designs,
            "attrition",
            "the outcome of 20 % is missing, mean 1, φ 1".into(),
            (n, 2),
            (1.0, 1.0),
            Scenario {
                attrition: 0.2,
                ..plain
            },
        ));
    }
    for n in &SIZES[1..] {
        without_before(*n, plain, &mut cells);
    }
    for n in SIZES {
        clustered(n, plain, &mut cells);
        looked(n, &mut cells);
    }
    cells
}

/// Counts after alone, of which negative binomial models are true.
fn without_before(n: u64, scenario: Scenario, cells: &mut Vec<Cell>) {
    for mean in MEANS {
        for dispersion in [0.1, 1.0, 5.0] {
            let mut cell = cell(
                Family::WithoutBefore,
                &format!("nb-alone-mean{mean}-phi{dispersion}"),
                format!("mean {mean}, φ {dispersion}"),
                (n, 2),
                (mean, dispersion),
                scenario,
            );
            cell.population = population(n * 2, (mean, dispersion), None);
            cell.experiment.analysis.estimator = Some("welch".into());
            cells.push(cell);
        }
    }
}

/// Whole clusters of unequal size, many small ones and few large ones.
fn clustered(n: u64, scenario: Scenario, cells: &mut Vec<Cell>) {
    let at = SIZES.iter().position(|size| *size == n).unwrap_or(0);
    for (id, number) in [("many", MANY[at]), ("few", FEW[at])] {
        let law = ClusterLaw {
            icc: 0.05,
            size: n as f64 / number as f64,
            size_cv: 0.7,
        };
        let words = format!("{id} clusters, mean 1, φ 1");
        let mut cell = cell(
            Family::Clusters,
            &format!("clusters-{id}"),
            words,
            (n, 2),
            (1.0, 1.0),
            scenario,
        );
        cell.population = cell
            .population
            .in_clusters(&law)
            .expect("the cells' laws are valid");
        cell.experiment = clusters_plan(&cell.id);
        cells.push(cell);
    }
}

/// Five looks at a difference and at a ratio.
fn looked(n: u64, cells: &mut Vec<Cell>) {
    for (estimator, estimand) in [("lin", "difference"), ("negbin", "ratio")] {
        for mean in [1.0, 5.0] {
            let mut cell = cell(
                Family::Looks,
                &format!("looks-{estimator}-mean{mean}"),
                format!("{estimator}, mean {mean}, φ 1"),
                (n, 2),
                (mean, 1.0),
                Scenario::PLAIN,
            );
            cell.experiment.analysis.estimator = Some(estimator.into());
            cell.experiment.analysis.estimand = match estimand {
                "ratio" => PlannedEstimand::Ratio,
                _ => PlannedEstimand::Difference,
            };
            cells.push(cell);
        }
    }
}

fn cell(
    family: Family,
    id: &str,
    words: String,
    (n, arms): (u64, u64),
    (rate, dispersion): (f64, f64),
    scenario: Scenario,
) -> Cell {
    Cell {
        id: format!("{id}-n{n}"),
        family,
        words,
        n,
        // Named by the situation, so that no two draw the same customers.
        experiment: plan(&format!("{id}-n{n}"), arms),
        population: population(n * arms, (rate, dispersion), Some(DAYS)),
        scenario,
    }
}

fn population(
    customers: u64,
    (rate, dispersion): (f64, f64),
    before_days: Option<u32>,
) -> Population {
    let law = NegativeBinomial {
        rate,
        dispersion,
        correlation: None,
        before_days,
        after_days: DAYS,
    };
    // Two strata, so that what adjusts for strata has some.
    Population::negative_binomial(&law, customers)
        .expect("the cells' laws are valid")
        .in_strata(2)
}

/// A plan of `arms` equal arms.
fn plan(id: &str, arms: u64) -> Experiment {
    plan_of(
        id,
        arms,
        "assignment = { method = \"complete\", strata = [\"stratum\"] }",
        "estimator = \"lin\", multiplicity = \"dunnett\", prior = { mean = 0.0, sd = 10.0 }",
    )
}

/// A plan that assigns whole clusters to two arms.
fn clusters_plan(id: &str) -> Experiment {
    plan_of(
        id,
        2,
        "assignment = { method = \"complete\", strata = [\"stratum\"], cluster = \"branch\" }",
        "estimator = \"cluster\"",
    )
}

fn plan_of(id: &str, arms: u64, assignment: &str, analysis: &str) -> Experiment {
    let name = id.replace('.', "-");
    let mut text = format!(
        "schema = 1\nexperiment = {{ name = \"{name}\", seed = 1 }}\n{assignment}\n\
         outcomes = [{{ name = \"contacts\", role = \"primary\", kind = \"count\", better = \"lower\" }}]\n\
         analysis = {{ estimand = \"difference\", {analysis} }}\n",
    );
    for arm in 0..arms {
        let (arm, control) = match arm {
            0 => ("control".to_string(), true),
            k => (format!("treatment-{k}"), false),
        };
        text.push_str(&format!(
            "[[arms]]\nname = \"{arm}\"\ncontrol = {control}\nweight = 1\n"
        ));
    }
    experiment::parse(&text, Path::new(&format!("{name}.toml")))
        .expect("the cells' plan is valid")
        .experiment
}
