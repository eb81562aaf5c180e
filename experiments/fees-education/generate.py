"""Makes the simulated data of this example pilot, bit for bit the same on every run.

    python3 experiments/fees-education/generate.py roster   # customers.csv.gz
    pilot assign fees-education                             # assignment.csv
    python3 experiments/fees-education/generate.py log      # contacts-*.csv.gz, truth.json

`check` makes everything again and compares it with the files that are there.
Standard library only, Python 3.8 or later. Of `random`, only `random()` is used:
it alone is promised to give the same numbers in every version of Python.

Every customer has an own random stream, seeded with the customer's number. Each
contact that would happen without education is drawn first; the arm only decides
which of them it prevents. So two arms given to the same customer differ in the
prevented contacts and in nothing else, and truth.json can say what education
really prevented among these very customers.
"""

import argparse
import csv
import gzip
import io
import json
import math
import sys
from bisect import bisect_right
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
SEED = 20260901

CUSTOMERS = 20_000
# Share of the customers, and fee contacts of a customer without education in 61 days before.
PLANS = {"basic": (0.55, 0.84), "plus": (0.30, 0.50), "premium": (0.15, 0.28)}
REGIONS = ["Nord", "Süd", "Ost", "West"]
# NB2 φ within a plan: a customer's contacts vary by this much around the plan's mean.
DISPERSION = 1.2
OTHER_RATE = 0.5
# A price list of 1 September: everyone calls more about fees, educated or not.
FEE_TREND = 1.06

BEFORE = (date(2026, 7, 1), date(2026, 8, 31))
AFTER = (date(2026, 9, 1), date(2026, 10, 31))  # clocks go back on 25 October
EXPORT = (date(2026, 6, 24), date(2026, 11, 2))
RATE_DAYS = 61

# Share of fee contacts that an arm prevents, on average over the after window.
PREVENTED = {"control": 0.0, "tip-sheet": 0.03, "video": 0.10, "welcome-email": 0.22}
HALF_LIFE_DAYS = 200

NEW_CUSTOMERS = 240  # joined after the assignment, so in no arm
EXPORTED_TWICE = 12  # tickets of a month's last day that stand in the next file too
UNREADABLE = 30
REPEATED_ROSTER_ROWS = 3

FEE_REASONS = [("Gebühren", 0.70), ("Rechnung", 0.30)]
OTHER_REASONS = [
    ("Anmeldung", 0.35),
    ("Karte", 0.30),
    ("Lieferung", 0.15),
    ("Vertrag", 0.10),
    ("Sonstiges", 0.10),
]
# Share, mean handling seconds, first and last hour of contacts.
CHANNELS = {
    "Telefon": (0.62, 280, 8, 20),
    "E-Mail": (0.23, 340, 0, 24),
    "Chat": (0.12, 410, 6, 24),
    "Filiale": (0.03, 520, 9, 18),
}
WEEKDAYS = [1.15, 1.05, 1.0, 1.0, 0.95, 0.55, 0.35]
NOTES = [
    "Rückruf gewünscht",
    "Gebühr erklärt; Kunde zufrieden",
    'fragt nach "Extra-Entgelt"',
    "Grundgebühr unklar",
    "Beschwerde über Wartezeit",
]
NOTE_SHARE = 0.04
HEADER = ["Ticket", "Kunde", "Eröffnet", "Grund", "Kanal", "AHT", "Notiz"]


def poisson(rng, mean):
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def normal(rng):
    return math.sqrt(-2 * math.log(1 - rng.random())) * math.cos(2 * math.pi * rng.random())


def gamma(rng, shape):
    """Mean `shape`, scale 1 (Marsaglia & Tsang 2000, with their boost below shape 1)."""
    boost = rng.random() ** (1 / shape) if shape < 1 else 1.0
    d = (shape if shape >= 1 else shape + 1) - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        z = normal(rng)
        v = (1 + c * z) ** 3
        if v > 0 and math.log(1 - rng.random()) < z * z / 2 + d - d * v + d * math.log(v):
            return d * v * boost


def pick(rng, weighted):
    """One of [(value, weight)…]."""
    sums = list(accumulate(weight for _, weight in weighted))
    return weighted[min(bisect_right(sums, rng.random() * sums[-1]), len(sums) - 1)][0]


def days(first, last):
    return [first + timedelta(n) for n in range((last - first).days + 1)]


# --- roster -----------------------------------------------------------------------------


