"""Independent recomputation of the stream test vector in src/stats/random.rs (standard library only)."""
import hashlib, struct
M = (1 << 64) - 1

def generator(purpose, name, seed, index):
    h = hashlib.sha256()
    for part in (b"pilot random 1", purpose.encode(), name.encode(), struct.pack("<Q", seed)):
        h.update(struct.pack("<Q", len(part)) + part)
    s = list(struct.unpack("<4Q", hashlib.sha256(h.digest() + struct.pack("<Q", index)).digest()))
    rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & M
    while True:
        yield (rotl((s[0] + s[3]) & M, 23) + s[0]) & M
        t = (s[1] << 17) & M
        s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t; s[3] = rotl(s[3], 45)

g = generator("permutation", "fees-education", 8274462913, 7)
print([next(g) for _ in range(3)])
