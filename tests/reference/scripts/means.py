"""Variants of the estimators of means that the R suite lacks, from rows a customer.

statsmodels' OLS with HC2 on explicit design matrices, scipy and the formulae
of the papers on expanded data; nothing of pilot's own code.

Run from the repository:  python tests/reference/scripts/means.py > tests/reference/means_variants.json
"""
import json
import math
import sys

import numpy as np
import pandas as pd
import scipy
import scipy.stats as st
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.proportion import confint_proportions_2indep

OUT = {}


def add(name, **values):
    OUT[name] = {k: float(v) for k, v in values.items()}


def read(name, control, treatment):
    d = pd.read_csv("tests/data/" + name)
    d = d[d.arm.isin([control, treatment])].copy()
    d["t"] = (d.arm == treatment).astype(float)
    return d


def dummies(s):
    return pd.get_dummies(s, drop_first=True).to_numpy(float)


def covariates(d, x=None, strata=None):
    """Columns as in lm(y ~ x + without + strata): x := 0 without a before period."""
    columns = []
    if x is not None:
        columns.append(d[x].fillna(0).to_numpy(float))
        if d[x].isna().any():
            columns.append(d[x].isna().to_numpy(float))
    z = np.column_stack(columns) if columns else np.empty((len(d), 0))
    return np.hstack([z, dummies(d[strata])]) if strata else z


def hc2(name, d, y, columns, interacted, drop=()):
    t = d.t.to_numpy()
    if interacted:
        z = columns - columns.mean(axis=0)
        tz = t[:, None] * z
        tz = np.delete(tz, list(drop), axis=1)
        X = np.column_stack([np.ones(len(d)), t, z, tz])
    else:
        X = np.column_stack([np.ones(len(d)), t, columns])
    assert np.linalg.matrix_rank(X) == X.shape[1], name
    m = sm.OLS(d[y].to_numpy(float), X).fit()
    V = m.cov_HC2
    df = m.df_resid
    b, se = m.params[1], math.sqrt(V[1, 1])
    q = st.t.ppf(0.975, df)
    values = dict(diff=b, se=se, df=df, n=len(d), p=2 * st.t.sf(abs(b / se), df), ci_lo=b - q * se, ci_hi=b + q * se)
    # Control customers' part of the sandwich.
    pinv = np.linalg.inv(X.T @ X) @ X.T
    h = np.einsum("ij,ji->i", X, pinv)
    part = pinv[1] ** 2 * m.resid ** 2 / (1 - h)
    assert abs(part.sum() / V[1, 1] - 1) < 1e-10
    values["control_share"] = part[t == 0].sum() / part.sum()
    if interacted:
        m0, m1 = m.params[0], m.params[0] + m.params[1]
        g = np.zeros(len(m.params))
        g[0], g[1] = 1 / m1 - 1 / m0, 1 / m1
        s = math.sqrt(g @ V @ g)
        values.update(mean0=m0, mean1=m1, ratio=m1 / m0, log_se=s, ratio_lo=m1 / m0 * math.exp(-q * s), ratio_hi=m1 / m0 * math.exp(q * s), ratio_p=2 * st.t.sf(abs(math.log(m1 / m0) / s), df))
    add(name, **values)


def keep_strata(d, s):
    n = d.groupby([s, "t"]).size().unstack(fill_value=0)
    return d[d[s].isin(n.index[(n >= 2).all(axis=1)])]


nsw = read("nsw.csv", "control", "treatment")
number = nsw.customer_id.str[1:].astype(int)
nsw["gap"] = nsw.before.where(number % 7 != 0)
nsw["stratum"] = nsw.nodegree
hc2("nsw.lin", nsw, "after", covariates(nsw, "before"), True)
hc2("nsw.lin_strata", nsw, "after", covariates(nsw, "before", "stratum"), True)
hc2("nsw.lin_gap", nsw, "after", covariates(nsw, "gap"), True)
hc2("nsw.lin_gap_strata", nsw, "after", covariates(nsw, "gap", "stratum"), True)
hc2("nsw.ancova_strata", nsw, "after", covariates(nsw, "before", "stratum"), False)
hc2("nsw.ancova_gap_strata", nsw, "after", covariates(nsw, "gap", "stratum"), False)
# No treated customer lacks a before value: its interaction is aliased, lm drops it.
nsw["gap0"] = nsw.before.where((number % 7 != 0) | (nsw.t == 1))
hc2("nsw.lin_gap_control_only", nsw, "after", covariates(nsw, "gap0"), True, drop=[1])
# The before value of every treated customer is 2000: arm x before is aliased.
nsw["flat"] = nsw.before.where(nsw.t == 0, 2000.0)
hc2("nsw.lin_flat_treatment", nsw, "after", covariates(nsw, "flat"), True, drop=[0])
# Rounded to 1000 dollars.
nsw["k"] = np.floor(nsw.before / 1000 + 0.5) * 1000
hc2("nsw.lin_rounded", nsw, "after", covariates(nsw, "k"), True)

epil = read("epil.csv", "control", "treatment")
hc2("epil.lin", epil, "after", covariates(epil, "before"), True)
bladder = read("bladder.csv", "placebo", "thiotepa")
hc2("bladder_thiotepa.lin", bladder, "after", covariates(bladder, "before"), True)
cgd = keep_strata(read("cgd.csv", "control", "treatment"), "stratum")
hc2("cgd.lin_centres", cgd, "after", covariates(cgd, None, "stratum"), True)
cgd_all = read("cgd.csv", "control", "treatment")
hc2("cgd.ancova_centres", cgd_all, "after", covariates(cgd_all, None, "stratum"), False)

