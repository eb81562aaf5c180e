"""Invented panels for schedule.R and schedule.py: regions by block, contacts and customer-days.

Writes tests/data/panel_switchback.csv, panel_wedge.csv and panel_one.csv. Deterministic; numpy's PCG64.
"""
import csv
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "data")


def write(name, rows):
    with open(os.path.join(DATA, name), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["region", "block", "treated", "exposure", "y"])
        out.writerows(rows)


def counts(rng, rate, exposure):
    mean = rate * exposure
    return int(rng.poisson(mean * rng.gamma(8, 1 / 8)))


def switchback(rng):
    """9 regions, 10 blocks in mirrored pairs, customers that differ a lot, three blocks not observed."""
    rows = []
    size = rng.integers(200, 4000, 9)
    level = rng.gamma(20, 1 / 20, 9) * 0.01
    season = 1 + 0.2 * np.sin(np.arange(10))
    for pair in range(5):
        first = set(rng.permutation(9)[: 4 + pair % 2])
        for r in range(9):
            for place in range(2):
                b = 2 * pair + place
                treated = (r in first) == (place == 0)
                if (r, b) in {(2, 3), (5, 0), (7, 9)}:
                    continue
                exposure = int(size[r] * rng.integers(11, 15))
                rate = level[r] * season[b] * (0.8 if treated else 1.0)
                rows.append([r, b, int(treated), exposure, counts(rng, rate, exposure)])
    return rows


def wedge(rng):
    """12 regions, 5 blocks, 3 cross at each step, region-days as exposure."""
    order = rng.permutation(12)
    cross = {int(r): 1 + i // 3 for i, r in enumerate(order)}
    level = rng.gamma(10, 1 / 10, 12) * 40
    rows = []
    for r in range(12):
        for b in range(5):
            treated = b >= cross[r]
            exposure = 28 if (r, b) != (4, 2) else 21
            rate = level[r] * (1 + 0.05 * b) * (0.85 if treated else 1.0)
            rows.append([r, b, int(treated), exposure, counts(rng, rate, exposure)])
    return rows


def one(rng):
    """One region, 16 blocks in pairs, customers that grow."""
    rows = []
    for pair in range(8):
        order = rng.permutation(2)
        for place in range(2):
            b = 2 * pair + place
            exposure = 7 * (5000 + 120 * b)
            rate = 0.004 * (0.75 if order[place] else 1.0)
            rows.append([0, b, int(order[place]), exposure, counts(rng, rate, exposure)])
    return rows


if __name__ == "__main__":
    rng = np.random.Generator(np.random.PCG64(20261125))
    write("panel_switchback.csv", switchback(rng))
    write("panel_wedge.csv", wedge(rng))
    write("panel_one.csv", one(rng))
