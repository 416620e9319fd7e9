"""Results of made-up audits: what a folder of stage logs, sampled or whole, could have told."""

from itertools import product
from pathlib import Path
from typing import Any

from funnel.scenario import envelope

STAGES = ["retrieval", "early", "late"]
SAMPLED = ["retrieval", "prerank", "coarse", "rank", "rerank", "realshow"]
"""as a log has them that was drawn stage by stage"""
UNITS = {
    "candidates": "count",
    "keep_ratio": "share",
    "stage_recall": "share",
    "exposed_recall": "share",
    "set_auc": "ratio",
    "lost": "share",
    "predicted_set_auc": "ratio",
    "predicted_lost": "share",
    "correlation": "ratio",
    "overlap": "share",
    "penetration": "share",
    "survival": "share",
    "share": "share",
    "calibration": "ratio",
    "label": "mean",
}


def estimate(measure: str, value: float, stage: str = "", slice_: str = "all", task: str = "", n: int = 900):
    """One estimate, its interval a tenth of the value to either side."""
    ends = {"value": value, "low": 0.9 * value, "high": 1.1 * value, "n": n}
    return {"measure": measure, "stage": stage, "slice": slice_, "task": task} | ends


def whole() -> list[dict[str, Any]]:
    """Estimates of a log with everything that an audit can use."""
    found = [estimate("candidates", count, stage) for stage, count in zip(STAGES, (500.0, 100.0, 10.0), strict=True)]
    found += [estimate("keep_ratio", 0.2, "early"), estimate("keep_ratio", 0.1, "late")]
    found += [estimate("stage_recall", 0.7, "early"), estimate("stage_recall", 0.9, "early", "by_early")]
    found += [
        estimate(measure, value, stage, task=task)
        for measure, value in (("exposed_recall", 0.6), ("set_auc", 0.7))
        for stage, task in product(("early", "late"), ("long_view", "like"))
    ]
    found += [estimate("calibration", 1.1, "late", "impressed", task) for task in ("long_view", "like")]
    slices = ("all", "friend", "other", "source=nearest")
    found += [estimate("lost", 0.2 + 0.1 * place, "early", slice_) for place, slice_ in enumerate(slices)]
    found += [estimate("survival", 0.3, stage, slice_) for stage, slice_ in product(("early", "late"), slices)]
    found += [estimate("overlap", 0.5, "early", slice_) for slice_ in ("impressed", "unimpressed")]
    found += [estimate("correlation", 0.8, "early"), estimate("predicted_set_auc", 0.66, "late", task="like")]
    found.append(estimate("predicted_lost", 0.19, "early") | {"low": None, "high": None})
    return [*found, estimate("label", 0.05, "late", task="like"), estimate("penetration", 0.4, "early")]


def summary_of(estimates: list[dict[str, Any]], stages: list[str], **logs) -> dict[str, Any]:
    """`results.json` of an audit; `logs` are laid over what it says of the folder."""
    told: dict[str, Any] = {
        "folder": "logs/march",
        "layout": "recflow",
        "files": 2,
        "bytes": 1_500_000,
        "rows": 500_000,
        "requests": 1000,
        "users": 400,
        "items": 3000,
        "from": "2026-03-01",
        "to": "2026-03-02",
        "stages": stages,
        "early": stages[1],
        "late": stages[-1],
        "slate": 10,
        "columns": ["request_id", "user_id", "video_id"],
        "unused": [],
        "absent": [],
        "sampled": False,
        "true_sizes": {},
        "dropped": [],
        "slices": [],
    }
    return {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": "audit",
        "scenario": {"name": "audit_march", "question": "What do these stage logs say of their funnel?"},
        "fingerprint": "0123456789abcdef",
        "versions": {"python": "3.12.0"},
        "verdict": {"sentence": "`early` cut 20.0 % of the best.", "sentences": ["Of 500 candidates 10 were shown."]},
        "logs": told | logs,
        "estimates": estimates,
        "measures": {name: {"unit": unit, "definition": f"What {name} is."} for name, unit in UNITS.items()},
        "warnings": [],
        "memory": 2**30,
        "seconds": 12.3,
    }


def folder_of(place: Path, estimates: list[dict[str, Any]] | None = None, **changes) -> Path:
    """A results folder of an audit of a whole log; `changes` go to `logs`, but for `warnings`."""
    warnings = changes.pop("warnings", [])
    stages = changes.pop("stages", STAGES)
    found = summary_of(whole() if estimates is None else estimates, stages, **changes)
    envelope.write(place, {"folder": "logs/march"}, found | {"warnings": warnings}, {})
    return place


def sampled(folder: Path) -> Path:
    """A results folder of a log that was sampled stage by stage and has little beside."""
    counts = zip(SAMPLED, (220.0, 160.0, 100.0, 60.0, 20.0, 6.0), strict=True)
    found = [estimate("candidates", count, stage) for stage, count in counts]
    found += [estimate("keep_ratio", 0.7, stage) for stage in SAMPLED[1:]]
    found += [estimate("stage_recall", 0.5, "prerank")]
    told = {"sampled": True, "absent": [{"measure": "lost", "columns": ["reference_score", "late_score"]}]}
    dropped = [{"file": "2026-03-01.feather", "rule": "scores are numbers", "rows": 12, "remedy": "Fill them."}]
    true = dict(zip(SAMPLED, (8000, 3000, 500, 120, 10, 6), strict=True))
    warnings = ["The rows of each stage are a sample."]
    return folder_of(folder, found, stages=SAMPLED, true_sizes=true, dropped=dropped, warnings=warnings, **told)
