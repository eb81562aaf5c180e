#!/usr/bin/env python3
"""How long other tools take for the same file, in the same minute on the same machine.

    pip install duckdb tea-tasting "ibis-framework[duckdb]"
    cargo build --release --example make_pilot
    target/release/examples/make_pilot integer.parquet 10000000 integer
    benches/compare.py target/release/examples/make_pilot integer.parquet

Three things are timed, taking turns: a scan of `pilot` (all distinct rows, whose
statistics follow from them, with every customer checked for a second row), the
bare GROUP BY of the same six columns in DuckDB, and tea-tasting's analysis of
three means and the sample ratio, which DuckDB runs for it.
"""

import os
import subprocess
import sys
import time

import duckdb
import ibis
import tea_tasting as tt

ROUNDS = 5


def pilot(binary, path):
    """Seconds of a scan, as the program itself takes them, without its start."""
    out = subprocess.run([binary, "scan", path], check=True, capture_output=True, text=True)
    return float(out.stdout.split()[0])


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def group_by(path):
    duckdb.sql(
        "SELECT arm, plan, exposure, before_exposure, before, after, COUNT(*) "
        f"FROM '{path}' GROUP BY ALL"
    ).fetchall()


def units(path):
    duckdb.sql(f"SELECT COUNT(*), COUNT(DISTINCT customer) FROM '{path}'").fetchall()


def tea_tasting(path):
    experiment = tt.Experiment(
        after=tt.Mean("after", "before"),
        before=tt.Mean("before"),
        exposure=tt.Mean("exposure"),
        ratio=tt.SampleRatio(),
        variant="arm",
    )
    data = ibis.duckdb.connect().read_parquet(path)
    result = experiment.analyze(data, control="control", all_variants=True)
    assert len(list(result)) == 2


def main():
    binary, path = sys.argv[1:]
    columns = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    tools = {
        "pilot: scan": lambda: pilot(binary, path),
        "duckdb: group by six columns": lambda: timed(lambda: group_by(path)),
        "tea-tasting: three means, sample ratio": lambda: timed(lambda: tea_tasting(path)),
    }
    if any(name == "customer" for name, *_ in columns):
        tools["duckdb: count distinct customers"] = lambda: timed(lambda: units(path))
    seconds = {name: [] for name in tools}
    for _ in range(ROUNDS):
        for name, run in tools.items():
            seconds[name].append(run())
    print(f"{path}: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"tea-tasting {tt.__version__}, DuckDB {duckdb.__version__}")
    for name, taken in seconds.items():
        print(f"{name:42} fastest {min(taken):6.3f} s, median {sorted(taken)[ROUNDS // 2]:6.3f} s")


if __name__ == "__main__":
    main()
