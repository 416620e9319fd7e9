"""The verdict: does the proposal lose candidates, and does it forgo value? Computed, never written.

Two axes, because a change may lose candidates and forgo no value. Each is a claim with a margin that was fixed in
advance (`axes`). The comparison was named before the run, so its two intervals are not corrected for the number of
arms; what is said of all the other arms is (`multiplicity`).
"""

from dataclasses import asdict, dataclass
from typing import Any

from funnel.metrics.axes import MOST_SEEDS, Arm, Axis, candidates_axis, value_axis
from funnel.metrics.intervals import Interval, t_interval


@dataclass(frozen=True)
class Verdict:
    """The two axes, the share of the reference's gain that the proposal captures, and the sentences that say so."""

    proposal: str
    reference: str
    baseline: str
    candidates: Axis
    value: Axis
    captured: Interval | None
    """share of the reference's gain in value over the baseline; None where `captured_missing` says why"""
    captured_missing: str | None
    levels: dict[str, dict[str, float]]
    """mean `lost` and `value` of the three arms"""
    headline: str
    sentences: tuple[str, ...]

    def table(self) -> dict[str, Any]:
        """The verdict as plain tables, with `sentence` for whoever prints one."""
        return {"sentence": self.headline} | asdict(self)


def judge(proposal: Arm, reference: Arm, baseline: Arm, margin_lost: float, margin_value: float) -> Verdict:
    """The verdict on `proposal` against `reference`, whose own loss need not be zero.

    Args:
        margin_lost: extra lost candidates that count as none, a share (absolute).
        margin_value: value forgone that counts as none, relative to the reference.
    """
    candidates = candidates_axis(t_interval(proposal.lost_against(reference)), margin_lost)
    value = value_axis(t_interval(proposal.forgone_against(reference)), margin_value)
    captured, missing = _captured(proposal, reference, baseline)
    arms = (proposal, reference, baseline)
    levels = {arm.name: {"lost": float(arm.lost.mean()), "value": float(arm.value.mean())} for arm in arms}
    headline = _headline(proposal.name, reference.name, candidates.outcome, value.outcome)
    sentences = (
        _candidates_sentence(proposal, reference, candidates),
        _value_sentence(proposal, reference, value),
        _captured_sentence(proposal, reference, baseline, captured, missing),
    )
    return Verdict(
        proposal.name,
        reference.name,
        baseline.name,
        candidates,
        value,
        captured,
        missing,
        levels,
        headline,
        sentences,
    )


def _captured(proposal: Arm, reference: Arm, baseline: Arm) -> tuple[Interval | None, str | None]:
    """Mean per-seed share of the reference's gain over the baseline; undefined unless that gain is clearly positive."""
    gain = reference.value - baseline.value
    if len({proposal.name, reference.name, baseline.name}) < 3:
        return None, "proposal, reference and baseline are not three different arms"
    if len(gain) == 1:
        return None, "one seed cannot show that the reference gains"
    interval = t_interval(gain)
    if gain.min() <= 0 or interval.low is None or interval.low <= 0:
        return None, f"`{reference.name}` does not clearly gain value over `{baseline.name}` in every seed"
    return t_interval((proposal.value - baseline.value) / gain), None


def _headline(proposal: str, reference: str, candidates: str, value: str) -> str:
    """The verdict in one sentence, for every combination of outcomes."""
    losing = {"lost": "loses candidates", "not lost": "loses no candidates"}.get(candidates)
    paying = {"forgone": "forgoes value", "equivalent": "forgoes no value", "gained": "gains value"}.get(value)
    if losing and paying:
        return f"Against `{reference}`, `{proposal}` {losing} and {paying}."
    if losing:
        return f"Against `{reference}`, `{proposal}` {losing}; whether it forgoes value is undecided."
    if paying:
        return f"Against `{reference}`, `{proposal}` {paying}; whether it loses candidates is undecided."
    return f"Against `{reference}`, it is undecided whether `{proposal}` loses candidates or forgoes value."


def _candidates_sentence(proposal: Arm, reference: Arm, axis: Axis) -> str:
    own, other = (_number(arm.lost.mean()) for arm in (proposal, reference))
    compared = _compared(axis.difference.value, "points more", "points fewer", "the same share")
    return (
        f"Candidates, {axis.outcome}: the early stage of `{proposal.name}` cuts {own} % of what the late stage with "
        f"the change ranks top, that of `{reference.name}` {other} %: {compared} "
        f"({_interval(axis.difference, 'points')}; margin {_number(axis.margin)} points).{_undecided(axis)}"
    )


def _value_sentence(proposal: Arm, reference: Arm, axis: Axis) -> str:
    compared = _compared(axis.difference.value, "% less than", "% more than", "the same as")
    return (
        f"Value, {axis.outcome}: the slate of `{proposal.name}` is worth {compared} that of `{reference.name}` "
        f"(value forgone: {_interval(axis.difference, '%')}; margin {_number(axis.margin)} %).{_undecided(axis)}"
    )


def _captured_sentence(
    proposal: Arm, reference: Arm, baseline: Arm, captured: Interval | None, missing: str | None
) -> str:
    gain = f"gain in value of `{reference.name}` over `{baseline.name}`"
    if captured is None:
        return f"The share of the {gain} that `{proposal.name}` captures is not defined: {missing}."
    return f"`{proposal.name}` captures {_number(captured.value)} % of the {gain} ({_interval(captured, '%')})."


def _undecided(axis: Axis) -> str:
    if axis.outcome != "undecided":
        return ""
    if axis.seeds_to_decide is None:
        return " One seed is one world and gives no interval: run at least two, better five."
    if axis.seeds_to_decide > MOST_SEEDS:
        return f" At this mean and spread, more than {MOST_SEEDS} seeds would be needed to decide."
    return f" At this mean and spread, {axis.seeds_to_decide} seeds would decide."


def _compared(difference: float, positive: str, negative: str, neither: str) -> str:
    size = _number(abs(difference))
    if size == _number(0):
        return neither
    return f"{size} {positive if difference > 0 else negative}"


def _interval(interval: Interval, unit: str) -> str:
    if interval.low is None or interval.high is None:
        return "no interval from one seed"
    low, high = _number(interval.low), _number(interval.high)
    return f"{100 * interval.level:.0f} % interval {low} to {high} {unit}, {interval.n} seeds"


def _number(share: float) -> str:
    """A share in hundredths with two decimals, and never a minus before zero."""
    return f"{round(100 * share, 2) + 0.0:.2f}"
