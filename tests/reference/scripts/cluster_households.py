"""The households of the Oregon Health Insurance Experiment, counted: tests/data/ohie_households.csv.

The people's rows may not be committed; how many households share the same arm, stratum and members
may. A member is before:after (diagnoses before the lottery : doctor visits after it, empty where
missing); members are sorted.

    python3 cluster_households.py ohie.csv.gz > ../../data/ohie_households.csv

ohie.csv.gz: Finkelstein, Baicker, OHIE Public Use Data 2013, in the columns of ../README.md.
"""
import collections
import csv
import gzip
import sys

homes = collections.defaultdict(list)
with gzip.open(sys.argv[1], "rt", newline="") as f:
    for row in csv.DictReader(f):
        homes[row["cluster"]].append(row)
counts = collections.Counter()
for home in homes.values():
    assert len({r["arm"] for r in home}) == 1 and len({r["stratum"] for r in home}) == 1
    members = sorted(f'{r["pre_chronic"]}:{r["after"]}' for r in home)
    counts[home[0]["arm"], home[0]["stratum"], " ".join(members)] += 1
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["arm", "stratum", "members", "households"])
for key, n in sorted(counts.items()):
    out.writerow([*key, n])
