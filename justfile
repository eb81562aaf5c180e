# Recipes for people who work on `pilot`; `just --list` shows them.

# All tests, as CI runs them.
test:
    cargo test --release

# The quick inner loop: everything but the DataFusion engine.
quick:
    cargo test --no-default-features

# Format and lints, as CI runs them.
lint:
    cargo fmt --check
    cargo clippy --release --all-targets -- -D warnings
    cargo clippy --release --no-default-features --all-targets -- -D warnings

# What must pass before a change lands.
ci:
    .ci/run

# The reports of the examples, rendered anew into reports/.
examples:
    cargo build --release
    for name in fees-education ivr-fee-notice; do test -f experiments/$name/assignment.csv || target/release/pilot assign $name; done
    for name in progabide bladder hillstrom-email fees-education ivr-fee-notice; do target/release/pilot analyze $name --as-of 2026-11-22; done

# Permutation and bootstrap, 10,000 draws each, two treatments against control on 10 million customers,
# from the table in memory, against numpy on the same collapsed table (needs Python).
# Last result, 2 quiet cores, 161,649 cells: pilot .51 s on 2 threads (.85 s on 1), numpy 5.6 s on 2 (ratio .09).
resampling dir="/tmp/pilot-resampling":
    mkdir -p {{dir}}
    cargo build --release --no-default-features --example resampling
    python3 -m venv {{dir}}/venv
    {{dir}}/venv/bin/pip install -q numpy==2.4.6
    {{dir}}/venv/bin/python benches/resampling/compare.py target/release/examples/resampling {{dir}}

# The speed bar: 10 million customers, against tea-tasting on DuckDB (needs Python).
# Last result, 2 quiet cores, 162,000 cells, 10,000 bootstrap draws on top: pilot 1.52 s and 151 MiB, tea-tasting 2.03 s as
# whole processes (ratio .75; .89 in a second run); tea-tasting without Python's start and imports .59 s (ratio 2.6).
ten-million dir="/tmp/pilot-ten-million":
    mkdir -p {{dir}}/data {{dir}}/experiments {{dir}}/reports
    touch {{dir}}/pilot.toml
    cp benches/ten_million/plan.toml {{dir}}/experiments/ten.toml
    cargo run --release --example make_pilot -- {{dir}}/data/ten.parquet 10000000 none
    cargo build --release
    python3 -m venv {{dir}}/venv
    {{dir}}/venv/bin/pip install -q tea-tasting==1.14.0 "ibis-framework[duckdb]" packaging
    {{dir}}/venv/bin/python benches/ten_million/compare.py target/release/pilot {{dir}}

# How often every estimator errs, in all situations of examples/calibration: writes docs/calibration.md and its charts.
# Goes on where it stopped. About an hour and a half on two cores for 10,000 replicates a situation; 1,000 take ten minutes.
calibration replicates="10000" threads="2" dir="target/calibration":
    cargo run --release --no-default-features --example calibration -- run --replicates {{replicates}} --threads {{threads}} --dir {{dir}}
    cargo run --release --no-default-features --example calibration -- write --dir {{dir}} --docs docs
