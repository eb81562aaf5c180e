"""Reference for the omnibus test of balance: brute force over customers, exact fractions.

Hansen & Bowers (2008) d^2 = T' Cov^- T, where T stacks, for all arms but one and for every
covariate, the sum over the arm of the covariate centred within its stratum, and Cov is built
customer by customer from the multivariate hypergeometric covariance of the arm indicators.
Collinear entries are dropped one by one (d^2 does not depend on which). As a check of the
distribution, p is also found by re-randomising within strata.

python3 balance.py DATA_DIR > ../balance.json        (standard library only)
"""
import csv, json, math, random, sys
from fractions import Fraction as F

DATA = sys.argv[1]


def d_squared(arm, stratum, covariates):
    """arm, stratum: labels by customer; covariates: list of columns of integers."""
    arms = sorted(set(arm))[:-1]
    strata = sorted(set(stratum))
    members = {s: [i for i, v in enumerate(stratum) if v == s] for s in strata}
    entries = [(k, c) for k in arms for c in range(len(covariates))]
    centred = []
    for x in covariates:
        mean = {s: F(sum(x[i] for i in m), len(m)) for s, m in members.items()}
        centred.append([x[i] - mean[stratum[i]] for i in range(len(arm))])
    t = [sum(centred[c][i] for i in range(len(arm)) if arm[i] == k) for k, c in entries]
    cov = [[F(0)] * len(entries) for _ in entries]
    for m in members.values():
        n = len(m)
        if n < 2:
            continue
        size = {k: sum(1 for i in m if arm[i] == k) for k in arms}
        for a, (j, c) in enumerate(entries):
            for b, (k, d) in enumerate(entries):
                # Cov(Z_ij, Z_ik) and Cov(Z_ij, Z_lk), i != l, of the arm indicators.
                same = F(size[j], n) * (1 if j == k else 0) - F(size[j] * size[k], n * n)
                both = F(size[j] * (size[k] - (1 if j == k else 0)), n * (n - 1))
                other = both - F(size[j] * size[k], n * n)
                diagonal = sum(centred[c][i] * centred[d][i] for i in m)
                total = sum(centred[c][i] for i in m) * sum(centred[d][i] for i in m)
                cov[a][b] += same * diagonal + other * (total - diagonal)
    kept = []
    for a in range(len(entries)):
        trial = kept + [a]
        if determinant([[cov[i][j] for j in trial] for i in trial]) != 0:
            kept = trial
    u = solve([[cov[i][j] for j in kept] for i in kept], [t[i] for i in kept])
    return sum(t[i] * v for i, v in zip(kept, u)), len(kept)


def eliminate(a, b):
    a, b, det = [r[:] for r in a], b[:], F(1)
    for i in range(len(a)):
        p = next((r for r in range(i, len(a)) if a[r][i] != 0), None)
        if p is None:
            return F(0), None
        if p != i:
            a[i], a[p], b[i], b[p], det = a[p], a[i], b[p], b[i], -det
        det *= a[i][i]
        for r in range(len(a)):
            if r != i and a[r][i] != 0:
                f = a[r][i] / a[i][i]
                a[r] = [x - f * y for x, y in zip(a[r], a[i])]
                b[r] -= f * b[i]
    return det, [b[i] / a[i][i] for i in range(len(a))]


def determinant(a):
    return eliminate(a, [F(0)] * len(a))[0]


def solve(a, b):
    return eliminate(a, b)[1]


def chi2_sf(x, df):
    """Closed forms by df parity."""
    if df % 2 == 0:
        return math.exp(-x / 2) * sum((x / 2) ** i / math.factorial(i) for i in range(df // 2))
    s = math.erfc(math.sqrt(x / 2))
    term = math.sqrt(2 * x / math.pi) * math.exp(-x / 2)
    for i in range(1, (df - 1) // 2 + 1):
        s += term
        term *= x / (2 * i + 1)
    return s


def permutation_p(arm, stratum, covariates, observed, draws, seed):
    rng = random.Random(seed)
    members = {}
    for i, s in enumerate(stratum):
        members.setdefault(s, []).append(i)
    hits = 0
    for _ in range(draws):
        new = list(arm)
        for m in members.values():
            labels = [arm[i] for i in m]
            rng.shuffle(labels)
            for i, label in zip(m, labels):
                new[i] = label
        if d_squared(new, stratum, covariates)[0] >= observed:
            hits += 1
    return hits / draws


def dummies(stratum):
    return [[1 if v == s else 0 for v in stratum] for s in sorted(set(stratum))[1:]]


def record(name, use, rows, arm_order, before, stratum=None, draws=1000):
    arm = [r["arm"] for r in rows]
    one = ["all"] * len(rows)
    x = [before(r) for r in rows]
    missing = [1 if v is None else 0 for v in x]
    columns = [[0 if v is None else v for v in x]] + ([missing] if any(missing) else [])
    strata = [stratum(r) for r in rows] if stratum else one
    within, df = d_squared(arm, strata, columns)
    values = {"within": float(within), "df_within": df, "p_within": chi2_sf(float(within), df),
              "p_within_permutation": permutation_p(arm, strata, columns, within, draws, 1),
              "permutations": draws}
    if stratum:
        shares, df_shares = d_squared(arm, one, dummies(strata))
        values |= {"statistic": float(within + shares), "df": df + df_shares,
                   "p": chi2_sf(float(within + shares), df + df_shares)}
    else:
        values |= {"statistic": float(within), "df": df, "p": values["p_within"]}
    customers = [[arm_order.index(r["arm"]), strata[i], x[i]] for i, r in enumerate(rows)]
    return {"id": name, "data_use": use, "arms": arm_order, "customers": customers, "values": values}


def read(name):
    with open(f"{DATA}/{name}.csv") as f:
        return list(csv.DictReader(f))


epil, btheb, bladder = read("epil"), read("btheb"), read("bladder")
records = [
    record("epil", "before by arm", epil, ["control", "treatment"], lambda r: int(r["before"])),
    record("bladder", "before (tumours at entry), three arms", bladder,
           ["placebo", "pyridoxine", "thiotepa"], lambda r: int(r["before"])),
    record("btheb", "before (depression at entry), strata drug x length", btheb,
           ["control", "treatment"], lambda r: int(r["before"]), lambda r: r["stratum"]),
    record("bladder_missing", "before unknown where size is 3 or more, strata by size above 1",
           bladder, ["placebo", "pyridoxine", "thiotepa"],
           lambda r: None if int(r["size"]) >= 3 else int(r["before"]),
           lambda r: "large" if int(r["size"]) > 1 else "small", draws=400),
    record("bladder_collinear", "before 1 or unknown: value and its absence are collinear", bladder,
           ["placebo", "pyridoxine", "thiotepa"], lambda r: None if int(r["before"]) > 1 else 1,
           draws=400),
]
json.dump({"script": "tests/reference/scripts/balance.py", "source": "Hansen & Bowers (2008), by brute force in exact fractions",
           "customers": "arm index, stratum, before", "results": records}, sys.stdout)
print()
