//! `pilot power`: customers, effect and power, any one from the other two.

use crate::error::{Error, Result};
use crate::report::number::{count, general, percent_with};
use crate::stats::power::{self, Answer, Method, Question};

use super::ui::Ui;

/// Sizes, power and smallest effect; no plan needed.
///
/// With a reduction: how many customers find it. With customers: the power to find the
/// reduction, and the smallest reduction that they find.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  pilot power --rate 2.4 --dispersion 1.8 --reduction 0.1\n  pilot power --rate 2.4 --dispersion 1.8 --customers 4000\n  pilot power --rate 0.6 --dispersion 0.4 --reduction 0.2 --arms 4\n  pilot power --rate 0.6 --reduction 0.2 --weights 2,1,1 --correlation 0.5 --method means\n  pilot power --rate 1 --dispersion 0.4 --reduction 0 --margin 1.15 --sides 1 --alpha 0.025\n\nRate, dispersion and correlation can be taken from past counts: pilot design NAME --history FILE"
)]
pub struct Args {
    /// The test: nb (ratio of negative binomial rates) or means (difference in means)
    #[arg(long, default_value = "nb", value_parser = ["nb", "means"], value_name = "METHOD")]
    method: String,
    /// Control's contacts per customer and unit of exposure
    #[arg(long, value_name = "CONTACTS")]
    rate: f64,
    /// NB2 dispersion: variance = mean + dispersion × mean²
    #[arg(long, default_value_t = 0.0, value_name = "PHI")]
    dispersion: f64,
    /// Reduction worth finding: 1 − treatment/control, for example 0.2
    #[arg(long, value_name = "SHARE")]
    reduction: Option<f64>,
    /// Error rate of all comparisons together
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
    /// Power of one comparison
    #[arg(long, default_value_t = 0.8)]
    power: f64,
    /// 1 (towards fewer contacts) or 2
    #[arg(long, default_value_t = 2)]
    sides: u8,
    /// Units of exposure of each customer
    #[arg(long, default_value_t = 1.0, value_name = "UNITS")]
    exposure: f64,
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
    #[arg(long, default_value_t = 0.0)]
    icc: f64,
    /// Mean customers in a cluster
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    cluster_size: f64,
    /// Coefficient of variation of the clusters' sizes
    #[arg(long, default_value_t = 0.0, value_name = "CV")]
    cluster_cv: f64,
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
    /// Several treatments: dunnett (one error rate for all) or none (each by itself)
    #[arg(long, default_value = "dunnett", value_parser = ["dunnett", "none"], value_name = "NAME")]
    multiplicity: String,
    /// Seed of the simulated power
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, hide = true)]
    looks: Option<String>,
    #[arg(long, hide = true)]
    information: Option<String>,
    #[arg(long, hide = true)]
    spending: Option<String>,
    #[arg(long, hide = true)]
    spending_parameter: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<()> {
    let later = [
        ("--looks", &args.looks),
        ("--information", &args.information),
        ("--spending", &args.spending),
        ("--spending-parameter", &args.spending_parameter),
    ];
    if let Some((flag, _)) = later.iter().find(|(_, value)| value.is_some()) {
        return Err(Error::not_yet_built(flag).key(*flag));
    }
    let question = question(args)?;
    let answer = power::answer(&question).map_err(|refusal| {
        Error::usage(refusal.why).hint("`pilot power --help` explains the flags, with examples")
    })?;
    if ui.json {
        return ui.document(&answer);
    }
    for line in answer_lines(&question, &answer) {
        ui.say(line)?;
    }
    ui.next("pilot design NAME")
}

fn question(args: &Args) -> Result<Question> {
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
        icc: args.icc,
        cluster_size: args.cluster_size,
        cluster_cv: args.cluster_cv,
        uptake: args.uptake,
        attrition: args.attrition,
        margin: args.margin,
        customers: args.customers,
        multiplicity: args.multiplicity == "dunnett",
        seed: args.seed,
        ..Question::default()
    })
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

/// The answer in plain words.
pub fn answer_lines(q: &Question, a: &Answer) -> Vec<String> {
    let mut lines = vec![size(q, a), finds(q, a)];
    lines.extend(simulated(a));
    lines.push(format!("Test: {}.", test(q, a)));
    lines.push(format!("Assumed: {}.", assumptions(q).join("; ")));
    lines
}

fn size(q: &Question, a: &Answer) -> String {
    let (control, treatments) = a.n_per_arm.split_at(1);
    let total = count(a.n_total);
    let mut same = treatments.iter().all(|n| *n == control[0]);
    // Left-over customers of a given number differ by one only.
    same &= q.customers.is_none();
    if same {
        return format!(
            "Customers: {} in each of {} arms, {total} in all.",
            count(control[0]),
            a.n_per_arm.len()
        );
    }
    let treatments: Vec<String> = treatments.iter().map(|&n| count(n)).collect();
    format!(
        "Customers: {} in control, {} in {}, {total} in all.",
        count(control[0]),
        treatments.join(" and "),
        if treatments.len() == 1 {
            "treatment"
        } else {
            "the treatments"
        },
    )
}

