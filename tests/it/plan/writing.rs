//! Plans as text: written ones read back as they were, in words people read.

use pilot::experiment::{
    self, Assumption, BeforeKind, Better, Business, CellsSource, Claims, ContactsFile, CostBasis,
    CountsExposure, CountsFile, CustomersFile, Data, Design, Experiment, FileFormat, HalfLife,
    Method, Multiplicity, Outcome, OutcomeKind, Periods, PlannedEstimand, Role, RootCause, ScaleIf,
    Staffing, UnitCost, Windows,
};
use proptest::prelude::*;

use crate::plan::{CELLS, COUNTS, FEES, accepted, edit};

fn rewritten(design: &Design) -> Experiment {
    let text = experiment::template(design);
    let file = format!("{}.toml", design.experiment.name);
    experiment::parse(&text, file.as_ref())
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

#[test]
fn the_example_plans_read_back_as_written() {
    for base in [FEES, COUNTS, CELLS] {
        let design = Design {
            experiment: accepted(base, base),
            notes: vec![],
        };
        assert_eq!(rewritten(&design), design.experiment);
    }
}

#[test]
fn a_new_design_has_every_default_and_keeps_the_rules() {
    let mut design = Design::new("cells", 7, &["control", "video"]).unwrap();
    assert_eq!(rewritten(&design), design.experiment);
    design.experiment.business = Some(Design::business("EUR").unwrap());
    assert_eq!(rewritten(&design), design.experiment);

    let bad_name = Design::new("No Name", 7, &["control", "video"]).unwrap_err();
    assert_eq!(bad_name.key_name(), Some("experiment.name"));
    assert!(Design::new("x", 7, &["control"]).is_err());
    assert!(Design::new("x", 7, &["a", "a"]).is_err());
    assert!(Design::business("euro").is_err());
}

#[test]
fn a_template_explains_itself() {
    let mut design = Design::new("fees", 42, &["control", "tip-sheet"]).unwrap();
    design
        .notes
        .push("12,000 customers: power 0.8 to see 10 % fewer contacts".to_owned());
    insta::assert_snapshot!(experiment::template(&design));
}

#[test]
fn a_plan_in_words() {
    insta::assert_snapshot!(experiment::describe(&accepted(FEES, FEES)));
    insta::assert_snapshot!(experiment::describe(&accepted(CELLS, CELLS)));
}

#[test]
fn one_is_said_as_one_and_small_shares_are_not_none() {
    let edits = [
        (
            "realisation_lag_months = 3",
            "realisation_lag_months = 0",
            "most likely 50 %) of it, at once.",
        ),
        (
            "realisation_lag_months = 3",
            "realisation_lag_months = 1",
            "of it, after 1 month.",
        ),
        (
            "half_life_months = { mean = 9, sd = 2 }",
            "half_life_months = 1",
            "left after 1 month.",
        ),
        (
            "churn_per_month = 0.01",
            "churn_per_month = 0.0004",
            ", 0.04 % leaving a month,",
        ),
        (
            "ramp_months = 3",
            "ramp_months = 1",
            ", reached within 1 month,",
        ),
        (
            "repeat_every_months = 12",
            "repeat_every_months = 1",
            "is repeated every month.",
        ),
        (
            "horizon_months = 24",
            "horizon_months = 1",
            "Counted over 1 month, discounted",
        ),
        (
            "max_payback_months = 18",
            "max_payback_months = 1",
            "is back within 1 month.",
        ),
        (
            "per_days = 30",
            "per_days = 1",
            "control per customer per day, by",
        ),
        (
            "min_cell = 5",
            "min_cell = 1",
            "Groups of any size are shown.",
        ),
    ];
    for (from, to, says) in edits {
        let words = experiment::describe(&accepted(FEES, &edit(FEES, from, to).0));
        assert!(words.contains(says), "{says}:\n{words}");
    }
    let (day, _) = edit(CELLS, "after_days = 60", "after_days = 1");
    let words = experiment::describe(&accepted(CELLS, &day));
    assert!(words.contains("followed for 1 day from"), "{words}");
    let (arms, _) = edit(
        CELLS,
        "{ name = \"video\",",
        "{ name = \"tips\" }, { name = \"video\",",
    );
    let rate = format!("{arms}analysis = {{ multiplicity = \"bh\" }}\n");
    let words = experiment::describe(&accepted(CELLS, &rate));
    assert!(
        words.contains("false successes among all successes"),
        "{words}"
    );
}

/// Text in any script, with all that TOML, CSV or a shell treats as special.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\"quoted\" \\ back",
        "'''",
        "\"\"\"",
        "# no comment",
        "= [x]",
        "{a=1}",
        "\u{feff}x",
        "a\u{2028}b",
        "کارمزد\u{200c}ها",
        "手数料",
        "é",
        "\\u0041",
        "$(rm)",
        "%d",
        "=1+1",
        "\u{202e}abc",
        "x\u{e000}",
    ]);
    prop_oneof![
        "[^\\p{Cc}]{1,20}".prop_filter("not blank", |s| !s.trim().is_empty()),
        special.prop_map(str::to_owned),
    ]
}

