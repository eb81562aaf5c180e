"""Reference values for the business case: plain loops over cohorts, month by month.

Run: python finance.py > ../finance.json      (needs numpy, numpy-financial, scipy)

Every customer group that is first reached in month u is followed on its own; nothing is
taken from recursions or closed forms. Present values are numpy_financial.npv of the two
streams of cash (savings at the end of a month, delivery and running cost at its start).
The draws are NumPy's own (rejection for the cut normal, Cholesky for the joint effect).

The arms' effects are corrected for the choice by the hybrid estimate of Andrews, Kitagawa &
McCloskey (2024), here with scipy (`winner.py` has it in 40 digits): an arm that beats others in NPV
as estimated. Where minutes are priced, the effect on minutes is what has the price. Agents come from
Erlang C by the sum over states, not by a recurrence.
"""
import json
import math
import sys

import numpy as np
import numpy_financial as npf
import scipy
from scipy import stats
from scipy.optimize import brentq

DAYS = 365.25 / 12
N_PYTHON, N_PILOT = 200_000, 10_000
ALPHA, CLAIM = 0.05, 0.15


def f(m, half_life):
    return 1.0 if half_life == "none" else 2.0 ** (-m / half_life)


def g(window_days, half_life):
    """Mean of f over the pilot's window; the last month counts for its part."""
    months = window_days / DAYS
    total, covered, m = 0.0, 0.0, 0
    while covered < months - 1e-12:
        part = min(1.0, months - m)
        total += part * f(m, half_life)
        covered += part
        m += 1
    return total / months


def ramp(t, length):
    if t <= 0:
        return 0.0
    return 1.0 if length == 0 else min(1.0, t / length)


def months_of(b, v, delta, window_days, start_month):
    """Per month: contacts, contacts while the pilot's window lasts, customers delivered to."""
    H = b["horizon_months"]
    window = window_days / DAYS
    contacts, seen, delivered = [], [], []
    for t in range(1, H + 1):
        season = 1.0
        if b.get("baseline_by_month"):
            season = b["baseline_by_month"][(start_month - 1 + t - 1) % 12]
        a = o = d = 0.0
        for u in range(1, t + 1):
            reached = (1 - b.get("holdout", 0.0)) * (
                (ramp(u, b.get("ramp_months", 0)) - ramp(u - 1, b.get("ramp_months", 0))) * v["units"]
                + v["new"]
            )
            alive = reached * (1 - v["churn"]) ** (t - u)
            since = t - u
            repeat = b.get("repeat_every_months")
            age = since % repeat if repeat else since
            a += alive * f(age, v["half_life"])
            o += alive * f(since, v["half_life"]) * min(1.0, max(0.0, window - since))
            if age == 0:
                d += alive
        scale = delta / g(window_days, v["half_life"]) * season
        contacts.append(scale * a)
        seen.append(scale * o)
        delivered.append(d)
    return contacts, seen, delivered


def payback(cumulative):
    """First month >= 1 from which it stays >= 0; cumulative[0] is month 0."""
    for month in range(1, len(cumulative)):
        if all(c >= -1e-9 for c in cumulative[month:]):
            return month
    return None