/// A share that was asked for, as it was given.
fn asked(share: f64) -> String {
    format!("{} %", general(100.0 * share))
}

/// A share that was computed.
fn found(share: f64) -> String {
    percent_with(share, 1)
}

fn finds(q: &Question, a: &Answer) -> String {
    let each = if q.weights.len() > 2 {
        " for each treatment"
    } else {
        ""
    };
    let smallest = match (a.smallest_reduction, q.power) {
        (Some(s), Some(power)) => format!(
            "The smallest reduction they find with {} power is {}.",
            asked(power),
            found(s)
        ),
        _ => "They find no reduction with the power asked, however large.".into(),
    };
    match q.reduction {
        Some(r) if q.customers.is_some() => format!(
            "Power to {}: {}{each}. {smallest}",
            aim(q, r),
            found(a.power)
        ),
        Some(r) => format!(
            "Enough to {} with {} power{each}.",
            aim(q, r),
            found(a.power)
        ),
        None => smallest,
    }
}

/// What is to be found, or with a margin to be excluded.
fn aim(q: &Question, reduction: f64) -> String {
    let change = if reduction < 0.0 {
        format!("an increase of {}", asked(-reduction))
    } else {
        format!("a reduction of {}", asked(reduction))
    };
    if q.margin == 1.0 {
        format!("find {change}")
    } else {
        format!("exclude a ratio of {}, given {change}", general(q.margin))
    }
}

fn simulated(a: &Answer) -> Option<String> {
    let simulated = a.power_simulated?;
    Some(format!(
        "Simulated power: {} (the formula's is {}).",
        found(simulated),
        found(a.power)
    ))
}

fn test(q: &Question, a: &Answer) -> String {
    let name = match q.method {
        Method::Nb => "ratio of negative binomial rates",
        Method::Means => "difference in means",
    };
    let sides = if q.sides == 1 {
        "one-sided"
    } else {
        "two-sided"
    };
    let family = if q.weights.len() > 2 {
        if q.multiplicity {
            ", Dunnett over all treatments"
        } else {
            " for each treatment by itself"
        }
    } else {
        ""
    };
    let margin = if q.margin == 1.0 {
        String::new()
    } else {
        format!(", ratio against {}", general(q.margin))
    };
    format!(
        "{name}{margin}, {sides} at {}{family} (critical z {:.3})",
        asked(q.alpha),
        a.critical_value
    )
}

fn assumptions(q: &Question) -> Vec<String> {
    let mut all = vec![
        format!(
            "contacts per customer without the intervention {}",
            general(q.rate * q.exposure)
        ),
        format!("dispersion {}", general(q.dispersion)),
    ];
    if q.uptake < 1.0 {
        all.push(format!(
            "{} take the intervention up, so the arms differ by less",
            asked(q.uptake)
        ));
    }
    if q.attrition > 0.0 {
        all.push(format!(
            "{} of the outcomes will be missing",
            asked(q.attrition)
        ));
    }
    if q.correlation != 0.0 {
        all.push(format!(
            "the analysis adjusts for the count before (correlation {})",
            general(q.correlation)
        ));
    }
    if q.icc > 0.0 {
        all.push(format!(
            "whole clusters of {} customers (variation {}) are assigned, correlation within {}",
            general(q.cluster_size),
            general(q.cluster_cv),
            general(q.icc)
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(q: Question) -> String {
        let a = power::answer(&q).unwrap();
        answer_lines(&q, &a).join("\n")
    }

    fn base() -> Question {
        Question {
            rate: 0.5,
            dispersion: 0.1,
            reduction: Some(0.4),
            replicates: 0,
            ..Question::default()
        }
    }

    #[test]
    fn a_size_in_words() {
        let text = lines(base());
        assert!(text.starts_with(
            "Customers: 167 in each of 2 arms, 334 in all.\nEnough to find a reduction of 40"
        ));
        assert!(!text.contains("Simulated"), "{text}");
    }

    #[test]
    fn customers_that_find_nothing_say_so() {
        let text = lines(Question {
            customers: Some(4),
            reduction: None,
            ..base()
        });
        assert!(text.contains("They find no reduction"), "{text}");
    }

    #[test]
    fn increases_and_margins_are_named() {
        let up = lines(Question {
            reduction: Some(-0.2),
            ..base()
        });
        assert!(up.contains("find an increase of 20"), "{up}");
        let margin = lines(Question {
            reduction: Some(0.0),
            margin: 1.15,
            ..base()
        });
        assert!(
            margin.contains("exclude a ratio of 1.15, given a reduction of 0"),
            "{margin}"
        );
    }

    #[test]
    fn every_assumption_is_named() {
        let text = lines(Question {
            uptake: 0.5,
            attrition: 0.1,
            correlation: 0.6,
            icc: 0.02,
            cluster_size: 20.0,
            weights: vec![2.0, 1.0, 1.0],
            ..base()
        });
        for word in [
            "up",
            "missing",
            "correlation 0.6",
            "clusters of 20",
            "Dunnett",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
