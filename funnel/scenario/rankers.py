"""The trained rankers of one funnel on its logs, as pieces: what they learn from, and whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import polars as pl

from funnel.scenario.logs import cut, shown
from funnel.scenario.scenery import Scenery
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES, FunnelSpec, StagesSpec
from funnel.training.batches import Period, rows
from funnel.training.calibration.base import Calibration, Origins
from funnel.training.calibration.catalogue import CALIBRATIONS
from funnel.training.cascade import Pair, train_cascade
from funnel.training.lessons import Lessons
from funnel.training.logged import logged, training_log
from funnel.training.ranker import Ranker, train_ranker
from funnel.training.spec import RankerSpec
from funnel.training.teachers import Teachers
from funnel.world.observed import Observed


@dataclass(frozen=True)
class Served:
    """A stretch of traffic: its log, and the scene in which it was served."""

    log: Piece
    scene: Piece

    @property
    def name(self) -> list[str]:
        return [self.log.name, self.scene.name]


@dataclass(frozen=True)
class Rankers:
    """Builds and loads the rankers of a funnel's stages under one seed."""

    funnel: FunnelSpec
    served: tuple[Served, ...]
    """what they are trained on, the oldest first"""
    towers: Piece
    """whose vectors they read"""
    before: "Rankers | None"
    """those of the round before, where training goes on from them; else it starts from drawn weights"""
    seed: int
    training_seed: int
    """of what training draws"""
    store: Store
    device: str
    scenery: Scenery

    @property
    def stages(self) -> StagesSpec:
        return self.funnel.stages

    def piece(self, stage: str) -> Piece:
        """The ranker of one stage."""
        if self.stages.cascade:
            return self._of_cascade(stage)
        spec = self.stages.named(stage).ranker()
        return self._ranker(spec, self.teachers(stage), self._start(stage, spec))

    def teachers(self, stage: str) -> dict[str, Piece]:
        """The rankers that the ranker of a stage learns from."""
        spec, found = self.stages.named(stage).ranker(), {}
        if spec.distil:
            found["late"] = self.piece("late")
        if spec.privileged:
            found["privileged"] = self._ranker(self._privileged(spec), {}, None)
        return found

    def _start(self, stage: str, spec: RankerSpec) -> Piece | None:
        """The stage's ranker of the round before; None where the stage was another one, which has other weights."""
        if self.before is None or self.before.stages.named(stage).ranker() != spec:
            return None
        return self.before.piece(stage)

    def load(self, stage: str) -> Ranker:
        return self._load(self.piece(stage))

    def calibration(self, stage: str) -> Calibration | None:
        """The corrections of a stage's predictions, if it asks for them."""
        kind = self.stages.named(stage).calibration
        if not kind:
            return None
        ranker = self.piece(stage)

        def build(folder: Path) -> None:
            trained, logs = self._load(ranker), [shown(self.store, one.log) for one in self.served]
            data, origins = rows(trained.spec, self._periods(logs)), self._origins(logs)
            CALIBRATIONS[kind].fit(trained.spec.tasks, trained.predict_rows(data), data.labels, origins).save(folder)

        piece = self._piece("calibration", build, ranker=ranker.name, how=kind)
        return CALIBRATIONS[kind].load(self.store.ensure(piece))

    def _origins(self, logs: Sequence[pl.DataFrame]) -> Origins:
        """Where the impressions of the logs came from."""
        surfaces = [
            self._observed(one).surface[log["user"].to_numpy()] for log, one in zip(logs, self.served, strict=True)
        ]
        return Origins(np.concatenate([log["source"].to_numpy() for log in logs]), np.concatenate(surfaces))

    def training_periods(self, spec: RankerSpec) -> list[Period]:
        """What the rows of a ranker are made of."""
        logs = [training_log(spec.train, *self._logs(one), self._observed(one)) for one in self.served]
        return self._periods(logs)

    def _candidates(self) -> list[Period]:
        """The logged candidates, of which teachers and the cascade take their lists."""
        return self._periods([logged(*self._logs(one), self._observed(one)) for one in self.served])

    def _logs(self, one: Served) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What was shown, and what was cut."""
        return shown(self.store, one.log), cut(self.store, one.log)

    def _observed(self, one: Served) -> Observed:
        return self.scenery.observed(one.scene)

    def _periods(self, logs: Sequence[pl.DataFrame]) -> list[Period]:
        return [
            Period(log, self._observed(one), self.scenery.vectors(self.towers, one.scene))
            for log, one in zip(logs, self.served, strict=True)
        ]

    def _privileged(self, student: RankerSpec) -> RankerSpec:
        """The teacher that reads more: otherwise as its student."""
        features = (*student.features, *self.stages.privileges)
        return student.model_copy(update={"features": features, "distil": None, "privileged": None})

    def _ranker(self, spec: RankerSpec, teachers: dict[str, Piece], start: Piece | None) -> Piece:
        def build(folder: Path) -> None:
            periods, lessons = self.training_periods(spec), self._lessons(spec, teachers) if teachers else None
            learnt = self._load(start) if start else None
            train_ranker(spec, periods, self.training_seed, self.device, lessons, learnt).save(folder)

        taught: dict[str, Any] = {name: piece.name for name, piece in teachers.items()}
        if "late" in teachers:
            taught["formula"] = self.stages.late.model_dump(include={"formula", "combine"})
        recipe = {"teachers": taught, "start": start and start.name}
        return self._piece("ranker", build, ranker=spec.table(), **recipe, **self._trained_on())

    def _lessons(self, spec: RankerSpec, teachers: dict[str, Piece]) -> Lessons:
        """What the teachers of a ranker say of the logged candidates."""
        rankers = {name: self._load(piece) for name, piece in teachers.items()}
        late = (rankers["late"], self.stages.late) if "late" in rankers else None
        return Teachers(late, rankers.get("privileged")).lessons(spec, self._candidates())

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
            logs, pair = (self.training_periods(early), self._candidates()), Pair(early, late, formula)
            trained = train_cascade(settings, pair, *logs, self.training_seed, self.device)
            for stage, ranker in zip(STAGES, trained, strict=True):
                (folder / stage).mkdir()
                ranker.save(folder / stage)

        stages = {"early": early.table(), "late": late.table(), "formula": formula.formula}
        return self._piece("cascade", build, cascade=settings.table(), **stages, **self._trained_on())

    def _trained_on(self) -> dict[str, Any]:
        """What is in the recipe of everything that is trained."""
        made_from = {"logs": [one.name for one in self.served], "towers": self.towers.name}
        return {**made_from, "replica": self.funnel.replica, "device": self.device}

    def _load(self, piece: Piece) -> Ranker:
        return Ranker.load(self.store.ensure(piece))

    def _piece(self, kind: str, build: Callable[[Path], None], **recipe: Any) -> Piece:
        return Piece(kind, {"seed": self.seed, **recipe}, build)
