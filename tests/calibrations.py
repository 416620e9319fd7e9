"""Results of a made-up calibration, for tests of its page."""

from pathlib import Path
from typing import Any

from funnel.scenario import envelope


def target(key: str, value: float, start: float, found: float | None, unit: str = "share", **told) -> dict[str, Any]:
    """One target with a tolerance of 0.01."""
    met = found is not None and abs(found - value) <= 0.01
    seeds = [found, found] if found is None else [found - 0.001, found + 0.001]
    one = {"key": key, "unit": unit, "value": value, "tolerance": 0.01, "source": "a paper", "start": start}
    elsewhere = None if found is None else found + 0.003
    one |= {"found": found, "by_seed": seeds, "met": met, "elsewhere": elsewhere, "holds": met}
    return one | {"moved_by": ["world.friends.mean"]} | told


def knob(path: str, start: float, found: float, border: str | None = None, log: bool = False) -> dict[str, Any]:
    """One knob between 1 and 100."""
    told = {"path": path, "why": "friends a user", "low": 1.0, "high": 100.0, "log": log, "start": start}
    return told | {"found": found, "border": border, "moves": ["share.early.friend"]}


def folder_of(place: Path, **changes) -> Path:
    """A results folder; `changes` are laid over its summary."""
    summary = {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": "calibration",
        "scenario": {"name": "calibrate_ours", "question": "Which knobs bring it near?"},
        "fingerprint": "0123456789abcdef",
        "versions": {"python": "3.12.0"},
        "seconds": 12.3,
        "base": {"from": "reels", "written": "scenarios/base/ours.toml"},
        "geometry": {"retrieved": 1000, "early": 62, "late": None},
        "loss": {"start": 4.0, "found": 0.5},
        "targets": [
            target("share.early.friend", 0.10, 0.3, 0.105),
            target("label.late.like", 0.0146, 0.05, 0.0346, "mean"),
            target("auc.early.impressed.like", 0.7, 0.6, None, "ratio", source=""),
        ],
        "knobs": [knob("world.friends.mean", 10.0, 100.0, "high", log=True), knob("world.history", 20.0, 50.5)],
        "trials": {"asked": 4, "loss": [4.0, None, 1.0, 2.0], "failed": ["late: `keep` is <b>more</b>."]},
        "checks": [{"trial": 0, "loss": 4.5}, {"trial": 2, "loss": 0.5}],
        "verdict": {"sentence": "1 of 3 targets is met.", "sentences": ["`label.late.like`: wanted more."]},
    }
    envelope.write(place, {"name": "ours"}, summary | changes, {})
    return place
