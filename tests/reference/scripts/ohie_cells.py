"""Counts of people by distinct values, from the Oregon Health Insurance Experiment's survey extract.

The rows themselves are not redistributed; how many people share each combination is.
    python tests/reference/scripts/ohie_cells.py ohie.csv.gz
writes tests/data/ohie_visits.csv (doctor visits observed, by arm, stratum and uptake) and
tests/data/ohie_drugs.csv (prescription drugs by arm; empty = not observed).
"""
import collections, csv, gzip, sys

rows = list(csv.DictReader(gzip.open(sys.argv[1], "rt")))

def write(name, columns, keep):
    counts = collections.Counter(tuple(r[c] for c in columns) for r in rows if keep(r))
    with open("tests/data/" + name, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow([*columns, "customers"])
        out.writerows([*key, n] for key, n in sorted(counts.items()))

write("ohie_visits.csv", ["arm", "stratum", "complied", "after"], lambda r: r["after"] != "")
write("ohie_drugs.csv", ["arm", "after_rx"], lambda r: True)
