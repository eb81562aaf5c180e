//! Documents to render: 2 to 8 arms, any names, with or without money.
//!
//! The figures are plausible, not computed: these documents test reports, not statistics.

use std::collections::BTreeMap;

use pilot::analysis::*;
use pilot::decision::{Decision, VerdictKind};
use pilot::finance::*;
use pilot::report::*;
use pilot::stats::{DetailValue, Estimand, Estimator};
use pilot::table::Audit;

/// What to build.
#[derive(Clone)]
pub struct Fixture {
    /// Titles of the arms, control first.
    pub titles: Vec<String>,
    pub title: String,
    pub banners: Vec<String>,
    /// Contacts avoided per customer by the first treatment; 0 is no effect anywhere.
    pub effect: f64,
    pub estimand: Estimand,
    pub business: bool,
    pub verdict: VerdictKind,
    pub customers: u64,
}

pub const UNIT: &str = "contacts per customer per 30 days";

const ENGLISH: [&str; 8] = [
    "Control",
    "Ten-tip sheet",
    "60-second video",
    "Welcome e-mail",
    "Quick-start page",
    "Video series",
    "Tip sheet and video",
    "Agent training",
];

const PERSIAN: [&str; 8] = [
    "گروه کنترل",
    "برگهٔ ده نکته",
    "ویدیوی شصت‌ثانیه‌ای",
    "ایمیل خوشامدگویی برای مشتریان تازه",
    "صفحهٔ شروع سریع",
    "مجموعهٔ ویدیو",
    "برگهٔ نکته و ویدیو (CRM)",
    "آموزش کارکنان",
];

const CHINESE: [&str; 8] = [
    "对照组",
    "十条提示",
    "六十秒视频",
    "欢迎邮件，发送给所有在十月加入的新客户，并附有常见问题的解答与费用说明",
    "快速入门页面",
    "视频系列",
    "提示与视频 (CRM)",
    "客服培训",
];

impl Fixture {
    pub fn english(arms: usize) -> Self {
        Self::with(
            &ENGLISH,
            arms,
            "Fee questions: tip sheet, video or welcome e-mail",
        )
    }

    pub fn persian(arms: usize) -> Self {
        Self::with(
            &PERSIAN,
            arms,
            "پرسش‌های مربوط به کارمزد: برگهٔ نکته، ویدیو یا ایمیل؟",
        )
    }

    pub fn chinese(arms: usize) -> Self {
        Self::with(&CHINESE, arms, "费用问题试点：提示单、视频还是欢迎邮件？")
    }

    /// Names far longer than any column, with and without blanks.
    pub fn long(arms: usize) -> Self {
        let titles: Vec<String> = (0..arms)
            .map(|i| match i % 3 {
                0 => format!("Arm {i} of the pilot with a title that goes on and on about what the customers of it received, when, through which channel and in which language, until nobody reads it any more"),
                1 => format!("Unbreakable{i}{}", "Donaudampfschifffahrtsgesellschaft".repeat(4)),
                _ => format!("W{i} {}", "MMMMMMMM ".repeat(12)),
            })
            .collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let mut fixture = Self::with(&titles, arms, &"A pilot with a very long title ".repeat(12));
        fixture.banners = vec![
            "NOT PRE-REGISTERED".into(),
            "LATE: approved after the first day of the after window".into(),
        ];
        fixture
    }

    /// Titles that try to steer a terminal, a spreadsheet, a browser or a reader.
    pub fn hostile(arms: usize) -> Self {
        let titles = [
            "=HYPERLINK(\"http://evil\")",
            "\u{1b}[31mred\u{1b}[0m\u{7}",
            "\u{202e}desrever\u{202c} </text><script>alert(1)</script>",
            "line\r\nbreak\ttab\0nul & <b>|pipe|</b> ]]>",
            "",
            "\u{feff}＠cmd \u{fffe}",
            "😀 \u{10ffff} e\u{301}\u{302}\u{303}",
            "'; DROP TABLE arms; --",
        ];
        Self::with(
            &titles,
            arms,
            "\u{2066}#1 [title](javascript:x) <img src=x>\u{1b}]0;pwned\u{7}",
        )
    }

