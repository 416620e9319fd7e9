"""What an audit found, as `results.json` holds it: the sums as estimates, what they say in sentences, and what a
reader must be warned of. `docs/audit.md` documents every key."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from funnel.audit import law
from funnel.audit.faults import Found
from funnel.audit.logs import Logs
from funnel.audit.measures import MEASURES
from funnel.audit.spec import LogSpec
from funnel.audit.sums import Sums
from funnel.intake.drops import Drop
from funnel.metrics.catalogue import METRIC
from funnel.scenario import envelope

QUESTION = "What do the stages of this funnel cut that its later stages or its users wanted?"


@dataclass(frozen=True)
class Log:
    """A log that was read through, and let in."""

    logs: Logs
    found: Found
    dropped: tuple[Drop, ...]
    totals: dict[str, int]
    """requests, users and items"""
    slate_size: int
    buckets: int
    """in how many its rows stand by request"""

    @property
    def spec(self) -> LogSpec:
        return self.logs.spec


def summary(name: str, log: Log, sums: Sums) -> tuple[dict[str, Any], dict[str, Any]]:
    """The spec of an audit, and its summary without what it took."""
    spec = {"audit": {"folder": str(log.logs.folder)}, "logs": log.spec.table()}
    estimates = sums.estimates()
    said = [*_sentences(log.spec, estimates)]
    return spec, {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": "audit",
        "scenario": {"name": name, "question": QUESTION},
        "fingerprint": envelope.fingerprint(spec),
        "versions": envelope.versions(),
        "verdict": {"sentence": said[0], "sentences": said[1:]},
        "logs": _logs(log, estimates),
        "estimates": estimates,
        "measures": _measures(),
        "warnings": [*_warnings(log, {one["measure"] for one in estimates})],
    }


def _logs(log: Log, estimates: list[dict[str, Any]]) -> dict[str, Any]:
    """What was read, and what could not be told of it."""
    spec, found = log.spec, {one["measure"] for one in estimates}
    names = {name for schema in log.logs.schemas.values() for name in schema.names()}
    return {
        "folder": str(log.logs.folder),
        "layout": spec.layout,
        "files": len(log.logs.schemas),
        "bytes": log.logs.bytes,
        "rows": sum(log.found.rows),
        **log.totals,
        "from": _day(log.found.first),
        "to": _day(log.found.last),
        "stages": spec.stages,
        "early": spec.early,
        "late": spec.late,
        "slate": log.slate_size,
        "columns": sorted(names & set(spec.used)),
        "unused": sorted(names - set(spec.used)),
        "absent": [*_absent(spec, found)],
        "sampled": spec.sampled,
        "true_sizes": spec.funnel,
        "dropped": [asdict(drop) for drop in log.dropped],
        "slices": [*spec.slices],
    }


def _day(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def _measures() -> dict[str, dict[str, str]]:
    named = {measure.name: {"unit": measure.unit, "definition": measure.definition} for measure in MEASURES}
    return named | {law.NAME: {"unit": METRIC[law.NAME].unit, "definition": METRIC[law.NAME].definition}}


def _absent(spec: LogSpec, found: set[str]) -> Iterator[dict[str, Any]]:
    """Measures of which the log tells nothing, and the columns that would let it."""
    for measure in MEASURES:
        if measure.name not in found:
            columns = measure.missing(spec) or measure.whole(spec) or ["labels of both kinds on shown rows"]
            yield {"measure": measure.name, "columns": columns}


def _warnings(log: Log, found: set[str]) -> Iterator[str]:
    spec = log.spec
    if dropped := sum(drop.rows for drop in log.dropped):
        yield (
            f"{dropped:,} of {sum(log.found.rows):,} rows broke a rule and were dropped. If such rows are unlike the "
            "others, as those that a stage cut are, the measures are off."
        )
    if spec.sampled:
        yield (
            "The rows are a sample of each stage's candidates. Counts, keep ratios, survival, recall and what was "
            "lost speak of the rows in the log, not of the funnel."
        )
    if "exposed_recall" in found:
        yield (
            "Recall of shown positives flatters: only what passed every stage was ever shown, so nothing that was cut "
            "can count as a positive."
        )
    if "lost" in found and not spec.columns.reference:
        yield (
            f"What was lost is judged by the scores of `{spec.late}` itself, as the log has no other judge. Where that "
            "stage errs, so does the judge."
        )
    if found & {"stage_recall", "exposed_recall"} and not spec.sampled:
        yield "Nothing is known of what retrieval did not return: no measure of a log speaks of the whole corpus."


def _sentences(spec: LogSpec, estimates: list[dict[str, Any]]) -> Iterator[str]:
    """What the numbers say, the most telling first."""
    at = {(one["measure"], one["stage"], one["slice"]): one for one in estimates}
    judge = "the reference" if spec.columns.reference else f"`{spec.late}`"
    lost = at.get(("lost", spec.early, "all"))
    sample = "rows of the log" if spec.sampled else "candidates"
    if lost:
        yield f"`{spec.early}` cut {_share(lost)} of the {sample} that {judge} would have put first."
    else:
        yield (
            f"What `{spec.early}` cut of what `{spec.late}` would have put first cannot be told: the log has no scores "
            f"of `{spec.late}` on every candidate of a request."
        )
    friend, other = (at.get(("lost", spec.early, name)) for name in ("friend", "other"))
    if friend and other:
        yield f"Of friend items it cut {_share(friend)}, of others {_share(other)}."
    expected = at.get((law.NAME, spec.early, "all"))
    if lost and expected:
        yield f"By the survival law, two rankings of this correlation would lose {_share(expected)}."
    kept = [
        f"`{stage}` {_share(found)}" for stage in spec.stages[1:] if (found := at.get(("keep_ratio", stage, "all")))
    ]
    if kept:
        of = "logged input, which is a sample," if spec.sampled else "input"
        yield f"Of their {of} the stages keep: {', '.join(kept)}."


def _share(one: dict[str, Any]) -> str:
    """A share with its interval, in percent."""
    value, low, high = (
        None if number is None else f"{100 * number:.1f}" for number in (one["value"], one["low"], one["high"])
    )
    return f"{value} %" if low is None else f"{value} % ({low} to {high})"
