"""Reference values for the hybrid median-unbiased estimate of the best of several estimates.

Run: python winner.py > ../winner.json      (needs mpmath, numpy, scipy)

Written from Andrews, Kitagawa & McCloskey (2024), Inference on Winners, QJE 139, 305-358, in 40
digits: the conditional distribution of the winner is a normal cut where another one would have won,
the hybrid one is cut to within c standard errors of the truth as well. Nothing is shared with the
program but the definition of c (Sidak's inequality); the quantile that the paper simulates is beside
it. `simulated`: how often the estimate is at or above the truth, and the bias of the plain one.
"""
import json
import sys

import mpmath as mp
import numpy as np
import scipy
from scipy import stats

mp.mp.dps = 40


def phi(x):
    return mp.ncdf(x)


def isf(p):
    return mp.findroot(lambda x: mp.ncdf(-x) - p, 2)


def critical(m, beta):
    each = 1 - mp.power(1 - mp.mpf(beta), mp.mpf(1) / m)
    return isf(each / 2)


def bounds(x, cov, k, others):
    lower, upper = -mp.inf, mp.inf
    for j in others:
        if j == k:
            continue
        z = x[j] - cov[k][j] / cov[k][k] * x[k]
        slack = cov[k][k] - cov[k][j]
        if slack > 0:
            lower = max(lower, cov[k][k] * z / slack)
        elif slack < 0:
            upper = min(upper, cov[k][k] * z / slack)
    return lower, upper


def hybrid(x, cov, k, others, beta, q):
    """mu with P(X <= x_k | truncation, |X - mu| <= c sd) = 1 - q."""
    sd = mp.sqrt(cov[k][k])
    m = len({k, *others})
    c = critical(m, beta)
    lower, upper = bounds(x, cov, k, others)

    def share(mu):
        a = max((lower - mu) / sd, -c)
        b = min((upper - mu) / sd, c)
        y = (x[k] - mu) / sd
        y = min(max(y, a), b)
        return (phi(y) - phi(a)) / (phi(b) - phi(a))

    low, high = x[k] - c * sd, x[k] + c * sd
    for _ in range(120):
        middle = (low + high) / 2
        if share(middle) > 1 - q:
            low = middle
        else:
            high = middle
    return (low + high) / 2, c, lower, upper


def record(name, x, cov, k, others, beta):
    x = [mp.mpf(str(v)) for v in x]
    cov = [[mp.mpf(str(v)) for v in row] for row in cov]
    estimate, c, lower, upper = hybrid(x, cov, k, others, beta, mp.mpf("0.5"))
    quantiles = {}
    for p in ["0.001", "0.025", "0.1", "0.5", "0.9", "0.975", "0.999"]:
        q = (mp.mpf(p) - mp.mpf(beta) / 2) / (1 - mp.mpf(beta))
        q = min(max(q, mp.mpf(0)), mp.mpf(1))
        quantiles[p] = float(hybrid(x, cov, k, others, beta, q)[0])
    finite = lambda v: float(v) if mp.isfinite(v) else None
    return {
        "id": name, "values": [float(v) for v in x], "cov": [[float(v) for v in r] for r in cov],
        "chosen": k, "among": others, "beta": float(beta), "estimate": float(estimate),
        "critical": float(c), "lower": finite(lower), "upper": finite(upper), "quantiles": quantiles,
    }


def simulated_critical(m, rho, beta):
    """The paper's c for equal correlations: the 1 - beta quantile of max |xi|."""
    root = lambda c: 1 - beta - one_factor(m, rho, c)
    from scipy.optimize import brentq
    return brentq(root, 1.0, 6.0, xtol=1e-10)


def one_factor(m, rho, c):
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    a = np.sqrt(1 - rho)
    inner = stats.norm.cdf((c - np.sqrt(rho) * nodes) / a) - stats.norm.cdf((-c - np.sqrt(rho) * nodes) / a)
    return float((weights * inner**m).sum() / weights.sum())


def half(n):
    return [["1" if i == j else "0.5" for j in range(n)] for i in range(n)]


CASES = [
    ("two", ["1.3", "0.4"], half(2), 0, [0, 1], "0.005"),
    ("three-close", ["0.9", "1.1", "1.0"], half(3), 1, [0, 1, 2], "0.005"),
    ("three-apart", ["0.2", "5.1", "1.0"], half(3), 1, [0, 1, 2], "0.005"),
    ("second-of-three", ["0.9", "1.6", "2.5"], half(3), 1, [0, 1], "0.005"),
    ("independent", ["0.5", "0.45", "-1", "0.1"],
     [["1", "0", "0", "0"], ["0", "2", "0", "0"], ["0", "0", "0.5", "0"], ["0", "0", "0", "1"]], 0, [0, 1, 2, 3], "0.01"),
    # A noisier other one that moves along more than one for one: the choice ends above.
    ("cut-above", ["1", "0.7"], [["1", "1.5"], ["1.5", "4"]], 0, [0, 1], "0.005"),
    ("money", ["41250.5", "38900.25", "-1200"],
     [["1.6e8", "7.5e7", "7.1e7"], ["7.5e7", "1.4e8", "6.9e7"], ["7.1e7", "6.9e7", "1.5e8"]], 0, [1, 2], "0.005"),
]


def simulate():
    """Plain and hybrid estimates of the best of three, by numpy and a vectorised bisection."""
    rng = np.random.default_rng(20261125)
    n, out = 100_000, []
    beta = 0.005
    c = float(critical(3, "0.005"))
    cov = np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
    for mu in ([0, 0, 0], [0, 0.5, 1.0], [0, 0, 3.0]):
        mu = np.array(mu, float)
        x = rng.multivariate_normal(mu, cov, n)
        k = x.argmax(1)
        rows = np.arange(n)
        y = x[rows, k]
        runner = np.sort(x, 1)[:, 1]
        lower = (runner - 0.5 * y) / 0.5
        low, high = y - c, y + c
        for _ in range(50):
            m = (low + high) / 2
            a = np.maximum(lower - m, -c)
            share = (stats.norm.cdf(y - m) - stats.norm.cdf(a)) / (stats.norm.cdf(c) - stats.norm.cdf(a))
            up = share > 0.5
            low, high = np.where(up, m, low), np.where(up, high, m)
        at_or_above = ((low + high) / 2 >= mu[k]).mean()
        out.append({
            "means": mu.tolist(), "draws": n, "hybrid_at_or_above": float(at_or_above),
            "plain_at_or_above": float((y >= mu[k]).mean()), "plain_bias": float((y - mu[k]).mean()),
        })
    return out


json.dump(
    {
        "source": "Andrews, Kitagawa & McCloskey (2024), QJE 139, 305-358, programmed anew in 40 digits",
        "script": "tests/reference/scripts/winner.py",
        "versions": {"python": sys.version.split()[0], "mpmath": mp.__version__, "numpy": np.__version__,
                     "scipy": scipy.__version__},
        "results": [record(*c) for c in CASES],
        "simulated": simulate(),
        "critical_of_the_paper": [
            {"m": m, "correlation": rho, "beta": 0.005, "paper": simulated_critical(m, rho, 0.005),
             "sidak": float(critical(m, "0.005"))}
            for m in (2, 3, 7) for rho in (0.0, 0.5, 0.8)
        ],
        "best_of_three_equal": {
            "correlation": 0.5,
            # E max of three standard normals, 3/(2 sqrt(pi)), over what is left without the common part.
            "bias": float(3 / (2 * mp.sqrt(mp.pi)) * mp.sqrt(mp.mpf("0.5"))),
        },
    },
    sys.stdout,
    indent=1,
)
print()
