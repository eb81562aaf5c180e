"""Reference values for stratified count models, balance and studentised permutation.

Independent of pilot: statsmodels and brute force. Run from the repository's root:
    python tests/reference/scripts/count_models.py > tests/reference/count_models.json
"""
import itertools, json, math
import numpy as np, pandas as pd, scipy, scipy.stats as st, statsmodels, statsmodels.api as sm
from statsmodels.discrete.discrete_model import NegativeBinomial

RESULTS = []

def add(i, **v):
    RESULTS.append({"id": i, "values": {k: (float(x) if np.ndim(x) == 0 else [float(a) for a in x]) for k, x in v.items()}})

def design(d, before, strata):
    X = [np.ones(len(d)), d.t.to_numpy(float)]
    if before:
        has = d.before.notna().to_numpy()
        X.append(np.where(has, np.log1p(d.before.fillna(0)), 0.0))
        if not has.all(): X.append((~has).astype(float))
    if strata:
        X += list(pd.get_dummies(d.s, drop_first=True).to_numpy(float).T)
    return np.column_stack(X)

def models(i, d, before=True, strata=True, extra_strata=0):
    """extra_strata: strata without contacts, left out here and counted in the degrees of freedom."""
    d = d[d.exposure > 0]; n_all = len(d)
    if extra_strata: d = d[d.groupby("s").after.transform("sum") > 0]
    y = d.after.to_numpy(float); X = design(d, before, strata); off = np.log(d.exposure.to_numpy(float))
    G = sm.GLM(y, X, family=sm.families.Poisson(), offset=off); m = G.fit(tol=1e-14, maxiter=200); h = G.fit(tol=1e-14, maxiter=200, cov_type="HC0")
    df = n_all - X.shape[1] - extra_strata
    add(i + ".poisson", log_rr=m.params[1], se_model=m.bse[1], se_hc0=h.bse[1], dispersion=m.pearson_chi2 / df, df=df, deviance=m.deviance, loglik=m.llf)
    M = NegativeBinomial(y, X, loglike_method="nb2", offset=off)
    r = M.fit(start_params=np.r_[m.params, 0.5], method="bfgs", maxiter=5000, disp=0, gtol=1e-8); x = r.params.copy()
    for _ in range(100):
        s = np.linalg.solve(M.hessian(x), M.score(x)); x = x - s
        if np.max(np.abs(s) / (np.abs(x) + 1e-3)) < 1e-15: break
    al = x[-1]; mu = np.exp(X @ x[:-1] + off); W = mu / (1 + al * mu); V = np.linalg.inv((X * W[:, None]).T @ X); U = X * ((y - mu) / (1 + al * mu))[:, None]
    add(i + ".nb2", log_rr=x[1], theta=1 / al, se=math.sqrt(V[1, 1]), se_hc0=math.sqrt((V @ (U.T @ U) @ V)[1, 1]), loglik=M.loglike(x),
        se_theta=1 / (al * al * math.sqrt(-M.hessian(x)[-1, -1])))

def read(f, control, treatment):
    d = pd.read_csv("tests/data/" + f); d = d[d.arm.isin([control, treatment])].copy(); d["t"] = (d.arm == treatment).astype(int); return d

epil = read("epil.csv", "control", "treatment"); epil["s"] = np.where(epil.age < 30, "young", "old")
models("epil.age_strata", epil)
models("epil.age_strata_without_before", epil, before=False)
bladder = read("bladder.csv", "placebo", "thiotepa"); bladder["s"] = np.where(bladder["size"] > 1, "large", "small")
number = bladder.customer_id.str[1:].astype(int); bladder.loc[number % 5 == 0, "before"] = np.nan
models("bladder.size_strata_some_without_before", bladder)
cgd = read("cgd.csv", "control", "treatment")
cgd["s"] = cgd.hos_cat.astype(str); models("cgd.hospital_strata", cgd, before=False)
cgd["s"] = cgd.stratum
models("cgd.centre_strata", cgd, before=False, extra_strata=int((cgd[cgd.exposure > 0].groupby("s").after.sum() == 0).sum()))

