"""From a folder to a dataset: what a sound one comes to."""

import numpy as np
from folders import whole

from funnel.intake.load import load


def test_a_sound_folder_comes_to_compact_arrays(tmp_path):
    data = load(whole(tmp_path / "mine"))
    assert (data.name, data.layout, data.measure, data.users, data.items) == ("mine", "tables", "count", 4, 12)
    assert data.user_ids.tolist() == ["u0", "u1", "u2", "u3"]
    assert data.item_ids.tolist() == sorted(f"i{item}" for item in range(12))
    assert data.friends.tolist() == [[0, 1], [1, 2]]
    assert data.dropped == ()
    assert [data.user.dtype, data.weight.dtype, data.time.dtype] == [np.int32, np.float32, np.float64]
    first = data.item_ids[data.item[0]], data.weight[0], data.time[0]
    assert first == ("i1", 2, 1001)
