//! ANCOVA and Lin's estimator against R and statsmodels.

use pilot::stats::adjusted::{ancova, lin};
use pilot::stats::{DetailValue, Estimate, Test};
use pilot::table::ContactTable;

use super::support::{Line, Reference, Spec, close, ends, first, lines, number, table};
use super::{RELATIVE, bladder, cgd, day, epil, hillstrom, one};

/// Checks the OLS records of R and Python, `se_hc2` and its p and interval.
fn check_ols(id: &str, e: &Estimate) {
    let (low, high) = ends(e);
    let fields = [
        ("coef", e.value),
        ("df", e.df.unwrap()),
        ("se_hc2", e.se.unwrap()),
        ("p_t_hc2", e.p_value.unwrap()),
        ("ci_lo_hc2", low),
        ("ci_hi_hc2", high),
    ];
    Reference::suite().check(id, &fields, RELATIVE);
}

/// Checks difference, and ratio where there is one, against the variants.
fn check_variant(id: &str, found: &[Estimate]) {
    let r = Reference::variants();
    let e = &found[0];
    let (low, high) = ends(e);
    let fields = [
        ("diff", e.value),
        ("se", e.se.unwrap()),
        ("df", e.df.unwrap()),
        ("n", number(e, "n_used")),
        ("p", e.p_value.unwrap()),
        ("ci_lo", low),
        ("ci_hi", high),
        ("control_share", e.control_share.unwrap()),
    ];
    r.check(id, &fields, RELATIVE);
    if let Some(ratio) = found.get(1) {
        let (low, high) = ends(ratio);
        let fields = [
            ("mean0", number(e, "mean_control")),
            ("mean1", number(e, "mean_treatment")),
            ("ratio", ratio.value),
            ("log_se", ratio.se.unwrap()),
            ("ratio_lo", low),
            ("ratio_hi", high),
            ("ratio_p", ratio.p_value.unwrap()),
        ];
        r.check(id, &fields, RELATIVE);
        assert_eq!(ratio.df, e.df);
    }
}

fn nsw(before: &dyn Fn(&Line) -> Option<String>, strata: bool) -> ContactTable {
    let stratum = |l: &Line| strata.then(|| l["nodegree"].clone());
    table(
        &lines("nsw.csv"),
        &Spec {
            decimals: 6,
            stratum: &stratum,
            before,
            ..Spec::default()
        },
    )
}

fn before(l: &Line) -> Option<String> {
    Some(l["before"].clone())
}

/// Every seventh customer has no before period.
fn gap(l: &Line) -> Option<String> {
    let id: u32 = l["customer_id"][1..].parse().unwrap();
    (!id.is_multiple_of(7)).then(|| l["before"].clone())
}

#[test]
fn ancova_agrees_with_lm_robust() {
    for (id, table) in [
        ("epil.ancova", epil()),
        ("bladder_thiotepa.ancova", bladder()),
        ("nsw.ancova", nsw(&before, false)),
    ] {
        check_ols(id, &one(ancova(&first(&table), &Test::DEFAULT)));
    }
    // Strata alone.
    for after in ["spend", "visit"] {
        let spec = Spec {
            arms: &["no_email", "womens_email"],
            decimals: 2,
            stratum: &|l| Some(l["stratum"].clone()),
            before: &|_| None,
            after: &|l| l.get(after).cloned(),
            ..Spec::default()
        };
        let table = table(&lines("hillstrom_cells.csv"), &spec);
        let e = one(ancova(&first(&table), &Test::DEFAULT));
        let id = format!("hillstrom_womens_email.{after}.strata_fe_ols");
        let fields = [
            ("coef", e.value),
            ("df", e.df.unwrap()),
            ("se_hc2", e.se.unwrap()),
        ];
        Reference::suite().check(&id, &fields, RELATIVE);
    }
}

#[test]
fn lin_agrees_with_lm_lin() {
    for (id, table) in [
        ("bladder_thiotepa.lin", bladder()),
        ("nsw.lin", nsw(&before, false)),
    ] {
        check_ols(id, &lin(&first(&table), &Test::DEFAULT).unwrap()[0]);
    }
}