def roster():
    """Rows of the roster, repeats included: customer, plan, region, customer_since."""
    rng = Random(f"{SEED}/roster")
    numbers = set()
    while len(numbers) < CUSTOMERS:
        numbers.add(100_000 + int(rng.random() * 200_000))
    rows = []
    for number in sorted(numbers):
        since = date(2018, 1, 1) + timedelta(int(rng.random() * 3000))
        plan = pick(rng, [(p, share) for p, (share, _) in PLANS.items()])
        rows.append([f"K-{number}", plan, REGIONS[int(rng.random() * 4)], since.isoformat()])
    for _ in range(REPEATED_ROSTER_ROWS):
        rows.append(rows[int(rng.random() * CUSTOMERS)])
    return rows


def roster_bytes(rows):
    """As the marketing system writes it: UTF-8, commas, ISO dates."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["customer", "plan", "region", "customer_since"])
    out.writerows(rows)
    return text.getvalue().encode("utf-8")


# --- contacts ---------------------------------------------------------------------------


def fade(when):
    """What is left of the effect."""
    age = (when - datetime(AFTER[0].year, AFTER[0].month, AFTER[0].day)) / timedelta(days=1)
    return 0.5 ** (age / HALF_LIFE_DAYS)


def mean_fade():
    x = math.log(2) * len(days(*AFTER)) / HALF_LIFE_DAYS
    return (1 - math.exp(-x)) / x


MEAN_FADE = mean_fade()
BY_DAY = [(day, WEEKDAYS[day.weekday()]) for day in days(*EXPORT)]


def contact(rng, customer, span, reasons):
    """One contact on a day of `span`: (time, customer, reason, channel, seconds, note)."""
    day = pick(rng, [(d, w) for d, w in BY_DAY if span[0] <= d <= span[1]])
    channel = pick(rng, [(name, c[0]) for name, c in CHANNELS.items()])
    _, seconds, opens, closes = CHANNELS[channel]
    minute = opens * 60 + int(rng.random() * (closes - opens) * 60)
    when = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    # Log-normal with this mean and σ .5 on the log scale.
    handling = seconds * math.exp(0.5 * normal(rng) - 0.125)
    note = NOTES[int(rng.random() * len(NOTES))] if rng.random() < NOTE_SHARE else ""
    return when, customer, pick(rng, reasons), channel, round(handling, 1), note


SPANS = [  # days, and how fee contacts stand to the before window
    ((EXPORT[0], BEFORE[0] - timedelta(1)), 1.0),
    (BEFORE, 1.0),
    (AFTER, FEE_TREND),
    ((AFTER[1] + timedelta(1), EXPORT[1]), FEE_TREND),
]


def contacts_of(customer, plan):
    """Contacts without education, each with the uniform number that decides its prevention."""
    rng = Random(f"{SEED}/customer/{customer}")
    shape = 1 / DISPERSION
    inclination = gamma(rng, shape) / shape
    other = 0.5 * (inclination + gamma(rng, shape) / shape)
    found = []
    for span, trend in SPANS:
        length = len(days(*span)) / RATE_DAYS
        for _ in range(poisson(rng, PLANS[plan][1] * inclination * trend * length)):
            found.append((contact(rng, customer, span, FEE_REASONS), rng.random()))
        for _ in range(poisson(rng, OTHER_RATE * other * length)):
            found.append((contact(rng, customer, span, OTHER_REASONS), None))
    return found


def log(rows, arms):
    """All contacts that happened, in order of time, and what education prevented."""
    kept, truth = [], {arm: Counter() for arm in PREVENTED}
    for customer, plan in sorted({(r[0], r[1]) for r in rows}):
        arm = arms[customer]
        truth[arm]["customers"] += 1
        for row, chance in contacts_of(customer, plan):
            when = row[0]
            inside = AFTER[0] <= when.date() <= AFTER[1]
            if chance is not None and when.date() >= AFTER[0]:
                truth[arm]["fee_contacts_without_education"] += inside
                if chance < PREVENTED[arm] / MEAN_FADE * fade(when):
                    truth[arm]["fee_contacts_prevented"] += inside
                    continue
            kept.append(row)
    rng = Random(f"{SEED}/new customers")
    for number in range(NEW_CUSTOMERS):
        for _ in range(1 + poisson(rng, 1.5)):
            joined = (date(2026, 8, 1), EXPORT[1])
            kept.append(contact(rng, f"K-{300_000 + number}", joined, FEE_REASONS + OTHER_REASONS))
    kept.sort()
    return kept, truth


def lines(kept):
    """Text lines of the log, a list for each month: export format, and its dirt."""
    rng = Random(f"{SEED}/dirt")
    broken = set()
    while len(broken) < UNREADABLE:
        broken.add(int(rng.random() * len(kept)))
    months, last_day = {}, {}
    for i, (when, customer, reason, channel, seconds, note) in enumerate(kept):
        fields = [
            f"T26-{i + 1:06}",
            customer,
            when.strftime("%d.%m.%Y %H:%M"),
            reason,
            channel,
            f"{seconds:.1f}".replace(".", ","),
            note,
        ]
        line = written(fields)
        if i in broken:
            line = spoiled(fields, when, i % 4)
        month = when.strftime("%Y-%m")
        months.setdefault(month, []).append(line)
        if (when + timedelta(days=1)).month != when.month and i not in broken:
            last_day.setdefault(month, []).append(line)
    order = sorted(months)
    for month, following in zip(order, order[1:]):
        months[following][:0] = last_day[month][-EXPORTED_TWICE:]
    return months


def written(fields):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerow(fields)
    return text.getvalue()


def spoiled(fields, when, how):
    """The same row as careless hands leave it."""
    if how == 0:
        fields[1] = ""
    elif how == 1:
        fields[2] = when.strftime("%m/%d/%y %I:%M %p")
    elif how == 2:
        fields[5] = "k. A."
    else:
        return ";".join(fields[:6]) + ";Rückruf; bitte\r\n"
    return written(fields)


def month_bytes(month_lines):
    """As the ticket system exports it: windows-1252, semicolons, CRLF."""
    return (written(HEADER) + "".join(month_lines)).encode("windows-1252")


def truth_bytes(truth):
    arms = {}
    for arm, found in truth.items():
        without, prevented = found["fee_contacts_without_education"], found["fee_contacts_prevented"]
        arms[arm] = {
            "share_prevented_set": PREVENTED[arm],
            "customers": found["customers"],
            "fee_contacts_without_education": without,
            "fee_contacts_prevented": prevented,
            "share_prevented_among_these": round(prevented / without, 6),
        }
    document = {
        "script": "experiments/fees-education/generate.py",
        "window": [AFTER[0].isoformat(), AFTER[1].isoformat()],
        "half_life_days": HALF_LIFE_DAYS,
        "arms": arms,
    }
    return (json.dumps(document, indent=2) + "\n").encode()


# --- files ------------------------------------------------------------------------------


def read_assignment(path, rows):
    try:
        with open(path, newline="", encoding="utf-8") as file:
            arms = {row["unit"]: row["arm"] for row in csv.DictReader(file)}
    except FileNotFoundError:
        sys.exit(f"{path} is missing: run `pilot assign fees-education` first")
    unknown = set(arms.values()) - set(PREVENTED)
    if unknown or {r[0] for r in rows} != set(arms):
        sys.exit(f"{path} is not an assignment of this roster to {', '.join(PREVENTED)}")
    return arms


def made(step, assignment):
    """File name → content, uncompressed."""
    rows = roster()
    if step == "roster":
        return {"customers.csv.gz": roster_bytes(rows)}
    kept, truth = log(rows, read_assignment(assignment, rows))
    files = {f"contacts-{m}.csv.gz": month_bytes(found) for m, found in lines(kept).items()}
    files["truth.json"] = truth_bytes(truth)
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("step", choices=["roster", "log", "check"])
    parser.add_argument("--assignment", default=HERE / "assignment.csv", help="its default is beside this script")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to, or to check")
    options = parser.parse_args()
    if options.step == "check":
        for name, content in {**made("roster", None), **made("log", options.assignment)}.items():
            found = (options.out / name).read_bytes()
            if (gzip.decompress(found) if name.endswith(".gz") else found) != content:
                sys.exit(f"{name} differs from what this script makes")
        print("every file is what this script makes")
        return
    for name, content in made(options.step, options.assignment).items():
        # Without a time in the header; the compressed bytes still depend on the zlib in use.
        stored = gzip.compress(content, 9, mtime=0) if name.endswith(".gz") else content
        (options.out / name).write_bytes(stored)
        print(f"{name}: {len(content)} bytes, {len(stored)} stored")


if __name__ == "__main__":
    main()