    fn with(titles: &[&str], arms: usize, title: &str) -> Self {
        Fixture {
            titles: titles.iter().take(arms).map(|t| t.to_string()).collect(),
            title: title.into(),
            banners: Vec::new(),
            effect: 0.21,
            estimand: Estimand::Difference,
            business: true,
            verdict: VerdictKind::Scale,
            customers: 4_812,
        }
    }

    pub fn no_effect(mut self) -> Self {
        self.effect = 0.0;
        self.verdict = VerdictKind::Stop;
        self
    }

    pub fn build(&self) -> Document {
        let arms: Vec<ArmInfo> = self
            .titles
            .iter()
            .enumerate()
            .map(|(i, title)| ArmInfo {
                name: if i == 0 {
                    "control".into()
                } else {
                    format!("arm-{i}")
                },
                title: title.clone(),
                control: i == 0,
            })
            .collect();
        let shown = !matches!(self.verdict, VerdictKind::Wait | VerdictKind::Blocked);
        let treatments: Vec<&ArmInfo> = arms.iter().filter(|a| !a.control).collect();
        let customers: Vec<u64> = (0..arms.len() as u64)
            .map(|i| self.customers + 7 * i)
            .collect();
        let business = (self.business && shown).then(|| self.business_case(&treatments));
        Document {
            schema: Document::SCHEMA.into(),
            pilot_version: "0.1.0".into(),
            experiment: ExperimentInfo {
                name: "fees-education".into(),
                title: self.title.clone(),
                problem: Some("Customers call about fees they did not expect".into()),
                arms: arms.clone(),
                primary_outcome: "fee-contacts".into(),
                better: "lower".into(),
                outcomes: outcomes(),
                after: Some(["2026-10-01".into(), "2026-11-29".into()]),
                min_cell: 5,
                design: None,
                one_sided: false,
            },
            plan_sha256: "3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed".into(),
            seal: Some("9f2c4b7d11aa03fe".into()),
            banners: self.banners.clone(),
            as_of: "2026-12-02".into(),
            look: None,
            analysis_number: Some(3),
            evidence: EvidenceInfo {
                number: Some(1),
                contacts_by_arm: customers.iter().map(|n| Some(*n as f64 * 2.4)).collect(),
                small_arms: vec![],
                audit: Some(Audit {
                    rows_read: customers.iter().sum(),
                    customers: customers.iter().sum(),
                    customers_by_arm: customers.clone(),
                    ..Audit::default()
                }),
                customers_by_arm: customers.iter().copied().map(Some).collect(),
            },
            checks: checks(),
            estimates: if shown {
                self.estimates(&treatments)
            } else {
                Vec::new()
            },
            skipped: vec![Skipped {
                outcome: "fee-contacts".into(),
                estimator: Estimator::Cace,
                arm: None,
                why: "uptake was not observed".into(),
            }],
            covariance: None,
            factorial: Vec::new(),
            balance: balance(&treatments),
            distribution: if shown {
                self.distribution(&arms, &customers)
            } else {
                Vec::new()
            },
            levels: if shown {
                self.levels(&arms, &customers)
            } else {
                Vec::new()
            },
            schedule: None,
            weekly: shown.then(|| {
                super::weeks::weekly(&treatments, self.customers, |i| self.difference(i) / 4.3)
            }),
            boundaries: None,
            stages: None,
            segments: shown.then(|| {
                super::weeks::segments(&treatments, self.customers, |i| self.difference(i))
            }),
            approvals: vec![approval(1, false), approval(2, true)],
            deviations: vec![Deviation {
                why: None,
                key: "analysis.alpha".into(),
                approved: Some("0.05".into()),
                now: Some("0.1".into()),
                material: true,
            }],
            assumptions: business
                .as_ref()
                .map_or_else(Vec::new, |b| b.assumptions.clone()),
            no_business_because: None,
            cashflow: business
                .as_ref()
                .map_or_else(Vec::new, |b| b.cashflow.clone()),
            draws_summary: None,
            business,
            decision: self.decision(&treatments),
            warnings: vec![Warning {
                id: "exposure-in-weeks".into(),
                message: "Exposure was rounded to whole weeks.".into(),
            }],
        }
    }