def case(b, v, delta, minutes, window_days, start_month, cost, control_rate, control_minutes):
    """`minutes`: avoided per customer-month where they are priced, else None."""
    H = b["horizon_months"]
    contacts, seen, delivered = months_of(b, v, delta, window_days, start_month)
    units, units_seen = contacts, seen
    if minutes is not None:
        units, units_seen, _ = months_of(b, v, minutes, window_days, start_month)
    monthly = (1 + v["rate"]) ** (1 / 12) - 1

    def labour_share(t):
        return v["realisation"] * min(1.0, max(0.0, t - v["lag"]))

    price = [v["variable"] + v["labour"] * labour_share(t) for t in range(1, H + 1)]
    savings = [c * p for c, p in zip(units, price)]
    savings_seen = [c * p for c, p in zip(units_seen, price)]
    spend = [cost["per_customer"] * d + cost["per_month"] for d in delivered]
    pv_end = lambda flows: npf.npv(monthly, [0.0] + list(flows))
    pv_start = lambda flows: npf.npv(monthly, list(flows))
    out = {
        "avoided_per_customer_month": delta,
        "contacts_avoided": sum(contacts),
        "pv_savings": pv_end(savings),
        "pv_spend": cost["fixed"] + pv_start(spend),
        "months": {
            "contacts_avoided": contacts,
            "saving_variable": [c * v["variable"] for c in units],
            "saving_labour": [c * v["labour"] * labour_share(t + 1) for t, c in enumerate(units)],
            "delivery_cost": [cost["per_customer"] * d for d in delivered],
        },
    }
    if minutes is not None:
        out["minutes_per_customer_month"] = minutes
        out["minutes_avoided"] = sum(units)
        out["months"]["minutes_avoided"] = units
    out["npv"] = out["pv_savings"] - out["pv_spend"]
    out["npv_observed_only"] = pv_end(savings_seen) - out["pv_spend"]
    out["share_beyond_observed"] = (
        1 - pv_end(savings_seen) / out["pv_savings"] if out["pv_savings"] else None
    )
    out["npv_share_beyond_observed"] = (
        (out["npv"] - out["npv_observed_only"]) / out["npv"] if out["npv"] > 0 else None
    )
    out["roi"] = out["pv_savings"] / out["pv_spend"] - 1 if out["pv_spend"] > 0 else None
    plain, discounted = [-cost["fixed"]], [-cost["fixed"]]
    for t in range(1, H + 1):
        plain.append(plain[-1] + savings[t - 1] - spend[t - 1])
        discounted.append(
            discounted[-1]
            + savings[t - 1] * (1 + v["rate"]) ** (-t / 12)
            - spend[t - 1] * (1 + v["rate"]) ** (-(t - 1) / 12)
        )
    out["months"]["cumulative"] = plain
    out["payback_months"] = payback(plain)
    out["payback_months_discounted"] = payback(discounted)
    pv_contacts = pv_end(contacts)
    out["cost_per_contact_avoided"] = out["pv_spend"] / pv_contacts if pv_contacts > 0 else None
    # Break-even by bisection on delta, not by the closed form.
    def npv_at(d):
        c, _, n = months_of(b, v, d, window_days, start_month)
        return (
            pv_end([x * p for x, p in zip(c, price)])
            - cost["fixed"]
            - pv_start([cost["per_customer"] * x + cost["per_month"] for x in n])
        )
    low, high = 0.0, 1.0
    while npv_at(high) < 0:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if npv_at(middle) < 0 else (low, middle)
    out["break_even_avoided_per_day"] = high / DAYS
    out["break_even_reduction"] = high / DAYS / (control_rate if minutes is None else control_minutes)
    n = min(12, H)
    # A horizon below a year has no steady year.
    if b.get("annual_service_budget") and H >= 12:
        year = 12 / n / base(b["annual_service_budget"])
        out["budget_share"] = sum(savings[-n:]) * year
        out["budget_share_unrealised"] = (
            sum(c * (v["variable"] + v["labour"]) for c in units[-n:]) * year
        )
    if b.get("staffing"):
        out["staffing"] = staffing(b, v, contacts, units if minutes is not None else None, start_month,
                                   control_rate, control_minutes)
    return out


def erlang_c(load, n):
    """P(wait), by the sum over states in logarithms."""
    terms = [k * math.log(load) - math.lgamma(k + 1) for k in range(n + 1)]
    top = max(terms)
    states = [math.exp(t - top) for t in terms]
    queue = states[n] * n / (n - load)
    return queue / (sum(states[:n]) + queue)


