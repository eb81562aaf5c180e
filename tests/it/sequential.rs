//! Looking early against R (rpact, mvtnorm, MASS), Python and published tables, and identities.

use pilot::stats::dist::{normal_isf, normal_sf};
use pilot::stats::sequential::{
    Blinded, Boundary, ConfidenceSequence, Design, Futility, Monitor, Now, Passed, Pooled,
    Spending, StageWise, error_rate, inverse_normal_p, stage_fractions,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::counts_support::{Row, close, number, numbers, record, rows};

/// `tables_group_sequential.json` was made by integration with errors below 1e-9; rpact agrees to 3e-7.
const BOUNDARY: f64 = 1e-8;
/// rpact stops its search for alpha at 1e-12, which leaves up to 1e-7 in z; its futility bounds and
/// the drift to 1e-6.
const RPACT: f64 = 1e-6;
/// Miwa's algorithm with 4097 steps; uniroot to 1e-11.
const MIWA: f64 = 1e-6;
/// rpact's final confidence limits and medians come from a root to 1e-6 or so.
const RPACT_FINAL: f64 = 1e-4;
/// rpact's search for the repeated p stops near this, absolutely; at the boundary ours is alpha to 1e-7.
const RPACT_REPEATED: f64 = 1e-6;
/// An identity: integrals agree to their own accuracy.
const EXACT: f64 = 1e-9;
/// glm.nb stops when θ changes by 1e-4 of its standard error or so.
const GLM_NB: f64 = 1e-6;

fn all_of(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(format!("tests/reference/{file}")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    json["results"].as_array().unwrap().clone()
}

fn design(boundary: Boundary, values: &Value) -> Design {
    Design {
        boundary,
        information: numbers(values, "information"),
        alpha: number(values, "alpha"),
        sides: number(values, "sided") as u8,
        futility: None,
    }
}

fn at(number: usize, information: f64, planned: f64) -> Now {
    Now {
        number,
        information,
        fraction: information / planned,
        ending: information == planned,
    }
}

fn of_table(id: &str) -> Boundary {
    let name = id.strip_prefix("group_sequential.").unwrap();
    match name {
        n if n.starts_with("ld_obf") => Boundary::Spending(Spending::ObrienFleming),
        n if n.starts_with("ld_pocock") => Boundary::Spending(Spending::Pocock),
        n if n.starts_with("pocock") => Boundary::from_name("classic-pocock", None).unwrap(),
        n if n.starts_with("obrien_fleming") => {
            Boundary::from_name("classic-obrien-fleming", None).unwrap()
        }
        n if n.starts_with("kim_demets_rho2") => {
            Boundary::from_name("kim-demets", Some(2.0)).unwrap()
        }
        n if n.starts_with("hsd_gamma_minus4") => {
            Boundary::from_name("hwang-shih-decani", Some(-4.0)).unwrap()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn boundaries_and_inflation_agree_with_r_and_python() {
    let mut inflations = 0;
    for r in all_of("group_sequential.json") {
        let id = r["id"].as_str().unwrap();
        let v = &r["values"];
        let design = design(of_table(id), v);
        let looks = design.looks().unwrap();
        let z = numbers(v, "critical_z");
        let spent = numbers(v, "cumulative_alpha");
        let nominal = numbers(
            v,
            if design.sides == 1 {
                "nominal_p_one_sided"
            } else {
                "nominal_p_two_sided"
            },
        );
        assert_eq!(looks.len(), z.len());
        for (k, look) in looks.iter().enumerate() {
            close(id, look.z, z[k], BOUNDARY);
            close(id, look.spent, spent[k], 1e-7);
            close(id, look.nominal_p, nominal[k], 1e-6);
        }
        if v.get("inflation_factor_power90").is_some() {
            let found = design.inflation(0.9).unwrap();
            close(
                id,
                found,
                number(v, "inflation_factor_denominator_ignores_far_tail"),
                BOUNDARY,
            );
            // Counts the far tail in the fixed test too: 4e-7 where two-sided.
            close(id, found, number(v, "inflation_factor_power90"), 1e-6);
            inflations += 1;
        }
    }
    assert_eq!(inflations, 12);
}

#[test]
fn published_boundaries_come_out() {
    // Jennison and Turnbull (2000), tables 2.1 and 2.3; published.md: to the digits printed.
    for (name, looks, expected) in [
        ("classic-obrien-fleming", 2, vec![2.7965, 1.9774]),
        ("classic-obrien-fleming", 3, vec![3.4711, 2.4544, 2.0040]),
        (
            "classic-obrien-fleming",
            5,
            vec![4.5617, 3.2256, 2.6337, 2.2809, 2.0401],
        ),
        ("classic-pocock", 2, vec![2.1783; 2]),
        ("classic-pocock", 3, vec![2.2895; 3]),
        ("classic-pocock", 4, vec![2.3613; 4]),
        ("classic-pocock", 5, vec![2.4132; 5]),
        ("obrien-fleming", 3, vec![3.7103, 2.5114, 1.9930]),
    ] {
        let design = Design {
            boundary: Boundary::from_name(name, None).unwrap(),
            information: (1..=looks)
                .map(|k| f64::from(k) / f64::from(looks))
                .collect(),
            alpha: 0.05,
            sides: 2,
            futility: None,
        };
        for (look, z) in design.looks().unwrap().iter().zip(expected) {
            assert!((look.z - z).abs() < 6e-5, "{name} {looks}: {} {z}", look.z);
        }
    }
}

#[test]
fn naive_looks_at_196_find_too_much() {
    // published.md, one tail; and mvtnorm for 2 and 4 looks.
    for (looks, rate) in [(2, 0.042), (4, 0.063), (10, 0.097), (20, 0.124)] {
        let passed: Vec<Passed> = (1..=looks)
            .map(|k| Passed {
                information: f64::from(k),
                fraction: f64::from(k) / f64::from(looks),
                critical: normal_isf(0.025),
            })
            .collect();
        let found = error_rate(&passed, 1);
        assert!((found - rate).abs() < 6e-4, "{looks}: {found}");
        if looks <= 4 {
            let r = record("sequential.json", &format!("naive_196_K{looks}"));
            close("naive", found, number(&r, "rate"), MIWA);
        }
    }
}

#[test]
fn families_sides_and_futility_agree_with_rpact() {
    use Spending::{HwangShihDecani, KimDemets, ObrienFleming, Pocock};
    let spending = Boundary::Spending;
    for (id, boundary, futility) in [
        (
            "wang_tsiatis_25_K4_sided1",
            Boundary::WangTsiatis(0.25),
            None,
        ),
        (
            "wang_tsiatis_10_unequal_sided2",
            Boundary::WangTsiatis(0.1),
            None,
        ),
        ("ld_obf_unequal_sided2", spending(ObrienFleming), None),
        ("ld_pocock_K3_sided2", spending(Pocock), None),
        (
            "hsd_minus2_unequal_sided2",
            spending(HwangShihDecani(-2.0)),
            None,
        ),
        ("kim_demets_3_K5_sided2", spending(KimDemets(3.0)), None),
        (
            "obf_futility_obf_K3_sided1",
            spending(ObrienFleming),
            Some(ObrienFleming),
        ),
        (
            "pocock_futility_pocock_K4_sided1",
            spending(Pocock),
            Some(Pocock),
        ),
        (
            "hsd_futility_hsd_unequal_sided1",
            spending(HwangShihDecani(-4.0)),
            Some(HwangShihDecani(-2.0)),
        ),
        (
            "kd_futility_kd_unequal_sided1",
            spending(KimDemets(2.0)),
            Some(KimDemets(1.5)),
        ),
    ] {
        let r = record("sequential.json", id);
        let mut design = design(boundary, &r);
        design.futility = futility.map(|spending| Futility {
            spending,
            beta: number(&r, "beta"),
        });
        let looks = design.looks().unwrap();
        for (look, z) in looks.iter().zip(numbers(&r, "critical_z")) {
            close(id, look.z, z, RPACT);
        }
        for (look, spent) in looks.iter().zip(numbers(&r, "cumulative_alpha")) {
            close(id, look.spent, spent, RPACT);
        }
        if design.futility.is_some() {
            for (look, a) in looks.iter().zip(numbers(&r, "futility_z")) {
                let found = look.futility.unwrap();
                assert!((found - a).abs() < 1e-5, "{id}: {found} {a}");
            }
            let power = 1.0 - number(&r, "beta");
            close(
                id,
                design.drift(power).unwrap().powi(2),
                number(&r, "shift"),
                1e-5,
            );
            close(
                id,
                design.inflation(power).unwrap(),
                number(&r, "inflation"),
                1e-5,
            );
            let last = looks.last().unwrap();
            assert_eq!(last.futility, Some(last.z));
        }
    }
}

#[test]
fn stage_wise_inference_agrees_with_mvtnorm() {
    for id in [
        "stage_wise_obf_K3_sided2_look2",
        "stage_wise_obf_K3_sided2_end",
        "stage_wise_obf_K3_sided2_harm",
        "stage_wise_pocock_sided1_look2",
        "stage_wise_pocock_sided1_end",
    ] {
        let r = record("sequential.json", id);
        let (now, sides, alpha) = (
            number(&r, "z"),
            number(&r, "sided") as u8,
            number(&r, "alpha"),
        );
        let passed = passed(&r);
        let found = StageWise::new(&passed, 1.0, now, sides).unwrap();
        close(id, found.p(), number(&r, "p"), MIWA);
        for (key, tail) in [
            ("median", 0.5),
            ("lower", alpha / 2.0),
            ("upper", 1.0 - alpha / 2.0),
        ] {
            let drift = found.drift(tail).unwrap();
            assert!(
                (drift - number(&r, key)).abs() < MIWA,
                "{id} {key}: {drift}"
            );
        }
    }
}

/// The looks before the last, as fractions of its information.
fn passed(r: &Value) -> Vec<Passed> {
    let information = numbers(r, "information");
    let last = *information.last().unwrap();
    let critical = match &r["critical_z"] {
        Value::Array(_) => numbers(r, "critical_z"),
        one => vec![one.as_f64().unwrap()],
    };
    information[..information.len() - 1]
        .iter()
        .zip(critical)
        .map(|(i, critical)| Passed {
            information: i / last,
            fraction: i / last,
            critical,
        })
        .collect()
}

#[test]
fn final_and_repeated_inference_agree_with_rpact() {
    for (id, spending) in [
        ("rpact_obf_sided1_look2", Spending::ObrienFleming),
        ("rpact_obf_sided1_end", Spending::ObrienFleming),
        ("rpact_pocock_sided1_look1", Spending::Pocock),
        ("rpact_pocock_sided1_end", Spending::Pocock),
    ] {
        let r = record("sequential.json", id);
        let information = match &r["information"] {
            Value::Array(_) => numbers(&r, "information"),
            one => vec![one.as_f64().unwrap()],
        };
        let critical = match &r["critical_z"] {
            Value::Array(_) => numbers(&r, "critical_z"),
            one => vec![one.as_f64().unwrap()],
        };
        let now = information.len();
        let (z, se, effect) = (number(&r, "z"), number(&r, "se"), number(&r, "effect"));
        let passed: Vec<Passed> = (0..now - 1)
            .map(|k| Passed {
                information: information[k],
                fraction: information[k],
                critical: critical[k],
            })
            .collect();
        let design = Design {
            boundary: Boundary::Spending(spending),
            information: numbers(&r, "planned"),
            alpha: number(&r, "alpha"),
            sides: 1,
            futility: None,
        };
        let monitor = Monitor::new(design).unwrap();
        let look = at(now, information[now - 1], 1.0);
        let standard = monitor.standard(&passed, look).unwrap();
        close(id, standard.critical, critical[now - 1], RPACT);
        let repeated = monitor.repeated_p(&passed, look, z).unwrap();
        let theirs = number(&r, "repeated_p");
        assert!(
            (repeated - theirs).abs() < RPACT_REPEATED,
            "{id}: {repeated} {theirs}"
        );
        close(
            id,
            effect - standard.critical * se,
            number(&r, "repeated_lower"),
            RPACT,
        );
        let found = StageWise::new(&passed, information[now - 1], z, 1).unwrap();
        close(id, found.p(), number(&r, "p"), RPACT);
        for (key, tail) in [("median", 0.5), ("lower", 0.025), ("upper", 0.975)] {
            let value = found.drift(tail).unwrap() * se;
            assert!(
                (value - number(&r, key)).abs() < RPACT_FINAL,
                "{id} {key}: {value} {}",
                r[key]
            );
        }
    }
}

#[test]
fn more_or_less_information_than_planned_keeps_the_error_rate() {
    for id in ["overrun_sided2", "underrun_sided1"] {
        let r = record("sequential.json", id);
        let information = numbers(&r, "information");
        let design = Design {
            boundary: Boundary::Spending(Spending::ObrienFleming),
            // Other fractions than came: spending functions allow it.
            information: vec![0.25, 0.75, 1.0],
            alpha: number(&r, "alpha"),
            sides: number(&r, "sided") as u8,
            futility: None,
        };
        let alpha = design.alpha;
        let sides = design.sides;
        let monitor = Monitor::new(design).unwrap();
        let mut passed = Vec::new();
        for (k, (&i, z)) in information
            .iter()
            .zip(numbers(&r, "critical_z"))
            .enumerate()
        {
            let now = match k {
                2 => at(3, i, i),
                _ => at(k + 1, i, number(&r, "information_max")),
            };
            let standard = monitor.standard(&passed, now).unwrap();
            close(id, standard.critical, z, MIWA);
            close(id, standard.spent, numbers(&r, "spent")[k], 1e-9);
            assert_eq!(standard.last, k == 2);
            passed.push(Passed {
                information: i,
                fraction: standard.fraction,
                critical: standard.critical,
            });
        }
        close(id, error_rate(&passed, sides), alpha, EXACT);
    }
}

#[test]
fn the_combination_agrees_with_rpact() {
    let r = record("sequential.json", "inverse_normal_70_30");
    let weights = numbers(&r, "weights");
    let z = inverse_normal_p(&numbers(&r, "p"), &weights).unwrap();
    close("z", z, number(&r, "z"), EXACT);
    for (a, b) in stage_fractions(&weights)
        .iter()
        .zip(numbers(&r, "fractions"))
    {
        close("fraction", *a, b, EXACT);
    }
    assert!(inverse_normal_p(&[0.1], &[0.5, 0.5]).is_err());
    assert!(inverse_normal_p(&[0.1, 1.0], &[0.5, 0.5]).is_err());
    assert!(inverse_normal_p(&[0.1, 0.2], &[0.5, 0.0]).is_err());
}

#[test]
fn testing_on_as_if_planned_errs_too_often() {
    // At 1.96 after 1.96 the error rate is .083, as statistics.md says.
    let naive = [1.0, 2.0].map(|information| Passed {
        information,
        fraction: information / 2.0,
        critical: normal_isf(0.025),
    });
    assert!((error_rate(&naive, 2) - 0.083).abs() < 5e-4);
}

fn pooled(file: &str) -> Vec<Pooled> {
    let one = |r: &Row| Pooled {
        exposure: r.int("exposure") as f64,
        contacts: r.int("after") as u64,
        customers: 1,
    };
    rows(file).iter().map(one).collect()
}

#[test]
fn the_blinded_rate_and_dispersion_agree_with_glm_nb() {
    for (id, file) in [("blinded_epil", "epil.csv"), ("blinded_cgd", "cgd.csv")] {
        let r = record("sequential.json", id);
        let found = Blinded::fit(&pooled(file)).unwrap();
        close(id, found.rate, number(&r, "rate"), GLM_NB);
        close(id, found.dispersion, number(&r, "dispersion"), GLM_NB);
        assert_eq!(found.customers as f64, number(&r, "customers"));
    }
}

#[test]
fn a_blinded_fit_names_its_limits() {
    let same = |contacts, customers| Pooled {
        exposure: 2.0,
        contacts,
        customers,
    };
    let poisson = Blinded::fit(&[same(3, 50)]).unwrap();
    assert_eq!((poisson.rate, poisson.dispersion), (1.5, 0.0));
    assert!(Blinded::fit(&[same(0, 50)]).is_err());
    assert!(Blinded::fit(&[]).is_err());
    assert!(Blinded::fit(&[same(1 << 40, 1)]).is_err());
    // 1 : 1 arms, ratio .8: the pooled rate is .9 of control's.
    let control = poisson.control_rate(&[1.0, 0.8], &[1.0, 1.0]).unwrap();
    close("control", control, 1.5 / 0.9, EXACT);
}

#[test]
fn what_no_design_can_have_is_refused() {
    let base = Design {
        boundary: Boundary::Spending(Spending::ObrienFleming),
        information: vec![0.5, 1.0],
        alpha: 0.05,
        sides: 2,
        futility: None,
    };
    let with = |information: Vec<f64>| Design {
        information,
        ..base.clone()
    };
    for bad in [
        vec![],
        vec![0.5],
        vec![0.5, 0.5, 1.0],
        vec![0.7, 0.5, 1.0],
        vec![-0.1, 1.0],
        vec![f64::NAN, 1.0],
        vec![0.5, 1.0 + 1e-9],
        vec![1.0 - 1e-9, 1.0],
        (1..=60).map(|k| f64::from(k) / 60.0).collect(),
    ] {
        assert!(with(bad.clone()).looks().is_err(), "{bad:?}");
    }
    assert!(with(vec![0.001, 1.0]).looks().is_err(), "spends nothing");
    assert!(
        Design {
            alpha: 0.0,
            ..base.clone()
        }
        .looks()
        .is_err()
    );
    assert!(
        Design {
            sides: 3,
            ..base.clone()
        }
        .looks()
        .is_err()
    );
    assert!(base.power(f64::NAN).is_err());
    assert!(base.inflation(0.01).is_err());
    for (name, parameter) in [
        ("obrien-fleming", Some(1.0)),
        ("kim-demets", None),
        ("kim-demets", Some(0.0)),
        ("hwang-shih-decani", Some(0.0)),
        ("wang-tsiatis", None),
        ("wang-tsiatis", Some(7.0)),
        ("classic-pocock", Some(0.5)),
        ("obrien", None),
    ] {
        assert!(Boundary::from_name(name, parameter).is_err(), "{name}");
    }
    // One look is the ordinary test.
    let one = with(vec![1.0]).looks().unwrap();
    close("z", one[0].z, normal_isf(0.025), EXACT);
    close(
        "inflation",
        with(vec![1.0]).inflation(0.8).unwrap(),
        1.0,
        // The far tail counts in the drift and not in the denominator.
        1e-5,
    );
}

#[test]
fn classical_constants_need_the_planned_fractions() {
    let design = Design {
        boundary: Boundary::WangTsiatis(0.0),
        information: vec![0.5, 1.0],
        alpha: 0.05,
        sides: 2,
        futility: None,
    };
    let monitor = Monitor::new(design).unwrap();
    close(
        "near",
        monitor.standard(&[], at(1, 43.0, 80.0)).unwrap().critical,
        2.796_509_68,
        1e-8,
    );
    let far = monitor.standard(&[], at(1, 30.0, 80.0)).unwrap_err();
    assert!(far.why.contains("within 0.05"), "{far}");
    assert!(monitor.standard(&[], at(3, 80.0, 80.0)).is_err());
}

#[test]
fn an_early_look_with_everything_spends_everything() {
    let design = Design {
        boundary: Boundary::Spending(Spending::ObrienFleming),
        information: vec![0.5, 1.0],
        alpha: 0.05,
        sides: 2,
        futility: None,
    };
    let monitor = Monitor::new(design).unwrap();
    let first = monitor.standard(&[], at(1, 60.0, 50.0)).unwrap();
    assert!(first.last);
    close("z", first.critical, normal_isf(0.025), EXACT);
    let passed = [Passed {
        information: 60.0,
        fraction: first.fraction,
        critical: first.critical,
    }];
    assert!(monitor.standard(&passed, at(2, 90.0, 90.0)).is_err());
    // Information that shrank: nothing to look at before the end, and the end itself stands.
    let passed = [Passed {
        information: 30.0,
        fraction: 0.6,
        critical: monitor.standard(&[], at(1, 30.0, 50.0)).unwrap().critical,
    }];
    let three = Monitor::new(Design {
        information: vec![0.5, 0.8, 1.0],
        ..monitor.design().clone()
    })
    .unwrap();
    assert!(three.standard(&passed, at(2, 30.0, 50.0)).is_err());
    let end = monitor.standard(&passed, at(2, 29.0, 29.0)).unwrap();
    assert!(end.information > 30.0 && end.critical.is_finite());
}

#[test]
fn futility_looks_at_the_good_side_of_two_sided_designs() {
    let r = record("sequential.json", "obf_futility_obf_K3_sided1");
    let two = Design {
        boundary: Boundary::Spending(Spending::ObrienFleming),
        information: numbers(&r, "information"),
        alpha: 0.05,
        sides: 2,
        futility: Some(Futility {
            spending: Spending::ObrienFleming,
            beta: 0.2,
        }),
    };
    let without = Design {
        futility: None,
        ..two.clone()
    };
    let looks = two.looks().unwrap();
    for (a, b) in looks.iter().zip(without.looks().unwrap()) {
        assert_eq!(a.z, b.z, "non-binding");
    }
    // rpact, one-sided at half of alpha; the two boundaries differ by 1e-9.
    for (look, a) in looks.iter().zip(numbers(&r, "futility_z")) {
        assert!((look.futility.unwrap() - a).abs() < 1e-5);
    }
    let inflation = two.inflation(0.8).unwrap();
    close("inflation", inflation, number(&r, "inflation"), 1e-5);
    assert!(inflation > without.inflation(0.8).unwrap());
    let drift = two.drift(0.8).unwrap();
    close("power", two.power(drift).unwrap(), 0.8, 1e-8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_design_spends_what_it_says(
        gaps in prop::collection::vec(0.05f64..1.0, 1..7),
        alpha in 0.001f64..0.2,
        two in any::<bool>(),
        kind in 0usize..5,
        parameter in 0.3f64..4.0,
    ) {
        let total: f64 = gaps.iter().sum();
        let mut sum = 0.0;
        let mut information: Vec<f64> = gaps.iter().map(|g| { sum += g; sum / total }).collect();
        *information.last_mut().unwrap() = 1.0;
        let boundary = match kind {
            0 => Boundary::Spending(Spending::Pocock),
            1 => Boundary::Spending(Spending::HwangShihDecani(parameter - 5.0)),
            2 => Boundary::Spending(Spending::KimDemets(parameter)),
            3 => Boundary::WangTsiatis(parameter / 8.0),
            _ => Boundary::Spending(Spending::ObrienFleming),
        };
        let design = Design { boundary, information, alpha, sides: 1 + u8::from(two), futility: None };
        // O'Brien-Fleming may have nothing to spend at a first look of 1 %.
        let Ok(looks) = design.looks() else { return Ok(()) };
        let stopping = design.stopping(0.0).unwrap();
        let mut spent = 0.0;
        for (look, p) in looks.iter().zip(stopping) {
            spent += p;
            prop_assert!((spent - look.spent).abs() < EXACT, "{spent} {}", look.spent);
        }
        prop_assert!((spent - alpha).abs() < EXACT);
        // Power grows with the drift, and a symmetric design does not know its direction.
        let (low, high) = (design.power(1.0).unwrap(), design.power(2.0).unwrap());
        prop_assert!(low < high);
        if two {
            prop_assert!((design.power(-2.0).unwrap() - high).abs() < EXACT);
        }
    }

    #[test]
    fn at_the_boundary_p_is_what_was_spent(
        first in 0.1f64..0.9, alpha in 0.005f64..0.2, two in any::<bool>(),
    ) {
        let design = Design {
            boundary: Boundary::Spending(Spending::Pocock),
            information: vec![first, 1.0],
            alpha,
            sides: 1 + u8::from(two),
            futility: None,
        };
        let sides = design.sides;
        let looks = design.looks().unwrap();
        let monitor = Monitor::new(design).unwrap();
        let passed = [Passed { information: 7.0 * first, fraction: first, critical: looks[0].z }];
        let end = StageWise::new(&passed, 7.0, looks[1].z, sides).unwrap();
        prop_assert!((end.p() - alpha).abs() < EXACT);
        let early = StageWise::new(&[], 7.0 * first, looks[0].z, sides).unwrap();
        prop_assert!((early.p() - looks[0].spent).abs() < EXACT);
        // The interval's end is at no effect just there, and the repeated p is alpha.
        prop_assert!(end.drift(alpha / f64::from(sides)).unwrap().abs() < 1e-7);
        for (k, before) in [(1, &passed[..0]), (2, &passed[..])] {
            let information = 7.0 * if k == 1 { first } else { 1.0 };
            let p = monitor.repeated_p(before, at(k, information, 7.0), looks[k - 1].z).unwrap();
            prop_assert!((p / alpha - 1.0).abs() < 1e-7, "{k}: {p} {alpha}");
        }
    }

    #[test]
    fn information_has_no_unit(scale in 1e-6f64..1e9, z in -3.0f64..4.0) {
        let looks = |s: f64| vec![Passed { information: 0.4 * s, fraction: 0.4, critical: 2.6 }];
        let a = StageWise::new(&looks(1.0), 1.0, z, 2).unwrap();
        let b = StageWise::new(&looks(scale), scale, z, 2).unwrap();
        prop_assert!((a.p() - b.p()).abs() < EXACT);
        prop_assert!((a.drift(0.5).unwrap() - b.drift(0.5).unwrap()).abs() < 1e-8);
        // Without looks before, everything is the ordinary normal inference.
        let plain = StageWise::new(&[], scale, z, 2).unwrap();
        prop_assert!((plain.p() - 2.0 * normal_sf(z.abs())).abs() < EXACT);
        prop_assert!((plain.drift(0.5).unwrap() - z).abs() < 1e-8);
    }

    #[test]
    fn a_confidence_sequence_is_wider_than_any_fixed_interval(i in 1e-3f64..1e6, plan in 1e-3f64..1e6) {
        let sequence = ConfidenceSequence::new(0.05, plan).unwrap();
        prop_assert!(sequence.critical(i).unwrap() > normal_isf(0.025));
    }
}
