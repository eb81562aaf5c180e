//! `pilot power`: customers, effect and power, any one from the other two.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::stats::power::{self, Family, Method, Question};

use super::Global;
use super::look_args::LookArgs;
use super::power_schedule::{self, ScheduleArgs};
use super::size::{answer_lines, chart_files, write_chart};
use super::ui::Ui;

/// Sizes, power and smallest effect; no plan needed.
///
/// With a reduction: how many customers find it. With customers: the power to find the
/// reduction, and the smallest reduction that they find.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  pilot power --rate 2.4 --dispersion 1.8 --reduction 0.1\n  pilot power --rate 2.4 --dispersion 1.8 --customers 4000\n  pilot power --rate 0.6 --dispersion 0.4 --reduction 0.2 --arms 4\n  pilot power --rate 0.6 --reduction 0.2 --weights 2,1,1 --correlation 0.5 --method means\n  pilot power --rate 2 --dispersion 0.8 --reduction 0.1 --icc 0.02 --cluster-size 20 --cluster-cv 0.5\n  pilot power --rate 0.6 --dispersion 1.2 --reduction 0.2 --arrivals 80 --chart power\n  pilot power --rate 0.6 --dispersion 1.2 --reduction 0.2 --information 0.4,0.7,1 --spending pocock\n  pilot power --rate 1 --dispersion 0.4 --reduction 0 --margin 1.15 --sides 1 --alpha 0.025\n  pilot power --design stepped-wedge --regions 12 --blocks 5 --customers-per-block 2000 --rate 0.08 --dispersion 1.2 --icc 0.02 --reduction 0.2\n\nRate, dispersion and correlation can be taken from past counts: pilot design NAME --history FILE"
)]
pub struct Args {
    /// The test: nb (ratio of negative binomial rates) or means (difference in means)
    #[arg(long, default_value = "nb", value_parser = ["nb", "means"], value_name = "METHOD")]
    method: String,
    /// Control's contacts per customer and unit of exposure
    #[arg(long, value_name = "CONTACTS")]
    pub rate: f64,
    /// NB2 dispersion: variance = mean + dispersion × mean²
    #[arg(long, default_value_t = 0.0, value_name = "PHI")]
    pub dispersion: f64,
    /// Reduction worth finding: 1 − treatment/control, for example 0.2
    #[arg(long, value_name = "SHARE")]
    pub reduction: Option<f64>,
    /// Error rate of all comparisons together
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// Power of one comparison
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// 1 (towards fewer contacts) or 2
    #[arg(long, default_value_t = 2)]
    pub sides: u8,
    /// Units of exposure of each customer
    #[arg(long, default_value_t = 1.0, value_name = "UNITS")]
    pub exposure: f64,
    /// Weights of the arms, control first (default: all equal)
    #[arg(long, value_delimiter = ',', value_name = "W,W,…")]
    weights: Vec<f64>,
    /// Number of arms with control (default: as many as weights, or 2)
    #[arg(long, value_name = "N")]
    arms: Option<usize>,
    /// Correlation of a customer's contacts before and after, where the analysis adjusts for them
    #[arg(long, default_value_t = 0.0, value_name = "RHO")]
    correlation: f64,
    /// Correlation of two customers of the same cluster
    #[arg(long, help_heading = "Whole clusters")]
    pub icc: Option<f64>,
    /// Mean customers in a cluster
    #[arg(long, help_heading = "Whole clusters", value_name = "N")]
    cluster_size: Option<f64>,
    /// Coefficient of variation of the clusters' sizes (default: 0, all alike)
    #[arg(long, help_heading = "Whole clusters", value_name = "CV")]
    cluster_cv: Option<f64>,
    /// Share of the treated customers who take the intervention up
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    uptake: f64,
    /// Share of customers whose outcome will be missing
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    attrition: f64,
    /// Ratio to exclude: 1 for superiority, for example 1.15 for non-inferiority
    #[arg(long, default_value_t = 1.0, value_name = "RATIO")]
    margin: f64,
    /// Customers there are, in all arms together
    #[arg(long, value_name = "N")]
    customers: Option<u64>,
    /// Customers who arrive a day: says how many days it takes
    #[arg(long, value_name = "N")]
    arrivals: Option<f64>,
    /// Several treatments: how they share the error rate, as in the plan
    #[arg(long, default_value = "dunnett", value_parser = FAMILIES.map(|f| f.0), value_name = "NAME")]
    multiplicity: String,
    /// Draw power against customers and against the reduction: FILE.svg and FILE.png, or the one named
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Seed of the simulated power
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Most simulated pilots; 0 for none
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub replicates: u32,
    #[command(flatten)]
    pub looks: LookArgs,
    #[command(flatten)]
    pub schedule: ScheduleArgs,
}

