"""Fits the two towers by in-batch sampled softmax with popularity correction (Yi et al., RecSys 2019).

The items of a batch are the classes. A popular item is a negative more often than a rare one, which would push it
away; subtracting log Q(item), the log of its share among the positives, undoes that. The paper estimates Q from a
stream; the whole log is at hand here, so Q is counted. Where two rows of a batch hold the same item, neither is the
other's negative.
"""

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


def train_towers(spec: TowersSpec, log: pl.DataFrame, observed: Observed, seed: int, device: str = "cpu") -> Towers:
    """Vectors of all users and items, learnt from the impressions that were viewed to the end or liked.

    Raises:
        DataError: the log has fewer than two such impressions.
        TrainingError: the loss is not finite.
    """
    liked = log.filter((pl.col("long_view") == 1) | (pl.col("like") == 1))
    if len(liked) < 2:
        raise DataError(
            f"Two towers: the log should hold at least two impressions with a long view or a like. Found {len(liked)} "
            f"in {len(log)} impressions. Log more requests."
        )
    users, items = _inputs(USER_FEATURES, "user", observed, device), _inputs(ITEM_FEATURES, "item", observed, device)
    item = liked["item"].to_numpy()
    shares = np.bincount(item, minlength=len(items)) / len(item)
    log_share = torch.from_numpy(np.log(np.maximum(shares, 1 / len(item))).astype(np.float32)).to(device)
    pairs = torch.from_numpy(np.stack([liked["user"].to_numpy(), item])).to(device)
    user_draws, item_draws = (Draws(seed, columns_of(names, observed)) for names in (USER_FEATURES, ITEM_FEATURES))
    model = TwoTower(user_draws, item_draws, spec.hidden, spec.dim).to(device)

    def loss(chosen: Tensor) -> Tensor:
        user, ids = pairs[:, chosen]
        vectors = model.user(users[user]), model.item(items[ids])
        return sampled_softmax(*vectors, ids, log_share[ids], spec.temperature)[None]

    fit(Descent(model.parameters(), loss), ("two_tower",), len(item), spec.train, seed, device)
    with torch.inference_mode():
        return Towers(model.user(users).cpu().numpy(), model.item(items).cpu().numpy())


def _inputs(names: tuple[str, ...], side: Literal["user", "item"], observed: Observed, device: str) -> Tensor:
    """float32 (U or I, F): the features of one side, each column with mean 0 and sd 1 over users or items."""
    columns = table(names, side, observed)
    return torch.from_numpy(Scaling.of(columns).apply(columns)).to(device)


def save_towers(towers: Towers, folder: Path) -> None:
    """Write the vectors into an existing folder, as `.npy` that processes can share by memory map."""
    np.save(folder / "user.npy", towers.user)
    np.save(folder / "item.npy", towers.item)


def load_towers(folder: Path) -> Towers:
    """The vectors of a folder, memory-mapped.

    Raises:
        ResultsError: a file is missing or damaged.
    """
    try:
        # A plain view of the map: numpy.memmap costs microseconds a slice, and requests slice a lot.
        return Towers(*(np.asarray(np.load(folder / f"{side}.npy", mmap_mode="r")) for side in ("user", "item")))
    except (OSError, ValueError) as error:
        raise ResultsError(
            f"Towers `{folder.name}`: should hold the vectors of users and items. Found {error}. "
            "Delete the folder and they are trained again."
        ) from error
