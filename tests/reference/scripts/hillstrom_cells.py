"""Aggregates Hillstrom's e-mail test to cells: no row of the raw file is kept.

history is rounded to the nearest 20 dollars, halves up.

Run:  python tests/reference/scripts/hillstrom_cells.py hillstrom.csv.gz > tests/data/hillstrom_cells.csv
"""
import sys

import numpy as np
import pandas as pd

d = pd.read_csv(sys.argv[1])
d["history20"] = (np.floor(d.history / 20 + 0.5) * 20).astype(int)
d["spend"] = d.spend.map("{:.2f}".format)
d["customers"] = 1
cells = d.groupby(["arm", "stratum", "history20", "visit", "spend"], as_index=False).customers.sum()
cells.to_csv(sys.stdout, index=False, lineterminator="\n")
