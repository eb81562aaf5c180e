//! Sizes in plain words, and their chart in files: what `power` and `design` share.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::planning::power_curves;
use crate::report::number::{count, general, percent_with};
use crate::report::power_chart;
use crate::stats::power::{Answer, Boundary, Family, Method, Question};
use crate::workspace::write_new;

use super::ui::Ui;

/// The chart's files: `FILE.svg` or `FILE.png` alone, both where the name has neither ending.
///
/// # Errors
/// One of them exists: nothing is overwritten.
pub fn chart_files(file: &Path) -> Result<Vec<PathBuf>> {
    let ending = file.extension().and_then(|e| e.to_str());
    let files = match ending {
        Some("svg" | "png") => vec![file.to_path_buf()],
        _ => ["svg", "png"]
            .map(|ending| {
                let mut name = file.as_os_str().to_os_string();
                name.push(".");
                name.push(ending);
                PathBuf::from(name)
            })
            .to_vec(),
    };
    match files.iter().find(|f| f.exists()) {
        Some(there) => Err(Error::usage("the file exists and is left as it is")
            .file(there)
            .key("--chart")
            .hint("choose another name; with .svg or .png only that file is written")),
        None => Ok(files),
    }
}

/// Draws the power around an answer into `files`.
pub fn write_chart(q: &Question, a: &Answer, files: &[PathBuf], ui: &Ui) -> Result<()> {
    let curves = power_curves(q, a).map_err(|r| Error::usage(r.why))?;
    let Some(curves) = curves else {
        ui.warn("the customers find no reduction, so there is no curve to draw");
        return Ok(());
    };
    let source = format!(
        "pilot {} · {} · {}",
        env!("CARGO_PKG_VERSION"),
        test(q, a),
        assumptions(q).join("; ")
    );
    let drawn = power_chart(&curves, &source)?;
    ui.boxes(&drawn);
    for file in files {
        let chart = drawn
            .iter()
            .find(|c| c.name.ends_with(".png") == file.extension().is_some_and(|e| e == "png"));
        if let Some(chart) = chart {
            write_new(file, &chart.bytes)?;
            ui.say(format!("wrote {}", file.display()))?;
        }
    }
    Ok(())
}

/// The answer in plain words.
pub fn answer_lines(q: &Question, a: &Answer) -> Vec<String> {
    let mut lines = vec![size(q, a), finds(q, a)];
    lines.extend(time(q, a));
    lines.extend(simulated(a));
    lines.extend(looks(a));
    lines.extend(factors(q, a));
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

/// How long it takes, where customers arrive or are given.
fn time(q: &Question, a: &Answer) -> Option<String> {
    let mut parts = Vec::new();
    if let (Some(days), Some(arrivals)) = (a.enrolment_days, q.arrivals) {
        let noun = if days == 1 { "day" } else { "days" };
        parts.push(format!(
            "At {} customers a day all have arrived after {} {noun}.",
            general(arrivals),
            count(days)
        ));
    }
    if let (Some(reduction), Some(power), Some(_)) = (q.reduction, q.power, q.customers)
        && a.power < power
    {
        parts.push(match a.exposure_needed {
            Some(units) => format!(
                "To {} with {} power they would have to be observed {} times as long.",
                aim(q, reduction),
                asked(power),
                general((100.0 * units / q.exposure).ceil() / 100.0)
            ),
            None => format!(
                "However long they are observed, they do not {} with {} power: they differ too much.",
                aim(q, reduction),
                asked(power)
            ),
        });
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn simulated(a: &Answer) -> Option<String> {
    match (a.power_simulated, a.power_simulated_se, &a.not_simulated) {
        (Some(share), Some(se), _) => Some(format!(
            "Simulated power: {} ± {} in {} pilots (the formula's is {}).",
            found(share),
            found(se),
            count(u64::from(a.replicates)),
            found(a.power)
        )),
        (_, _, Some(why)) => Some(format!("Not simulated: {why}.")),
        _ => None,
    }
}

/// Where the pilot may stop before its end.
fn looks(a: &Answer) -> Option<String> {
    let inflation = a.inflation?;
    let list = |text: fn(&Boundary) -> String| {
        let all: Vec<String> = a.boundaries.iter().map(text).collect();
        all.join(", ")
    };
    Some(format!(
        "Looks: at {} of the information; beyond z {} the pilot may stop. They cost {} more customers.",
        list(|b| asked((1000.0 * b.information).round() / 1000.0)),
        list(|b| format!("{:.3}", b.z)),
        found(inflation - 1.0)
    ))
}

/// What makes the pilot larger or smaller than two arms of unrelated customers, all observed.
fn factors(q: &Question, a: &Answer) -> Option<String> {
    let mut parts = Vec::new();
    let mut times = |factor: f64, what: String| {
        if (factor - 1.0).abs() > 1e-9 {
            parts.push(format!("{factor:.2} for {what}"));
        }
    };
    times(
        q.unexplained(),
        format!("the count before (correlation {})", general(q.correlation)),
    );
    times(q.design_effect(), "clusters".into());
    times(1.0 / (1.0 - q.attrition), "missing outcomes".into());
    times(
        1.0 / (q.uptake * q.uptake),
        "those who do not take it up, about".into(),
    );
    times(a.inflation.unwrap_or(1.0), "looks".into());
    let times = "The number of customers is multiplied by";
    (!parts.is_empty()).then(|| format!("{times} {}.", parts.join(", ")))
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
        match (q.family, &q.looks) {
            (Family::Alone, _) => " for each treatment by itself",
            (Family::Dunnett, None) => ", Dunnett over all treatments",
            _ => ", shared by the treatments",
        }
    } else {
        ""
    };
    let margin = if q.margin == 1.0 {
        String::new()
    } else {
        format!(", ratio against {}", general(q.margin))
    };
    let at = if q.looks.is_some() {
        "critical z at the last look"
    } else {
        "critical z"
    };
    format!(
        "{name}{margin}, {sides} at {}{family} ({at} {:.3})",
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
    if q.unexplained() != 1.0 {
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
    use crate::stats::power;

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