    /// Difference to control of treatment `i` (0 is the first), negative is fewer.
    fn difference(&self, i: usize) -> f64 {
        -self.effect * [1.0, 0.45, -0.1, 0.7, 0.2, 1.1, 0.02][i % 7]
    }

    fn estimates(&self, treatments: &[&ArmInfo]) -> Vec<EstimateRow> {
        let mut rows = Vec::new();
        for (i, arm) in treatments.iter().enumerate() {
            let noise = if self.effect == 0.0 {
                0.013 * (i as f64 - 1.5)
            } else {
                0.0
            };
            let value = self.difference(i) + noise;
            let se = 0.038 + 0.002 * i as f64;
            let z: f64 = value / se;
            let p = (-0.717 * z.abs() - 0.416 * z * z).exp();
            let row = |estimator, primary: bool, value: f64, q: f64| EstimateRow {
                outcome: "fee-contacts".into(),
                arm: arm.name.clone(),
                control: "control".into(),
                segment: None,
                estimand: self.estimand,
                estimator,
                value,
                se: Some(se),
                df: Some(9_620.0),
                ci_lower: Some(value - 1.96 * q),
                ci_upper: Some(value + 1.96 * q),
                level: 0.95,
                p_value: Some(p),
                p_adjusted: primary.then_some((p * treatments.len() as f64).min(1.0)),
                ci_adjusted_lower: primary.then_some(value - 2.4 * q),
                ci_adjusted_upper: primary.then_some(value + 2.4 * q),
                primary,
                unit: if self.estimand == Estimand::Ratio {
                    "ratio".into()
                } else {
                    UNIT.into()
                },
                n_arm: self.customers + 7 * (i as u64 + 1),
                n_control: self.customers,
                detail: BTreeMap::from([
                    (
                        "dunnett".to_string(),
                        DetailValue::Text("approximate".into()),
                    ),
                    ("n_used".to_string(), DetailValue::Count(9_000)),
                    ("se_plain".to_string(), DetailValue::Number(3.0)),
                ]),
            };
            let value = if self.estimand == Estimand::Ratio {
                1.0 + value / 2.4
            } else {
                value
            };
            let q = if self.estimand == Estimand::Ratio {
                se / 2.4
            } else {
                se
            };
            rows.push(row(Estimator::Lin, true, value, q));
            rows.push(row(Estimator::Welch, false, value * 1.03, q));
        }
        rows
    }

    fn levels(&self, arms: &[ArmInfo], customers: &[u64]) -> Vec<LevelRow> {
        let mut rows = Vec::new();
        for (i, arm) in arms.iter().enumerate() {
            let change = if i == 0 { 0.0 } else { self.difference(i - 1) };
            for (period, mean) in [
                ("before", 2.41 - 0.004 * i as f64),
                ("after", 2.39 + change),
            ] {
                rows.push(LevelRow {
                    outcome: "fee-contacts".into(),
                    arm: arm.name.clone(),
                    period: period.into(),
                    n: customers[i],
                    total: (mean * customers[i] as f64).round(),
                    mean,
                    ci_lower: Some(mean - 0.07),
                    ci_upper: Some(mean + 0.07),
                    unit: UNIT.into(),
                });
            }
        }
        rows
    }

    fn distribution(&self, arms: &[ArmInfo], customers: &[u64]) -> Vec<DistributionRow> {
        let bins: [(f64, Option<f64>); 8] = [
            (0.0, Some(0.0)),
            (1.0, Some(1.0)),
            (2.0, Some(2.0)),
            (3.0, Some(3.0)),
            (4.0, Some(4.0)),
            (5.0, Some(6.0)),
            (7.0, Some(10.0)),
            (11.0, None),
        ];
        let mut rows = Vec::new();
        for (i, arm) in arms.iter().enumerate() {
            let mut left = customers[i];
            for (k, (from, to)) in bins.into_iter().enumerate() {
                let share = 0.42
                    + if i == 0 {
                        0.0
                    } else {
                        -0.2 * self.difference(i - 1)
                    };
                let n = match k {
                    // The last bins hold fewer customers than may be shown.
                    7 => left.min(2),
                    6 => left.saturating_sub(2),
                    _ => (left as f64 * share) as u64,
                };
                left -= n;
                rows.push(DistributionRow {
                    outcome: "fee-contacts".into(),
                    arm: arm.name.clone(),
                    from,
                    to,
                    customers: n,
                    share: n as f64 / customers[i].max(1) as f64,
                });
            }
        }
        rows
    }

