"""What a calibration may turn: the catalogue of knobs, each with its range, its reason and the targets that it moves.

To add a knob, add one `Knob(...)` to `catalogue`. A range says what is plausible, not what is possible: a knob that
ends at a border of its range says that the targets ask for a world unlike those that public facts describe.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import ceil, exp, floor, log

from funnel.calibrate.spec import RangeSpec
from funnel.retrieval.sources import FriendsReacted, Nearest
from funnel.stages.spec import FunnelSpec
from funnel.tasks import TASKS

BORDER = 0.02
"""part of the range next to an end that counts as that end"""


@dataclass(frozen=True)
class Knob:
    """One number of the funnel, and how far it may be turned."""

    path: str
    low: float
    high: float
    log: bool = False
    why: str = "named in the file"
    moves: tuple[str, ...] = ("*",)
    """patterns of the targets that it moves; any may, where nobody has said"""
    whole: bool = False
    """whether it counts something"""

    def moves_target(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self.moves)

    def part(self, value: float) -> float:
        """Where a value stands in the range: 0 is the low end, 1 the high one."""
        low, high, at = (log(x) if self.log else x for x in (self.low, self.high, self.inside(value)))
        return (at - low) / (high - low)

    def at(self, part: float) -> float:
        """The value at a part of the range."""
        if self.log:
            value = exp(log(self.low) + part * (log(self.high) - log(self.low)))
        else:
            value = self.low + part * (self.high - self.low)
        return self.inside(value)

    def inside(self, value: float) -> float:
        """The value, moved into the range, and whole where the knob counts something."""
        held = min(max(value, self.low), self.high)
        return round(held) if self.whole else held

    def border(self, value: float) -> str | None:
        """The end of the range at which a value stands, if it does."""
        part = self.part(value)
        return "low" if part <= BORDER else "high" if part >= 1 - BORDER else None


SHARES = ("share.*.friend", "survival.*.friend")
RANKING = ("auc.*", "overlap.*", "penetration.*")


def catalogue(funnel: FunnelSpec) -> Iterator[Knob]:
    """The knobs of a funnel; those that its world has not must be left out."""
    yield from _tastes()
    yield from _friends()
    yield from _sources(funnel)
    yield from _channels(funnel)


def _tastes() -> Iterator[Knob]:
    """What decides how well items can be ranked. Logits are linear in the first two, so these are searched plainly."""
    yield Knob("world.engagement.taste", 0.3, 3.0, why="how much a match of tastes decides", moves=RANKING)
    yield Knob("world.engagement.quality", 0.3, 3.0, why="how much quality decides for everybody", moves=RANKING)
    yield Knob("world.content_noise", 0.05, 3.0, True, "how much of an item's topic its content hides", RANKING)
    late = ("auc.late.*", "overlap.*")
    yield Knob("world.history", 2, 64, True, "videos remembered of a user, which the late stage reads", late, True)


def _friends() -> Iterator[Knob]:
    yield Knob("world.engagement.friend_shift", -2.0, 1.0, False, "what being a friend's adds to an item", SHARES)
    yield Knob("world.reactions.mean", 2.0, 100.0, True, "reactions of a user, each of which may show", SHARES)
    yield Knob("world.friends.mean", 5.0, 150.0, True, "friends of a user, whose reactions make friend items", SHARES)


def _sources(funnel: FunnelSpec) -> Iterator[Knob]:
    budget = funnel.retrieval.budget
    for name, source in funnel.retrieval.sources.items():
        path = f"retrieval.sources.{name}.budget"
        pool = ("candidates.retrieval", "keep_ratio.early")
        if isinstance(source, FriendsReacted):
            yield Knob(path, 1, max(2, budget), True, "places of the pool for friend items", (*pool, *SHARES), True)
        if isinstance(source, Nearest):
            yield Knob(path, max(1, budget // 4), budget, False, "places for the nearest items", pool, True)


def _channels(funnel: FunnelSpec) -> Iterator[Knob]:
    """Of each channel how often it happens, and how much people differ in it."""
    for channel, law in funnel.world.engagement.channels.items():
        path = f"world.engagement.channels.{channel}"
        tasks = [task.name for task in TASKS if task.channel == channel]
        rates = tuple(f"{measure}.*.{task}" for task in tasks for measure in ("label", "joint_label"))
        yield Knob(f"{path}.base", law.base - 3, law.base + 3, False, f"how often `{channel}` happens at all", rates)
        if law.tendency:
            ranked = tuple(f"auc.*.{task}" for task in tasks)
            yield Knob(f"{path}.tendency", 0.0, 3.0, False, f"how much people differ in `{channel}`", ranked)


def ranged(path: str, spec: RangeSpec, known: Mapping[str, Knob], whole: bool) -> Knob:
    """The knob of a path that a file names, with the file's range, or what of it is whole."""
    told = known.get(path)
    why, moves = (told.why, told.moves) if told else (Knob.why, Knob.moves)
    low, high = (ceil(spec.low), floor(spec.high)) if whole else (spec.low, spec.high)
    return Knob(path, low, high, spec.log, why, moves, whole)
