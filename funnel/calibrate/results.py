"""What a calibration found, as a results folder and as the comments of the base that it writes: what was met, what was
not and why, knob by knob."""

from pathlib import Path
from typing import Any

from funnel.calibrate.knobs import Knob
from funnel.calibrate.loss import met
from funnel.calibrate.measure import Found
from funnel.calibrate.search import Check, Search
from funnel.calibrate.targets import Target
from funnel.metrics.catalogue import METRIC
from funnel.scenario import envelope

Entry = dict[str, Any]


def summary(search: Search, best: Check, elsewhere: Found, base: Path, seconds: float) -> Entry:
    """The whole of `results.json`; docs/calibrate.md says what each key holds.

    Args:
        elsewhere: what the best funnel measures in worlds that the search has not seen.
    """
    calibration, start = search.calibration, search.checks[0]
    spec = calibration.spec
    targets = [_target(target, search, best, elsewhere) for target in calibration.targets]
    knobs = [_knob(knob, search, best) for knob in calibration.knobs]
    question = f"Which knobs of `{spec.base}` bring it near the targets of `{spec.name}`?"
    return {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": "calibration",
        "scenario": {"name": name(spec.name), "question": question},
        "fingerprint": envelope.fingerprint(spec.table()),
        "versions": envelope.versions(),
        "seconds": seconds,
        "base": {"from": spec.base, "written": str(base)},
        "geometry": spec.geometry.table(),
        "loss": {"start": start.loss, "found": best.loss},
        "targets": targets,
        "knobs": knobs,
        "trials": _trials(search),
        "checks": [{"trial": check.trial, "loss": check.loss} for check in search.checks],
        "verdict": _verdict(targets, search, best),
    }


def name(calibration: str) -> str:
    """What the results folder of a calibration is called."""
    return f"calibrate_{calibration}"


def _target(target: Target, search: Search, best: Check, elsewhere: Found) -> Entry:
    knobs, found = search.calibration.knobs, best.found[target.key]
    return {
        "key": target.key,
        "unit": METRIC[target.key.split(".")[0]].unit,
        "value": target.value,
        "tolerance": target.tolerance,
        "source": target.source,
        "start": search.checks[0].found[target.key],
        "found": found,
        "by_seed": [one[target.key] for one in best.by_seed],
        "met": met(target, best.found),
        "elsewhere": elsewhere.get(target.key),
        "holds": met(target, elsewhere),
        "moved_by": [knob.path for knob in knobs if knob.moves_target(target.key)],
    }


def _knob(knob: Knob, search: Search, best: Check) -> Entry:
    found, calibration = search.trials[best.trial].knobs[knob.path], search.calibration
    return {
        "path": knob.path,
        "why": knob.why,
        "low": knob.low,
        "high": knob.high,
        "log": knob.log,
        "start": calibration.before[knob.path],
        "found": found,
        "border": knob.border(found),
        "moves": [target.key for target in calibration.targets if knob.moves_target(target.key)],
    }


def _trials(search: Search) -> Entry:
    """Every trial's loss by the last correction, and why some could not be made."""
    return {
        "asked": len(search.trials),
        "loss": search.losses,
        "failed": [trial.why for trial in search.trials if trial.why],
    }


def _verdict(targets: list[Entry], search: Search, best: Check) -> Entry:
    count, holding = (sum(target[word] for target in targets) for word in ("met", "holds"))
    sentence = (
        f"{count} of {len(targets)} targets are met at full size, {holding} in worlds that the search had not seen: "
        f"loss {best.loss:.3g}, of the start {search.checks[0].loss:.3g}."
    )
    return {"sentence": sentence, "sentences": [_missed(target, search, best) for target in _unmet(targets)]}


def _unmet(targets: list[Entry]) -> list[Entry]:
    return [target for target in targets if not target["met"]]


def _missed(target: Entry, search: Search, best: Check) -> str:
    """What is known of a target that is not met."""
    told = (
        f"`{target['key']}`: wanted {target['value']:g} +- {target['tolerance']:g}, found {_number(target['found'])}."
    )
    if not target["moved_by"]:
        return f"{told} No knob of this calibration moves it."
    turned = search.trials[best.trial].knobs
    ends = {
        knob.path: end
        for knob in search.calibration.knobs
        if knob.path in target["moved_by"] and (end := knob.border(turned[knob.path]))
    }
    if ends:
        listed = ", ".join(f"`{path}` ({end} end)" for path, end in ends.items())
        return f"{told} Of what moves it, at an end of its range: {listed}."
    return (
        f"{told} Nothing that moves it is at an end of its range: "
        "another target pulls against it, or trials are too few."
    )


def _number(value: float | None) -> str:
    return "no value" if value is None else f"{value:.4g}"


def heading(found: Entry) -> str:
    """The comments that the written base begins with."""
    lines = [
        f"From `{found['base']['from']}`, by {found['trials']['asked']} trials. {found['verdict']['sentence']}",
        *found["verdict"]["sentences"],
        "",
        "target: wanted, found at full size, in worlds that the search had not seen (source)",
        *(_line(target) for target in found["targets"]),
        "",
        "Do not edit: the next calibration of this name replaces it.",
    ]
    return "\n".join(lines)


def _line(target: Entry) -> str:
    word = "met" if target["met"] else "MISSED"
    wanted = f"{target['value']:g} +- {target['tolerance']:g}"
    found = f"{_number(target['found'])}, {_number(target['elsewhere'])}"
    return f"{word:<7}{target['key']}: {wanted}, {found} ({target['source'] or 'source not said'})"


def notes(found: Entry) -> dict[str, str]:
    """What stands behind each knob in the written base."""
    return {knob["path"]: _note(knob) for knob in found["knobs"]}


def _note(knob: Entry) -> str:
    end = f", the {knob['border']} end of its range" if knob["border"] else ""
    return f"fitted, from {knob['start']:g}{end}"