fn amount() -> impl Strategy<Value = f64> {
    let whole = (0u32..u32::MAX).prop_map(f64::from);
    prop_oneof![0.0..1e9f64, Just(0.0), Just(1e-12), whole]
}

/// An assumption from `low` > 0 to `high`.
fn assumption(low: f64, high: f64) -> impl Strategy<Value = Assumption> {
    prop_oneof![
        (low..high).prop_map(Assumption::Fixed),
        [low..high, low..high, low..high].prop_map(|mut x| {
            x.sort_by(f64::total_cmp);
            let [low, mode, high] = x;
            Assumption::Triangular { low, mode, high }
        }),
        (low..high, 0.0..0.3f64).prop_map(move |(mean, cv)| {
            let sd = (mean * cv).min((high - mean) / 3.0);
            Assumption::Normal { mean, sd }
        }),
    ]
}

fn format() -> impl Strategy<Value = FileFormat> {
    let pick = |words: &[&'static str]| {
        prop::option::of(prop::sample::select(words.to_vec()).prop_map(str::to_owned))
    };
    (
        text(),
        prop::sample::select(b",;\t|\x1f~".to_vec()),
        pick(&["windows-1252", "UTF-16LE", "shift_jis"]),
        pick(&["%d.%m.%Y %H:%M", "%F", "%s"]),
        pick(&["UTC", "Europe/Berlin", "Asia/Tehran"]),
        0.0..0.9f64,
    )
        .prop_map(
            |(path, delimiter, encoding, time_format, timezone, max_bad_rows)| FileFormat {
                path: format!("data/{}.csv", path.replace(['[', '*', '?'], "_")),
                delimiter,
                encoding,
                decimal: if delimiter == b',' { '.' } else { ',' },
                time_format,
                timezone,
                max_bad_rows,
            },
        )
}

fn business() -> impl Strategy<Value = Business> {
    let costs = (any::<bool>(), assumption(0.01, 1e6), assumption(0.01, 1e6));
    let shares = (0.0..0.5f64, 0.5..1.0f64, 0.0..0.99f64);
    let assumed = (assumption(0.001, 1.0), assumption(0.001, 1.0));
    let months = (1u32..=600, 0u32..=600, prop::option::of(1u32..=600));
    let staffing = (
        prop::option::of(0.01..0.99f64),
        prop::option::of(1.0..8000.0f64),
    );
    (
        costs,
        shares,
        assumed,
        months,
        prop::option::of(staffing),
        prop::option::of(assumption(0.1, 1200.0)),
        prop::option::of(assumption(1.0, 1e9)),
        prop::option::of(prop::array::uniform12(0.01..10.0f64)),
        prop::option::of(1.0..1e12f64),
    )
        .prop_map(
            |(costs, shares, assumed, months, staffing, half_life, units, season, budget)| {
                let (cash, variable, labour) = costs;
                Business {
                    cost: cash.then_some(CostBasis::PerContact(UnitCost { variable, labour })),
                    realisation: cash.then_some(assumed.0),
                    half_life: half_life.map(|m| match cash {
                        true => HalfLife::Months(m),
                        false => HalfLife::None,
                    }),
                    units_at_rollout: units,
                    churn_per_month: assumed.1,
                    holdout: shares.2,
                    horizon_months: months.0,
                    ramp_months: months.1,
                    repeat_every_months: months.2,
                    baseline_by_month: season,
                    rollout_month: season.map(|_| 3),
                    handling_outcome: None,
                    every_reason: None,
                    annual_service_budget: budget.map(Assumption::Fixed),
                    claims: Claims {
                        contact_reduction: (shares.0, shares.1),
                        budget_share: shares.2,
                    },
                    staffing: staffing.map(|(occupancy, hours_per_agent_year)| Staffing {
                        occupancy,
                        hours_per_agent_year,
                        ..Staffing::default()
                    }),
                    ..Design::business("KWD").unwrap()
                }
            },
        )
}

