"""What a reader of the diagnostics should look at: computed by stated thresholds, never written by hand.

A flag that speaks of a difference needs its whole interval over seeds beyond the threshold, so it needs two seeds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

SINKS = -0.05
"""transfer under which a task should be taken out or get experts of its own"""
MOST = 0.5
"""share of the recorded steps from which a pair's cosine is negative over most of training"""
OPPOSED = -0.02
"""mean cosine above which gradients that oppose each other more often than not hardly do"""
COLLAPSE = 0.9
"""mean share from which one expert takes all"""
ALIKE = 0.05
"""distance of gates under which tasks mix their experts alike"""
RISES = 0.005
"""rise of the held-out loss over its least, relative to that"""
BETTER = 0.005
"""improvement without a part from which the part is worth dropping"""

THRESHOLDS = {
    "sinks": SINKS,
    "most": MOST,
    "opposed": OPPOSED,
    "collapse": COLLAPSE,
    "alike": ALIKE,
    "rises": RISES,
    "better": BETTER,
}
"""by name, as the results and the report tell them"""

Entries = Sequence[Mapping[str, Any]]
Flag = dict[str, Any]
"""kind, arm, stage, tasks, sentence"""


def flags(estimates: Entries, series: Entries) -> list[Flag]:
    """Every flag, in the order in which practitioners ask.

    Args:
        estimates, series: those of the results' key `diagnostics`.
    """
    return [
        *_sinking(_named(estimates, "transfer")),
        *_conflicting(_named(estimates, "mean_cosine"), _named(series, "cosine")),
        *_collapsed(_named(estimates, "gate")),
        *_alike(_named(estimates, "gate_distance")),
        *_rising(_named(series, "loss")),
        *_better_without(_named(estimates, "ablation")),
    ]


def _sinking(transfers: Entries) -> Iterator[Flag]:
    for found in transfers:
        if found["high"] is not None and found["high"] < SINKS:
            sentence = (
                f"`{found['task']}` is {_percent(-found['value'])} worse off in the {_ranker(found)} than with a "
                f"network of its own ({_interval(found)}): take the task out, or give it experts of its own."
            )
            yield _flag("sinks", found, [found["task"]], sentence)


def _conflicting(means: Entries, curves: Entries) -> Iterator[Flag]:
    at = {_pair(curve): curve for curve in curves}
    for ranker, pairs in groupby(means, _ranker):
        found = [(pair, _negative(at[_pair(pair)])) for pair in pairs]
        found = [(pair, share) for pair, share in found if share > MOST and _opposed(pair)]
        if found:
            told = _listed(
                f"`{pair['task']}` and `{pair['other']}` (at {100 * share:.0f} % of the recorded steps, mean cosine "
                f"{pair['value']:.2f})"
                for pair, share in found
            )
            sentence = (
                f"On the shared parameters of the {ranker}, gradients oppose each other for most of training: {told}."
            )
            tasks = dict.fromkeys(task for pair, _ in found for task in (pair["task"], pair["other"]))
            yield _flag("conflict", found[0][0], list(tasks), sentence)


def _opposed(mean: Mapping[str, Any]) -> bool:
    """Whether the mean cosine is clearly below 0, and not just below it."""
    return mean["high"] is not None and mean["high"] < 0 and mean["value"] < OPPOSED


def _negative(curve: Mapping[str, Any]) -> float:
    """The share of recorded steps at which the mean over seeds is below 0."""
    cosines = [value for value in curve["value"] if value is not None]
    return sum(value < 0 for value in cosines) / max(len(cosines), 1)


def _collapsed(gates: Entries) -> Iterator[Flag]:
    for key, shares in groupby(gates, lambda gate: (_ranker(gate), gate["part"])):
        taken = [gate for gate in shares if gate["value"] is not None and gate["value"] > COLLAPSE]
        if taken:
            told = _listed(f"`{gate['task']}` ({gate['other']}, {_percent(gate['value'])})" for gate in taken)
            sentence = f"Gates of the {key[0]} have collapsed ({key[1]}): one expert takes all of {told}."
            yield _flag("collapse", taken[0], [gate["task"] for gate in taken], sentence)


def _alike(distances: Entries) -> Iterator[Flag]:
    for key, pairs in groupby(distances, lambda pair: (_ranker(pair), pair["part"])):
        found = list(pairs)
        greatest = max((pair["value"] for pair in found if pair["value"] is not None), default=None)
        if greatest is not None and greatest < ALIKE:
            sentence = (
                f"Tasks do not specialise in the {key[0]} ({key[1]}): no two gates differ by more than "
                f"{_percent(greatest)} of their weight, so one mixture would serve all tasks."
            )
            tasks = dict.fromkeys(name for pair in found for name in (pair["task"], pair["other"]))
            yield _flag("no specialisation", found[0], list(tasks), sentence)


def _rising(curves: Entries) -> Iterator[Flag]:
    held_out = [curve for curve in curves if curve["part"] == "held out" and None not in curve["value"]]
    for ranker, entries in groupby(held_out, _ranker):
        past = [
            (curve, _least(curve["value"])) for curve in entries if _least(curve["value"]) < len(curve["value"]) - 1
        ]
        rising = [(curve, least) for curve, least in past if _rise(curve["value"]) > RISES]
        stopped = [(curve, least) for curve, least in past if _rise(curve["value"]) <= RISES]
        if rising:
            told = _listed(
                f"`{curve['task']}` (by {_percent(_rise(curve['value']))} after epoch {least + 1})"
                for curve, least in rising
            )
            sentence = f"The {ranker} overfits: the held-out loss rises for {told}."
            yield _flag("rises", rising[0][0], [curve["task"] for curve, _ in rising], sentence)
        if stopped:
            told = _listed(f"`{curve['task']}` (after epoch {least + 1})" for curve, least in stopped)
            sentence = f"In the {ranker} the held-out loss stops falling before training ends for {told}."
            yield _flag("stops", stopped[0][0], [curve["task"] for curve, _ in stopped], sentence)


def _least(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


def _rise(values: Sequence[float]) -> float:
    """Of the last value over the least, relative to that."""
    return values[-1] / min(values) - 1


def _better_without(ablations: Entries) -> Iterator[Flag]:
    for key, entries in groupby(ablations, lambda found: (_ranker(found), found["part"])):
        better = [
            found for found in entries if found["low"] is not None and found["low"] > 0 and found["value"] > BETTER
        ]
        if better:
            told = _listed(f"`{found['task']}` by {_percent(found['value'])}" for found in better)
            sentence = f"The {key[0]} is better off {key[1]}: the held-out loss falls for {told}."
            yield _flag("better without", better[0], [found["task"] for found in better], sentence)


def _named(entries: Entries, measure: str) -> Entries:
    return [entry for entry in entries if entry["measure"] == measure]


def _flag(kind: str, found: Mapping[str, Any], tasks: list[str], sentence: str) -> Flag:
    return {"kind": kind, "arm": found["arm"], "stage": found["stage"], "tasks": tasks, "sentence": sentence}


def _pair(found: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(found[name] for name in ("arm", "stage", "task", "other"))


def _ranker(found: Mapping[str, Any]) -> str:
    return f"{found['stage']} ranker of `{found['arm']}`"


def _interval(found: Mapping[str, Any]) -> str:
    ends = sorted((-found["low"], -found["high"]))
    return f"95 % interval {100 * ends[0]:.1f} to {100 * ends[1]:.1f} %, {found['n']} seeds"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _listed(words: Iterable[str]) -> str:
    """`a, b and c`"""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
