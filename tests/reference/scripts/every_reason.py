"""Reference values for the business case with every reason counted: contacts that the primary outcome
counts and contacts for other reasons, drawn jointly.

Run: python every_reason.py > ../every_reason.json      (needs numpy, numpy-financial, scipy; finance.py)

Each case states the effects on what the primary outcome counts and on other reasons, with the full
covariance of both over all arms. `pilot` gets what an analysis has: the effects on all contacts with
their own covariance, A·Σ·A' for A = [I I]. The value is a plain loop over cohorts (finance.case) at the
effect on all contacts, moved as far as the correction for the choice moves the primary's. The draws
here are of the primary's and the others' effects, jointly, and are added.
"""
import json
import math
import sys

import numpy as np
import numpy_financial as npf
import scipy
from scipy import stats

import finance
from finance import ALPHA, DAYS, KEYS, N_PILOT, N_PYTHON, base, case, corrections, costs_at_base, draw, ramp

CASES = {c[0]: c for c in finance.CASES}


def block(primary, other, between):
    """Covariance of (primary, other) of all arms: `between` is the correlation of an arm's two effects."""
    primary, other = np.array(primary), np.array(other)
    sd = np.sqrt(np.diag(primary))
    shape = primary / np.outer(sd, sd)
    cross = between * shape * np.outer(sd, np.sqrt(np.diag(other)))
    return np.block([[primary, cross], [cross.T, other]])


def scaled(cov, by):
    return (np.array(cov) * by * by).tolist()


def cases():
    """(id of finance.py, effects on other reasons per customer-day, their covariance, correlation)."""
    triangles = CASES["triangles"]
    yield "triangles", [-0.0027], scaled(triangles[2]["cov"], 1.4), -0.3
    yield "normals", [0.0008], scaled(CASES["normals"][2]["cov"], 0.8), 0.25
    three = CASES["three-arms"]
    yield "three-arms", [-0.0002, -0.0015, 0.0004], scaled(three[2]["cov"], 1.2), 0.2
    two = CASES["minutes-two-arms"]
    yield "minutes-two-arms", [-0.02, 0.01], scaled(two[2]["minutes"]["cov"], 0.9), 0.15


def slopes(b, effect, start, costs, rng, n):
    """Present value of a unit avoided per customer-month and of the spending, draw by draw."""
    H = b["horizon_months"]
    v = {
        k: draw(b.get(k, d), n, rng, share=k in ("realisation", "churn")) if b.get(k, d) != "none" else "none"
        for k, d in KEYS.items()
    }
    fade = (lambda m: 1.0) if isinstance(v["half_life"], str) else (lambda m: 2.0 ** (-m / v["half_life"]))
    window = effect["window_days"] / DAYS
    mean_fade = sum(min(1.0, window - m) * fade(m) for m in range(math.ceil(window))) / window
    repeat = b.get("repeat_every_months")
    c = {arm: {key: draw(a, n, rng) for key, a in costs[arm].items()} for arm in effect["arms"]}
    slope, spend = np.zeros(n), {arm: c[arm]["fixed"].copy() for arm in c}
    for t in range(1, H + 1):
        active, delivered = np.zeros(n), np.zeros(n)
        for u in range(1, t + 1):
            share = ramp(u, b.get("ramp_months", 0)) - ramp(u - 1, b.get("ramp_months", 0))
            alive = (1 - b.get("holdout", 0.0)) * (share * v["units"] + v["new"]) * (1 - v["churn"]) ** (t - u)
            age = (t - u) % repeat if repeat else t - u
            active = active + alive * fade(age)
            if age == 0:
                delivered = delivered + alive
        season = b["baseline_by_month"][(start + t - 2) % 12] if b.get("baseline_by_month") else 1.0
        price = v["variable"] + v["labour"] * v["realisation"] * np.clip(t - v["lag"], 0, 1)
        slope = slope + active * season / mean_fade * price * (1 + v["rate"]) ** (-t / 12)
        for arm in c:
            month = c[arm]["per_customer"] * delivered + c[arm]["per_month"]
            spend[arm] = spend[arm] + month * (1 + v["rate"]) ** (-(t - 1) / 12)
    return slope, spend


def record(name, other, other_cov, between):
    _, b, effect, start, costs, _ = CASES[name]
    v = {k: (b.get(k, d) if b.get(k, d) == "none" else base(b.get(k, d))) for k, d in KEYS.items()}
    money = effect.get("minutes") or effect
    joint = block(money["cov"], other_cov, between)
    k = len(effect["arms"])
    add = np.hstack([np.eye(k), np.eye(k)])
    every = {"mean": (np.array(money["mean"]) + np.array(other)).tolist(), "cov": (add @ joint @ add.T).tolist()}
    quantiles = corrections(b, v, effect, start, costs, ALPHA)
    rng = np.random.default_rng(20261126)
    slope, spend = slopes(b, effect, start, costs, rng, N_PYTHON)
    both = rng.standard_normal((N_PYTHON, 2 * k)) @ np.linalg.cholesky(joint).T
    dfs = [d for d in (effect["df"], money["df"]) if d is not None]
    if dfs:
        both *= np.sqrt(min(dfs) / rng.chisquare(min(dfs), N_PYTHON))[:, None]
    primary = both[:, :k] + np.array(money["mean"])
    others = both[:, k:] + np.array(other)
    arms = {}
    for i, arm in enumerate(effect["arms"]):
        sd = math.sqrt(money["cov"][i][i])
        shift = quantiles[i](0.5) * sd if quantiles[i] else 0.0
        per_month = (every["mean"][i] + shift) * DAYS
        # A count and minutes alike: what has the price is what is followed.
        at = case(b, v, per_month, per_month, effect["window_days"], start, costs_at_base(costs[arm]), 1.0, 1.0)
        own = primary[:, i]
        if quantiles[i]:
            grid = np.linspace(-6, 6, 4001)
            curve = np.array([quantiles[i](stats.norm.cdf(g)) for g in grid])
            own = money["mean"][i] + sd * np.interp(np.clip((own - money["mean"][i]) / sd, -6, 6), grid, curve)
        npv = (own + others[:, i]) * DAYS * slope - spend[arm]
        p, n = float((npv > 0).mean()), N_PILOT
        slack = 4 * math.sqrt(0.025 * 0.975 / n)
        between_ = lambda q: [float(np.quantile(npv, q - slack)), float(np.quantile(npv, q + slack))]
        arms[arm] = {
            "corrected": quantiles[i] is not None,
            "avoided_per_customer_month": per_month,
            "npv": at["npv"],
            "npv_lower_between": between_(0.025), "npv_upper_between": between_(0.975),
            "npv_sd": float(npv.std()),
            "probability_npv_positive": p,
        }
    return {"id": name, "every_reason": every, "values": arms}


def main():
    json.dump(
        {
            "source": "the model of the business case by plain loops over cohorts, on joint draws of the effects "
                      "on the primary outcome's contacts and on those for other reasons",
            "script": "tests/reference/scripts/every_reason.py",
            "versions": {"python": sys.version.split()[0], "numpy": np.__version__,
                         "numpy_financial": npf.__version__, "scipy": scipy.__version__},
            "draws": f"*_between: the quantiles of {N_PYTHON} draws at the tail probability -+ 4 standard "
                     f"errors of {N_PILOT} draws",
            "results": [record(*c) for c in cases()],
        },
        sys.stdout, indent=1,
    )
    print()


if __name__ == "__main__":
    main()
