"""Counts the published customers of the MineThatData e-mail test into cells/cells.csv.

    python3 experiments/hillstrom-email/make_cells.py path/to/the/published.csv

Only the counts are kept here; README.md says where the customers' file is.
Python 3.8 or later, standard library only.
"""

import csv
import hashlib
import io
import sys
from collections import Counter
from pathlib import Path

PUBLISHED_SHA256 = "0e5893329d8b93cefecc571777672028290ab69865718020c78c7284f291aece"
OUTCOME = "visit"
ARMS = {"No E-Mail": "no-email", "Mens E-Mail": "mens-email", "Womens E-Mail": "womens-email"}
SMALLEST_CELL = 5
CELLS = Path(__file__).parent / "cells" / "cells.csv"


def main(published):
    content = Path(published).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != PUBLISHED_SHA256:
        sys.exit(f"{published}: SHA-256 is {digest}, expected {PUBLISHED_SHA256}")
    cells = Counter()
    for row in csv.DictReader(io.StringIO(content.decode("ascii"), newline="")):
        # "2) $100 - $200" is the second of seven classes of the past year's spending.
        segment = "seg" + row["history_segment"][0]
        cells[list(ARMS.values()).index(ARMS[row["segment"]]), segment, row[OUTCOME]] += 1
    smallest = min(cells.values())
    if smallest < SMALLEST_CELL:
        sys.exit(f"a cell holds {smallest} customers: too few to publish")
    with CELLS.open("w", newline="", encoding="ascii") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["outcome", "arm", "s.segment", "after", "customers"])
        for (arm, segment, visited), customers in sorted(cells.items()):
            out.writerow([OUTCOME, list(ARMS.values())[arm], segment, visited, customers])
    print(f"{len(cells)} cells, {sum(cells.values())} customers, smallest cell {smallest}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
