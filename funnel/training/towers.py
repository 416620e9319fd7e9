"""Fits the two towers by in-batch sampled softmax with popularity correction (Yi et al., RecSys 2019).

The items of a batch are the classes. A popular item is a negative more often than a rare one, which would push it
away; subtracting log Q(item), the log of its share among the positives, undoes that. The paper estimates Q from a
stream; the whole log is at hand here, so Q is counted. Where two rows of a batch hold the same item, neither is the
other's negative.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor

from funnel.errors import DataError, ResultsError
from funnel.features import Towers, table
from funnel.models.blocks import Draws
from funnel.models.two_tower import TwoTower
from funnel.training.batches import Scaling, columns_of
from funnel.training.loop import Descent, fit
from funnel.training.spec import TowersSpec
from funnel.world.observed import Observed

USER_FEATURES = ("interests", "activity", "friend_count", "surface", "intent")
"""the last two have no column in a world without surfaces"""
ITEM_FEATURES = ("content", "duration", "age", "past_views", "past_like_rate")


def sampled_softmax(user: Tensor, item: Tensor, ids: Tensor, log_share: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of picking each row's own item among the items of the batch.

    Args:
        user, item: (B, d), unit vectors of the positive pairs.
        ids: int64 (B,), the items.
        log_share: (B,), log Q of the items.
    """
    same = (ids[:, None] == ids[None, :]).fill_diagonal_(False)
    logits = torch.addmm(torch.where(same, -torch.inf, -log_share), user / temperature, item.T)
    return -logits.log_softmax(1).diagonal().mean()


Log = tuple[pl.DataFrame, Observed]
"""impressions, and what could be observed while they were served"""


@dataclass(frozen=True)
class TrainedTowers:
    """Both networks with the scales of their inputs: vectors for whoever is there, also for items that come later."""

    spec: TowersSpec
    model: TwoTower
    user_scale: Scaling
    item_scale: Scaling

    @torch.inference_mode()
    def vectors(self, observed: Observed) -> Towers:
        """The vectors of all users and items."""
        users, items = (torch.from_numpy(columns) for columns in self.inputs(observed))
        return Towers(self.model.user(users).numpy(), self.model.item(items).numpy())

    def inputs(self, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
        """float32 (U, F) and (I, F'): the scaled features of users and items."""
        users, items = table(USER_FEATURES, "user", observed), table(ITEM_FEATURES, "item", observed)
        return self.user_scale.apply(users), self.item_scale.apply(items)

    def save(self, folder: Path) -> None:
        """Write both into an existing folder."""
        scales = {"user": self.user_scale, "item": self.item_scale}
        arrays = {
            f"{side}_{part}": torch.from_numpy(getattr(scale, part))
            for side, scale in scales.items()
            for part in ("mean", "std")
        }
        torch.save({"weights": self.model.state_dict(), **arrays}, folder / "towers.pt")
        (folder / "towers.json").write_text(json.dumps(self.spec.table(), indent=1))

    @classmethod
    def load(cls, folder: Path, observed: Observed) -> "TrainedTowers":
        """The towers of a folder, which read what can be observed of such a world.

        Raises:
            ResultsError: a file is missing, damaged or of something else.
        """
        try:
            spec = TowersSpec.parse(json.loads((folder / "towers.json").read_text()), "towers")
            kept = torch.load(folder / "towers.pt", weights_only=True)
            model = _model(spec, observed, 0)
            model.load_state_dict(kept["weights"])
            scales = [Scaling(kept[f"{side}_mean"].numpy(), kept[f"{side}_std"].numpy()) for side in ("user", "item")]
            return cls(spec, model.eval(), *scales)
        except Exception as error:  # every way in which foreign bytes fail to be towers
            raise ResultsError(
                f"Towers `{folder.name}`: should hold two trained towers. Found {type(error).__name__}: {error}. "
                "Delete the folder and they are trained again."
            ) from error


def train_towers(
    spec: TowersSpec, logs: Sequence[Log], seed: int, device: str = "cpu", start: TrainedTowers | None = None
) -> TrainedTowers:
    """Towers learnt from the impressions that were viewed to the end or liked.

    Args:
        logs: the oldest first; the newest gives the scales of the inputs, unless there is a start.
        start: towers of the same spec whose weights and scales training starts from; drawn weights if not given.

    Raises:
        DataError: the logs have fewer than two such impressions.
        TrainingError: the loss is not finite.
    """
    liked = [(log.filter((pl.col("long_view") == 1) | (pl.col("like") == 1)), observed) for log, observed in logs]
    count = sum(len(log) for log, _ in liked)
    if count < 2:
        raise DataError(
            f"Two towers: the log should hold at least two impressions with a long view or a like. Found {count} "
            f"in {sum(len(log) for log, _ in logs)} impressions. Log more requests."
        )
    # A start is somebody's model, which stays as it is.
    towers = deepcopy(start) if start else _untrained(spec, logs[-1][1], seed)
    user, item = (_gathered(towers, liked, side).to(device) for side in ("user", "item"))
    _, kind, counts = np.unique(_names(liked), return_inverse=True, return_counts=True)
    log_share = torch.from_numpy(np.log(counts / count).astype(np.float32)[kind]).to(device)
    ids, model = torch.from_numpy(kind).to(device), towers.model.train().to(device)

    def loss(chosen: Tensor) -> Tensor:
        vectors = model.user(user[chosen]), model.item(item[chosen])
        return sampled_softmax(*vectors, ids[chosen], log_share[chosen], spec.temperature)[None]

    fit(Descent(model.parameters(), loss), ("two_tower",), count, spec.train, seed, device)
    model.cpu().eval()
    return towers


def _model(spec: TowersSpec, observed: Observed, seed: int) -> TwoTower:
    user_draws, item_draws = (Draws(seed, columns_of(names, observed)) for names in (USER_FEATURES, ITEM_FEATURES))
    return TwoTower(user_draws, item_draws, spec.hidden, spec.dim)


def _untrained(spec: TowersSpec, observed: Observed, seed: int) -> TrainedTowers:
    """Drawn weights; each input column has mean 0 and sd 1 over users or items."""
    sides: tuple[tuple[tuple[str, ...], Literal["user", "item"]], ...] = (
        (USER_FEATURES, "user"),
        (ITEM_FEATURES, "item"),
    )
    scales = [Scaling.of(table(names, side, observed)) for names, side in sides]
    return TrainedTowers(spec, _model(spec, observed, seed), *scales)


def _gathered(towers: TrainedTowers, logs: Sequence[Log], side: str) -> Tensor:
    """float32 (N, F): the scaled features of one side at the rows of all logs."""
    place = ("user", "item").index(side)
    return torch.from_numpy(
        np.concatenate([towers.inputs(observed)[place][log[side].to_numpy()] for log, observed in logs])
    )


def _names(logs: Sequence[Log]) -> np.ndarray:
    """int64 (N,): the item of each row, so that one that came later is not taken for the one whose number it has."""
    numbers = ((log["item"].to_numpy(), observed) for log, observed in logs)
    return np.concatenate(
        [item + len(observed.arrived) * observed.arrived[item].astype(np.int64) for item, observed in numbers]
    )
