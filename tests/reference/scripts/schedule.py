"""Randomisation tests of small schedules, every schedule listed by the definition of the draw.

Dense matrices and brute force: orders of regions x orders of a round, set by set. Writes
tests/reference/schedule_permutation.json.
"""
import itertools
import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def sets_of(weekday, size):
    sets, left = [], []
    for day in sorted(set(weekday)):
        blocks = [b for b, d in enumerate(weekday) if d == day]
        while len(blocks) >= size:
            sets.append(blocks[:size])
            blocks = blocks[size:]
        left += blocks
    left.sort()
    sets += [left[i : i + size] for i in range(0, len(left), size)]
    return sets


def switchbacks(regions, weekday, weights):
    """Every schedule with its probability."""
    g = np.gcd(*weights)
    round_ = [0] * (weights[0] // g) + [1] * (weights[1] // g)
    size = len(round_)
    sets = sets_of(weekday, size)
    law = {(): 1.0}
    for s in sets:
        part = {}
        groups = -(-regions // size)
        orders = list(itertools.permutations(round_))
        for order in itertools.permutations(range(regions)):
            for rounds in itertools.product(orders, repeat=groups):
                cells = []
                for g_ in range(groups):
                    for shift, region in enumerate(order[g_ * size : (g_ + 1) * size]):
                        for place, block in enumerate(s):
                            if rounds[g_][(place + shift) % size]:
                                cells.append((region, block))
                key = tuple(sorted(cells))
                part[key] = part.get(key, 0) + 1
        total = sum(part.values())
        law = {
            a + b: p * n / total for a, p in law.items() for b, n in part.items()
        }
    return [(set(k), p) for k, p in law.items()]


def wedges(regions, blocks):
    steps = blocks - 1
    found = {}
    for order in itertools.permutations(range(regions)):
        for larger in itertools.combinations(range(steps), regions % steps):
            sizes = [regions // steps + (s in larger) for s in range(steps)]
            cells, left = [], list(order)
            for step, n in enumerate(sizes):
                for region in left[:n]:
                    cells += [(region, b) for b in range(step + 1, blocks)]
                left = left[n:]
            key = tuple(sorted(cells))
            found[key] = found.get(key, 0) + 1
    total = sum(found.values())
    return [(set(k), n / total) for k, n in found.items()]


def statistic(rows, treated):
    """Effect and studentised effect from dense weighted least squares."""
    region = [r[0] for r in rows]
    block = [r[1] for r in rows]
    e = np.array([r[3] for r in rows], float)
    y = np.array([r[4] for r in rows], float) / e
    several = len(set(region)) > 1
    columns = [np.ones(len(rows))]
    if several:
        columns += [np.array([float(x == v) for x in region]) for v in sorted(set(region))[1:]]
        columns += [np.array([float(x == v) for x in block]) for v in sorted(set(block))[1:]]
    F = np.column_stack(columns) * np.sqrt(e)[:, None]
    d = np.array([float((r[0], r[1]) in treated) for r in rows]) * np.sqrt(e)
    yt = y * np.sqrt(e)
    P = F @ np.linalg.pinv(F)
    z = d - P @ d
    zz = z @ z
    if zz <= 1e-10 * e.sum():
        return 0.0, 0.0
    delta = z @ yt / zz
    residual = yt - P @ yt - delta * z
    H = P + np.outer(z, z) / zz
    cluster = region if several else block
    v = 0.0
    for c in sorted(set(cluster)):
        i = [k for k, x in enumerate(cluster) if x == c]
        zg = z[i]
        own = zg @ zg
        if own <= 1e-12 * zz:
            continue
        left = zg @ (np.eye(len(i)) - H[np.ix_(i, i)]) @ zg / own
        if left > 1e-10:
            v += (zg @ residual[i]) ** 2 / left
    se = np.sqrt(v) / zz
    return delta, (delta / se if se > 0 else 0.0)


def test(id_, rows, law):
    observed = {(r[0], r[1]) for r in rows if r[2]}
    delta, t = statistic(rows, observed)
    hits = {"two": 0.0, "less": 0.0, "raw": 0.0}
    for treated, p in law:
        d_, t_ = statistic(rows, treated)
        hits["two"] += p * (abs(t_) >= abs(t) * (1 - 1e-12))
        hits["less"] += p * (t_ <= t + 1e-12 * abs(t))
        hits["raw"] += p * (abs(d_) >= abs(delta) * (1 - 1e-12))
    return {
        "id": id_,
        "rows": rows,
        "schedules": len(law),
        "value": delta,
        "statistic": t,
        "p": hits["two"],
        "p_less": hits["less"],
        "p_raw": hits["raw"],
    }


def rows_of(rng, treated, regions, blocks, even, skip=()):
    rows = []
    for r in range(regions):
        for b in range(blocks):
            if (r, b) in skip:
                continue
            exposure = 100 if even else int(rng.integers(50, 400))
            rate = (0.2 + 0.05 * r + 0.02 * b) * (0.7 if (r, b) in treated else 1.0)
            y = int(rng.poisson(rate * exposure))
            rows.append([r, b, int((r, b) in treated), exposure, y])
    return rows


if __name__ == "__main__":
    rng = np.random.Generator(np.random.PCG64(7))
    records = []
    cases = [
        ("switchback.even", switchbacks(4, [0] * 6, (1, 1)), 4, 6, True, ()),
        ("switchback.uneven", switchbacks(4, [0] * 6, (1, 1)), 4, 6, False, {(1, 2)}),
        ("switchback.odd", switchbacks(3, [0] * 5, (1, 1)), 3, 5, False, ()),
        ("switchback.weights", switchbacks(3, [0] * 4, (2, 1)), 3, 4, False, ()),
        ("switchback.weekdays", switchbacks(2, [0, 3, 6, 2, 5, 1, 4, 0, 3, 6], (1, 1)), 2, 10, False, ()),
        ("one", switchbacks(1, [0] * 12, (1, 1)), 1, 12, False, ()),
        ("wedge.even", wedges(4, 3), 4, 3, True, ()),
        ("wedge.uneven", wedges(6, 4), 6, 4, False, ()),
        ("wedge.extra", wedges(5, 4), 5, 4, False, {(0, 3)}),
    ]
    for id_, law, regions, blocks, even, skip in cases:
        treated, _ = law[int(rng.integers(len(law)))]
        rows = rows_of(rng, treated, regions, blocks, even, skip)
        records.append(test(id_, rows, law))
        print(id_, len(law), records[-1]["p"], records[-1]["p_raw"])
    out = {"script": "scripts/schedule.py", "versions": {"numpy": np.__version__}, "records": records}
    with open(os.path.join(HERE, "..", "schedule_permutation.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
