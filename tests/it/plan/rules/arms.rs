//! `[experiment]`, `[assignment]`, `[[arms]]`.

use crate::plan::{CELLS, FEES};

use super::{keeps, rule};

#[test]
fn experiment_and_assignment() {
    keeps(&[
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «\"fees\"",
            "called \"fees\", but its file \"fees-education\"",
            "experiment.name",
            "fees.toml",
        ),
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «\"Fees Education\"",
            "\"Fees Education\" cannot be a name",
            "experiment.name",
            "\"fees-education\"",
        ),
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «\"../fees\"",
            "is a path, not a name",
            "experiment.name",
            "\"fees\"",
        ),
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «\"-fees\"",
            "cannot be a name",
            "experiment.name",
            "\"fees\"",
        ),
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «\"نام\"",
            "cannot be a name",
            "experiment.name",
            "a-z",
        ),
        rule(
            FEES,
            "name = \"fees-education\"",
            "name = «3",
            "expected a name, found a whole number",
            "experiment.name",
            "quotes",
        ),
        rule(
            FEES,
            "name = \"fees-education\"            # the file's stem\n",
            "",
            "`experiment.name` is missing",
            "experiment.name",
            "add `name`",
        ),
        rule(
            FEES,
            "root_cause = \"expectation\"",
            "root_cause = «\"expectations\"",
            "\"expectations\" is not one of",
            "experiment.root_cause",
            "did you mean \"expectation\"?",
        ),
        rule(
            FEES,
            "method = \"existing\"",
            "method = «\"random\"",
            "is not one of \"complete\"",
            "assignment.method",
            "choose one of",
        ),
        rule(
            FEES,
            "strata = [\"plan\"]",
            "strata = [«\"plan\"]\ncluster = \"plan\"",
            "cannot form both strata and clusters",
            "assignment.strata",
            "several clusters",
        ),
    ]);
}

#[test]
fn arms() {
    keeps(&[
        rule(
            FEES,
            "control = true\n",
            "",
            "no arm is control",
            "arms",
            "control = true",
        ),
        rule(
            FEES,
            "title = \"Ten-tip sheet\"",
            "control = «true",
            "both \"control\" and \"tip-sheet\" are control",
            "arms[2].control",
            "one control",
        ),
        rule(
            FEES,
            "name = \"tip-sheet\"",
            "name = «\"control\"",
            "two arms are called \"control\"",
            "arms[2].name",
            "its own name",
        ),
        rule(
            FEES,
            "[[arms]]\nname = \"tip-sheet\"\ntitle = \"Ten-tip sheet\"\ninterventions = [\"tip-sheet\"]\nweight = 1\nfixed_cost = 1200\ncost_per_customer = 0.35\nrunning_cost_per_month = 50",
            "",
            "at least two arms",
            "arms",
            "one for each treatment",
        ),
        rule(
            CELLS,
            "weight = 2",
            "weight = «0.25",
            "found 0.25",
            "arms[2].weight",
            "1 and 3 rather than 0.25 and 0.75",
        ),
        rule(
            CELLS,
            "weight = 2",
            "weight = «0",
            "found 0",
            "arms[2].weight",
            "at least 1",
        ),
        rule(
            CELLS,
            "weight = 2",
            "weight = «-2",
            "found -2",
            "arms[2].weight",
            "at least 1",
        ),
        rule(
            FEES,
            "control = true\nweight = 1",
            "control = true",
            "`arms[1].weight` is missing",
            "arms[1].weight",
            "every arm, or of none",
        ),
        rule(
            FEES,
            "interventions = [\"tip-sheet\"]",
            "interventions = [\"tip-sheet\", «\"welcome-mail\"]",
            "unknown intervention \"welcome-mail\"",
            "arms[2].interventions",
            "did you mean \"welcome-email\"?",
        ),
        rule(
            FEES,
            "interventions = [\"tip-sheet\"]",
            "interventions = [«\"Q!\"]",
            "unknown intervention",
            "arms[2].interventions",
            "choose from",
        ),
        rule(
            FEES,
            "interventions = [\"tip-sheet\"]",
            "interventions = [«\"site-top-questions\"]",
            "cannot be randomised",
            "arms[2].interventions",
            "after_login = true",
        ),
        rule(
            FEES,
            "interventions = [\"tip-sheet\"]",
            "interventions = [\"tip-sheet\"]\nafter_login = «true",
            "which this arm does not have",
            "arms[2].after_login",
            "take it out",
        ),
        rule(
            FEES,
            "fixed_cost = 1200",
            "fixed_cost = «-1",
            "expected a number 0 or more, found -1",
            "arms[2].fixed_cost",
            "a number, { low",
        ),
        rule(
            FEES,
            "fixed_cost = 1200",
            "fixed_cost = «{ mean = 3, sd = 2 }",
            "more than a third of the mean",
            "arms[2].fixed_cost",
            "{ low, mode, high }",
        ),
    ]);
}
