"""Weekly effects, their trend and their exponential decay, without pilot: writes ../weekly.json.

    python3 weekly.py ASSIGNMENT

ASSIGNMENT is experiments/fees-education/assignment.csv as `pilot assign fees-education` writes it
(the sums below are of the customers by arm; the arms themselves come from the plan's seed).
numpy and scipy. Two data sets:

- epil (MASS, 59 patients): the four two-week counts p1..p4 stand for four weeks; complete.
- fees-education (simulated): weeks of 168 hours from 2026-09-01 00:00 Europe/Berlin, of
  61 days 8 whole weeks; all arms, contacts for Gebühren or Rechnung.

Decay: scipy.optimize.curve_fit with the full covariance (`sigma`, `absolute_sigma=True`), that
is (J'V^-1 J)^-1. Trend: (X'V^-1 X)^-1 X'V^-1 d by numpy. weekly.R computes both again.
"""

import csv
import gzip
import io
import json
import math
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import scipy
from scipy import stats
from scipy.optimize import curve_fit

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
Z = stats.norm.ppf(0.975)


def effects(y1, y0):
    """Differences of weekly means and their covariance, from rows of customers."""
    d = y1.mean(axis=0) - y0.mean(axis=0)
    v = np.cov(y1, rowvar=False) / len(y1) + np.cov(y0, rowvar=False) / len(y0)
    return d, v


def fits(d, v):
    w = np.arange(len(d), dtype=float)
    inverse = np.linalg.inv(v)
    one = np.ones((len(d), 1))
    line = np.column_stack([one, w])

    def gls(x):
        cov = np.linalg.inv(x.T @ inverse @ x)
        return cov @ x.T @ inverse @ d, np.sqrt(np.diag(cov))

    (constant,), (constant_se,) = gls(one)
    (_, slope), (_, slope_se) = gls(line)
    best = None
    for rate in np.linspace(-2.0, 2.0, 41):
        try:
            p, cov = curve_fit(
                lambda w, a, b: a * np.exp(-b * w),
                w,
                d,
                p0=[d[0], rate],
                sigma=v,
                absolute_sigma=True,
                jac=lambda w, a, b: np.column_stack(
                    [np.exp(-b * w), -a * w * np.exp(-b * w)]
                ),
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                maxfev=100000,
            )
        except RuntimeError:
            continue
        r = d - p[0] * np.exp(-p[1] * w)
        q = r @ inverse @ r
        if best is None or q < best[0] - 1e-12:
            best = (q, p, cov)
    q, (start, rate), cov = best
    rate_se = math.sqrt(cov[1, 1])
    half = lambda r: math.log(2) / r if r > 0 else None
    return {
        "constant": constant,
        "constant_se": constant_se,
        "trend": slope,
        "trend_se": slope_se,
        "z": slope / slope_se,
        "p_value": 2 * stats.norm.sf(abs(slope / slope_se)),
        "start": start,
        "start_se": math.sqrt(cov[0, 0]),
        "rate": rate,
        "rate_se": rate_se,
        "covariance": cov[0, 1],
        "half_life": half(rate),
        "half_life_lower": half(rate + Z * rate_se),
        "half_life_upper": half(rate - Z * rate_se),
        "misfit": q,
    }


def epil():
    rows = list(csv.DictReader(open(HERE.parent.parent / "data" / "epil.csv")))
    of = lambda arm: np.array(
        [[int(r[f"p{k}"]) for k in (1, 2, 3, 4)] for r in rows if r["arm"] == arm], float
    )
    return of("treatment"), of("control")


def pairs(y):
    """customers, sum, other_sum, product for every pair of weeks, later first."""
    y = y.astype(int)
    return [
        [len(y), int(y[:, w].sum()), int(y[:, v].sum()), int((y[:, w] * y[:, v]).sum())]
        for w in range(y.shape[1])
        for v in range(w + 1)
    ]


def fees(assignment):
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 9, 1, tzinfo=zone).astimezone(timezone.utc)
    end = datetime(2026, 11, 1, tzinfo=zone).astimezone(timezone.utc)
    arm = {r["unit"]: r["arm"] for r in csv.DictReader(open(assignment, encoding="utf-8"))}
    weekly = {c: [0] * 8 for c in arm}
    other = dict.fromkeys(arm, 0)
    channels = {}
    seen = set()
    for path in sorted((ROOT / "experiments" / "fees-education").glob("contacts-*.csv.gz")):
        text = io.StringIO(gzip.decompress(path.read_bytes()).decode("windows-1252"), newline="")
        rows = csv.reader(text, delimiter=";")
        next(rows)
        for fields in rows:
            try:
                ticket, customer, when, reason, channel, seconds, _ = fields
                local = datetime.strptime(when, "%d.%m.%Y %H:%M")
                float(seconds.replace(",", "."))
            except ValueError:
                continue
            if not customer.strip() or ticket in seen:
                continue
            seen.add(ticket)
            at = local.replace(tzinfo=zone).astimezone(timezone.utc)
            if customer not in arm or not start <= at < end:
                continue
            if reason in ("Gebühren", "Rechnung"):
                week = (at - start) // timedelta(days=7)
                if week < 8:
                    weekly[customer][week] += 1
                if channel.strip():
                    channels.setdefault(channel, dict.fromkeys(arm, 0))[customer] += 1
            else:
                other[customer] += 1
    names = ["control", "tip-sheet", "video", "welcome-email"]
    of = lambda name, values: [values[c] for c in arm if arm[c] == name]
    sums = lambda v: [len(v), sum(v), sum(x * x for x in v)]
    y = {name: np.array(of(name, weekly), float) for name in names}
    return (
        y,
        {name: sums(of(name, other)) for name in names},
        {c: {n: sums(of(n, v)) for n in names} for c, v in sorted(channels.items())},
    )


def record(y1, y0):
    d, v = effects(y1, y0)
    return {"d": d.tolist(), "v": v.tolist(), "fit": fits(d, v)}


y1, y0 = epil()
out = {
    "script": "tests/reference/scripts/weekly.py, again in weekly.R",
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "R": "4.2.2 (weekly.R): trend 4e-15, decay 3e-7 relative"},
    "epil": {
        "pairs": {"treatment": pairs(y1), "control": pairs(y0)},
        "effects": {"treatment": record(y1, y0)},
    },
}
y, other, channels = fees(sys.argv[1])
out["fees"] = {
    "pairs": {name: pairs(rows) for name, rows in y.items()},
    "effects": {n: record(y[n], y["control"]) for n in y if n != "control"},
    "spillover": {"other-reasons": other, "channels": channels},
}
(HERE.parent / "weekly.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
