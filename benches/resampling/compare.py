"""Times 10,000 permutations and 10,000 bootstrap draws on 10 million customers against numpy.

usage: python compare.py PROGRAM FOLDER [REPEATS]

PROGRAM is the example `resampling`; it makes the table and times both from memory, on 1 and 2
threads. numpy draws the same from the same table, already collapsed to customers by arm, stratum
and contacts: `multivariate_hypergeometric` (method "marginals") and `multinomial`, and the same
statistics, its strata shared by 2 threads (numpy draws without the interpreter's lock). Seconds,
best of REPEATS, each repeat right after one of ours.
"""

import concurrent.futures
import csv
import json
import pathlib
import subprocess
import sys
import time

import numpy as np

DRAWS = 10_000
STRATA = 24


def load(path):
    table = {}
    for row in csv.DictReader(open(path)):
        key = int(row["arm"]), int(row["stratum"])
        table.setdefault(key, {})[int(row["y"])] = int(row["customers"])
    return table


def permute(table, arm, s):
    rng = np.random.default_rng([arm, s])
    treated, control = table[arm, s], table[0, s]
    y = np.array(sorted(treated.keys() | control.keys()))
    of = lambda side: np.array([side.get(v, 0) for v in y])
    sizes, m = of(treated) + of(control), sum(treated.values())
    k = rng.multivariate_hypergeometric(sizes, m, size=DRAWS, method="marginals")
    n, rest = sizes.sum(), sizes.sum() - m
    y1, yy1 = k @ y, k @ (y * y)
    y0, yy0 = sizes @ y - y1, sizes @ (y * y) - yy1
    variance = lambda yy, y, n: (yy - y * y / n) / (n - 1) / n
    return n * (y1 / m - y0 / rest), n * n * (variance(yy1, y1, m) + variance(yy0, y0, rest))


def draw(table, arm, s, against):
    rng = np.random.default_rng([arm, s, against])
    side = table[arm, s]
    y, sizes = np.array(list(side)), np.array(list(side.values()))
    n = sizes.sum()
    return rng.multinomial(n, sizes / n, size=DRAWS) @ y / n


def numpy_run(table, pool):
    begun = time.perf_counter()
    for arm in (1, 2):
        parts = list(pool.map(lambda s: permute(table, arm, s), range(STRATA)))
        t = sum(p[0] for p in parts) / np.sqrt(sum(p[1] for p in parts))
        np.count_nonzero(np.abs(t) >= 1.96)
    middle = time.perf_counter()
    for arm in (1, 2):
        size = lambda s: sum(table[arm, s].values()) + sum(table[0, s].values())
        total = sum(size(s) for s in range(STRATA))
        means = [
            sum(
                size(s) / total * m
                for s, m in enumerate(pool.map(lambda s: draw(table, a, s, arm), range(STRATA)))
            )
            for a in (arm, 0)
        ]
        for drawn in (means[0] - means[1], means[0] / means[1]):
            drawn.sort()
            drawn.std(ddof=1)
    return middle - begun, time.perf_counter() - middle


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    cells = folder / "resampling.csv"
    ours, theirs = [], []
    pool = concurrent.futures.ThreadPoolExecutor(2)
    for _ in range(repeats):
        run = subprocess.run([program, cells, "10000000", "1"], check=True, capture_output=True, text=True)
        ours.append([json.loads(line) for line in run.stdout.splitlines()])
        theirs.append(numpy_run(load(cells), pool))
    of = lambda threads, key: min(r[key] for run in ours for r in run if r["threads"] == threads)
    print(ours[0][0]["cells"], "cells")
    for threads in (1, 2):
        keys = ("permutation", "bootstrap", "seconds")
        print(f"pilot, {threads} thread(s):", *(f"{key} {of(threads, key):.3f}" for key in keys))
    best = min(theirs, key=sum)
    print(f"numpy, 2 threads: permutation {best[0]:.3f} bootstrap {best[1]:.3f} seconds {sum(best):.3f}")
    print(f"ratio {of(2, 'seconds') / sum(best):.3f}")


main()
