"""Minutes per customer-day where customers are observed for different times, and the money made of them.

Makes tests/data/minutes/{customers,contacts}.csv (invented) and tests/reference/minutes.json. The effects are ratios of
sums, Σ seconds / Σ days by arm; their covariance is that of the linearised residuals y − R·e (Cochran 1977, Sampling
Techniques, eq. 6.9, with n/(n − 1)), the arms sharing control alone. Python's standard library only.
"""

import csv
import datetime as dt
import json
import random
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MONTH = 30.4375
FIRST, LAST = dt.date(2026, 9, 1), dt.date(2026, 10, 15)
ARMS = ["control", "tips", "video"]
UNITS, HORIZON, RATE, REALISATION, VARIABLE, LABOUR = 10000, 12, 0.08, 0.5, 0.1, 0.5
COSTS = {"tips": (1000, 0.1), "video": (4000, 0.05)}


def invent():
    r = random.Random(20260901)
    customers, contacts = [], []
    for i in range(360):
        arm = ARMS[i % 3]
        # Most of the customers of video come late: its totals are small whatever it does.
        late = r.random() < {"control": 0.4, "tips": 0.4, "video": 0.9}[arm]
        start = FIRST + dt.timedelta(days=r.randint(15, 30) if late else 0)
        customers.append({"customer": f"u{i}", "arm": arm, "started": start.isoformat()})
        rate = {"control": 0.06, "tips": 0.04, "video": 0.065}[arm]
        day = start
        while day <= LAST:
            if r.random() < rate:
                contacts.append({"customer": f"u{i}", "at": f"{day}T10:00:00Z", "aht": r.randint(60, 900)})
            day += dt.timedelta(days=1)
    return customers, contacts


def ratio(y, e):
    """Σy/Σe and its linearised variance."""
    n, total = len(y), sum(e)
    value = sum(y) / total
    residuals = [a - value * b for a, b in zip(y, e)]
    return value, sum(v * v for v in residuals) * n / (n - 1) / total**2


def write(name, rows):
    path = ROOT / "data/minutes" / name
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def main():
    customers, contacts = invent()
    write("customers.csv", customers)
    write("contacts.csv", contacts)
    days = {c["customer"]: (LAST - dt.date.fromisoformat(c["started"])).days + 1 for c in customers}
    calls, minutes = dict.fromkeys(days, 0), dict.fromkeys(days, 0.0)
    for c in contacts:
        calls[c["customer"]] += 1
        minutes[c["customer"]] += c["aht"] / 60
    rates = {}
    for arm in ARMS:
        own = [c["customer"] for c in customers if c["arm"] == arm]
        e = [days[u] for u in own]
        rates[arm] = {"contacts": ratio([calls[u] for u in own], e), "minutes": ratio([minutes[u] for u in own], e),
                      "mean_days": sum(e) / len(e)}
    out = {"script": "scripts/minutes.py", "per": "customer-month of 30.4375 days", "arms": {}}
    saved = sum((VARIABLE + LABOUR * REALISATION) * (1 + RATE) ** (-t / 12) for t in range(1, HORIZON + 1))
    for arm in ARMS[1:]:
        avoided = {of: (rates["control"][of][0] - rates[arm][of][0]) * MONTH for of in ("contacts", "minutes")}
        fixed, each = COSTS[arm]
        out["arms"][arm] = avoided | {"npv": avoided["minutes"] * UNITS * saved - fixed - each * UNITS}
    for of in ("contacts", "minutes"):
        shared = rates["control"][of][1]
        out[f"{of}_covariance"] = [[(shared + (rates[a][of][1] if a == b else 0)) * MONTH**2 for b in ARMS[1:]]
                                   for a in ARMS[1:]]
    out["mean_days"] = {arm: rates[arm]["mean_days"] for arm in ARMS}
    (ROOT / "reference/minutes.json").write_text(json.dumps(out, indent=1) + "\n")


main()
