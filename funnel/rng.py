"""Named random streams. No other module draws from anything else, and nobody touches a global generator.

A stream is named by what it is for, so adding a consumer cannot shift another's draws. Where the result must also not
depend on batching or on which arm asks (outcomes of an impression), draws are keyed by what they belong to instead of
being taken in sequence.
"""

import hashlib

import numpy as np


def _words(seed: int, names: tuple[str | int, ...]) -> list[int]:
    digest = hashlib.sha256("/".join([str(seed), *map(str, names)]).encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of one named purpose under one seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(_words(seed, names))))


def seed_of(seed: int, *names: str | int) -> int:
    """A 63-bit seed for libraries with generators of their own (torch, faiss)."""
    low, high = _words(seed, names)[:2]
    return (high << 32 | low) & (2**63 - 1)


def _mix(x: np.ndarray) -> np.ndarray:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection on 64 bits with full avalanche."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keyed_uniforms(seed: int, name: str, request: np.ndarray, item: np.ndarray, columns: int) -> np.ndarray:
    """Uniforms in (0, 1) that belong to (request, item, column): the common random numbers of paired arms.

    Args:
        request, item: int64 (n,).
        columns: how many independent draws a pair gets.

    Returns:
        float32 (n, columns); the same pair gets the same row in whatever batch, arm or process it is asked for.
    """
    with np.errstate(over="ignore"):
        key = np.uint64(seed_of(seed, name)) + _mix(request.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
        key = _mix(key ^ _mix(item.astype(np.uint64) + np.uint64(0xD1B54A32D192ED03)))
        steps = np.arange(1, columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        bits = _mix(key[:, None] + steps[None, :])
    # 23 bits and a half step: exactly representable, never 0 and never 1.
    return ((bits >> np.uint64(41)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-23)
