"""CR2 and Satterthwaite's degrees of freedom a second time: by the definition.

    python3 cluster.py cluster_R.json > ../cluster.json     # needs numpy, scipy

cgd.csv (128 customers): n x n matrices, compared with R's values; the largest relative differences go
to stderr. ohie_households.csv (12,158 people in 10,879 households, for which clubSandwich needs more
than 12 GB of memory): a household's block of the hat matrix at a time, and the G x G working
covariance in slices. Its first record is compared with clubSandwich's (suite.R, `ohie.cluster`).
"""
import csv
import json
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

HERE = Path(__file__).parent


def power(m, p):
    values, vectors = np.linalg.eigh(m)
    return (vectors * np.where(values > 1e-12, np.abs(values), np.inf) ** p) @ vectors.T


def cr2(X, y, cluster, working):
    """Weights and working covariance: W = working^-1, as clubSandwich with inverse_var = TRUE."""
    root = np.sqrt(1 / working)
    X, y = X * root[:, None], y * root
    M = np.linalg.inv(X.T @ X)
    H = X @ M @ X.T
    e = y - H @ y
    c = M[:, 1]
    n = len(y)
    variance, cr0, P = 0.0, 0.0, []
    for g in np.unique(cluster):
        i = cluster == g
        u = np.zeros(n)
        u[i] = power(np.eye(i.sum()) - H[np.ix_(i, i)], -0.5) @ X[i] @ c
        variance += (u @ e) ** 2
        cr0 += (c @ X[i].T @ e[i]) ** 2
        P.append((np.eye(n) - H) @ u)
    omega = np.array(P) @ np.array(P).T
    df = np.trace(omega) ** 2 / np.trace(omega @ omega)
    g = len(P)
    stata = cr0 * g / (g - 1) * (n - 1) / (n - X.shape[1])
    return dict(value=(M @ X.T @ y)[1], se=variance**0.5, df=df, se_cr1s=stata**0.5)


rows = list(csv.DictReader(open(HERE / "../../data/cgd.csv")))
t = np.array([float(r["arm"] == "treatment") for r in rows])
y = np.array([float(r["after"]) for r in rows])
e = np.array([float(r["exposure"]) for r in rows])
x = np.array([float(r["age"]) for r in rows])
some = np.where(np.arange(1, len(x) + 1) % 7 == 0, 0, x)
none = (np.arange(1, len(x) + 1) % 7 == 0).astype(float)
kinds = sorted({r["hos_cat"] for r in rows})
s = [np.array([float(r["hos_cat"] == k) for r in rows]) for k in kinds[1:]]
cluster = np.array([r["stratum"] + " " + r["arm"] for r in rows])
one = np.ones(len(y))
found = {
    "cgd.plain": cr2(np.column_stack([one, t]), y, cluster, one),
    "cgd.strata": cr2(np.column_stack([one, t, *s]), y, cluster, one),
    "cgd.x": cr2(np.column_stack([one, t, x]), y, cluster, one),
    "cgd.x.strata": cr2(np.column_stack([one, t, x, *s]), y, cluster, one),
    "cgd.x_some.strata": cr2(np.column_stack([one, t, some, none, *s]), y, cluster, one),
    "cgd.rate": cr2(np.column_stack([one, t]), y / e, cluster, 1 / e),
    "cgd.rate.strata": cr2(np.column_stack([one, t, *s]), y / e, cluster, 1 / e),
    "cgd.exposure": cr2(np.column_stack([one, t]), e, cluster, one),
}


