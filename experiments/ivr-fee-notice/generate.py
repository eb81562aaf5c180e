"""Invented counts of a hotline by region and day, for the plan ivr-fee-notice.

    generate.py          writes days.csv and truth.json, from what `pilot assign` wrote
    generate.py check    compares them with the files that are there

A call that would come without the notice is drawn first; then the notice prevents it or not. So
truth.json can tell what share was really prevented. Needs Python and nothing else.
"""
import csv
import datetime as dt
import io
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
FIRST, START, END = dt.date(2026, 3, 9), dt.date(2026, 5, 4), dt.date(2026, 8, 23)
LAST = dt.date(2026, 8, 25)
PREVENTED = 0.12
LINGERS = 1  # days after a block with the notice on which half of it still works
# Customers on the first day, and how often they call compared with the average region.
REGIONS = {
    "altmark": (3100, 0.92), "boerde": (5400, 1.10), "elbtal": (8700, 1.03), "fläming": (2400, 0.85),
    "harz": (6100, 1.21), "heide": (4200, 0.96), "lausitz": (7300, 1.07), "wendland": (1900, 0.88),
}
BYSTANDER = ("uckermark", 2800, 1.0)  # in the export, not in the plan


def schedule():
    days = {}
    with open(HERE / "assignment.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = dt.date.fromisoformat(row["from"])
            while day <= dt.date.fromisoformat(row["to"]):
                days[row["region"], day] = row["arm"] == "notice"
                day += dt.timedelta(1)
    return days


def poisson(rng, mean):
    """Sums of exponential waiting times."""
    n, t = 0, rng.expovariate(1)
    while t < mean:
        n, t = n + 1, t + rng.expovariate(1)
    return n


def works(days, region, day):
    """Share of the effect on a day: whole under the notice, half on the first days after."""
    if days.get((region, day)):
        return 1.0
    before = (days.get((region, day - dt.timedelta(k))) for k in range(1, LINGERS + 1))
    return 0.5 if any(before) else 0.0


def make(days):
    rng = random.Random(20260504)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["region", "day", "customers", "fee_calls", "complaints"])
    would, came = 0, 0
    # Weeks that all regions share: the statement goes out at the end of each month.
    weeks = {}
    day = FIRST
    while day <= LAST:
        weeks.setdefault(day.isocalendar()[:2], rng.gammavariate(60, 1 / 60))
        day += dt.timedelta(1)
    for region, (size, level) in [*REGIONS.items(), (BYSTANDER[0], BYSTANDER[1:])]:
        own, customers, day = 1.0, size, FIRST
        while day <= LAST:
            if day.weekday() == 0:
                # A region's weeks hang together: half of what was, half new.
                own = 0.5 * own + 0.5 * rng.gammavariate(80, 1 / 80)
                customers += rng.randrange(-12, 25)
            statement = 1.8 if 2 <= day.day <= 6 else 1.0
            weekday = (1.3, 1.1, 1.0, 1.0, 0.9, 0.4, 0.2)[day.weekday()]
            rate = 0.0035 * level * own * weeks[day.isocalendar()[:2]] * statement * weekday
            calls = poisson(rng, customers * rate)
            prevented = PREVENTED * works(days, region, day)
            left = sum(rng.random() >= prevented for _ in range(calls))
            if days.get((region, day)):
                would, came = would + calls, came + left
            complaints = poisson(rng, customers * 0.00025 * weekday)
            rows.writerow([region, day, customers, left, complaints])
            day += dt.timedelta(1)
    truth = {
        "made": "invented by generate.py; nothing in it is real",
        "share_prevented_set": PREVENTED,
        "calls_without_the_notice_in_its_blocks": would,
        "calls_in_its_blocks": came,
        "share_prevented": round(1 - came / would, 4),
    }
    return out.getvalue(), json.dumps(truth, indent=2) + "\n"


def main():
    made = dict(zip(["days.csv", "truth.json"], make(schedule())))
    for name, text in made.items():
        if sys.argv[1:] == ["check"]:
            same = (HERE / name).read_text(encoding="utf-8") == text
            print(name, "as committed" if same else "DIFFERS")
        else:
            (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
