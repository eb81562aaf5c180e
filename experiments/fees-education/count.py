"""Counts this pilot's contacts a second time, without pilot: writes counts.json.

    python3 experiments/fees-education/count.py

What `pilot ingest fees-education` finds must agree with it number for number.
Standard library only, Python 3.9 or later (on Windows also the package tzdata).
"""

import argparse
import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
ZONE = ZoneInfo("Europe/Berlin")
FEES = {"Gebühren", "Rechnung"}


def instant(*parts):
    # Of a local time that the clock shows twice, the first is meant (fold = 0).
    return datetime(*parts, tzinfo=ZONE).astimezone(timezone.utc)


WINDOWS = {
    "before": (instant(2026, 7, 1), instant(2026, 9, 1)),
    "after": (instant(2026, 9, 1), instant(2026, 11, 1)),
}


def window(when):
    for name, (first, end) in WINDOWS.items():
        if first <= when < end:
            return name
    return None


def read(fields):
    """Ticket, customer, time, reason, tenths of seconds; ValueError where a row is unreadable."""
    ticket, customer, when, reason, _, seconds, _ = fields
    if not customer.strip():
        raise ValueError("no customer")
    local = datetime.strptime(when, "%d.%m.%Y %H:%M")
    whole, _, tenth = seconds.partition(",")
    tenths = int(whole) * 10 + int(tenth or 0)
    return ticket, customer, instant(*local.timetuple()[:5]), reason, tenths


def count(folder, assigned):
    audit, strangers, tickets = Counter(), set(), set()
    customers = defaultdict(Counter)
    for path in sorted(folder.glob("contacts-*.csv.gz")):
        text = io.StringIO(gzip.decompress(path.read_bytes()).decode("windows-1252"), newline="")
        rows = csv.reader(text, delimiter=";")
        next(rows)
        for fields in rows:
            audit["rows"] += 1
            try:
                ticket, customer, when, reason, tenths = read(fields)
            except ValueError:
                audit["unreadable"] += 1
                continue
            if ticket in tickets:
                audit["duplicate_contacts"] += 1
                continue
            tickets.add(ticket)
            if customer not in assigned:
                audit["unassigned_contacts"] += 1
                strangers.add(customer)
                continue
            name = window(when)
            if name is None:
                audit["outside_windows"] += 1
                continue
            audit["contacts"] += 1
            customers[customer]["all-contacts", name] += 1
            if reason in FEES:
                customers[customer]["fee-contacts", name] += 1
                customers[customer]["fee-handling", name] += tenths
    audit["unassigned_customers"] = len(strangers)
    return audit, customers


def sums(outcome, assigned, customers):
    """Σ over the customers of each arm and plan; x is before, y after."""
    cells = {}
    for customer, place in sorted(assigned.items()):
        cell = cells.setdefault(place, Counter())
        x = customers[customer][outcome, "before"]
        y = customers[customer][outcome, "after"]
        cell.update(n=1, x=x, y=y, xx=x * x, xy=x * y, yy=y * y)
    return [
        {"arm": arm, "plan": plan, **{k: cells[arm, plan][k] for k in ("n", "x", "y", "xx", "xy", "yy")}}
        for arm, plan in sorted(cells)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assignment", type=Path, default=HERE / "assignment.csv")
    parser.add_argument("--folder", type=Path, default=HERE, help="holds the logs, and gets counts.json")
    options = parser.parse_args()
    with options.assignment.open(newline="", encoding="utf-8") as file:
        assigned = {row["unit"]: (row["arm"], row["plan"]) for row in csv.DictReader(file)}
    audit, customers = count(options.folder, assigned)
    document = {
        "script": "experiments/fees-education/count.py",
        "audit": dict(sorted(audit.items())),
        "units": {"fee-contacts": "contacts", "fee-handling": "tenths of a second", "all-contacts": "contacts"},
        "sums": {
            outcome: sums(outcome, assigned, customers)
            for outcome in ("fee-contacts", "fee-handling", "all-contacts")
        },
    }
    (options.folder / "counts.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document["audit"]))


if __name__ == "__main__":
    main()
