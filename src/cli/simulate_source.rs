//! The customers of `pilot simulate`: the pilot's own, or the plan's negative binomial.

use jiff::civil::Date;

use crate::analysis::before_windows;
use crate::assign::Scheme;
use crate::engine;
use crate::error::{Error, Result};
use crate::experiment::{BeforeKind, Experiment, Method, OutcomeKind, Windows};
use crate::number;
use crate::planning::Sizing;
use crate::planning::simulate::{ClusterLaw, NegativeBinomial, Population};
use crate::table::{ArmId, Cell, ClusterTable, ContactTable, Evidence};
use crate::texts::text;

use super::Global;
use super::customers::{self, Customers};
use super::ends::{complete_until, planned_end};
use super::pilot::{self, Opened};
use super::simulate::Args;
use super::ui::Ui;

/// Customers in whole clusters, where the plan assigns them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Whole clusters")]
pub struct ClusterArgs {
    /// Correlation of two customers of the same cluster (default: what counts before say)
    #[arg(long, value_name = "RHO")]
    pub(super) icc: Option<f64>,
    /// Mean customers in a cluster, with --from plan
    #[arg(long, value_name = "N")]
    pub(super) cluster_size: Option<f64>,
    /// Coefficient of variation of the clusters' sizes, with --from plan
    #[arg(long, value_name = "CV", requires = "cluster_size")]
    pub(super) cluster_cv: Option<f64>,
}

impl ClusterArgs {
    fn given(&self) -> bool {
        self.icc.is_some() || self.cluster_size.is_some()
    }
}

/// Simulated customers, and where they come from in words.
pub struct Source {
    /// The customers.
    pub population: Population,
    /// In words.
    pub words: String,
}

impl Source {
    /// The customers asked for, or else the first that there are: before, control, plan.
    ///
    /// # Errors
    /// None there are; flags that do not suit the plan.
    pub fn new(args: &Args, opened: &Opened, g: &Global, ui: &Ui) -> Result<Self> {
        let clustered = opened.experiment().cluster_column().is_some();
        if !clustered && args.clusters.given() {
            return Err(Error::usage("the plan does not assign whole clusters")
                .key("--icc")
                .hint("assignment = { cluster = \"branch\" } in the plan does"));
        }
        source(args, opened, g, ui)
    }

    /// The customers in clusters drawn from the pilot's own.
    fn in_clusters_of(self, table: Option<&ClusterTable>, icc: Option<f64>) -> Result<Self> {
        let table = table.ok_or_else(|| {
            Error::workspace("the data do not say which customers share a cluster")
                .key("assignment.cluster")
        })?;
        self.clustered(|p| p.in_clusters_of(table, icc))
    }

    fn clustered(self, of: impl FnOnce(Population) -> Result<Population>) -> Result<Self> {
        let population = of(self.population)?;
        let icc = population.icc().unwrap_or(0.0);
        Ok(Source {
            population,
            words: text!(
                "simulation-source.clusters",
                source = self.words,
                icc = number::fixed(icc, 3)
            ),
        })
    }
}

fn source(args: &Args, opened: &Opened, g: &Global, ui: &Ui) -> Result<Source> {
    let experiment = opened.experiment();
    let outcome = experiment.primary_outcome();
    let from = args.from.as_deref();
    if from == Some("plan") || from.is_none() && args.rate.is_some() {
        return of_plan(args, opened);
    }
    let counted = outcome.kind == OutcomeKind::Count && outcome.before_kind == BeforeKind::Count;
    let no_before = "the outcome has no count before: it is a mean or a share, or the value before is a covariate";
    if from == Some("before") && !counted {
        return Err(Error::usage(no_before).key("--from").hint(
            "--from control, once the test period is over, draws control's customers as they were",
        ));
    }
    if experiment.data.is_none() {
        return match from {
            None => of_plan(args, opened),
            Some(_) => Err(Error::workspace("the plan names no data yet")
                .key("--from")
                .hint("--from plan, with --rate where the plan does not say it")),
        };
    }
    let evidence = evidence(opened, g, ui)?;
    let found = evidence.outcomes.iter().find(|o| o.outcome == outcome.name);
    let table = &found
        .ok_or_else(|| Error::workspace(format!("the data hold no outcome \"{}\"", outcome.name)))?
        .table;
    let clustered = experiment.cluster_column().is_some();
    if from != Some("control") && counted && table.has_before() {
        anything(table, |c| c.before)?;
        let windows = before_windows(experiment, table);
        let sized = Sizing::read(&opened.plan.text).correlation;
        let population = Population::of_before(table, windows, args.correlation.or(sized))?;
        let words = match population.correlation().map(|r| number::fixed(r, 2)) {
            None => text!("simulation-source.before"),
            Some(correlation) => text!("simulation-source.before-correlated", correlation),
        };
        let source = Source { population, words };
        if clustered {
            if args.clusters.cluster_size.is_some() {
                return Err(Error::usage("clusters are as large as the pilot's own")
                    .key("--cluster-size")
                    .hint(
                        "--from plan takes the size, with --rate where the plan does not say it",
                    ));
            }
            let own = found.and_then(|o| o.clusters.as_ref());
            return source.in_clusters_of(own.map(|c| &c.uncapped), args.clusters.icc);
        }
        return Ok(source);
    }
    if from == Some("before") {
        return Err(Error::data("no customer has a count before").key("--from"));
    }
    if clustered && from == Some("control") {
        return Err(Error::usage(
            "control's customers are drawn one by one, and the plan assigns whole clusters",
        )
        .key("--from")
        .hint("--from before or --from plan draws whole clusters"));
    }
    if clustered || !ended(experiment, &evidence, pilot::today(experiment)) {
        return match from {
            Some(_) => Err(Error::usage("the test period is not over")
                .key("--from")
                .hint("nothing by arm is used before; --from before or --from plan")),
            None => of_plan(args, opened),
        };
    }
    let control = ArmId(experiment.control() as u16);
    anything(table, |c| c.after.filter(|_| c.arm == control))?;
    Ok(Source {
        population: Population::of_arm(table, control)?,
        words: text!("simulation-source.control"),
    })
}

