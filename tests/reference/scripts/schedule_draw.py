"""The schedules of tests/data/schedules and of the example, drawn a second time from docs/switchback.md alone.

Writes tests/data/schedules/NAME.assignment.csv (standard library only).
"""
import datetime as dt
import hashlib
import math
import os
import struct
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "data", "schedules")
M = (1 << 64) - 1


class Generator:
    def __init__(self, purpose, name, seed, index):
        h = hashlib.sha256()
        for part in (b"pilot random 1", purpose.encode(), name.encode(), struct.pack("<Q", seed)):
            h.update(struct.pack("<Q", len(part)) + part)
        state = hashlib.sha256(h.digest() + struct.pack("<Q", index)).digest()
        self.s = list(struct.unpack("<4Q", state))

    def bits(self):
        s = self.s
        rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & M
        out = (rotl((s[0] + s[3]) & M, 23) + s[0]) & M
        t = (s[1] << 17) & M
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return out

    def below(self, n):
        wide = self.bits() * n
        if wide & M < n:
            threshold = (-n & M) % n
            while wide & M < threshold:
                wide = self.bits() * n
        return wide >> 64

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


def sets_of(weekdays, size):
    sets, left = [], []
    for day in sorted(set(weekdays)):
        blocks = [b for b, d in enumerate(weekdays) if d == day]
        while len(blocks) >= size:
            sets.append(blocks[:size])
            blocks = blocks[size:]
        left += blocks
    left.sort()
    sets += [left[i : i + size] for i in range(0, len(left), size)]
    return sorted(sets)


def draw(plan):
    e, a = plan["experiment"], plan["assignment"]
    regions = sorted(a.get("regions", ["everywhere"]))
    first, last = (dt.date.fromisoformat(d) for d in plan["periods"]["after"])
    n = ((last - first).days + 1) // a["block_days"]
    starts = [first + dt.timedelta(a["block_days"] * b) for b in range(n)]
    weights = [x.get("weight", 1) for x in sorted(plan["arms"], key=lambda x: not x.get("control", False))]
    random = Generator("schedule", e["name"], e["seed"], 0)
    treated = {}
    order = list(range(len(regions)))
    if a["design"] == "switchback":
        common = math.gcd(*weights)
        round_ = [False] * (weights[0] // common) + [True] * (weights[1] // common)
        size = len(round_)
        for s in sets_of([d.weekday() for d in starts], size):
            random.shuffle(order)
            for g in range(0, len(order), size):
                arms = list(round_)
                random.shuffle(arms)
                for shift, region in enumerate(order[g : g + size]):
                    for place, block in enumerate(s):
                        treated[region, block] = arms[(place + shift) % size]
    else:
        random.shuffle(order)
        steps = n - 1
        sizes = [len(order) // steps] * steps
        which = list(range(steps))
        random.shuffle(which)
        for step in which[: len(order) % steps]:
            sizes[step] += 1
        left = list(order)
        for step, size in enumerate(sizes):
            for region in left[:size]:
                for block in range(n):
                    treated[region, block] = block > step
            left = left[size:]
    names = {x.get("control", False): x["name"] for x in plan["arms"]}
    yield "region,block,from,to,arm"
    for r, region in enumerate(regions):
        for b, start in enumerate(starts):
            end = start + dt.timedelta(a["block_days"] - 1)
            yield f"{region},{b + 1},{start},{end},{names[not treated[r, b]]}"


if __name__ == "__main__":
    for name in ["hotline-notice", "branch-wedge", "ivr-fee-notice"]:
        # The last is the example.
        there = os.path.join(DATA, name + ".toml")
        example = os.path.join(HERE, "..", "..", "..", "experiments", name + ".toml")
        plan = tomllib.load(open(there if os.path.exists(there) else example, "rb"))
        with open(os.path.join(DATA, name + ".assignment.csv"), "w", encoding="utf-8") as f:
            f.write("\n".join(draw(plan)) + "\n")
