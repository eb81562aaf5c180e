"""Reference values of the distribution functions, by mpmath with 40 digits.

Run:  python tests/reference/scripts/distributions.py > tests/reference/distributions.json
"""
import json

import mpmath as mp

mp.mp.dps = 40


def normal_sf(z):
    return mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2


def t_sf(t, df):
    """Density times the integral of the relative density, exp-sinh with a step
    three times finer than needed at 40 digits; checked below against betainc."""
    t, n = mp.mpf(t), mp.mpf(df)
    peak = mp.exp(mp.loggamma((n + 1) / 2) - mp.loggamma(n / 2)) / mp.sqrt(n * mp.pi)
    k = 2 / (n + 1) * (n + t * t)
    scale = k / (t + mp.sqrt(t * t + k))
    f = lambda s: mp.exp(-(n + 1) / 2 * mp.log1p((t + s) ** 2 / n))
    h, total = mp.mpf(1) / 32, mp.mpf(0)
    for sign in (1, -1):
        j = 0 if sign == 1 else 1
        while True:
            v = sign * j * h
            s = scale * mp.exp(mp.pi / 2 * mp.sinh(v))
            term = f(s) * s * mp.cosh(v)
            total += term
            if term < mp.mpf(10) ** -35 * total:
                break
            j += 1
    return peak * total * h * mp.pi / 2


def chi_squared_sf(x, df):
    return mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)


def normal_isf(p):
    lo, hi = mp.mpf(0), mp.mpf(40)
    for _ in range(140):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if normal_sf(mid) > mp.mpf(p) else (lo, mid)
    return lo


def t_isf(p, df):
    """Newton in log p against log t, from the normal quantile."""
    n, u = mp.mpf(df), mp.log(normal_isf(p))
    c = mp.exp(mp.loggamma((n + 1) / 2) - mp.loggamma(n / 2)) / mp.sqrt(n * mp.pi)
    for _ in range(200):
        x = mp.exp(u)
        s = t_sf(x, df)
        step = mp.log(s / mp.mpf(p)) * s / (x * c * (1 + x * x / n) ** (-(n + 1) / 2))
        u += step
        if abs(step) < mp.mpf(10) ** -28:
            return mp.exp(u)
    raise ValueError((p, df))


for n in (1, 2.5, 7, 30):
    for t in (0.3, 2, 9):
        x = mp.mpf(n) / (n + mp.mpf(t) ** 2)
        exact = mp.betainc(mp.mpf(n) / 2, mp.mpf(1) / 2, 0, x, regularized=True) / 2
        assert abs(t_sf(t, n) / exact - 1) < 1e-25

DF = [0.7, 1, 1.5, 2, 3, 4.25, 10, 30.3, 100, 999.5, 1e4, 1e6, 1e9, 1e12]
P = [1e-300, 1e-100, 1e-30, 1e-12, 1e-6, 1e-3, 0.025, 0.05, 0.2, 0.3, 0.49]

normal = [[z, normal_sf(z)] for z in (-8, -1, -1e-3, 0, 1e-3, 0.5, 1, 1.96, 3, 5, 8, 12, 20, 30, 37)]
normal_q = [[p, normal_isf(p)] for p in P]
t = [[df, x, t_sf(x, df)] for df in DF for x in (1e-3, 0.5, 1, 1.96, 2.7, 5, 12, 35, 1e4, 1e30)]
t = [row for row in t if row[2] > mp.mpf(10) ** -300]
t_q = [[df, p, t_isf(p, df)] for df in DF for p in P if df > 1.01 or p > 1e-200]  # the rest is beyond 1e300
chi = []
for df in (1, 2, 3, 5.5, 10, 23, 100, 500, 5000):
    sd = (2 * df) ** 0.5
    for x in (1e-6, df * 0.1, df * 0.7, df - 0.5 * sd, df, df + 1, df + 2, df + 3 * sd, df + 10 * sd, df * 3, df * 20):
        if x > 0:
            s = chi_squared_sf(x, df)
            if s > mp.mpf(10) ** -300:
                chi.append([df, x, s])


tables = {"normal_sf": normal, "normal_isf": normal_q, "t_sf": t, "t_isf": t_q, "chi_squared_sf": chi}
print('{"source": "mpmath %s, 40 digits",' % mp.__version__)
print('"script": "tests/reference/scripts/distributions.py",')
print(",\n".join('"%s": [\n%s]' % (name, ",\n".join(json.dumps([float(v) for v in row]) for row in table)) for name, table in tables.items()))
print("}")