def households(strata, covariate):
    """One OLS of the households; every quantity of cluster.R but the intraclass correlation's lm."""
    people = []
    for g, r in enumerate(csv.DictReader(open(HERE / "../../data/ohie_households.csv"))):
        for k in range(int(r["households"])):
            for member in r["members"].split(" "):
                x, y = member.split(":")
                if y:
                    people.append((f"{g}/{k}", r["arm"] == "treatment", r["stratum"], int(x), int(y)))
    names, t, s, x, y = zip(*people)
    t, x, y = (np.array(v, float) for v in (t, x, y))
    _, group = np.unique(names, return_inverse=True)
    order = np.argsort(group, kind="stable")
    columns = [np.ones(len(y)), t]
    if covariate:
        columns.append(x)
    if strata:
        columns += [np.array([float(v == k) for v in s]) for k in sorted(set(s))[1:]]
    X = np.column_stack(columns)[order]
    t, y, group = t[order], y[order], group[order]
    n, p = X.shape
    M = np.linalg.inv(X.T @ X)
    b = M @ X.T @ y
    e = y - X @ b
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    ends = np.r_[starts[1:], n]
    meat2, meat0 = np.zeros((p, p)), np.zeros((p, p))
    s_g, v_g = [], []
    for i, j in zip(starts, ends):
        Xg, eg = X[i:j], e[i:j]
        A = power(np.eye(j - i) - Xg @ M @ Xg.T, -0.5)
        z = Xg.T @ A @ eg
        meat2 += np.outer(z, z)
        z = Xg.T @ eg
        meat0 += np.outer(z, z)
        u = A @ Xg @ M[:, 1]
        s_g.append(u @ u)
        v_g.append(Xg.T @ u)
    V, S = M @ meat2 @ M, M @ meat0 @ M
    s_g, v_g = np.array(s_g), np.array(v_g)
    trace, squares = 0.0, 0.0
    for i in range(0, len(s_g), 500):
        omega = -(v_g[i : i + 500] @ M @ v_g.T)
        k = np.arange(len(omega))
        omega[k, i + k] += s_g[i : i + 500]
        trace += omega[k, i + k].sum()
        squares += (omega**2).sum()
    df = trace**2 / squares
    G = len(s_g)
    a1 = X.mean(axis=0)
    a0 = a1.copy()
    a1[1], a0[1] = 1, 0
    m1, m0 = a1 @ b, a0 @ b
    g = a1 / m1 - a0 / m0
    se, log_se = V[1, 1] ** 0.5, (g @ V @ g) ** 0.5
    q = stats.t.isf(0.025, df)
    sizes = ends - starts
    of_cluster = np.repeat([y[i:j].mean() for i, j in zip(starts, ends)], sizes)
    of_arm = np.where(t == 1, y[t == 1].mean(), y[t == 0].mean())
    msb = ((of_cluster - of_arm) ** 2).sum() / (G - 2)
    msw = ((y - of_cluster) ** 2).sum() / (n - G)
    arm = t[starts]
    s2 = sum((sizes[arm == k] ** 2).sum() / sizes[arm == k].sum() for k in (0, 1))
    m = (n - s2) / (G - 2)
    log = np.log(m1 / m0)
    return dict(
        n=n, clusters=G, value=b[1], se=se, df=df, p_value=2 * stats.t.sf(abs(b[1] / se), df),
        ci_lower=b[1] - q * se, ci_upper=b[1] + q * se,
        se_cr1s=(S[1, 1] * G / (G - 1) * (n - 1) / (n - p)) ** 0.5,
        mean_treatment=m1, mean_control=m0, ratio=m1 / m0, ratio_se=log_se,
        ratio_ci_lower=np.exp(log - q * log_se), ratio_ci_upper=np.exp(log + q * log_se),
        ratio_p_value=2 * stats.t.sf(abs(log / log_se), df),
        cluster_size_mean=sizes.mean(), cluster_size_cv=sizes.std(ddof=1) / sizes.mean(),
        icc=(msb - msw) / (msb + (m - 1) * msw),
    )


# clubSandwich 0.5.8 and estimatr 1.0.0 on R 4.2.2: suite.R, record ohie.cluster.
SUITE = dict(
    coef=0.3956918788168036, n=12158, clusters=10879, se_cr1s=0.21686669726137833,
    se_cr2=0.2168678408748766, df_satterthwaite_cr2=10020.50212608807, p_cr2=0.06809478453556932,
)
document = json.load(open(sys.argv[1]))
for name, values in found.items():
    far = max(abs(v / document["results"][name][k] - 1) for k, v in values.items())
    print(f"{name}: largest relative difference {far:.1e}", file=sys.stderr)
for name, model in {"": (0, 0), ".strata": (1, 0), ".x": (0, 1), ".x.strata": (1, 1)}.items():
    document["results"]["ohie" + (name or ".plain")] = households(*model)
plain = document["results"]["ohie.plain"]
pairs = dict(coef="value", se_cr1s="se_cr1s", se_cr2="se", df_satterthwaite_cr2="df", p_cr2="p_value")
far = max(abs(plain[v] / SUITE[k] - 1) for k, v in pairs.items())
print(f"ohie.plain: largest relative difference {far:.1e}", file=sys.stderr)
document["results"]["suite:ohie.cluster"] = SUITE
document["script"] = "tests/reference/scripts/cluster.R (cgd), cluster.py (ohie), suite.R (suite:ohie.cluster)"
document["versions"] |= dict(python=sys.version.split()[0], numpy=np.__version__, scipy=scipy.__version__)
print(json.dumps(document, indent=1, default=float))
