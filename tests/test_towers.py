"""The two towers: the loss against its definition, what they learn, and their files."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from logs import log, world
from torch.nn.functional import normalize

from funnel.errors import DataError, ResultsError
from funnel.training.spec import FitSpec, TowersSpec
from funnel.training.towers import TrainedTowers, sampled_softmax, train_towers

SPEC = TowersSpec(dim=8, hidden=16, train=FitSpec(epochs=3, batch=128))


def test_the_loss_is_the_corrected_softmax_written_out():
    """The paper's formula row by row; the second and fourth row hold one item and are not each other's negatives."""
    user, item = normalize(torch.eye(4, 5) + 0.3), normalize(torch.ones(4, 5).tril() + 0.1)
    item[3] = item[1]
    ids, share = torch.tensor([5, 7, 9, 7]), torch.tensor([0.1, 0.6, 0.3, 0.6])
    logits = user @ item.T / 0.2 - share.log()
    rivals = [[0, 1, 2, 3], [0, 1, 2], [0, 1, 2, 3], [0, 2, 3]]
    each = [logits[row, others].logsumexp(0) - logits[row, row] for row, others in enumerate(rivals)]
    loss = sampled_softmax(user, item, ids, share.log(), temperature=0.2)
    torch.testing.assert_close(loss, torch.stack(each).mean())


def test_the_correction_takes_popularity_out():
    """With vectors that know nothing, a popular own item is expected, so it costs less than a rare one."""
    flat = normalize(torch.ones(2, 3))
    share = torch.tensor([0.75, 0.25])
    loss = sampled_softmax(flat, flat, torch.tensor([0, 1]), share.log(), temperature=1.0)
    # Raw logits 1 - log Q: the softmax gives the popular item 1/4 and the rare one 3/4.
    torch.testing.assert_close(loss, -(torch.tensor([0.25, 0.75]).log()).mean())


def trained(seed: int = 0, **options) -> TrainedTowers:
    return train_towers(SPEC, [(log(), world().observed)], seed, **options)


def vectors(seed: int = 0):
    return trained(seed).vectors(world().observed)


def test_vectors_of_all_users_and_items_have_unit_length():
    towers = vectors()
    assert towers.user.shape == (world().users, 8)
    assert towers.item.shape == (world().items, 8)
    for side in (towers.user, towers.item):
        assert side.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_bits():
    first, again, other = map(vectors, (0, 0, 1))
    assert np.array_equal(first.user, again.user)
    assert np.array_equal(first.item, again.item)
    assert not np.array_equal(first.item, other.item)


def test_the_towers_find_what_users_watch():
    """Positives of requests that were held out stand far above the middle of the corpus."""
    towers = vectors()
    held = log(requests=300, seed=1).filter(pl.col("long_view") == 1)
    user, item = held["user"].to_numpy(), held["item"].to_numpy()
    cosines = towers.user[user] @ towers.item.T
    above = (cosines > cosines[np.arange(len(item)), item][:, None]).mean(1)
    assert above.mean() < 0.35


def test_a_log_without_positives_is_an_error():
    cold = log().with_columns(pl.lit(0.0, pl.Float32).alias(name) for name in ("long_view", "like"))
    with pytest.raises(DataError) as error:
        train_towers(SPEC, [(cold, world().observed)], seed=0)
    assert str(error.value) == (
        "Two towers: the log should hold at least two impressions with a long view or a like. Found 0 in 6000 "
        "impressions. Log more requests."
    )


def test_saved_towers_are_the_same_bits(tmp_path):
    towers = trained()
    towers.save(tmp_path)
    kept = TrainedTowers.load(tmp_path, world().observed).vectors(world().observed)
    assert np.array_equal(kept.user, towers.vectors(world().observed).user)
    assert np.array_equal(kept.item, towers.vectors(world().observed).item)


def test_damaged_towers_are_an_error_with_a_remedy(tmp_path):
    folder = tmp_path / "towers-1"
    folder.mkdir()
    (folder / "towers.json").write_text(json.dumps(SPEC.table()))
    (folder / "towers.pt").write_bytes(b"no weights")
    with pytest.raises(ResultsError) as error:
        TrainedTowers.load(folder, world().observed)
    assert str(error.value).startswith("Towers `towers-1`: should hold two trained towers. Found ")
    assert str(error.value).endswith(". Delete the folder and they are trained again.")


def test_training_goes_on_from_a_start_that_stays_as_it_was():
    start = trained()
    before = start.vectors(world().observed)
    further = trained(start=start)
    assert not np.array_equal(further.vectors(world().observed).user, before.user)
    assert np.array_equal(start.vectors(world().observed).user, before.user)
    assert further.user_scale is not None and np.array_equal(further.user_scale.mean, start.user_scale.mean)


def test_an_item_that_came_later_is_another_class_than_the_one_whose_number_it_has():
    """Two rows of one item are no negatives of each other; of two that had its number after each other they are."""
    observed = world().observed
    later = replace(observed, arrived=observed.arrived + np.int16(1))
    same = train_towers(SPEC, [(log(), observed), (log(), observed)], 0).vectors(observed)
    other = train_towers(SPEC, [(log(), observed), (log(), later)], 0).vectors(observed)
    assert not np.array_equal(same.item, other.item)
