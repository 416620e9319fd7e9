"""The search: trials at a small size, which are told now and then, by a check at full size, what their size costs.

Settings are asked for in batches of a fixed number and told in their order, so neither the number of workers nor an
interruption changes what is found: all that was measured stands in the store, and a search that starts again asks the
same questions and finds them answered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from funnel.calibrate.loss import linear, loss, met, value_of
from funnel.calibrate.measure import Found, Task
from funnel.calibrate.resolve import Calibration, Knobs
from funnel.calibrate.sampling import ask
from funnel.calibrate.surface import alone, proposals
from funnel.errors import SpecError
from funnel.rng import seed_of

BATCH = 4
"""settings that are asked for at once: enough to keep a few workers busy, few enough that each batch learns from the
last; one more than the surface proposes, so that one looks elsewhere"""

Measure = Callable[[Sequence[Task]], list[Found | str]]
"""what tasks measure, in their order"""


@dataclass(frozen=True)
class Trial:
    """One setting of the knobs, and what came of it at the size of a trial."""

    knobs: Knobs
    found: Found
    """means over its seeds; empty where the funnel cannot be made"""
    why: str = ""
    """why it cannot"""


@dataclass(frozen=True)
class Check:
    """A trial whose funnel was measured at full size."""

    trial: int
    """its place among the trials"""
    found: Found
    """means over its seeds"""
    by_seed: tuple[Found, ...]
    loss: float
    """at full size"""


@dataclass
class Search:
    """A search as far as it has come."""

    calibration: Calibration
    measure: Measure
    told: Callable[[str], None]
    trials: list[Trial] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def run(self) -> Check:
        """The whole of it.

        Returns:
            The check of least loss at full size.

        Raises:
            SpecError: the start cannot be measured, or has no value of a target.
        """
        spec = self.calibration.spec
        self._start()
        while len(self.trials) < spec.trials:
            until = min((len(self.trials) // spec.between + 1) * spec.between, spec.trials)
            while len(self.trials) < until:
                self._try(self._next(until - len(self.trials)))
            if (best := self.best) not in [check.trial for check in self.checks]:
                self._check(best)
        return min(self.checks, key=lambda check: check.loss)

    def elsewhere(self, best: Check) -> Found:
        """What a check's funnel measures in as many other worlds, means over them; empty where it cannot be made.

        A check was chosen for its loss, in worlds that corrected the search on the way: there it looks better than it
        is. No world of these has been asked before.
        """
        checks = self.calibration.spec.checks
        (found,) = self._outcomes([self.trials[best.trial].knobs], small=False, seeds=range(checks, 2 * checks))
        return {} if isinstance(found, str) else _mean(found)

    def _start(self) -> None:
        """The first trial and its check: the search goes on from them, so they must tell of every target."""
        self._try([self.calibration.begin])
        fault = self.trials[0].why or self._check(0)
        if fault:
            raise SpecError(f"base: should be a funnel that can be measured. Found: {fault}")
        sizes = {"a trial": self.trials[0].found, "a check": self.checks[0].found}
        problems = [
            f"targets.{target.key}: should have a value at the size of {size}. Found none: it is a mean over rows of "
            "which the base has none there. Raise `evaluation.requests`, or leave it out."
            for target in self.calibration.targets
            for size, found in sizes.items()
            if found.get(target.key) is None
        ]
        if problems:
            raise SpecError(problems)

    @property
    def best(self) -> int:
        """The place of the trial of least loss, as it would be at full size."""
        return int(np.argmin(self.losses))

    @property
    def losses(self) -> list[float]:
        """Of every trial, as it would be at full size; infinite where it has no measures."""
        return [self._loss(made) for made in self.trials]

    def _loss(self, made: Trial) -> float:
        targets, z = self.calibration.targets, self._linear(made.found) + self._shift()
        if np.isnan(z).any():
            return inf
        return loss(targets, {target.key: value_of(target, at) for target, at in zip(targets, z, strict=True)})

    def _shift(self) -> np.ndarray:
        """float64 (T,): what size adds to each measure, as the last check saw it; 0 where that cannot be told.

        The correction of space mapping (Bandler et al., IEEE Trans. Microwave Theory and Techniques, 2004) in its
        simplest form: the search runs on a cheap model, and each check on the dear one moves the cheap one's answers.
        """
        if not self.checks:
            return np.zeros(len(self.calibration.targets))
        last = self.checks[-1]
        return np.nan_to_num(self._linear(last.found) - self._linear(self.trials[last.trial].found))

    def _linear(self, found: Found) -> np.ndarray:
        """float64 (T,): the targets' measures on the scale of the surface; nan where one has no value."""
        values = [(target, found.get(target.key)) for target in self.calibration.targets]
        return np.array([np.nan if value is None else linear(target, value) for target, value in values])

    def _next(self, room: int) -> list[Knobs]:
        """What to try next: at first each knob alone, then what the surface and the sampler ask for."""
        knobs, targets = self.calibration.knobs, self.calibration.targets
        room = min(room, BATCH)
        if design := alone(knobs, self.trials[0].knobs)[len(self.trials) - 1 :]:
            return design[:room]
        losses = self.losses
        sound = [place for place, value in enumerate(losses) if value < inf]
        found = np.array([self._linear(self.trials[place].found) for place in sound]) + self._shift()
        tried = [self.trials[place].knobs for place in sound]
        wanted = proposals(knobs, targets, tried, found, sound.index(self.best))
        seed = seed_of(self.calibration.spec.seed, "calibrate", len(self.trials))
        return ask(knobs, [made.knobs for made in self.trials], losses, wanted, room, seed)

    def _try(self, settings: list[Knobs]) -> None:
        """Measures settings at the size of a trial."""
        outcomes = self._outcomes(settings, small=True, seeds=range(self.calibration.spec.seeds))
        for knobs, found in zip(settings, outcomes, strict=True):
            self.trials.append(Trial(knobs, {}, found) if isinstance(found, str) else Trial(knobs, _mean(found)))
            self.told(self._line(self.trials[-1]))

    def _check(self, place: int) -> str:
        """Measures a trial's funnel at full size; one that cannot be made there is left out, and the answer is why."""
        targets = self.calibration.targets
        (found,) = self._outcomes([self.trials[place].knobs], small=False, seeds=range(self.calibration.spec.checks))
        if isinstance(found, str):
            self.told(f"trial {place + 1} cannot be made at full size: {found}")
            return found
        mean = _mean(found)
        self.checks.append(Check(place, mean, tuple(found), loss(targets, mean)))
        count = sum(met(target, mean) for target in targets)
        self.told(f"trial {place + 1} at full size: {count} of {len(targets)} targets, loss {self.checks[-1].loss:.3g}")
        return ""

    def _outcomes(self, settings: list[Knobs], small: bool, seeds: Sequence[int]) -> list[list[Found] | str]:
        """By setting, what every seed found, or why one cannot be made."""
        tasks, faults = [], []
        for knobs in settings:
            try:
                funnel = self.calibration.funnel(knobs, small)
                tasks += [Task(funnel, seed, passing=small) for seed in seeds]
                faults.append("")
            except SpecError as error:
                faults.append(str(error))
        found = iter(self.measure(tasks))
        return [fault or _together([next(found) for _ in seeds]) for fault in faults]

    def _line(self, made: Trial) -> str:
        label = f"{len(self.trials):>4}/{self.calibration.spec.trials}"
        if made.why:
            return f"{label}  cannot be made: {made.why}"
        return f"{label}  loss {self._loss(made):.3g}, best {min(self.losses):.3g}"


def _together(found: list[Found | str]) -> list[Found] | str:
    told = [one for one in found if isinstance(one, str)]
    return told[0] if told else [one for one in found if not isinstance(one, str)]


def _mean(found: Sequence[Found]) -> Found:
    """The mean over seeds; None where one of them has no value."""
    columns = {key: [value for one in found if (value := one[key]) is not None] for key in found[0]}
    return {key: sum(column) / len(column) if len(column) == len(found) else None for key, column in columns.items()}