def staffed(contacts, seconds_handling, s, n=None):
    interval = s["interval_minutes"] * 60
    load = contacts * seconds_handling / interval

    def copes(n):
        wait = erlang_c(load, n)
        drain = (n - load) / seconds_handling
        level = 1 - wait * math.exp(-drain * s["answer_seconds"]) if "answer_seconds" in s else None
        return wait, level, wait / drain

    if n is None:
        n = math.floor(load) + 1
        while True:
            _, level, _ = copes(n)
            if load / n <= s.get("occupancy", 1) and (level is None or level >= s["service_level"]):
                break
            n += 1
    _, level, mean_wait = copes(n)
    return {"agents": n, "positions": math.ceil(n / (1 - s.get("shrinkage", 0)) - 1e-9),
            "occupancy": load / n, "service_level": level, "mean_wait_seconds": mean_wait}


def staffing(b, v, contacts, minutes, start_month, control_rate, control_minutes):
    s, H = b["staffing"], b["horizon_months"]
    n = min(12, H)
    season = b.get("baseline_by_month") or [1.0] * 12
    exposed = 0.0
    for t in range(1, H + 1):
        if t <= H - n:
            continue
        # Customers of month t: the stock that stayed, and every month's new ones.
        stock = v["units"] * (1 - v["churn"]) ** (t - 1)
        stock += sum(v["new"] * (1 - v["churn"]) ** (t - u) for u in range(1, t + 1))
        exposed += stock * season[(start_month + t - 2) % 12]
    share = sum(contacts[-n:]) / (exposed * control_rate * DAYS)
    share_minutes = share if minutes is None else sum(minutes[-n:]) / (exposed * control_minutes * DAYS)
    handling = s.get("handling_seconds") or (60 * control_minutes / control_rate)
    hours = (sum(contacts[-n:]) * handling / 3600 if minutes is None else sum(minutes[-n:]) / 60) * 12 / n
    paid = hours / s["occupancy"] / (1 - s["shrinkage"])
    before = staffed(s["contacts_per_interval"], handling, s)
    after = (s["contacts_per_interval"] * (1 - share), handling * (1 - share_minutes) / (1 - share))
    return {
        "hours_per_year": hours, "paid_hours_per_year": paid,
        "full_time_agents": paid / s["hours_per_agent_year"],
        "contacts_avoided": share, "minutes_avoided": share_minutes,
        "before": before, "fewer_agents": staffed(*after, s),
        "lower_occupancy": staffed(*after, s, before["agents"]),
    }


def winner(x, cov, k, among, beta):
    """Standardised hybrid quantile function of the chosen one: p -> (mu - x_k)/sd."""
    sd = math.sqrt(cov[k][k])
    m = len({k, *among})
    c = stats.norm.isf((1 - (1 - beta) ** (1 / m)) / 2)
    lower, upper = -math.inf, math.inf
    for j in among:
        if j == k:
            continue
        slack = cov[k][k] - cov[k][j]
        bound = (cov[k][k] * x[j] - cov[k][j] * x[k]) / slack
        lower, upper = (max(lower, bound), upper) if slack > 0 else (lower, min(upper, bound))
    l, u = (lower - x[k]) / sd, (upper - x[k]) / sd

    def quantile(p):
        q = (p - beta / 2) / (1 - beta)
        if q <= 0:
            return -c
        if q >= 1:
            return c

        def gap(mu):
            a, z = max(l - mu, -c), min(u - mu, c)
            F = stats.norm.cdf
            return (F(-mu) - F(a)) / (F(z) - F(a)) - (1 - q)

        return brentq(gap, -c + 1e-13, c - 1e-13, xtol=1e-14)

    return quantile


def corrections(b, v, effect, start, costs, alpha):
    """For each arm that beats others in NPV as estimated: its quantile function."""
    money = effect.get("minutes") or effect
    slope = None
    x, spend = [], []
    for i, arm in enumerate(effect["arms"]):
        args = (effect["window_days"], start, costs_at_base(costs[arm]), 1.0, 1.0)
        spend.append(case(b, v, 0.0, 0.0, *args)["pv_spend"])
        slope = case(b, v, 1.0, 1.0, *args)["pv_savings"]
        x.append(slope * money["mean"][i] * DAYS - spend[i])
    cov = [[c * (slope * DAYS) ** 2 for c in row] for row in money["cov"]]
    out = []
    for k in range(len(x)):
        among = [j for j in range(len(x)) if j != k and x[j] <= x[k]]
        out.append(winner(x, cov, k, among, 0.1 * alpha) if among else None)
    return out


