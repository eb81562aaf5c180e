//! `[[outcomes]]`.

use crate::plan::{COUNTS, FEES};

use super::{keeps, rule};

#[test]
fn outcomes() {
    keeps(&[
        rule(
            FEES,
            "role = \"primary\"",
            "role = \"secondary\"",
            "no outcome is primary",
            "outcomes",
            "role = \"primary\"",
        ),
        rule(
            FEES,
            "role = \"primary\"\n",
            "",
            "`outcomes[1].role` is missing",
            "outcomes[1].role",
            "add `role`",
        ),
        rule(
            FEES,
            "[analysis]",
            "[[outcomes]]\nname = «\"fee-contacts\"\nrole = \"secondary\"\n[analysis]",
            "two outcomes are called",
            "outcomes[2].name",
            "its own name",
        ),
        rule(
            FEES,
            "reason = \"topic\", ",
            "",
            "names no column with the reason",
            "outcomes[1].reasons",
            "data.contacts.columns",
        ),
        rule(
            COUNTS,
            "before = \"base\"",
            "before = \"base\"\nreasons = «[\"fees\"]",
            "hold no reasons",
            "outcomes[1].reasons",
            "after =",
        ),
        rule(
            FEES,
            "cap = 50",
            "cap = «0",
            "found 0",
            "outcomes[1].cap",
            "counts above it",
        ),
        rule(
            FEES,
            "cap = 50",
            "margin = «0.1",
            "only a guardrail has a margin",
            "outcomes[1].margin",
            "guardrail",
        ),
        rule(
            FEES,
            "cap = 50",
            "after = «\"fee_after\"",
            "is about a column of [data.counts]",
            "outcomes[1].after",
            "take it out",
        ),
        rule(
            FEES,
            "[analysis]",
            "«[[outcomes]]\nname = \"satisfaction\"\nrole = \"guardrail\"\n[analysis]",
            "`outcomes[2].margin` is missing",
            "outcomes[2].margin",
            "margin = 0.1",
        ),
        rule(
            FEES,
            "[analysis]",
            "[[outcomes]]\nname = \"solved\"\nrole = \"guardrail\"\nkind = \"proportion\"\nbetter = \"higher\"\nmargin = «5\n[analysis]",
            "lets a share do anything",
            "outcomes[2].margin",
            "0.05",
        ),
        rule(
            FEES,
            "[analysis]",
            "«[[outcomes]]\nname = \"minutes\"\nrole = \"secondary\"\nkind = \"mean\"\n[analysis]",
            "`outcomes[2].better` is missing",
            "outcomes[2].better",
            "which direction",
        ),
        rule(
            FEES,
            "[analysis]",
            "[[outcomes]]\nname = \"minutes\"\nrole = \"secondary\"\nkind = \"mean\"\nbetter = \"lower\"\ncap = «5\n[analysis]",
            "only counts can be capped",
            "outcomes[2].cap",
            "take `cap` out",
        ),
        rule(
            COUNTS,
            "before = \"base\"",
            "before = «\"y\"",
            "both before and after",
            "outcomes[1].before",
            "two columns",
        ),
        rule(
            FEES,
            "[analysis]",
            "[[outcomes]]\nname = «\"Über\"\nrole = \"secondary\"\n[analysis]",
            "cannot be a name",
            "outcomes[2].name",
            "a-z",
        ),
    ]);
}