/// Adjustments of a plan, and what the least favourable case makes of each.
pub const FAMILIES: [(&str, Family); 6] = [
    ("dunnett", Family::Dunnett),
    ("dunnett-step-down", Family::Dunnett),
    ("holm", Family::Bonferroni),
    ("hochberg", Family::Bonferroni),
    ("bh", Family::Bonferroni),
    ("none", Family::Alone),
];

/// The family of an adjustment's name.
pub fn family(name: &str) -> Family {
    let found = FAMILIES.iter().find(|f| f.0 == name);
    found.map_or(Family::Dunnett, |f| f.1)
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    if let Some(design) = args.schedule.design() {
        return power_schedule::run(args, design, ui);
    }
    let question = question(args)?;
    let answer = power::answer(&question).map_err(|refusal| {
        Error::usage(refusal.why).hint("`pilot power --help` explains the flags, with examples")
    })?;
    let files = match &args.chart {
        Some(file) => chart_files(file)?,
        None => Vec::new(),
    };
    if !g.dry_run {
        write_chart(&question, &answer, &files, ui)?;
    }
    if ui.json {
        return ui.document(&answer);
    }
    for line in answer_lines(&question, &answer) {
        ui.say(line)?;
    }
    ui.next("pilot design NAME")
}

fn question(args: &Args) -> Result<Question> {
    let clusters = Clusters::given(args.icc, args.cluster_size, args.cluster_cv)?;
    Ok(Question {
        method: if args.method == "means" {
            Method::Means
        } else {
            Method::Nb
        },
        rate: args.rate,
        dispersion: args.dispersion,
        reduction: args.reduction,
        alpha: args.alpha,
        power: Some(args.power),
        sides: args.sides,
        exposure: args.exposure,
        weights: weights(args)?,
        correlation: args.correlation,
        icc: clusters.icc,
        cluster_size: clusters.size,
        cluster_cv: clusters.cv,
        uptake: args.uptake,
        attrition: args.attrition,
        margin: args.margin,
        customers: args.customers,
        arrivals: args.arrivals,
        family: family(&args.multiplicity),
        looks: args.looks.planned()?.map(|p| p.looks()).transpose()?,
        seed: args.seed,
        replicates: args.replicates,
        ..Question::default()
    })
}

/// What makes sizes those of whole clusters.
pub struct Clusters {
    /// Correlation of two customers of a cluster; 0 where customers are assigned one by one.
    pub icc: f64,
    /// Mean customers in a cluster.
    pub size: f64,
    /// Coefficient of variation of the sizes.
    pub cv: f64,
}

impl Clusters {
    /// As the flags say.
    ///
    /// # Errors
    /// One of `--icc` and `--cluster-size` without the other: the size would be that of individuals.
    pub fn given(icc: Option<f64>, size: Option<f64>, cv: Option<f64>) -> Result<Self> {
        let asked = icc.is_some() || size.is_some() || cv.is_some();
        let missing = match (icc, size) {
            _ if !asked => None,
            (None, _) => Some("--icc"),
            (_, None) => Some("--cluster-size"),
            _ => None,
        };
        match missing {
            None => Ok(Clusters {
                icc: icc.unwrap_or(0.0),
                size: size.unwrap_or(1.0),
                cv: cv.unwrap_or(0.0),
            }),
            Some(flag) => Err(Error::usage(
                "sizes of whole clusters need the correlation within a cluster and the clusters' size",
            )
            .key(flag)
            .hint("for example --icc 0.05 --cluster-size 40 --cluster-cv 0.7")),
        }
    }
}

fn weights(args: &Args) -> Result<Vec<f64>> {
    match (args.arms, args.weights.len()) {
        (None, 0) => Ok(vec![1.0, 1.0]),
        (None, _) => Ok(args.weights.clone()),
        (Some(n), _) if !(2..=100).contains(&n) => {
            Err(Error::usage(format!("{n} arms cannot be sized"))
                .key("--arms")
                .hint("control and 1 to 99 treatments"))
        }
        (Some(n), 0) => Ok(vec![1.0; n]),
        (Some(n), given) if n == given => Ok(args.weights.clone()),
        (Some(n), given) => Err(Error::usage(format!("{given} weights for {n} arms"))
            .key("--weights")
            .hint("one weight for each arm, control first; or leave --arms out")),
    }
}