def costs_at_base(c):
    return {k: base(a) for k, a in c.items()}


def base(a):
    if isinstance(a, dict) and "mode" in a:
        return (a["low"] + a["mode"] + a["high"]) / 3
    if isinstance(a, dict):
        return a["mean"]
    return a


def draw(a, n, rng, share=False):
    if isinstance(a, dict) and "mode" in a:
        return rng.triangular(a["low"], a["mode"], a["high"], n)
    if isinstance(a, dict):
        x = rng.normal(a["mean"], a["sd"], n)
        bad = lambda: (x < 0) | (share & (x > 1))
        while bad().any():
            x[bad()] = rng.normal(a["mean"], a["sd"], bad().sum())
        return x
    return np.full(n, float(a))


KEYS = {
    "variable": 0.0, "labour": 0.0, "realisation": 0.0, "lag": 0.0, "half_life": "none",
    "units": 0.0, "new": 0.0, "churn": 0.0, "rate": 0.0,
}


def simulate(b, effect, start_month, costs, level, max_payback, quantiles):
    """NPV of every arm on NumPy's draws: loops over cohorts, arrays over draws."""
    n, H = N_PYTHON, b["horizon_months"]
    rng = np.random.default_rng(20261001)
    v = {
        k: draw(b.get(k, d), n, rng, share=k in ("realisation", "churn"))
        if b.get(k, d) != "none" else "none"
        for k, d in KEYS.items()
    }
    k = len(effect["arms"])
    money = effect.get("minutes") or effect
    z = rng.standard_normal((n, k)) @ np.linalg.cholesky(np.array(money["cov"])).T
    dfs = [d for d in (effect["df"], money["df"]) if d is not None]
    if dfs:
        z *= np.sqrt(min(dfs) / rng.chisquare(min(dfs), n))[:, None]
    deltas = (np.array(money["mean"]) + z) * DAYS
    raw = deltas.copy()
    for i, quantile in enumerate(quantiles):
        if quantile is not None:
            sd = math.sqrt(money["cov"][i][i]) * DAYS
            grid = np.linspace(-6, 6, 4001)
            curve = [quantile(stats.norm.cdf(g)) for g in grid]
            standard = np.clip((deltas[:, i] - money["mean"][i] * DAYS) / sd, -6, 6)
            deltas[:, i] = money["mean"][i] * DAYS + sd * np.interp(standard, grid, curve)
    window = effect["window_days"] / DAYS
    fade = (lambda m: 1.0) if isinstance(v["half_life"], str) else (lambda m: 2.0 ** (-m / v["half_life"]))
    parts = [min(1.0, window - m) for m in range(math.ceil(window))]
    mean_fade = sum(p * fade(m) for m, p in enumerate(parts)) / window
    reached = [
        (1 - b.get("holdout", 0.0))
        * ((ramp(u, b.get("ramp_months", 0)) - ramp(u - 1, b.get("ramp_months", 0))) * v["units"] + v["new"])
        for u in range(1, H + 1)
    ]
    repeat = b.get("repeat_every_months")
    per_delta, seen, delivered, price = [], [], [], []
    for t in range(1, H + 1):
        a, o, d = np.zeros(n), np.zeros(n), np.zeros(n)
        for u in range(1, t + 1):
            alive = reached[u - 1] * (1 - v["churn"]) ** (t - u)
            age = (t - u) % repeat if repeat else t - u
            a = a + alive * fade(age)
            o = o + alive * fade(t - u) * min(1.0, max(0.0, window - (t - u)))
            if age == 0:
                d = d + alive
        season = b["baseline_by_month"][(start_month + t - 2) % 12] if b.get("baseline_by_month") else 1.0
        per_delta.append(a * season / mean_fade)
        seen.append(o * season / mean_fade)
        delivered.append(d)
        price.append(v["variable"] + v["labour"] * v["realisation"] * np.clip(t - v["lag"], 0, 1))
    out = {}
    for i, arm in enumerate(effect["arms"]):
        c = {key: draw(a, n, rng) for key, a in costs[arm].items()}
        npv, cumulative = -c["fixed"], -c["fixed"]
        last_short = np.where(cumulative < 0, 0, -1)
        discounted, last_short_discounted = -c["fixed"], last_short
        slope, slope_seen, pv_spend = np.zeros(n), np.zeros(n), c["fixed"]
        for t in range(1, H + 1):
            saving = deltas[:, i] * per_delta[t - 1] * price[t - 1]
            spend = c["per_customer"] * delivered[t - 1] + c["per_month"]
            npv = npv + saving * (1 + v["rate"]) ** (-t / 12) - spend * (1 + v["rate"]) ** (-(t - 1) / 12)
            cumulative = cumulative + saving - spend
            last_short = np.where(cumulative < 0, t, last_short)
            at_end, at_start = (1 + v["rate"]) ** (-t / 12), (1 + v["rate"]) ** (-(t - 1) / 12)
            discounted = discounted + saving * at_end - spend * at_start
            last_short_discounted = np.where(discounted < 0, t, last_short_discounted)
            slope = slope + per_delta[t - 1] * price[t - 1] * at_end
            slope_seen = slope_seen + seen[t - 1] * price[t - 1] * at_end
            pv_spend = pv_spend + spend * at_start
        month = np.maximum(last_short + 1, 1)
        month_discounted = np.maximum(last_short_discounted + 1, 1)
        # Without a saving there is no break-even: it counts above all others.
        saves = slope > 0
        even = np.where(saves, pv_spend / np.where(saves, slope, 1.0), np.inf) / DAYS
        beyond = 1 - slope_seen[saves] / slope[saves]
        # Nothing above 0 to share: all of it, and more, lies beyond.
        worth = np.where(npv > 0, deltas[:, i] * (slope - slope_seen) / np.where(npv > 0, npv, 1.0), np.inf)
        tail = (1 - level) / 2
        slack = 4 * math.sqrt(tail * (1 - tail) / N_PILOT)
        bracket = lambda x, p: [float(np.quantile(x, p - slack)), float(np.quantile(x, p + slack))]
        step = lambda x, p: float(np.quantile(x, p, method="inverted_cdf"))
        known = lambda x, most: x if x <= most else None
        # An end that is not finite (of a month: beyond the horizon) is null.
        ends = lambda x, p, most=sys.float_info.max: [known(step(x, p - slack), most), known(step(x, p + slack), most)]
        thresholds = {}
        for key, drawn, most in [
            ("break_even_avoided_per_day", even, sys.float_info.max),
            ("share_beyond_observed", beyond, sys.float_info.max),
            ("npv_share_beyond_observed", worth, sys.float_info.max),
            ("payback_months", month, H),
            ("payback_months_discounted", month_discounted, H),
        ]:
            thresholds[f"{key}_lower_between"] = ends(drawn, tail, most)
            thresholds[f"{key}_upper_between"] = ends(drawn, 1 - tail, most)
        out[arm] = {
            **thresholds,
            "break_even_exists": float(saves.mean()),
            "npv_lower_between": bracket(npv, tail),
            "npv_upper_between": bracket(npv, 1 - tail),
            "avoided_lower_between": bracket(deltas[:, i], tail),
            "avoided_upper_between": bracket(deltas[:, i], 1 - tail),
            "cumulative_last_lower_between": bracket(cumulative, tail),
            "probability_npv_positive": float((npv > 0).mean()),
            "probability_payback": float((month <= min(max_payback, H)).mean()),
            "raw_avoided_lower_between": bracket(raw[:, i], tail),
        }
        n12 = min(12, H)
        if b.get("annual_service_budget"):
            year = sum(deltas[:, i] * per_delta[t] * price[t] for t in range(H - n12, H)) * 12 / n12
            share = year / draw(b["annual_service_budget"], n, rng)
            out[arm]["budget_share_lower_between"] = bracket(share, tail)
            out[arm]["probability_budget_claim"] = float((share >= CLAIM).mean())
    return out


