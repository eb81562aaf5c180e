#!/usr/bin/env python3
"""Error rates of three tests where nothing works, by an independent simulation.

Two arms of n customers; counts are Poisson with rates that are gamma (mean, phi: negative
binomial) or Pareto (mean, tail) distributed. 40,000 pilots each, numpy's PCG64, scipy's tests.
Writes ../calibration_errors.json.
"""
import json
import pathlib
import sys

import numpy as np
import scipy
from scipy import stats

PILOTS = 40_000
ALPHA = 0.05


def rates(g, law, size):
    mean = law["mean"]
    if "phi" in law:
        shape = 1.0 / law["phi"]
        return g.gamma(shape, mean / shape, size)
    tail = law["tail"]
    return mean * (tail - 1.0) / tail * (1.0 + g.pareto(tail, size))


def welch(x, y):
    return stats.ttest_ind(x, y, axis=1, equal_var=False).pvalue


def delta(x, y):
    """Ratio of means, normal on the log scale."""
    n = x.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mx, my = x.mean(1), y.mean(1)
        v = x.var(1, ddof=1) / (n * mx**2) + y.var(1, ddof=1) / (n * my**2)
        return 2 * stats.norm.sf(np.abs(np.log(my / mx)) / np.sqrt(v))


def mann_whitney(x, y):
    return stats.mannwhitneyu(x, y, axis=1, method="asymptotic", use_continuity=True).pvalue


def main():
    laws = [
        ("nb-mean0.2-phi5-n50", {"mean": 0.2, "phi": 5.0, "n": 50}),
        ("nb-mean5-phi5-n50", {"mean": 5.0, "phi": 5.0, "n": 50}),
        ("nb-mean1-phi1-n200", {"mean": 1.0, "phi": 1.0, "n": 200}),
        ("pareto1.5-mean1-n50", {"mean": 1.0, "tail": 1.5, "n": 50}),
        ("pareto1.5-mean5-n200", {"mean": 5.0, "tail": 1.5, "n": 200}),
    ]
    results = []
    for i, (cell, law) in enumerate(laws):
        g = np.random.Generator(np.random.PCG64([20260101, i]))
        ps = {"welch": [], "delta": [], "mann-whitney": []}
        for _ in range(PILOTS // 2000):
            x, y = (g.poisson(rates(g, law, (2000, law["n"]))).astype(float) for _ in range(2))
            for name, test in (("welch", welch), ("delta", delta), ("mann-whitney", mann_whitney)):
                ps[name].append(test(x, y))
        for name, parts in ps.items():
            p = np.concatenate(parts)
            p = p[np.isfinite(p)]
            error = float((p <= ALPHA).mean())
            mcse = float(np.sqrt(error * (1 - error) / len(p)))
            results.append({"cell": cell, "estimator": name, "error": error, "mcse": mcse, "pilots": len(p)})
    out = {
        "script": "scripts/calibration_errors.py",
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__},
        "results": results,
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "calibration_errors.json"
    path.write_text(json.dumps(out, indent=1) + "\n")


main()
