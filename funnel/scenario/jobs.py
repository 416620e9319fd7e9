"""The jobs of a scenario, or of all points of a sweep: every distinct piece once, whatever needs it after it.

A single scenario is a sweep of one point. Points and arms that agree on a prefix of the funnel need the same pieces, so
a sweep costs its distinct pieces and one look at every arm of every point.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from funnel.errors import ArmError
from funnel.scenario.exam import Exam
from funnel.scenario.fitted import SEED
from funnel.scenario.lab import Lab
from funnel.scenario.memory import Memory
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES
from funnel.world.fitted.spec import FittedSpec

NAMED = 4
"""arms that the label of a job names"""


@dataclass(frozen=True)
class Case:
    """One arm at one point."""

    arm: str
    point: int = 0


@dataclass(frozen=True)
class Job:
    """One unit of work for one process."""

    kind: str
    """`traffic` (the newest log, and all that it takes), `account` (of the data), `towers`, `ranker`, `oracle`,
    `diagnosis` or `rows`"""
    seed: int
    cases: tuple[Case, ...]
    """what it is for; a piece that several share is made for the first of them; none for an account"""
    stage: str = ""
    """the stage of a ranker or of a diagnosis"""
    where: str = ""
    """the round that it is of, where there are several"""

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.arm for case in self.cases))

    @property
    def points(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(case.point for case in self.cases))

    @property
    def label(self) -> str:
        """What a user is told of it."""
        if self.kind == "account":
            return "account of the data"
        more = len(self.arms) - NAMED
        named = ", ".join(self.arms[:NAMED]) + (f" and {more} more" if more > 0 else "")
        places = f" at {len(self.points)} points" if len(self.points) > 1 else ""
        where = f", {self.where}" if self.where else ""
        return f"{self.kind} {self.stage}".strip() + f", seed {self.seed}{where}: {named}{places}"


def exams_of(
    scenarios: Sequence[Scenario], seed: int, store: Store, device: str = "cpu", points: Iterable[int] | None = None
) -> dict[int, Exam]:
    """The exams of some points under one seed, of all if not said; they share what they have in memory."""
    memory = Memory()
    chosen = range(len(scenarios)) if points is None else points
    return {point: Exam(scenarios[point], seed, store, device, memory) for point in chosen}


def accounting(scenario: Scenario) -> list[Job]:
    """The job of the account of the data that the base's world is fitted to; none of another world."""
    return [Job("account", SEED, ())] if isinstance(scenario.base.world, FittedSpec) else []


def training(seeds: Sequence[dict[int, Exam]]) -> list[Job]:
    """The jobs of what arms and points share, in an order that lets processes work side by side. A job makes what it
    needs itself if it is missing.

    Args:
        seeds: the exams of all points, one entry a seed.
    """
    return [
        *(job for exams in seeds for job in _distinct(exams, "traffic", lambda exam, lab: lab.newest.log)),
        *(job for exams in seeds for job in _trained(exams)),
    ]


def examining(seeds: Sequence[dict[int, Exam]]) -> list[Job]:
    """The jobs of the rows of every arm at every point."""
    return [job for exams in seeds for job in _grouped(exams)]


def shared_piece(exam: Exam, job: Job) -> Piece:
    """What a job makes that is not about rows."""
    lab = exam.labs[job.cases[0].arm]
    match job.kind:
        case "traffic":
            return lab.newest.log
        case "towers":
            return lab.arm_towers
        case "ranker":
            return lab.arm_ranker(job.stage)
        case "oracle":
            return exam.oracle_piece(lab)
    raise ValueError(f"no such kind of job: {job.kind}")


def attempt(store: Store, exam: Exam, arms: Iterable[str], pieces: Iterable[Piece]) -> dict[str, str]:
    """Makes sure that pieces stand in the store.

    Returns:
        By arm, of those that need the pieces, why they cannot be made; nothing when they can.

    Raises:
        ArmError: they cannot be made, and an arm of the verdict needs them.
    """
    try:
        for piece in pieces:
            store.ensure(piece)
    except ArmError as error:
        if not set(exam.scenario.verdict.roles.values()).isdisjoint(arms):
            raise
        return dict.fromkeys(arms, f"Seed {exam.seed}: {error}")
    return {}