/// Counts, a log, cells or none, with the columns' names made distinct.
fn data() -> impl Strategy<Value = Option<Data>> {
    let parts = (0..3, format(), format(), text(), any::<[bool; 8]>());
    prop::option::of(parts.prop_map(|(kind, format, other, text, with)| {
        let column = |i: usize| format!("{text}{i}");
        let maybe = |i: usize| with[i].then(|| column(i));
        match kind {
            0 => Data::Log {
                customers: CustomersFile {
                    format,
                    unit: column(0),
                    arm: None,
                    arm_values: Default::default(),
                    start: maybe(1),
                    uptake: maybe(2),
                },
                contacts: ContactsFile {
                    format: other,
                    unit: column(0),
                    time: column(8),
                    reason: Some(column(3)),
                    id: maybe(4),
                    channel: maybe(5),
                    handling_seconds: Some(column(6)),
                    complete_until: with[7].then(|| jiff::civil::date(2026, 2, 28)),
                },
            },
            1 => Data::Counts(CountsFile {
                format,
                unit: Some(column(0)),
                arm: None,
                arm_values: Default::default(),
                exposure: maybe(1),
                before_exposure: maybe(2),
                cluster: None,
                uptake: maybe(3),
                exposure_unit: match (with[1] || with[2], with[4]) {
                    (false, _) => CountsExposure::Window,
                    (true, false) => CountsExposure::Day,
                    (true, true) => CountsExposure::Month,
                },
            }),
            _ => Data::Cells(CellsSource {
                path: column(0).into(),
            }),
        }
    }))
}

type Parts = (
    (Method, RootCause, Multiplicity),
    (String, String, String),
    (u64, f64, f64, f64, u64),
    [bool; 12],
    Option<Data>,
    Option<Business>,
    String,
);

fn parts() -> impl Strategy<Value = Parts> {
    let methods = vec![Method::Complete, Method::Hashed, Method::Existing];
    let causes = vec![
        RootCause::Expectation,
        RootCause::Process,
        RootCause::CustomerError,
        RootCause::EmployeeReadiness,
    ];
    let adjustments = vec![
        Multiplicity::Dunnett,
        Multiplicity::DunnettStepDown,
        Multiplicity::Holm,
        Multiplicity::Hochberg,
        Multiplicity::Bh,
        Multiplicity::None,
    ];
    (
        (
            prop::sample::select(methods),
            prop::sample::select(causes),
            prop::sample::select(adjustments),
        ),
        (text(), text(), text()),
        (
            any::<u64>(),
            0.001..0.5f64,
            0.51..0.999f64,
            amount(),
            1u64..1000,
        ),
        any::<[bool; 12]>(),
        data(),
        prop::option::of(business()),
        "[a-z0-9][a-z0-9-]{0,12}",
    )
}