def tri(low, mode, high):
    return {"low": low, "mode": mode, "high": high}


def nor(mean, sd):
    return {"mean": mean, "sd": sd}


def one(mean, se, df=None, control=0.05, window=60.0):
    return {"arms": ["a"], "mean": [mean], "cov": [[se * se]], "df": df,
            "control_rate": control, "window_days": window}


def cost(fixed=0.0, per_customer=0.0, per_month=0.0):
    return {"fixed": fixed, "per_customer": per_customer, "per_month": per_month}


def minutes(effect, mean, cov, df, control_rate):
    return {**effect, "minutes": {"mean": mean, "cov": cov, "df": df, "control_rate": control_rate}}


SEASON = [0.8, 0.9, 1.0, 1.05, 1.1, 1.2, 1.3, 1.15, 0.95, 0.9, 0.85, 0.8]
CASES = [
    # id, business, effect, start month, costs by arm, simulate?
    ("plain", {"currency": "EUR", "variable": 1.5, "labour": 4.0, "realisation": 0.5, "units": 10000.0,
               "horizon_months": 24, "rate": 0.08},
     one(0.004, 0.001), 1, {"a": cost(1200, 0.35, 50)}, False),
    ("ramp-and-fade", {"currency": "EUR", "variable": 6.0, "half_life": 6.0, "units": 25000.0,
                       "ramp_months": 6, "horizon_months": 24, "rate": 0.0},
     one(0.003, 0.001, 120.0), 7, {"a": cost(30000, 0.1, 0)}, False),
    ("churn-new-holdout", {"currency": "USD", "variable": 2.0, "labour": 3.0, "realisation": 0.7, "lag": 3.0,
                           "half_life": 18.0, "units": 40000.0, "new": 900.0, "churn": 0.02, "holdout": 0.1,
                           "ramp_months": 3, "horizon_months": 36, "rate": 0.1,
                           "annual_service_budget": 900000.0},
     one(0.0021, 0.0007, 4000.0, control=0.031, window=91.0), 11, {"a": cost(5000, 0.4, 120)}, False),
    ("repeat", {"currency": "EUR", "variable": 2.5, "labour": 2.5, "realisation": 0.4, "half_life": 5.0,
                "units": 12000.0, "new": 300.0, "churn": 0.03, "ramp_months": 4, "repeat_every_months": 6,
                "horizon_months": 60, "rate": 0.07, "annual_service_budget": 250000.0},
     one(0.005, 0.0015, 300.0), 2, {"a": cost(2000, 0.2, 30)}, False),
    ("season-jpy", {"currency": "JPY", "variable": 240.0, "labour": 610.0, "realisation": 0.5, "half_life": 12.0,
                    "units": 8000.0, "horizon_months": 18, "rate": 0.03, "baseline_by_month": SEASON,
                    "annual_service_budget": 90000000.0,
                    "staffing": {"occupancy": 0.8, "shrinkage": 0.32, "hours_per_agent_year": 1780.0,
                                 "service_level": 0.9, "answer_seconds": 15.0, "interval_minutes": 15.0,
                                 "contacts_per_interval": 240.0}},
     minutes(one(0.006, 0.002, 77.0), [0.021], [[5.3e-5]], 71.0, 0.22), 11, {"a": cost(400000, 35, 9000)}, False),
    ("lag-in-part-kwd", {"currency": "KWD", "variable": 0.125, "labour": 0.875, "realisation": 0.6, "lag": 4.5,
                         "half_life": "none", "units": 5000.0, "churn": 0.01, "horizon_months": 7, "rate": 0.05,
                         "annual_service_budget": tri(36000.0, 40000.0, 50000.0)},
     one(0.012, 0.004, 58.0, control=0.09, window=14.0), 5, {"a": cost(310.250, 0.015, 12.5)}, False),
    ("triangles", {"currency": "EUR", "variable": tri(1.0, 1.5, 2.6), "labour": tri(3.0, 4.0, 6.0),
                   "realisation": tri(0.2, 0.5, 0.9), "lag": tri(0.0, 3.0, 9.0), "half_life": tri(4.0, 9.0, 24.0),
                   "units": tri(18000.0, 20000.0, 21000.0), "new": tri(100.0, 200.0, 500.0),
                   "churn": tri(0.005, 0.015, 0.03), "rate": tri(0.06, 0.08, 0.12), "holdout": 0.05,
                   "ramp_months": 2, "repeat_every_months": 9, "horizon_months": 36,
                   "annual_service_budget": nor(300000.0, 60000.0)},
     one(0.003, 0.0012, 25.0), 10,
     {"a": cost(tri(6000.0, 9000.0, 15000.0), nor(0.35, 0.08), tri(20.0, 80.0, 200.0))}, True),
    ("normals", {"currency": "GBP", "variable": nor(2.0, 0.4), "labour": nor(4.5, 1.5), "realisation": nor(0.7, 0.2333),
                 "lag": nor(6.0, 2.0), "half_life": nor(9.0, 3.0), "units": nor(15000.0, 500.0),
                 "new": nor(250.0, 80.0), "churn": nor(0.02, 0.006), "rate": nor(0.08, 0.01),
                 "baseline_by_month": SEASON, "horizon_months": 30},
     one(0.0025, 0.001), 3, {"a": cost(12000, 0.5, 100)}, True),
    ("three-arms", {"currency": "EUR", "variable": tri(1.2, 1.8, 2.4), "labour": nor(5.0, 0.5), "realisation": 0.5,
                    "lag": 6.0, "half_life": tri(6.0, 12.0, 18.0), "units": 30000.0, "new": 400.0, "churn": 0.015,
                    "holdout": 0.05, "ramp_months": 3, "horizon_months": 36, "rate": 0.08,
                    "annual_service_budget": 1200000.0,
                    "staffing": {"occupancy": 0.85, "shrinkage": 0.3, "hours_per_agent_year": 1700.0,
                                 "service_level": 0.8, "answer_seconds": 20.0, "interval_minutes": 30.0,
                                 "contacts_per_interval": 100.0, "handling_seconds": 180.0}},
     {"arms": ["tip-sheet", "video", "welcome-email"], "mean": [0.0012, 0.0024, 0.0006],
      "cov": [[4.9e-7, 2.4e-7, 2.3e-7], [2.4e-7, 5.2e-7, 2.5e-7], [2.3e-7, 2.5e-7, 4.8e-7]],
      "df": 40.0, "control_rate": 0.02, "window_days": 60.0}, 1,
     {"tip-sheet": cost(1200, 0.35, 50), "video": cost(tri(12000.0, 18000.0, 27000.0), 0.05, 200),
      "welcome-email": cost(500, 0.02, 0)}, True),
    # Labour alone, which becomes cash so late that in some draws it never does: no break-even there.
    ("late-labour", {"currency": "EUR", "variable": 0.0, "labour": tri(4.0, 5.0, 7.0), "realisation": tri(0.3, 0.6, 0.8),
                     "lag": tri(4.0, 14.0, 36.0), "half_life": nor(24.0, 5.0), "units": 20000.0, "new": 100.0,
                     "churn": 0.01, "ramp_months": 2, "horizon_months": 24, "rate": 0.06},
     one(0.004, 0.0012, 200.0), 8, {"a": cost(tri(4000.0, 6000.0, 9000.0), 0.3, 50)}, True),
    ("harm-long-window", {"currency": "EUR", "variable": 2.0, "labour": 5.0, "realisation": 1.0, "half_life": 10.0,
                          "units": 7000.0, "new": 50.0, "ramp_months": 1, "repeat_every_months": 4,
                          "horizon_months": 12, "rate": 0.09},
     one(-0.001, 0.0009, 15.0, window=200.0), 12, {"a": cost(800, 0.3, 20)}, False),
    # Preventing 40 % of the 4-minute and 5 % of the 10-minute contacts: 26 % of contacts, 18 % of minutes.
    ("minutes-two-arms", {"currency": "EUR", "variable": nor(0.1, 0.02), "labour": tri(0.6, 0.8, 1.1), "realisation": tri(0.3, 0.6, 0.8),
                          "lag": 3.0, "half_life": 10.0, "units": 50000.0, "new": 600.0, "churn": 0.01,
                          "holdout": 0.1, "ramp_months": 2, "repeat_every_months": 12, "horizon_months": 24,
                          "rate": 0.07, "baseline_by_month": SEASON, "annual_service_budget": 2500000.0,
                          "staffing": {"occupancy": 0.7, "shrinkage": 0.3, "hours_per_agent_year": 1720.0,
                                       "service_level": 0.8, "answer_seconds": 20.0, "interval_minutes": 30.0,
                                       "contacts_per_interval": 400.0, "handling_seconds": 384.0}},
     minutes({"arms": ["easy", "hard"], "mean": [0.26 * 0.05, 0.2 * 0.05], "cov": [[1e-6, 5e-7], [5e-7, 1.1e-6]], "df": None,
              "control_rate": 0.05, "window_days": 60.0},
             [1.16 * 0.05, 1.1 * 0.05], [[6e-5, 2.9e-5], [2.9e-5, 6.4e-5]], 310.0, 0.32), 4,
     {"easy": cost(9000, 0.2, 100), "hard": cost(tri(10000.0, 15000.0, 30000.0), 0.2, 100)}, True),
]