    fn business_case(&self, treatments: &[&ArmInfo]) -> BusinessCase {
        let line = |value: f64, half: f64| Line {
            value,
            lower: Some(value - half),
            upper: Some(value + half),
        };
        let mut cashflow = Vec::new();
        let mut arms = Vec::new();
        for (i, arm) in treatments.iter().enumerate() {
            let monthly = -self.difference(i) * 48_000.0 - 420.0;
            let start = -38_000.0 - 1_500.0 * i as f64;
            let mut payback = None;
            for month in 0..=24u32 {
                let m = f64::from(month);
                let cumulative = start + monthly * m;
                if payback.is_none() && cumulative >= 0.0 {
                    payback = Some(month);
                }
                let half = 600.0 + 2_300.0 * m;
                cashflow.push(CashflowRow {
                    arm: arm.name.clone(),
                    month,
                    contacts_avoided: if month == 0 { 0.0 } else { 4_000.0 },
                    minutes_avoided: None,
                    saving_variable: 1_000.25,
                    saving_labour: 2_000.5,
                    delivery_cost: 300.0,
                    running_cost: 50.0,
                    fixed_cost: if month == 0 { -start } else { 0.0 },
                    net: if month == 0 { start } else { monthly },
                    cumulative,
                    cumulative_lower: Some(cumulative - half),
                    cumulative_upper: Some(cumulative + half),
                    fan: Some(Fan {
                        p05: cumulative - 0.84 * half,
                        p25: cumulative - 0.34 * half,
                        p50: cumulative,
                        p75: cumulative + 0.34 * half,
                        p95: cumulative + 0.84 * half,
                    }),
                });
            }
            let end = start + 24.0 * monthly;
            arms.push(ArmCase {
                arm: arm.name.clone(),
                avoided_per_customer_month: line(-self.difference(i), 0.09),
                contacts_avoided: line(-self.difference(i) * 460_000.0, 41_000.0),
                minutes_per_customer_month: None,
                minutes_avoided: None,
                hours_avoided: None,
                overstated_by_contacts: None,
                overstated_by_contacts_interval: None,
                as_estimated: (i + 1 < treatments.len()).then(|| AsEstimated {
                    avoided_per_customer_month: line(-self.difference(i) * 1.1, 0.09),
                    minutes_per_customer_month: None,
                    contacts_avoided: line(-self.difference(i) * 506_000.0, 41_000.0),
                    npv: Some(line(end, 52_000.0)),
                    probability_npv_positive: Some(if end > 0.0 { 0.98 } else { 0.05 }),
                }),
                pv_savings: Some(line(end + 60_000.0, 50_000.0)),
                pv_spend: Some(line(60_000.0, 4_000.0)),
                npv: Some(line(end * 0.9, 52_000.0)),
                npv_observed_only: Some(line(-21_450.5, 4_000.0)),
                every_reason: None,
                share_beyond_observed: Some(line(0.83, 0.05)),
                npv_share_beyond_observed: (end > 0.0).then(|| Line {
                    upper: None,
                    ..line(1.2, 0.1)
                }),
                roi: Some(line(1.4, 0.6)),
                payback_months: payback,
                payback_months_interval: Some(MonthRange {
                    lower: payback.map(|m| m - 1),
                    upper: None,
                }),
                payback_months_discounted: payback,
                payback_months_discounted_interval: None,
                cost_per_contact_avoided: Some(line(0.625, 0.2)),
                break_even_reduction: Some(line(0.031, 0.004)),
                break_even_avoided_per_day: Some(line(0.002, 0.0003)),
                break_even_exists: Some(0.97),
                budget_share: Some(line(0.064, 0.03)),
                budget_share_unrealised: Some(line(0.11, 0.05)),
                probability_budget_claim: Some(0.02),
                probability_npv_positive: Some(if end > 0.0 { 0.97 } else { 0.04 }),
                probability_payback: Some(0.9),
                pilot_cost: None,
                staffing: None,
            });
        }
        let best = treatments.first().map(|a| a.name.clone());
        let (tornado, choice) = (self.tornado(treatments), self.choice(treatments));
        BusinessCase {
            currency: "EUR".into(),
            minor_digits: 2,
            horizon_months: 24,
            level: 0.95,
            draws: 10_000,
            priced: Priced::Contacts,
            pilot: PilotFacts {
                start_month: Some(12),
                window_days: 60.0,
                control_contacts: 1.2,
                control_minutes: None,
                by_rate: false,
            },
            arms,
            best,
            choice: Some(choice),
            tornado,
            payback_within_months: Some(18),
            claimed_budget_share: Some(0.15),
            cashflow,
            assumptions: vec![
                AssumptionRow {
                    key: "cost_per_contact.variable".into(),
                    form: "triangular".into(),
                    base: Some(4.2),
                    low: Some(3.0),
                    mode: Some(4.1),
                    high: Some(5.5),
                    sd: None,
                    most: None,
                    unit: "EUR per contact".into(),
                },
                AssumptionRow {
                    key: "half_life_months".into(),
                    form: "number".into(),
                    base: Some(9.0),
                    low: None,
                    mode: None,
                    high: None,
                    sd: None,
                    most: None,
                    unit: "months".into(),
                },
            ],
            draws_summary: None,
            notes: vec!["Nominal, before tax; the pilot's own cost is sunk and left out.".into()],
            no_cash_because: None,
            pilot_cost: None,
            no_every_reason_because: None,
        }
    }

