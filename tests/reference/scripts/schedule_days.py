"""Invented counts by region and day for the two plans of tests/data/schedules.

    schedule_days.py hotline assignment.csv > hotline-days.csv
    schedule_days.py branch assignment.csv > branch-days.csv

The assignment is what `pilot assign` wrote for the plan; the same file gives the same rows.
"""
import csv
import datetime as dt
import random
import sys


def schedule(path):
    days = {}
    for row in csv.DictReader(open(path)):
        day = dt.date.fromisoformat(row["from"])
        last = dt.date.fromisoformat(row["to"])
        while day <= last:
            days[row["region"], day] = row["arm"]
            day += dt.timedelta(1)
    return days


def poisson(rng, mean):
    """Sums of exponential waiting times."""
    n, t = 0, rng.expovariate(1)
    while t < mean:
        n, t = n + 1, t + rng.expovariate(1)
    return n


def hotline(days):
    rng = random.Random(1)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["region", "day", "customers", "calls", "complaints"])
    regions = sorted({r for r, _ in days}) + ["islands"]
    first, last = min(d for _, d in days), max(d for _, d in days)
    for region in regions:
        size = rng.randrange(4000, 15000)
        level = 0.003 * rng.gammavariate(25, 1 / 25)
        day = first - dt.timedelta(3)
        while day <= last + dt.timedelta(2):
            weekday = 0.5 if day.weekday() >= 5 else 1.1
            trend = 1 + 0.002 * (day - first).days
            noise = rng.gammavariate(40, 1 / 40)
            treated = days.get((region, day)) == "notice"
            rate = level * weekday * trend * noise * (0.8 if treated else 1.0)
            customers = size + 5 * (day - first).days
            calls = poisson(rng, customers * rate)
            out.writerow([region, day, customers, calls, poisson(rng, 0.03 * customers * rate)])
            day += dt.timedelta(1)


def branch(days):
    rng = random.Random(2)
    out = csv.writer(sys.stdout, delimiter=";", lineterminator="\n")
    out.writerow(["branch", "date", "visits"])
    first, last = min(d for _, d in days), max(d for _, d in days)
    for region in sorted({r for r, _ in days}):
        level = 20 * rng.gammavariate(15, 1 / 15)
        day = first
        while day <= last:
            if day.weekday() < 6 and (region, day) != ("b04", dt.date(2026, 1, 20)):
                treated = days[region, day] == "trained"
                rate = level * (1 + 0.004 * (day - first).days) * (0.8 if treated else 1.0)
                visits = poisson(rng, rate * rng.gammavariate(30, 1 / 30))
                out.writerow([region, day.strftime("%d.%m.%Y"), visits])
            day += dt.timedelta(1)


if __name__ == "__main__":
    {"hotline": hotline, "branch": branch}[sys.argv[1]](schedule(sys.argv[2]))