/// Refuses customers of whom none has anything: whatever is drawn from them tells nothing.
fn anything(table: &ContactTable, value: impl Fn(&Cell) -> Option<i64>) -> Result<()> {
    if table
        .cells()
        .iter()
        .any(|c| value(c).is_some_and(|v| v != 0))
    {
        return Ok(());
    }
    Err(
        Error::data("every count is 0, so there is nothing to draw customers from")
            .key("--from")
            .hint("--from plan draws negative binomial customers, with --rate where the plan does not say it"),
    )
}

/// Whether arms may be told apart yet, as `analyze` has it.
fn ended(experiment: &Experiment, evidence: &Evidence, today: Date) -> bool {
    planned_end(experiment, evidence).is_none_or(|end| {
        today > end && complete_until(experiment).is_none_or(|complete| complete >= end)
    })
}

fn of_plan(args: &Args, opened: &Opened) -> Result<Source> {
    let experiment = opened.experiment();
    if experiment.primary_outcome().kind != OutcomeKind::Count {
        return Err(Error::usage(
            "negative binomial customers have counts, and the outcome is none",
        )
        .key("--from")
        .hint("once the test period is over, --from control draws control's customers"));
    }
    let sizing = Sizing::read(&opened.plan.text);
    let rate = args.rate.or(sizing.rate).ok_or_else(|| {
        Error::usage("neither data nor plan say how often customers contact")
            .key("--rate")
            .hint("for example --rate 0.6 --dispersion 1.2 --customers 4000")
    })?;
    let customers = args.customers.or(sizing.customers).ok_or_else(|| {
        Error::usage("the plan does not say how many customers it is for")
            .key("--customers")
            .hint("for example --customers 4000")
    })?;
    let given = args.rate.is_some();
    let or_sized = |flag: Option<f64>, sized: Option<f64>| flag.or(sized.filter(|_| !given));
    let (before_days, after_days) = days(experiment);
    let law = NegativeBinomial {
        rate,
        dispersion: or_sized(args.dispersion, sizing.dispersion).unwrap_or(0.0),
        correlation: or_sized(args.correlation, sizing.correlation),
        before_days,
        after_days: after_days.unwrap_or(1),
    };
    let (rate, dispersion) = (number::general(law.rate), number::general(law.dispersion));
    let words = match law.before_days {
        Some(_) => text!("simulation-source.plan", rate, dispersion),
        None => text!("simulation-source.plan-without-before", rate, dispersion),
    };
    let source = Source {
        population: Population::negative_binomial(&law, customers)?,
        words,
    };
    if experiment.cluster_column().is_none() {
        return Ok(source);
    }
    let given = args.clusters.icc.zip(args.clusters.cluster_size);
    let (icc, size) = given.ok_or_else(|| {
        Error::usage(
            "the plan assigns whole clusters, and nothing says how large and how alike they are",
        )
        .key("--icc")
        .hint("for example --icc 0.05 --cluster-size 40 --cluster-cv 0.7")
    })?;
    let law = ClusterLaw {
        icc,
        size,
        size_cv: args.clusters.cluster_cv.unwrap_or(0.0),
    };
    source.clustered(|p| p.in_clusters(&law))
}

/// Days of the before and the after window, where the plan has them.
fn days(experiment: &Experiment) -> (Option<u32>, Option<u32>) {
    let length = |(first, last): (Date, Date)| {
        let days = first.until(last).ok()?.get_days() + 1;
        u32::try_from(days).ok().filter(|d| *d > 0)
    };
    match experiment.periods.as_ref().map(|p| &p.windows) {
        None => (None, None),
        Some(Windows::Fixed { before, after, .. }) => (before.and_then(length), length(*after)),
        Some(Windows::Relative {
            before_days,
            after_days,
            ..
        }) => (Some(*before_days).filter(|d| *d > 0), Some(*after_days)),
    }
}

/// The pilot's tables: of a scan with its arms, or with arms that are thrown away again.
fn evidence(opened: &Opened, g: &Global, ui: &Ui) -> Result<Evidence> {
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let existing = opened.experiment().assignment.method == Method::Existing;
    if existing || opened.pilot.checked_assignment()?.is_some() {
        let assignment = opened.assignment()?;
        let request = opened.request(assignment.as_deref(), g, &tick);
        return Ok(engine::scan(&request)?.evidence);
    }
    let Customers { roster, lines, .. } = customers::read_roster(opened, g, ui)?;
    let line = |row: usize| lines.get(row).copied().unwrap_or(0);
    let scheme = Scheme::of(opened.experiment())?;
    let dealt = match opened.experiment().assignment.method {
        Method::Hashed => scheme.hashed(&roster),
        _ => scheme.complete(&roster),
    };
    let dealt = dealt.map_err(|p| p.at(line))?;
    let arms: Vec<_> = (0..roster.len()).map(|row| dealt.arm(row)).collect();
    let mut file = tempfile::Builder::new()
        .prefix("pilot-simulate-")
        .suffix(".csv")
        .tempfile()
        .map_err(|e| Error::io("make a file in", &std::env::temp_dir(), &e))?;
    customers::write_rows(opened, &roster, &arms, None, &mut file)?;
    let path = file.path().to_path_buf();
    let request = opened.request(Some(&path), g, &tick);
    Ok(engine::scan(&request)?.evidence)
}