def main():
    results = []
    for name, b, effect, start, costs, with_draws in CASES:
        v = {k: (b.get(k, d) if b.get(k, d) == "none" else base(b.get(k, d))) for k, d in KEYS.items()}
        quantiles = corrections(b, v, effect, start, costs, ALPHA)
        priced = effect.get("minutes")
        arms = {}
        for i, arm in enumerate(effect["arms"]):
            def at(z):
                """The case with the effect z standard errors from its estimate."""
                moved = lambda e: (e["mean"][i] + z * math.sqrt(e["cov"][i][i])) * DAYS
                return case(b, v, moved(effect), moved(priced) if priced else None, effect["window_days"], start,
                            costs_at_base(costs[arm]), effect["control_rate"],
                            priced["control_rate"] if priced else None)
            arms[arm] = at(quantiles[i](0.5) if quantiles[i] else 0.0)
            if quantiles[i]:
                raw = at(0.0)
                arms[arm]["as_estimated"] = {k: raw.get(k) for k in
                    ("avoided_per_customer_month", "minutes_per_customer_month", "contacts_avoided", "npv")}
            if priced:
                share = effect["mean"][i] / effect["control_rate"]
                arms[arm]["overstated_by_contacts"] = share / (priced["mean"][i] / priced["control_rate"]) - 1
        record = {"id": name, "business": b, "effect": effect, "start_month": start, "costs": costs, "values": arms}
        if with_draws:
            record["max_payback_months"] = 18
            record["level"] = 0.95
            record["draws"] = simulate(b, effect, start, costs, 0.95, 18, quantiles)
        results.append(record)
    json.dump(
        {
            "source": "the model of the business case, evaluated by plain loops over cohorts",
            "script": "tests/reference/scripts/finance.py",
            "versions": {"python": sys.version.split()[0], "numpy": np.__version__,
                         "numpy_financial": npf.__version__, "scipy": scipy.__version__},
            "draws": f"*_between: the quantiles of {N_PYTHON} draws at the tail probability -+ 4 standard "
                     f"errors of {N_PILOT} draws",
            "results": results,
        },
        sys.stdout, indent=1,
    )
    print()


if __name__ == "__main__":
    main()
