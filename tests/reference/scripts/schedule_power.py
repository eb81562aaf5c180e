"""Hussey & Hughes' equation 8 against generalised least squares, with dense matrices.

Y_ij = a_i + b_j + X_ij d + e_ij, Var(a) = tau2 (random), Var(e) = sigma2; Var(d) from (D'V^-1 D)^-1. Writes
tests/reference/schedule_power.json.
"""
import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def gls(x, sigma2, tau2):
    regions, blocks = x.shape
    n = regions * blocks
    D = np.zeros((n, blocks + 1))
    V = np.zeros((n, n))
    for i in range(regions):
        rows = slice(i * blocks, (i + 1) * blocks)
        D[rows, :blocks] = np.eye(blocks)
        D[rows, blocks] = x[i]
        V[rows, rows] = sigma2 * np.eye(blocks) + tau2
    return float(np.linalg.inv(D.T @ np.linalg.solve(V, D))[blocks, blocks])


if __name__ == "__main__":
    rng = np.random.Generator(np.random.PCG64(3))
    records = []
    for regions, blocks in [(12, 5), (9, 4), (24, 5), (3, 4)]:
        cross = rng.permutation([1 + i % (blocks - 1) for i in range(regions)])
        x = np.array([[float(j >= c) for j in range(blocks)] for c in cross])
        records.append(x)
    for regions, blocks in [(6, 8), (5, 6)]:
        first = rng.permutation(regions) < regions // 2
        records.append(np.array([[float((j % 2 == 0) == f) for j in range(blocks)] for f in first]))
    out = []
    for x in records:
        for sigma2, tau2 in [(1.0, 0.0), (0.3, 0.7), (0.002, 0.05)]:
            out.append(
                {"x": x.astype(int).tolist(), "sigma2": sigma2, "tau2": tau2, "variance": gls(x, sigma2, tau2)}
            )
    with open(os.path.join(HERE, "..", "schedule_power.json"), "w") as f:
        json.dump({"script": "scripts/schedule_power.py", "versions": {"numpy": np.__version__}, "records": out}, f)
        f.write("\n")