# Studentised permutation, all assignments within strata.
def stratified(y, t, s):
    N = len(y); T = V = 0.0
    for k in np.unique(s):
        a, b = y[(s == k) & (t == 1)], y[(s == k) & (t == 0)]; w = (len(a) + len(b)) / N
        T += w * (a.mean() - b.mean()); V += w * w * (a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return T, (T / math.sqrt(V) if V > 0 else 0.0), math.sqrt(V)

def rate(y, e, t):
    def side(m):
        r = y[m].sum() / e[m].sum(); n = m.sum(); return r, n / (n - 1) * ((y[m] - r * e[m]) ** 2).sum() / e[m].sum() ** 2
    (r1, v1), (r0, v0) = side(t == 1), side(t == 0); V = v1 + v0
    return r1 - r0, ((r1 - r0) / math.sqrt(V) if V > 0 else 0.0), math.sqrt(V)

def assignments(t, s):
    parts = []
    for k in np.unique(s):
        ix = np.flatnonzero(s == k); m = int(t[ix].sum()); parts.append([np.isin(ix, c).astype(int) for c in itertools.combinations(ix, m)])
    for combo in itertools.product(*parts):
        out = np.empty(len(t), int)
        for k, c in zip(np.unique(s), combo): out[s == k] = c
        yield out

def permute(i, f, t0_, s_, **data):
    d0, t0, se = f(t0_); ge = le = two = raw = n = 0
    for a in assignments(t0_, s_):
        d, x, _ = f(a); n += 1; tol = 1e-12 * abs(t0)
        two += abs(x) >= abs(t0) - tol; le += x <= t0 + tol; ge += x >= t0 - tol; raw += abs(d) >= abs(d0) * (1 - 1e-12)
    add(i, value=d0, se=se, assignments=n, p_two_sided=two / n, p_less=le / n, p_greater=ge / n, p_raw=raw / n, **data)

y = np.array([0, 1, 1, 2, 0, 3, 5, 2, 1, 0, 4, 7, 2.0]); t = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0]); s = np.array([0] * 6 + [1] * 7)
e = np.array([30, 30, 20, 30, 10, 30, 25, 30, 30, 5, 30, 30, 12.0])
permute("permutation.one_stratum", lambda a: stratified(y, a, 0 * s), t, 0 * s, y=y, t=t, s=0 * s)
permute("permutation.two_strata", lambda a: stratified(y, a, s), t, s, y=y, t=t, s=s)
permute("permutation.rate", lambda a: rate(y, e, a), t, s, y=y, t=t, s=s, e=e)

# Balance: standardised differences, and Hansen and Bowers' omnibus test over any number of arms,
# from the exact covariance of the arms' totals under assignment within strata.
def omnibus(i, X, arm, s, arms):
    K, p = len(arms) - 1, X.shape[1]; d = np.zeros(K * p); C = np.zeros((K * p, K * p))
    for k in np.unique(s):
        m = s == k; N = m.sum(); n = np.array([(arm[m] == a).sum() for a in arms[1:]], float); S = np.atleast_2d(np.cov(X[m].T, ddof=1)) if N > 1 else np.zeros((p, p))
        d += np.concatenate([X[m & (arm == a)].sum(0) - c * X[m].mean(0) for a, c in zip(arms[1:], n)]); C += np.kron(np.diag(n) - np.outer(n, n) / N, S)
    rank = np.linalg.matrix_rank(C); q = d @ np.linalg.pinv(C) @ d; add(i, chi2=q, df=rank, p=st.chi2.sf(q, rank))
def smd(x, t): return (x[t == 1].mean() - x[t == 0].mean()) / math.sqrt((x[t == 1].var(ddof=1) + x[t == 0].var(ddof=1)) / 2)
B = pd.read_csv("tests/data/bladder.csv"); size = np.where(B["size"] > 1, "large", "small"); arm = B.arm.to_numpy(); x = B.before.to_numpy(float)[:, None]
two = np.isin(arm, ["placebo", "thiotepa"]); share = (size == "large").astype(float); pa, pb = share[arm == "thiotepa"].mean(), share[arm == "placebo"].mean()
add("balance.bladder_smd", before=smd(x[two, 0], (arm[two] == "thiotepa").astype(int)), large=(pa - pb) / math.sqrt((pa * (1 - pa) + pb * (1 - pb)) / 2))
omnibus("balance.bladder_two_arms", x[two], arm[two], size[two], ["placebo", "thiotepa"])
omnibus("balance.bladder_three_arms", x, arm, size, ["placebo", "pyridoxine", "thiotepa"])
omnibus("balance.bladder_unstratified", np.column_stack([x, share]), arm, np.zeros(len(arm)), ["placebo", "pyridoxine", "thiotepa"])
number = B.customer_id.str[1:].astype(int).to_numpy(); has = number % 5 != 0
omnibus("balance.bladder_some_without_before", np.column_stack([np.where(has, x[:, 0], x[has, 0].mean()), ~has]), arm, size, ["placebo", "pyridoxine", "thiotepa"])

print(json.dumps({"script": "tests/reference/scripts/count_models.py", "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__}, "results": RESULTS}, indent=1))
