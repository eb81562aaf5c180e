"""Recomputes assignments with nothing but SHA-256; prints tests/reference/assignment.json.

Independent of pilot's code: it follows docs/assignment.md only.
"""
import json
from hashlib import sha256


def key(purpose, name, seed, *values):
    parts = [p.encode() for p in ("pilot.assign/1", purpose, name, str(seed), *values)]
    return sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).digest()


def score(k, text):
    return int.from_bytes(sha256(k + text.encode()).digest()[:8], "big")


def hashed(name, seed, weights, unit):
    place = score(key("hashed", name, seed), unit) * sum(weights.values()) >> 64
    for arm, weight in weights.items():
        if place < weight:
            return arm
        place -= weight


def quotas(name, seed, weights, stratum, n):
    k, total = key("quota", name, seed, *stratum), sum(weights.values())
    point, passed, quota = score(k, "") * total >> 64, 0, {}
    for arm in sorted(weights, key=lambda a: (score(k, a), a)):
        passed += n * weights[arm] % total
        quota[arm] = n * weights[arm] // total + (passed > point)
        point += total * (passed > point)
    return quota


def complete(name, seed, weights, stratum, units):
    k, quota = key("complete", name, seed), quotas(name, seed, weights, stratum, len(units))
    arms = [arm for arm in weights for _ in range(quota[arm])]
    return dict(zip(sorted(units, key=lambda u: (score(k, u), u.encode())), arms))


def digest(arms):
    return sha256("".join(f"{u},{a}\n" for u, a in sorted(arms.items())).encode()).hexdigest()


NAME, SEED = "fees-education", 8274462913
WEIGHTS = {"control": 2, "tip-sheet": 1, "video": 1}
UNITS = ["C-1001", "C-1002", "C-1003", "007", "a,b", 'say "hi"', "line\nbreak", "مشتری-۱", "客户 42", " c "]
MANY = [f"customer-{i}" for i in range(10_000)]
THIRDS = {"control": 1, "a": 1, "b": 1}

if __name__ == "__main__":
    print(json.dumps({
        "script": "tests/reference/scripts/assignment.py",
        "experiment": NAME,
        "seed": SEED,
        "weights": WEIGHTS,
        "keys": {p: key(p, NAME, SEED).hex() for p in ("hashed", "complete")},
        "units": [{
            "unit": u,
            "score": str(score(key("hashed", NAME, SEED), u)),
            "hashed": hashed(NAME, SEED, WEIGHTS, u),
            "complete": complete(NAME, SEED, WEIGHTS, [], UNITS)[u],
        } for u in UNITS],
        "strata": [{
            "stratum": s, "units": n, "quotas": quotas(NAME, SEED, WEIGHTS, s, n),
        } for s in ([], ["basic"], ["plus"], ["basic", "north"], ["بنیادی"]) for n in (1, 2, 3, 5, 1003)],
        "many": {
            "units": "customer-0 to customer-9999",
            "weights": THIRDS,
            "hashed": digest({u: hashed(NAME, SEED, THIRDS, u) for u in MANY}),
            "complete": digest(complete(NAME, SEED, THIRDS, [], MANY)),
        },
    }, ensure_ascii=False, indent=1))
