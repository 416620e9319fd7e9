"""The trained rankers of one funnel on one log, as pieces: what they learn from, and whom."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import polars as pl

from funnel.features import Towers
from funnel.scenario.logs import cut, shown
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES, FunnelSpec, StagesSpec
from funnel.training.batches import rows
from funnel.training.calibration.base import Calibration, Served
from funnel.training.calibration.catalogue import CALIBRATIONS
from funnel.training.cascade import Pair, train_cascade
from funnel.training.lessons import Lessons
from funnel.training.logged import logged, training_log
from funnel.training.ranker import Ranker, train_ranker
from funnel.training.spec import RankerSpec
from funnel.training.teachers import Teachers
from funnel.training.towers import load_towers
from funnel.world.observed import Observed


@dataclass(frozen=True)
class Rankers:
    """Builds and loads the rankers of a funnel's stages under one seed."""

    funnel: FunnelSpec
    log: Piece
    """what they are trained on"""
    towers: Piece
    """whose vectors they read"""
    seed: int
    training_seed: int
    """of what training draws"""
    store: Store
    device: str
    observed: Callable[[], Observed]

    @property
    def stages(self) -> StagesSpec:
        return self.funnel.stages

    def piece(self, stage: str) -> Piece:
        """The ranker of one stage."""
        if self.stages.cascade:
            return self._of_cascade(stage)
        return self._ranker(self.stages.named(stage).ranker(), self.teachers(stage))

    def teachers(self, stage: str) -> dict[str, Piece]:
        """The rankers that the ranker of a stage learns from."""
        spec, found = self.stages.named(stage).ranker(), {}
        if spec.distil:
            found["late"] = self.piece("late")
        if spec.privileged:
            found["privileged"] = self._ranker(self._privileged(spec), {})
        return found

    def load(self, stage: str) -> Ranker:
        return self._load(self.piece(stage))

    def calibration(self, stage: str) -> Calibration | None:
        """The corrections of a stage's predictions, if it asks for them."""
        kind = self.stages.named(stage).calibration
        if not kind:
            return None
        ranker = self.piece(stage)

        def build(folder: Path) -> None:
            trained, log, observed = self._load(ranker), shown(self.store, self.log), self.observed()
            data = rows(trained.spec, log, observed, self._vectors())
            served = Served(log["source"].to_numpy(), observed.surface[log["user"].to_numpy()])
            fit = CALIBRATIONS[kind].fit
            fit(trained.spec.tasks, trained.predict_rows(data), data.labels, served).save(folder)

        piece = self._piece("calibration", build, ranker=ranker.name, how=kind)
        return CALIBRATIONS[kind].load(self.store.ensure(piece))

    def training_log(self, spec: RankerSpec) -> pl.DataFrame:
        """What the rows of a ranker are made of."""
        return training_log(spec.train, *self._logs(), self.observed())

    def _logs(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What was shown, and what was cut."""
        return shown(self.store, self.log), cut(self.store, self.log)

    def _privileged(self, student: RankerSpec) -> RankerSpec:
        """The teacher that reads more: otherwise as its student."""
        features = (*student.features, *self.stages.privileges)
        return student.model_copy(update={"features": features, "distil": None, "privileged": None})

    def _ranker(self, spec: RankerSpec, teachers: dict[str, Piece]) -> Piece:
        def build(folder: Path) -> None:
            log, lessons = self.training_log(spec), self._lessons(spec, teachers) if teachers else None
            seed, device = self.training_seed, self.device
            train_ranker(spec, log, self.observed(), self._vectors(), seed, device, lessons).save(folder)

        taught: dict[str, Any] = {name: piece.name for name, piece in teachers.items()}
        if "late" in teachers:
            taught["formula"] = self.stages.late.model_dump(include={"formula", "combine"})
        return self._piece("ranker", build, ranker=spec.table(), teachers=taught, **self._trained_on())

    def _lessons(self, spec: RankerSpec, teachers: dict[str, Piece]) -> Lessons:
        """What the teachers of a ranker say of the logged candidates."""
        rankers = {name: self._load(piece) for name, piece in teachers.items()}
        late = (rankers["late"], self.stages.late) if "late" in rankers else None
        candidates = logged(*self._logs(), self.observed())
        return Teachers(late, rankers.get("privileged")).lessons(spec, candidates, self.observed(), self._vectors())

    def _of_cascade(self, stage: str) -> Piece:
        """One stage's ranker of a cascade, whose rankers are one piece."""
        both = self._cascade()

        def build(folder: Path) -> None:
            copytree(self.store.ensure(both) / stage, folder, dirs_exist_ok=True)

        return self._piece("ranker", build, cascade=both.name, stage=stage)

    def _cascade(self) -> Piece:
        early, late = (self.stages.named(stage).ranker() for stage in STAGES)
        settings, formula = self.stages.cascade, self.stages.late
        assert settings is not None

        def build(folder: Path) -> None:
            observed = self.observed()
            logs = self.training_log(early), logged(*self._logs(), observed)
            pair = Pair(early, late, formula)
            trained = train_cascade(settings, pair, *logs, observed, self._vectors(), self.training_seed, self.device)
            for stage, ranker in zip(STAGES, trained, strict=True):
                (folder / stage).mkdir()
                ranker.save(folder / stage)

        stages = {"early": early.table(), "late": late.table(), "formula": formula.formula}
        return self._piece("cascade", build, cascade=settings.table(), **stages, **self._trained_on())

    def _trained_on(self) -> dict[str, Any]:
        """What is in the recipe of everything that is trained."""
        made_from = {"log": self.log.name, "towers": self.towers.name}
        return {**made_from, "replica": self.funnel.replica, "device": self.device}

    def _load(self, piece: Piece) -> Ranker:
        return Ranker.load(self.store.ensure(piece))

    def _vectors(self) -> Towers:
        return load_towers(self.store.ensure(self.towers))

    def _piece(self, kind: str, build: Callable[[Path], None], **recipe: Any) -> Piece:
        return Piece(kind, {"seed": self.seed, **recipe}, build)