cells = read("hillstrom_cells.csv", "no_email", "womens_email")
hill = cells.loc[cells.index.repeat(cells.customers)].reset_index(drop=True)
for y in ("spend", "visit"):
    hc2(f"hillstrom.{y}.lin", hill, y, covariates(hill, "history20"), True)
    hc2(f"hillstrom.{y}.lin_strata", hill, y, covariates(hill, "history20", "stratum"), True)
    hc2(f"hillstrom.{y}.ancova_strata", hill, y, covariates(hill, "history20", "stratum"), False)


def cuped(name, d, y, x):
    has = d[x].notna()
    theta = np.cov(d[y][has], d[x][has])[0, 1] / d[x][has].var()
    adjusted = d[y] - theta * (d[x] - d[x][has].mean()).fillna(0)
    r = st.ttest_ind(adjusted[d.t == 1], adjusted[d.t == 0], equal_var=False)
    ci = r.confidence_interval(0.95)
    diff = adjusted[d.t == 1].mean() - adjusted[d.t == 0].mean()
    add(name, theta=theta, diff=diff, se=diff / r.statistic, df=r.df, p=r.pvalue, ci_lo=ci.low, ci_hi=ci.high)


cuped("nsw.cuped_gap", nsw, "after", "gap")
cuped("hillstrom.spend.cuped", hill, "spend", "history20")


def rate(name, d, y, e):
    """As survey::svyratio with one stratum an arm: variance of a ratio of totals."""
    parts = []
    for t in (1, 0):
        g = d[d.t == t]
        r = g[y].sum() / g[e].sum()
        u = (g[y] - r * g[e]) / g[e].sum()
        parts.append((r, len(g) * u.var(ddof=1)))
    (r1, v1), (r0, v0) = parts
    z = st.norm.ppf(0.975)
    se, log_se = math.sqrt(v1 + v0), math.sqrt(v1 / r1 ** 2 + v0 / r0 ** 2)
    add(name, diff=r1 - r0, se=se, p=2 * st.norm.sf(abs((r1 - r0) / se)), ci_lo=r1 - r0 - z * se, ci_hi=r1 - r0 + z * se,
        ratio=r1 / r0, log_se=log_se, ratio_lo=r1 / r0 * math.exp(-z * log_se), ratio_hi=r1 / r0 * math.exp(z * log_se),
        ratio_p=2 * st.norm.sf(abs(math.log(r1 / r0) / log_se)))


rate("cgd.rate", cgd_all, "after", "exposure")
rate("bladder_thiotepa.rate", bladder, "after", "exposure")


def did(name, d):
    """Change with the before count scaled to the exposure after."""
    change = d.after - d.before * d.exposure / d.exposure_before
    r = st.ttest_ind(change[d.t == 1], change[d.t == 0], equal_var=False)
    diff = change[d.t == 1].mean() - change[d.t == 0].mean()
    add(name, diff=diff, se=diff / r.statistic, df=r.df, p=r.pvalue)


windows = epil.copy()
windows["exposure_before"] = 4 + np.arange(len(windows)) % 3
did("epil.did_windows", windows)

for side, name in (("less", "less"), ("greater", "greater")):
    r = st.ttest_ind(nsw.after[nsw.t == 1], nsw.after[nsw.t == 0], equal_var=False, alternative=side)
    ci = r.confidence_interval(0.95)
    add(f"nsw.welch_{name}", p=r.pvalue, bound=ci.high if side == "less" else ci.low)
    r = st.mannwhitneyu(nsw.after[nsw.t == 1], nsw.after[nsw.t == 0], method="asymptotic", alternative=side)
    add(f"nsw.mann_whitney_{name}", p=r.pvalue)
    r = st.brunnermunzel(nsw.after[nsw.t == 0], nsw.after[nsw.t == 1], alternative="greater" if side == "less" else "less")
    add(f"nsw.brunner_munzel_{name}", p=r.pvalue)

TABLES = [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20), (10, 10, 0, 20), (5, 56, 0, 29), (0, 7, 12, 7 + 12),
          (4, 4, 2, 6), (500, 20000, 610, 20000), (1, 300, 8, 310), (30, 40, 10, 40), (2262, 21306, 3238, 21387)]
for a, n, b, m in TABLES:
    # NaN or deprecation are scipy's; two-sided Fisher sums probabilities up to the observed one.
    name = f"{a}/{n} {b}/{m}"
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff")
    values = dict(newcombe_lo=low, newcombe_hi=high)
    for side in ("two-sided", "less", "greater"):
        values["fisher_" + side] = st.fisher_exact([[a, n - a], [b, m - b]], alternative=side)[1]
    OUT["table " + name] = {k: (None if math.isnan(v) else float(v)) for k, v in values.items()}

print(json.dumps({"source": "numpy %s, scipy %s, statsmodels %s" % (np.__version__, scipy.__version__, statsmodels.__version__),
                  "script": "tests/reference/scripts/means.py"})[:-1] + ",")
print('"results": {')
print(",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in OUT.items()))
print("}}")
