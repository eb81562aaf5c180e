"""Reference values for the choice between arms: perfect information, dominance.

Run: python choice.py > ../choice.json      (needs mpmath)

Perfect information: the double integral of max(0, x, y) over the bivariate normal density, and the
single one of max(0, x) over the normal and Student densities, adaptively in 30 digits; no loss
integral is used. Dominance: by brute force over a fine grid of values of a contact, the options that
are best for some value; ratios between neighbours among them.
"""
import json
import sys
from fractions import Fraction

import mpmath as mp

mp.mp.dps = 30


def normal(x):
    return mp.npdf(x)


def student(x, df):
    df = mp.mpf(df)
    return mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(df * mp.pi) * (1 + x * x / df) ** (-(df + 1) / 2)


def one(mean, sd, df):
    density = (lambda z: normal(z)) if df is None else (lambda z: student(z, df))
    start = -mp.mpf(mean) / sd
    points = sorted({start, *[mp.mpf(p) for p in (-8, -2, 0, 2, 8, 40) if p > start]}) + [mp.inf]
    return mp.quad(lambda z: (mean + sd * z) * density(z), points)


def two(means, cov):
    vx, vxy, vy = map(mp.mpf, cov)
    sx = mp.sqrt(vx)
    rest = mp.sqrt(vy - vxy * vxy / vx)

    def inner(u):
        x = means[0] + sx * u
        centre = means[1] + vxy / vx * (x - means[0])
        floor = max(mp.mpf(0), x)
        bend = (floor - centre) / rest
        # Where the other one is below, the floor; above, itself.
        below = mp.ncdf(bend) * floor
        above = mp.quad(lambda w: (centre + rest * w) * normal(w), sorted([bend, max(bend, mp.mpf(0)) + 3]) + [mp.inf])
        return (below + above) * normal(u)

    bends = [-means[0] / sx, (means[1] - vxy / vx * means[0] - 0) / (sx * (1 - vxy / vx)) - means[0] / sx
             if vxy != vx else mp.mpf(0)]
    edges = sorted({mp.mpf(e) for e in (-12, -6, -3, -1, 0, 1, 3, 6, 12)} | {b for b in bends if abs(b) < 12})
    return mp.quad(inner, edges)


ONE = [
    ("hand-worked", 10.0, 20.0, None),
    ("clear", 45000.0, 12000.0, None),
    ("harm", -3000.0, 2500.0, None),
    ("zero", 0.0, 1.0, None),
    ("student", 10.0, 20.0, 7.0),
    ("student-few", -1.0, 2.0, 2.5),
]
TWO = [
    ("equal", [0.0, 0.0], [1.0, 0.5, 1.0]),
    ("close", [10.0, 12.0], [400.0, 180.0, 300.0]),
    ("apart", [30000.0, -5000.0], [1.6e8, 7.0e7, 1.4e8]),
    ("steep", [1.0, 2.0], [1.0, 1.5, 4.0]),
]
POINTS = [
    [(0, 0), (10, 20), (15, 18), (25, 25), (30, 40)],
    [(0, 0), (1200, 300), (1300, 280), (5000, 900), (9000, 1000), (9500, 1600)],
    [(0, 0), (0, 5), (4, 5), (6, -1), (8, 9)],
    [(0, 0), (100, 10), (200, 20), (300, 31), (900, 32)],
]


def frontier(points):
    """Options best for some value of a contact; the cheapest first."""
    values = {Fraction(0)}
    n = len(points)
    for i in range(n):
        for j in range(n):
            de = points[j][1] - points[i][1]
            if de > 0:
                ratio = Fraction(points[j][0] - points[i][0], de)
                # Just beside each ratio, where the best is unique.
                values |= {v for v in (ratio - Fraction(1, 10**9), ratio + Fraction(1, 10**9)) if v > 0}
    best = set()
    for value in values:
        if value == 0:
            value = Fraction(1, 10**12)
        benefit = [value * e - c for c, e in points]
        best.add(benefit.index(max(benefit)))
    order = sorted(best, key=lambda i: points[i])
    ratios = [None] + [float(Fraction(points[b][0] - points[a][0], points[b][1] - points[a][1]))
                       for a, b in zip(order, order[1:])]
    dominated = [i for i in range(n) if any(
        points[j][0] <= points[i][0] and points[j][1] >= points[i][1] and points[j] != points[i]
        for j in range(n))]
    return {"points": points, "frontier": order, "ratios": ratios, "dominated": dominated}


json.dump(
    {
        "script": "tests/reference/scripts/choice.py",
        "versions": {"python": sys.version.split()[0], "mpmath": mp.__version__},
        "one": [{"id": i, "mean": m, "sd": s, "df": d, "expected_best": float(one(m, s, d))} for i, m, s, d in ONE],
        "two": [{"id": i, "means": m, "cov": c, "expected_best": float(two(m, c))} for i, m, c in TWO],
        "frontiers": [frontier(p) for p in POINTS],
    },
    sys.stdout,
    indent=1,
)
print()