    fn tornado(&self, treatments: &[&ArmInfo]) -> Vec<TornadoRow> {
        let mut rows = Vec::new();
        for (i, arm) in treatments.iter().enumerate() {
            let monthly = -self.difference(i) * 48_000.0 - 420.0;
            let npv = (-38_000.0 - 1_500.0 * i as f64 + 24.0 * monthly) * 0.9;
            let swing = 2_000.0 - self.difference(i) * 700_000.0;
            let stated = TornadoRange::Percentiles;
            for (key, range, low, high, unit, share) in [
                (
                    "effect",
                    stated,
                    0.12,
                    Some(0.3),
                    "contacts avoided per customer-month",
                    1.0,
                ),
                (
                    "half_life_months",
                    TornadoRange::NotStated,
                    4.5,
                    Some(18.0),
                    "months",
                    0.8,
                ),
                (
                    "realisation",
                    TornadoRange::NotStated,
                    0.0,
                    Some(1.0),
                    "share of freed labour",
                    0.5,
                ),
                (
                    "churn_per_month",
                    stated,
                    0.01,
                    Some(0.03),
                    "share of customers per month",
                    -0.2,
                ),
                (
                    "cost_per_contact.variable",
                    stated,
                    3.4,
                    Some(5.1),
                    "EUR per contact",
                    0.1,
                ),
            ] {
                rows.push(TornadoRow {
                    arm: arm.name.clone(),
                    key: key.into(),
                    range,
                    low,
                    high,
                    unit: unit.into(),
                    npv_low: npv - 0.45 * share * swing,
                    npv_high: npv + 0.55 * share * swing,
                });
            }
        }
        rows
    }