def done(
    store: Store, exams: dict[int, Exam], job: Job, look: Callable[[Exam, str], Piece]
) -> dict[int, dict[str, str]]:
    """Does a job that concerns several points.

    Args:
        exams: they share a memory, which is cleared.
        look: the piece that looking at one arm at one point makes.

    Returns:
        By point and arm that the run can do without, why it cannot be made.

    Raises:
        ArmError: an arm of the verdict cannot be made.
    """
    try:
        tried = _tried(store, exams, job, look)
    finally:
        next(iter(exams.values())).memory.clear()
    failed: dict[int, dict[str, str]] = {}
    for case, why in tried:
        if case.arm in why:
            failed.setdefault(case.point, {})[case.arm] = why[case.arm]
    return failed


def _tried(
    store: Store, exams: dict[int, Exam], job: Job, look: Callable[[Exam, str], Piece]
) -> list[tuple[Case, dict[str, str]]]:
    """Every case of a job with what `attempt` says; arguments and errors as in `done`."""
    if job.kind == "rows":
        return [
            (case, attempt(store, exams[case.point], [case.arm], [look(exams[case.point], case.arm)]))
            for case in job.cases
        ]
    first = exams[job.cases[0].point]
    found = attempt(store, first, job.arms, [shared_piece(first, job)])
    return [(case, found) for case in job.cases]


def _each(exams: dict[int, Exam]) -> Iterator[tuple[Case, Exam, Lab]]:
    for point, exam in exams.items():
        for arm, lab in exam.labs.items():
            yield Case(arm, point), exam, lab


def _distinct(exams: dict[int, Exam], kind: str, piece: Callable[[Exam, Lab], Piece], stage: str = "") -> list[Job]:
    """One job for each distinct piece."""
    groups: dict[str, list[Case]] = {}
    for case, exam, lab in _each(exams):
        groups.setdefault(piece(exam, lab).name, []).append(case)
    return [Job(kind, _seed(exams), tuple(cases), stage) for cases in groups.values()]


def _trained(exams: dict[int, Exam]) -> list[Job]:
    jobs = _distinct(exams, "towers", lambda exam, lab: lab.arm_towers)
    # The late rankers take longest, so they start first.
    for stage in reversed(STAGES):
        jobs += _distinct(exams, "ranker", partial(_ranker, stage), stage)
    return jobs + _distinct(exams, "oracle", lambda exam, lab: exam.oracle_piece(lab))


def _ranker(stage: str, exam: Exam, lab: Lab) -> Piece:
    return lab.arm_ranker(stage)


def _grouped(exams: dict[int, Exam]) -> list[Job]:
    """Arms that share a sheet and a late ranker are examined together: they share its predictions, and the truth."""
    groups: dict[str, list[Case]] = {}
    for case, exam, _ in _each(exams):
        groups.setdefault(exam.company(case.arm), []).append(case)
    # The groups with a judge go first, since every other group wants its scores.
    ordered = sorted(groups.values(), key=lambda group: not any(_judges(exams, case) for case in group))
    return [Job("rows", _seed(exams), tuple(_by_early(exams, group))) for group in ordered]


def _seed(exams: dict[int, Exam]) -> int:
    return next(iter(exams.values())).seed


def _judges(exams: dict[int, Exam], case: Case) -> bool:
    return exams[case.point].scenario.verdict.reference == case.arm


def _by_early(exams: dict[int, Exam], group: list[Case]) -> list[Case]:
    """The group in its order, but with those of one early ranker side by side: few predictions are held in memory."""
    names = [exams[case.point].labs[case.arm].arm_ranker("early").name for case in group]
    first = {name: names.index(name) for name in names}
    return [case for _, case in sorted(zip(names, group, strict=True), key=lambda one: first[one[0]])]
