"""Times the whole `pilot analyze --json --no-report` against tea-tasting on DuckDB.

usage: python compare.py PILOT WORKSPACE [REPEATS]

Needs: pip install tea-tasting==1.14.0 "ibis-framework[duckdb]"
WORKSPACE holds pilot.toml, experiments/ten.toml and data/ten.parquet (`just ten-million` makes it).

tea-tasting computes three means (after; after adjusted by before; after per day) and a
sample-ratio test of each treatment against control. pilot computes every estimator, 10,000
permutations for each treatment and all checks, and writes evidence, analysis and ledger; its
evidence is taken anew each time. Both are timed as whole processes; the part of tea-tasting's
time that is not Python's start and imports stands beside. Seconds, best of REPEATS.
"""

import pathlib
import resource
import shutil
import subprocess
import sys
import time


TEA = """
import sys, time
import ibis
import tea_tasting as tt
begun = time.perf_counter()
experiment = tt.Experiment(
    after=tt.Mean("after"),
    adjusted=tt.Mean("after", covariate="before"),
    per_day=tt.RatioOfMeans("after", "exposure"),
    sizes=tt.SampleRatio(),
)
con = ibis.duckdb.connect()
con.raw_sql("SET threads TO 2")
table = con.read_parquet(sys.argv[1]).rename(variant="arm")
for comparison in experiment.analyze(table, control="control", all_variants=True).values():
    comparison.to_dicts()
print(time.perf_counter() - begun)
"""


def tea(path):
    begun = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", TEA, path], check=True, capture_output=True, text=True)
    return time.perf_counter() - begun, float(run.stdout)


def pilot(program, workspace):
    for made in ["evidence", "analyses", "ledger.jsonl"]:
        place = workspace / "experiments" / "ten" / made
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    begun = time.perf_counter()
    subprocess.run(
        [program, "--workspace", workspace, "analyze", "ten", "--json", "--no-report"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


def main():
    program, workspace = sys.argv[1], pathlib.Path(sys.argv[2])
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    ours, whole, query = [], [], []
    for _ in range(repeats):
        ours.append(pilot(program, workspace))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if not whole else peak
        all_of_it, part = tea(str(workspace / "data" / "ten.parquet"))
        whole.append(all_of_it)
        query.append(part)
    print("pilot, whole process      ", " ".join(f"{t:.2f}" for t in ours), f"peak {peak:.0f} MiB")
    print("tea-tasting, whole process", " ".join(f"{t:.2f}" for t in whole))
    print("tea-tasting, after imports", " ".join(f"{t:.2f}" for t in query))
    print(f"ratio {min(ours) / min(whole):.2f}; to the part after imports {min(ours) / min(query):.2f}")


main()