    fn choice(&self, treatments: &[&ArmInfo]) -> Choice {
        let none = ChoiceOption {
            arm: None,
            cost: 0.0,
            contacts: 0.0,
            standing: Standing::Frontier,
            cost_per_further_contact: None,
        };
        let arms = treatments.iter().enumerate().map(|(i, arm)| ChoiceOption {
            arm: Some(arm.name.clone()),
            cost: 38_000.0 + 1_500.0 * i as f64,
            contacts: -self.difference(i) * 460_000.0,
            standing: if i == 0 {
                Standing::Frontier
            } else {
                Standing::Dominated
            },
            cost_per_further_contact: (i == 0).then_some(0.625),
        });
        let mut acceptability = Vec::new();
        for step in 0..41 {
            let value = f64::from(step) * 0.1;
            let weight = |k: usize| match k {
                0 => 1.0,
                k => (-self.difference(k - 1) * 30.0 * (value - 0.5)).exp() / k as f64,
            };
            let total: f64 = (0..=treatments.len()).map(weight).sum();
            for k in 0..=treatments.len() {
                acceptability.push(AcceptabilityRow {
                    value,
                    arm: k.checked_sub(1).map(|k| treatments[k].name.clone()),
                    probability: weight(k) / total,
                    best_on_average: k == usize::from(value > 0.6),
                });
            }
        }
        Choice {
            options: std::iter::once(none).chain(arms).collect(),
            value_of_contact: Some(2.6),
            acceptability,
            perfect_information: Some(Information {
                value: 1_250.0,
                se: 31.0,
            }),
        }
    }

    fn decision(&self, treatments: &[&ArmInfo]) -> Decision {
        let why = match self.verdict {
            VerdictKind::Scale => {
                "The effect is clear and the net present value is above 0 in 97 % of the simulated futures."
            }
            VerdictKind::Extend => "The effect is promising, but its interval includes 0.",
            VerdictKind::Stop => "No arm has a clear effect.",
            VerdictKind::Wait => "The test period ends on 2026-11-29; 12 days are left.",
            VerdictKind::Blocked => "The arms are not as large as they were planned (srm).",
        };
        Decision {
            next_stage: None,
            because: vec![],
            arm: matches!(self.verdict, VerdictKind::Scale | VerdictKind::Extend)
                .then(|| treatments[0].name.clone()),
            verdict: self.verdict,
            why: vec![why.into()],
        }
    }
}

/// The deciding outcome, one that is shown and a guardrail.
pub fn outcomes() -> Vec<OutcomeInfo> {
    let outcome = |name: &str, role: &str, margin| OutcomeInfo {
        name: name.into(),
        role: role.into(),
        better: "lower".into(),
        margin,
    };
    vec![
        outcome("fee-contacts", "primary", None),
        outcome("all-contacts", "secondary", None),
        outcome("left-us", "guardrail", Some(0.02)),
    ]
}

fn checks() -> Vec<Check> {
    let check = |id: &str, status, p: Option<f64>, detail: &str| Check {
        id: id.into(),
        status,
        statistic: p.map(|p| 10.0 * p),
        p_value: p,
        detail: detail.into(),
    };
    vec![
        check(
            "srm",
            Status::Ok,
            Some(0.62),
            "The arms are as large as planned.",
        ),
        check(
            "balance",
            Status::Warn,
            Some(0.004),
            "The arms differed at the start.",
        ),
        check(
            "attrition",
            Status::NotRun,
            None,
            "Missing outcomes are not recorded.",
        ),
        check(
            "claims",
            Status::Info,
            None,
            "The reduction is below the claimed 25 %.",
        ),
    ]
}

fn balance(treatments: &[&ArmInfo]) -> Vec<BalanceRow> {
    let covariates = [
        "before",
        "plan = basic",
        "plan = premium",
        "region = north",
        "joined before 2024",
    ];
    let mut rows = Vec::new();
    for (c, covariate) in covariates.iter().enumerate() {
        for (i, arm) in treatments.iter().enumerate() {
            let smd = ((c * 5 + i * 3) % 11) as f64 / 50.0 - 0.1;
            rows.push(BalanceRow {
                covariate: covariate.to_string(),
                arm: arm.name.clone(),
                mean_arm: 2.4 + smd,
                mean_control: 2.4,
                smd: (c != 4).then_some(if (c, i) == (2, 0) { 0.162 } else { smd }),
            });
        }
    }
    rows
}

fn approval(number: u64, late: bool) -> ApprovalRow {
    ApprovalRow {
        number,
        by: Some("Ada Lovelace".into()),
        role: Some("finance".into()),
        day: "2026-09-15".into(),
        seal: "9f2c4b7d11aa03fe".into(),
        plan_sha256: "3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed".into(),
        late,
        why: None,
        compared: !late,
    }
}