#[test]
fn variants_agree_with_statsmodels() {
    let flat = |l: &Line| {
        Some(if l["arm"] == "treatment" {
            "2000".into()
        } else {
            l["before"].clone()
        })
    };
    let control_gap = |l: &Line| {
        if l["arm"] == "treatment" {
            before(l)
        } else {
            gap(l)
        }
    };
    let thousands = |l: &Line| {
        Some(format!(
            "{:.0}",
            (l["before"].parse::<f64>().unwrap() / 1e3 + 0.5).floor() * 1e3
        ))
    };
    for (id, table) in [
        ("nsw.lin", nsw(&before, false)),
        ("nsw.lin_strata", nsw(&before, true)),
        ("nsw.lin_gap", nsw(&gap, false)),
        ("nsw.lin_gap_strata", nsw(&gap, true)),
        ("nsw.lin_gap_control_only", nsw(&control_gap, false)),
        ("nsw.lin_flat_treatment", nsw(&flat, false)),
        ("nsw.lin_rounded", nsw(&thousands, false)),
        ("epil.lin", epil()),
        ("bladder_thiotepa.lin", bladder()),
        ("cgd.lin_centres", cgd(&|l| Some(l["stratum"].clone()))),
        ("hillstrom.spend.lin_strata", hillstrom("spend")),
        ("hillstrom.visit.lin_strata", hillstrom("visit")),
    ] {
        let found = lin(&first(&table), &Test::DEFAULT).unwrap();
        assert_eq!(found.len(), 2, "{id}");
        check_variant(id, &found);
    }
    for (id, table) in [
        ("nsw.ancova_strata", nsw(&before, true)),
        ("nsw.ancova_gap_strata", nsw(&gap, true)),
        ("cgd.ancova_centres", cgd(&|l| Some(l["stratum"].clone()))),
        ("hillstrom.spend.ancova_strata", hillstrom("spend")),
        ("hillstrom.visit.ancova_strata", hillstrom("visit")),
    ] {
        check_variant(id, &ancova(&first(&table), &Test::DEFAULT).unwrap());
    }
    for after in ["spend", "visit"] {
        let spec = Spec {
            arms: &["no_email", "womens_email"],
            decimals: 2,
            before: &|l| l.get("history20").cloned(),
            after: &|l| l.get(after).cloned(),
            exposure: &|_, _| 14,
            ..Spec::default()
        };
        let table = table(&lines("hillstrom_cells.csv"), &spec);
        check_variant(
            &format!("hillstrom.{after}.lin"),
            &lin(&first(&table), &Test::DEFAULT).unwrap(),
        );
    }
}

#[test]
fn aliased_columns_are_dropped_and_named() {
    let flat = |l: &Line| {
        Some(if l["arm"] == "treatment" {
            "2000".into()
        } else {
            l["before"].clone()
        })
    };
    let dropped = |e: &Estimate| match e.detail.get("columns_dropped") {
        Some(DetailValue::Text(t)) => t.clone(),
        other => panic!("{other:?}"),
    };
    let found = lin(&first(&nsw(&flat, false)), &Test::DEFAULT).unwrap();
    assert_eq!(dropped(&found[0]), "arm x before");
    let same = |_: &Line| Some("7".to_string());
    let table = nsw(&same, true);
    let found = lin(&first(&table), &Test::DEFAULT).unwrap();
    assert_eq!(dropped(&found[0]), "before");
    let found = ancova(&first(&table), &Test::DEFAULT).unwrap();
    assert_eq!(dropped(&found[0]), "before");
    let found = lin(&first(&nsw(&gap, false)), &Test::DEFAULT).unwrap();
    assert!(!found[0].detail.contains_key("columns_dropped"));
    assert_eq!(number(&found[0], "n_without_before"), 63.0);
}

#[test]
fn exposure_does_not_enter_the_adjusted_means() {
    let varying = table(
        &lines("epil.csv"),
        &Spec {
            exposure: &|i, _| 1 + i as i64,
            ..Spec::default()
        },
    );
    let constant = table(
        &lines("epil.csv"),
        &Spec {
            exposure: &day,
            ..Spec::default()
        },
    );
    let of = |t: &ContactTable| lin(&first(t), &Test::DEFAULT).unwrap();
    close(
        "value",
        of(&varying)[0].value,
        of(&constant)[0].value,
        1e-12,
    );
}