fn build((words, texts, numbers, with, data, business, name): Parts) -> Experiment {
    let ((method, cause, adjustment), (title, problem, column)) = (words, texts);
    let (seed, alpha, power, cost, n) = numbers;
    let mut e = Design::new(&name, seed, &["control", "b", "c-3"])
        .unwrap()
        .experiment;
    e.problem = with[0].then(|| format!("{problem}\n{title}"));
    e.owner = with[1].then_some(problem.clone());
    e.title = title;
    e.root_cause = with[2].then_some(cause);
    e.assignment.method = method;
    if with[3] {
        e.assignment.strata = vec![format!("{column}z"), column.clone()];
    }
    for arm in &mut e.arms {
        arm.weight = (method != Method::Existing || with[4]).then_some(n);
        arm.fixed_cost = cost.into();
    }
    e.arms[2].interventions = vec!["site-top-questions".to_owned(), "video-60s".to_owned()];
    e.arms[2].title = problem;
    e.data = data;
    arm_columns(&mut e, with[6].then_some(&column));
    windows(&mut e, with[5], with[7], with[8]);

    let guard = Outcome {
        name: "guard".to_owned(),
        role: Role::Guardrail,
        kind: OutcomeKind::Mean,
        better: Better::Higher,
        margin: Some(alpha),
        ..e.outcomes[0].clone()
    };
    let primary = &mut e.outcomes[0];
    primary.cap = with[9].then_some(n);
    match &e.data {
        Some(Data::Log { .. }) => primary.reasons = vec![column],
        Some(Data::Counts(_)) => {
            primary.before = with[10].then(|| format!("{column}b"));
            primary.after = column;
            if with[11] {
                primary.before_kind = BeforeKind::Covariate;
            }
        }
        _ => {}
    }
    e.outcomes.push(guard);

    e.analysis.alpha = alpha;
    e.analysis.power = power;
    e.analysis.one_sided = with[10];
    let (estimand, estimator) = match with[11] {
        true => (PlannedEstimand::Ratio, "delta"),
        false => (PlannedEstimand::Difference, "welch"),
    };
    e.analysis.estimand = estimand;
    e.analysis.estimator = with[0].then(|| estimator.to_owned());
    e.analysis.multiplicity = adjustment;
    e.analysis.segments = e.assignment.strata.clone();
    e.analysis.prior = with[1].then_some((-0.0, power));
    if with[2] {
        e.decision.scale_if = ScaleIf::BreakEven;
    }
    e.decision.min_probability = power;
    e.decision.max_payback_months = with[3].then_some(18);
    e.decision.max_attrition_difference = with[4].then_some(alpha);
    e.min_cell = n;
    e.business = business;
    e
}

/// An arm column where arms are in the data, its values named or the arms' own.
fn arm_columns(e: &mut Experiment, value: Option<&String>) {
    if e.assignment.method != Method::Existing {
        return;
    }
    let (arm, values) = match &mut e.data {
        Some(Data::Log { customers, .. }) => (&mut customers.arm, &mut customers.arm_values),
        Some(Data::Counts(counts)) => (&mut counts.arm, &mut counts.arm_values),
        _ => return,
    };
    *arm = Some("the arm".to_owned());
    for (i, name) in ["control", "b", "c-3"].into_iter().enumerate() {
        let value = value.map_or(name.to_owned(), |v| format!("{v}{i}"));
        values.insert(value, i);
    }
}

fn windows(e: &mut Experiment, relative: bool, more: bool, dated: bool) {
    let day = |month, day| jiff::civil::date(2026, month, day);
    let roster = match &mut e.data {
        Some(Data::Log { customers, .. }) => Some(&mut customers.start),
        _ => None,
    };
    if roster.is_none() && !dated {
        return;
    }
    let windows = if relative {
        let start = match roster {
            Some(start) => start.get_or_insert("since".to_owned()).clone(),
            None => "since".to_owned(),
        };
        Windows::Relative {
            start,
            before_days: 30,
            after_days: 61,
            enrol: more.then(|| (day(1, 1), day(3, 31))),
        }
    } else {
        Windows::Fixed {
            before: more.then(|| (day(1, 1), day(2, 28))),
            after: (day(3, 1), day(3, 1)),
            start: roster.and_then(|start| start.clone()),
        }
    };
    e.periods = Some(Periods {
        windows,
        timezone: "Asia/Kolkata".to_owned(),
    });
}

/// A reader of a log's plan names, and where it must adds, the outcome that counts every reason.
fn without_what_is_made(mut again: Experiment, written: &Experiment) -> Experiment {
    let business = again.business.as_mut();
    if let Some(made) = business.and_then(|b| b.every_reason.take()) {
        let stated = written.outcomes.iter().any(|o| o.name == made);
        again.outcomes.retain(|o| stated || o.name != made);
    }
    again
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_written_plan_reads_back_the_same(
        parts in parts(),
        notes in prop::collection::vec(any::<String>(), 0..3),
    ) {
        let design = Design { experiment: build(parts), notes };
        let again = without_what_is_made(rewritten(&design), &design.experiment);
        prop_assert_eq!(&again, &design.experiment);
        prop_assert_eq!(experiment::changes(&again, &design.experiment), vec![]);
        let digests = [&again, &design.experiment].map(experiment::data_digest);
        prop_assert_eq!(&digests[0], &digests[1]);
    }
}
