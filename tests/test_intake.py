"""From a folder to a dataset: what a sound one comes to, and what makes no difference to it."""

import gzip
import io
from dataclasses import fields

import numpy as np
import polars as pl
import pytest
from folders import FRIENDS, ITEM_TABLE, ITEMS, USERS, interactions, whole, write, write_all
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.errors import InputError
from funnel.intake.dataset import Dataset
from funnel.intake.load import content, load

TABLES = ("interactions", "friends", "items", "users")


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two datasets hold the same, wherever they came from."""
    names = [field.name for field in fields(Dataset) if field.name not in ("name", "files", "events", "dropped")]
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def tables(folder):
    return {name: pl.read_csv(folder / f"{name}.csv") for name in TABLES}


def test_a_sound_folder_comes_to_compact_arrays(tmp_path):
    data = load(whole(tmp_path / "mine"))
    assert (data.name, data.layout, data.measure, data.users, data.items) == ("mine", "tables", "count", USERS, ITEMS)
    assert [path.name for path in data.files] == [f"{name}.csv" for name in TABLES]
    assert data.user_ids.tolist() == ["u0", "u1", "u2", "u3"]
    assert data.item_ids.tolist() == sorted(f"i{item}" for item in range(ITEMS))
    assert data.friends.tolist() == [[0, 1], [1, 2]]
    assert data.friend_weight is None
    first = data.item_ids[data.item[0]], data.weight[0], data.time[0]
    assert first == ("i1", 2, 1001)
    ninth = data.item_ids.tolist().index("i9")
    assert [data.creator[ninth], data.duration[ninth], data.published[ninth]] == [0, 19, 909]
    assert data.dropped == ()


def test_arrays_have_the_types_that_the_dataset_promises(tmp_path):
    data = load(whole(tmp_path / "mine", friends_csv="user,friend,weight\nu0,u1,2\n"))
    types = {
        "user": np.int32,
        "item": np.int32,
        "weight": np.float32,
        "time": np.float64,
        "friends": np.int32,
        "friend_weight": np.float32,
        "creator": np.int32,
        "duration": np.float32,
        "published": np.float64,
    }
    assert {name: getattr(data, name).dtype for name in types} == types
    order = np.lexsort((data.item, data.time, data.user))
    assert order.tolist() == list(range(len(order)))


def test_what_a_folder_has_not_is_none(tmp_path):
    pairs = "user,item\n" + "".join(f"u{user},i{item}\n" for user in range(2) for item in range(10))
    data = load(write(tmp_path / "mine", interactions_csv=pairs))
    absent = ("time", "friends", "friend_weight", "events", "creator", "duration", "published")
    assert {name: getattr(data, name) for name in absent} == dict.fromkeys(absent)
    assert (data.measure, set(data.weight.tolist())) == ("event", {1.0})


@pytest.mark.parametrize(("column", "measure"), [("weight", "count"), ("rating", "rating")])
def test_the_column_tells_what_a_weight_is(tmp_path, column, measure):
    data = load(write(tmp_path / "mine", interactions_csv=interactions().replace("weight", column, 1)))
    assert data.measure == measure
    assert data.weight[:3].tolist() == [2, 4, 6]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".dat", ".csv.gz", ".parquet", ".feather"])
def test_the_type_of_the_files_makes_no_difference(tmp_path, suffix):
    sound = whole(tmp_path / "sound")
    other = {f"{name}{suffix}": written(frame, suffix) for name, frame in tables(sound).items()}
    assert same(load(write_all(tmp_path / "other", other)), load(sound))


def written(frame: pl.DataFrame, suffix: str) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".parquet":
        frame.write_parquet(buffer)
    elif suffix == ".feather":
        frame.with_columns(pl.col(pl.String).cast(pl.Categorical)).write_ipc(buffer)
    else:
        frame.write_csv(buffer, separator="," if ".csv" in suffix else "\t")
    return gzip.compress(buffer.getvalue()) if suffix.endswith(".gz") else buffer.getvalue()


@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_makes_no_difference(tmp_path_factory, seed):
    sound = whole(tmp_path_factory.mktemp("sound"))
    shuffled = {
        f"{name}.csv": frame.sample(fraction=1, shuffle=True, seed=seed).write_csv()
        for name, frame in tables(sound).items()
    }
    assert same(load(write_all(tmp_path_factory.mktemp("other"), shuffled)), load(sound))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 2)), max_size=40))
@settings(max_examples=25, deadline=None)
def test_lenient_interactions_are_the_set_of_the_rows(tmp_path_factory, rows):
    every = [(user, item, 0) for user in range(2) for item in range(10)] + rows
    text = "user,item,time\n" + "".join(f"{user},{item},{time}\n" for user, item, time in every)
    data = load(write(tmp_path_factory.mktemp("mine"), interactions_csv=text), lenient=True)
    ids = zip(data.user_ids[data.user].astype(int), data.item_ids[data.item].astype(int), data.time, strict=True)
    assert list(ids) == sorted(set(every), key=lambda row: (row[0], row[2], row[1]))
    assert sum(drop.rows for drop in data.dropped) == len(every) - len(set(every))


def test_ids_that_are_all_numbers_are_in_order_of_number(tmp_path):
    text = "user,item\n" + "".join(f"{user},{item}\n" for user in (10, 9, 100) for item in range(10))
    assert load(write(tmp_path / "mine", interactions_csv=text)).user_ids.tolist() == ["9", "10", "100"]


def test_ids_are_what_the_file_says_and_blanks_around_them_nothing(tmp_path):
    text = "user,item\n" + "".join(f"{user} , i{item}\n" for user in ("07", "7") for item in range(10))
    assert load(write(tmp_path / "mine", interactions_csv=text)).user_ids.tolist() == ["07", "7"]


def test_blank_lines_at_the_end_are_no_rows(tmp_path):
    text = "user,item\n" + "".join(f"{user},{item}\n" for user in (1, 2) for item in range(10))
    assert len(load(write(tmp_path / "mine", interactions_csv=text + "\n\n")).user) == 20


def test_a_friendship_in_both_directions_is_one_with_their_mean_weight(tmp_path):
    friends = "user,friend,weight\nu1,u0,1\nu0,u1,4\nu3,u2,2\n"
    data = load(whole(tmp_path / "mine", friends_csv=friends))
    assert data.friends.tolist() == [[0, 1], [2, 3]]
    assert data.friend_weight.tolist() == [2.5, 2]


def test_timed_interactions_are_the_events(tmp_path):
    data = load(whole(tmp_path / "mine"))
    user, item, time = data.events
    assert (user is data.user or np.array_equal(user, data.user)) and np.array_equal(item, data.item)
    assert np.array_equal(time, data.time)


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ("unit = 'milliseconds'", ["1000000", "2000000"]),
        ("", ["1970-01-01 00:16:40", "1970-01-01T00:33:20"]),
        ("", ["1000", " 2000"]),
    ],
)
def test_times_are_numbers_in_a_unit_or_dates(tmp_path, said, times):
    text = "user,item,time\n" + "".join(
        f"u{user},i{item},{time}\n" for user in (0, 1) for item, time in enumerate(times * 5)
    )
    data = load(write(tmp_path / "mine", interactions_csv=text, columns_toml=said))
    assert sorted(set(data.time.tolist())) == [1000, 2000]


def test_dates_of_a_typed_file_are_seconds(tmp_path):
    frame = pl.DataFrame({"user": [1, 2] * 10, "item": [i // 2 for i in range(20)], "time": ["1970-01-02"] * 20})
    folder = write_all(tmp_path / "mine", {})
    frame.with_columns(pl.col("time").str.to_date()).write_parquet(folder / "interactions.parquet")
    assert set(load(folder).time.tolist()) == {86400}


def test_users_and_items_without_interactions_are_left_out_and_counted(tmp_path):
    more = {
        "items_csv": ITEM_TABLE + "i98,c7,1,1\ni99,c7,1,1\n",
        "users_csv": "user\n" + "".join(f"u{u}\n" for u in range(5)),
    }
    data = load(whole(tmp_path / "more", **more))
    assert same(data, load(whole(tmp_path / "sound")))
    assert [(drop.file, drop.rule, drop.rows) for drop in data.dropped] == [
        ("users.csv", "`user` should have an interaction to be of use", 1),
        ("items.csv", "`item` should have an interaction to be of use", 2),
    ]


def test_the_toml_names_files_and_columns(tmp_path):
    said = '[interactions]\nfile = "plays.csv"\nuser = "uid"\nweight = "n"\n[friends]\nfriend = "other"\n'
    files = {
        "plays.csv": interactions().replace("user,item,weight", "uid,item,n", 1),
        "columns.toml": said,
        "friends.csv": FRIENDS.replace("friend", "other", 1),
        "items.csv": ITEM_TABLE,
    }
    assert same(load(write_all(tmp_path / "mine", files)), load(whole(tmp_path / "sound")))


def test_the_content_changes_with_what_a_load_reads_and_with_nothing_else(tmp_path):
    sound = whole(tmp_path / "sound")
    told = content(sound)
    assert content(whole(tmp_path / "again")) == told
    assert content(write(tmp_path / "again", readme_md="Hello.")) == told
    assert content(write(tmp_path / "again", columns_toml="unit = 'seconds'")) != told
    assert content(write(sound, friends_csv=FRIENDS + "u3,u0\n")) != told


def test_the_content_of_no_folder_is_an_error(tmp_path):
    with pytest.raises(InputError) as caught:
        content(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: should be a folder. Found nothing there. Put the data there, or correct the path."
    )
