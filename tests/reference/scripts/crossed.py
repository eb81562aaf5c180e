"""Makes tests/data/crossed.csv: 600 invented customers whose arms cross two interventions.

Some are new (no before count), all are observed for their own time, uptake is recorded, and some
outcomes are missing. Python's own generator, seed 20261125, so that anyone makes the same file.
    python tests/reference/scripts/crossed.py
"""
import csv, math, random

r = random.Random(20261125)

def poisson(mu):
    limit, k, p = math.exp(-mu), 0, r.random()
    while p > limit:
        k, p = k + 1, p * r.random()
    return k

out = csv.writer(open("tests/data/crossed.csv", "w", newline=""), lineterminator="\n")
out.writerow(["customer_id", "arm", "stratum", "uptake", "exposure", "before_exposure", "before", "after"])
for i in range(600):
    arm = ["control", "tips", "video", "both"][i % 4]
    stratum = r.choice("xxxyyz")
    level = r.gammavariate(1.2, 1.0) * {"x": 1.6, "y": 2.4, "z": 3.5}[stratum]
    willing = r.random() < 0.65
    uptake = int(willing if arm != "control" else r.random() < 0.08)
    exposure, before_exposure = r.choice([30, 45, 60, 60, 60]), r.choice([30, 60])
    new = r.random() < 0.2
    before = "" if new else poisson(level * before_exposure / 60)
    factor = {"control": 1.0, "tips": 0.8, "video": 0.75, "both": 0.65}[arm] if uptake else 1.0
    after = poisson(level * factor * exposure / 60)
    lost = r.random() < (0.04 if arm == "control" else 0.07)
    out.writerow([f"c{i:03}", arm, stratum, uptake, exposure, "" if new else before_exposure, before, "" if lost else after])
