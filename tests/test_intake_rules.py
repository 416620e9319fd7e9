"""Bad input: every rule with its whole text, and that a lenient load is the load of the sound rows."""

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest
from folders import FRIENDS, ITEM_TABLE, USER_TABLE, interactions, whole, write, write_all
from hypothesis import given, settings
from hypothesis import strategies as st
from test_intake import same

from funnel.errors import InputError, SpecError
from funnel.intake.drops import Drop
from funnel.intake.load import load

SOUND = interactions()
CORRECT = "Correct the file"


@dataclass(frozen=True)
class Bad:
    """Rows that break one rule, put behind those of a sound table."""

    file: str
    rows: list[str]
    rule: str
    remedy: str = CORRECT
    columns: dict[str, str] = field(default_factory=dict)
    """columns that the table gets first, and what its sound rows have in them"""


SINGLE = "Take the repeats out"
UNIT = f"{CORRECT}, or name the unit in columns.toml"
ROWS = {
    "missing id": Bad("interactions.csv", [",i1,1,2000"], "`user` should be given"),
    "missing weight": Bad("interactions.csv", ["u0,i1,,2000", "u1,i1,,2000"], "`weight` should be given"),
    "too few fields": Bad("interactions.csv", ["u0,i1,4"], "`time` should be given"),
    "too many fields": Bad("interactions.csv", ["u0,i1,4,2000,7"], "a row should have as many fields as the header"),
    "a word": Bad("interactions.csv", ["u0,i1,many,2000"], "`weight` should be a finite number"),
    "NaN": Bad("interactions.csv", ["u0,i1,NaN,2000"], "`weight` should be a finite number"),
    "infinite": Bad("interactions.csv", ["u0,i1,inf,2000"], "`weight` should be a finite number"),
    "negative weight": Bad("interactions.csv", ["u0,i1,-1,2000"], "a weight should be above 0"),
    "zero weight": Bad("interactions.csv", ["u0,i1,0,2000"], "a weight should be above 0"),
    "negative time": Bad(
        "interactions.csv", ["u0,i1,1,-1"], "`time` should be a date or seconds since 1970, up to the year 2200", UNIT
    ),
    "milliseconds": Bad(
        "interactions.csv",
        ["u0,i1,1,1650485801301"],
        "`time` should be a date or seconds since 1970, up to the year 2200",
        UNIT,
    ),
    "repeated": Bad("interactions.csv", ["u0,i1,9,1001"], "the same user, item and time should stand once", SINGLE),
    "too early": Bad(
        "interactions.csv",
        ["u0,i1,1,900"],
        "an interaction should not come before its item is published",
        "Correct the times, which are out of order",
    ),
    "unknown item": Bad("interactions.csv", ["u0,i99,1,2000"], "`item` should stand in items.csv", "Add the item"),
    "unknown user": Bad("interactions.csv", ["u99,i1,1,2000"], "`user` should stand in users.csv", "Add the user"),
    "self-friend": Bad("friends.csv", ["u2,u2"], "a user should not be their own friend"),
    "stranger": Bad("friends.csv", ["u9,u2"], "`user` should have an interaction", "Take the friendship out"),
    "stranger as friend": Bad(
        "friends.csv", ["u2,u9"], "`friend` should have an interaction", "Take the friendship out"
    ),
    "repeated friend": Bad("friends.csv", ["u0,u1"], "a direction of a friendship should stand once", SINGLE),
    "friend of no weight": Bad("friends.csv", ["u3,u0,-2"], "a weight should be above 0", columns={"weight": "1"}),
    "item again": Bad("items.csv", ["i1,c9,99,900"], "`item` should stand once"),
    "no duration": Bad("items.csv", ["i98,c9,0,900"], "a duration should be above 0"),
    "user again": Bad("users.csv", ["u1"], "`user` should stand once"),
}
TABLES = {"interactions.csv": SOUND, "friends.csv": FRIENDS, "items.csv": ITEM_TABLE, "users.csv": USER_TABLE}


def table(bad: Bad) -> list[str]:
    """The sound lines that the bad rows come behind, header first."""
    header, *rows = TABLES[bad.file].splitlines()
    return [",".join([header, *bad.columns]), *(",".join([row, *bad.columns.values()]) for row in rows)]


@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_strict_every_rule_says_file_rows_and_remedy(tmp_path, bad):
    lines = table(bad)
    folder = write_all(tmp_path / "mine", TABLES | {bad.file: "\n".join([*lines, *bad.rows])})
    with pytest.raises(InputError) as caught:
        load(folder)
    count, drops = f"1 row against it (row {len(lines)})", "drops it"
    if len(bad.rows) > 1:
        count, drops = f"{len(bad.rows)} rows against it (first: row {len(lines)})", "drops them"
    assert str(caught.value) == (
        f"{folder / bad.file}: {bad.rule}. Found {count}. {bad.remedy}, or run with --lenient, which {drops}."
    )


@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_a_lenient_load_is_the_load_of_the_sound_rows_and_counts_the_others(tmp_path, bad):
    lines = table(bad)
    sound = load(write_all(tmp_path / "sound", TABLES | {bad.file: "\n".join(lines)}))
    folder = write_all(tmp_path / "mine", TABLES | {bad.file: "\n".join([*lines, *bad.rows])})
    data = load(folder, lenient=True)
    assert same(data, sound)
    assert data.dropped == (Drop(bad.file, bad.rule, len(bad.rows), bad.remedy),)


def test_all_problems_of_all_files_are_told_at_once(tmp_path):
    bad = [case for case in ROWS.values() if not case.columns and case.file != "items.csv"]
    files = {
        file: text + "".join(f"{row}\n" for case in bad if case.file == file for row in case.rows)
        for file, text in TABLES.items()
    }
    with pytest.raises(InputError) as caught:
        load(write_all(tmp_path / "mine", files))
    told = {problem.split(": ", 1)[1].split(". Found")[0] for problem in caught.value.problems}
    assert told == {case.rule for case in bad}


def test_without_times_a_pair_stands_once(tmp_path):
    text = "user,item\n" + "".join(f"u{user},i{item}\n" for user in range(2) for item in range(10)) + "u0,i0\n"
    folder = write(tmp_path / "mine", interactions_csv=text)
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder / 'interactions.csv'}: the same user and item should stand once. Found 1 row against it (row 21). "
        "Take the repeats out, or run with --lenient, which drops it."
    )


def test_rows_in_another_encoding_are_named_where_they_matter(tmp_path):
    folder = whole(
        tmp_path / "mine", interactions_csv=SOUND.encode() + "ué,i1,1,2000\nuü,i1,1,2000\n".encode("latin-1")
    )
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder / 'interactions.csv'}: `user` should be UTF-8. Found 2 rows against it (first: row 25). "
        "Write the file in UTF-8, or run with --lenient, which drops them."
    )
    data = load(folder, lenient=True)
    assert [drop.rows for drop in data.dropped] == [2]


def test_columns_that_nobody_reads_may_be_in_any_encoding(tmp_path):
    titles = "item,title\n" + "".join(f"i{item},été\n" for item in range(12))
    assert load(whole(tmp_path / "mine", items_csv=titles.encode("latin-1"))).dropped == ()


def test_names_in_utf_8_are_kept(tmp_path):
    text = SOUND.replace("u0,", "müller,").replace("u1,", "Ωmega,")
    data = load(write(tmp_path / "mine", interactions_csv="\ufeff" + text))
    assert data.user_ids.tolist() == ["müller", "u2", "u3", "Ωmega"]


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(
    ("files", "file", "problem"),
    [
        (
            {"interactions_csv": SOUND.replace("user", "usr", 1)},
            "interactions.csv",
            "should have all columns that are needed. `user` is not a column of the file. Did you mean `usr`? Add it, "
            "or say in columns.toml what it is called: interactions.user.",
        ),
        (
            {"columns_toml": '[interactions]\ntime = "timme"'},
            "interactions.csv",
            "should have the column that columns.toml names. interactions.time: `timme` is not a column of the file. "
            "Did you mean `time`?",
        ),
        (
            {"interactions_csv": SOUND.replace("weight", "user", 1)},
            "interactions.csv",
            "should have each column once. Found `user` again. Rename the others.",
        ),
        (
            {"interactions_csv": SOUND.replace("time", "rating", 1)},
            "interactions.csv",
            "should have a weight or a rating. Found both. Take one of them out.",
        ),
        (
            {"interactions_csv": b""},
            "interactions.csv",
            "should be a table. Found 0 bytes. Write the file again, or take it away.",
        ),
        (
            {"friends_csv": b""},
            "friends.csv",
            "should be a table. Found 0 bytes. Write the file again, or take it away.",
        ),
        (
            {"interactions_csv": "user,item,weight,time\n"},
            "interactions.csv",
            "should have rows. Found a header alone. Write the file again.",
        ),
        (
            {"interactions_csv": SOUND.encode("utf-16")},
            "interactions.csv",
            "should be a readable csv file. Found: text in another encoding than UTF-8. Write it in UTF-8.",
        ),
        (
            {"users_csv": b"", "users_parquet": b"no parquet at all"},
            "",
            "should hold one table `users`. Found users.csv, users.parquet. Keep one of them.",
        ),
        (
            {"columns_toml": '[interactions]\nfile = "interaction.csv"'},
            "columns.toml",
            "interactions.file: `interaction.csv` is not a file of the folder. Did you mean `interactions.csv`?",
        ),
        (
            {"columns_toml": '[interactions]\nusr = "uid"'},
            "columns.toml",
            "interactions.usr: `usr` is not a known key. Did you mean `user`?",
        ),
        (
            {"columns_toml": 'layout = "hetrek"'},
            "columns.toml",
            "layout: `hetrek` is not a known choice. Did you mean `hetrec`?",
        ),
        (
            {"columns_toml": "[interactions"},
            "columns.toml",
            "should be TOML in UTF-8. Expected ']' at the end of a table declaration (at end of document).",
        ),
    ],
)
def test_what_cannot_be_dropped_is_an_error_either_way(tmp_path, files, file, problem, lenient):
    folder = whole(tmp_path / "mine", **files)
    with pytest.raises(InputError) as caught:
        load(folder, lenient)
    assert str(caught.value) == f"{folder / file if file else folder}: {problem}"


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_a_damaged_file_is_told_without_a_traceback(tmp_path, suffix):
    folder = write_all(tmp_path / "mine", {f"interactions{suffix}": b"neither the one nor the other"})
    with pytest.raises(InputError) as caught:
        load(folder)
    told = str(caught.value)
    assert told.startswith(f"{folder}/interactions{suffix}: should be a readable {suffix[1:]} file. Found: ")
    assert told.endswith(". Write it again.")


def test_a_type_that_cannot_be_an_id_is_told(tmp_path):
    folder = write_all(tmp_path / "mine", {})
    pl.DataFrame({"user": [1.0, 2.0], "item": [1, 2], "weight": [[1], [2]]}).write_parquet(
        folder / "interactions.parquet"
    )
    with pytest.raises(InputError) as caught:
        load(folder)
    path = folder / "interactions.parquet"
    assert caught.value.problems == (
        f"{path}: `user` should hold whole numbers or text. Found Float64. Write it so.",
        f"{path}: `weight` should hold numbers. Found List(Int64). Write it so.",
    )


def test_an_empty_friends_file_is_as_if_it_were_not_there(tmp_path):
    folder = whole(tmp_path / "mine", friends_csv="user,friend\n")
    with pytest.raises(InputError) as caught:
        load(folder)
    rule, remedy = "should have rows. Found a header alone", "Take the file away if there is nothing to tell"
    assert (
        str(caught.value)
        == f"{folder / 'friends.csv'}: {rule}. {remedy}, or run with --lenient, which goes on without the file."
    )
    data = load(folder, lenient=True)
    assert data.friends is None
    assert data.dropped == (Drop("friends.csv", rule, 0, remedy),)


@pytest.mark.parametrize("lenient", [False, True])
def test_too_little_left_is_an_error(tmp_path, lenient):
    folder = write(tmp_path / "mine", interactions_csv="user,item\nu0,i0\nu0,i1\n")
    with pytest.raises(InputError) as caught:
        load(folder, lenient)
    path = folder / "interactions.csv"
    assert caught.value.problems == (
        f"{path}: should have sound rows of at least 2 users. Found 1. Bring more data.",
        f"{path}: should have sound rows of at least 10 items. Found 2. Bring more data.",
    )


def test_a_folder_of_no_layout_a_file_and_nothing_at_all(tmp_path):
    folder = write(tmp_path / "mine", plays_csv="user,item\n")
    for source, problem in (
        (folder, "should hold a table `interactions`. Found plays.csv. See docs/real_data.md for what a folder holds."),
        (folder / "plays.csv", "should be a folder. Found a file. Name the folder that holds it."),
        (tmp_path / "none", "should be a folder. Found nothing there. Put the data there, or correct the path."),
    ):
        with pytest.raises(InputError) as caught:
            load(source)
        assert str(caught.value) == f"{source}: {problem}"


BYTES = [
    b"",
    b",",
    b"\n",
    b'"',
    b"\xff",
    b"\0",
    b"nan",
    b"1e400",
    b"-1",
    b"u1",
    b"\r",
    b"2020-13-45",
    b"\t",
    b"\xef\xbb\xbf",
]


EDITS = st.tuples(st.sampled_from(sorted(TABLES)), st.floats(0, 1), st.integers(0, 4), st.sampled_from(BYTES))
"""which file, where in it, how much is taken out, what is put in"""


@given(
    edits=st.lists(EDITS, max_size=4),
    lenient=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_bytes_end_in_anything_but_a_dataset_or_an_input_error(tmp_path_factory, edits, lenient):
    files = {file: text.encode() for file, text in TABLES.items()}
    for file, share, length, put in edits:
        place = round(share * len(files[file]))
        files[file] = files[file][:place] + put + files[file][place + length :]
    folder = write_all(tmp_path_factory.mktemp("mine"), files)
    with suppress(InputError):
        data = load(folder, lenient)
        assert data.users >= 2 and data.items >= 10
        assert np.isfinite(data.weight).all() and (data.weight > 0).all()


def test_lenient_may_leave_nothing_and_then_says_what_was_dropped(tmp_path):
    folder = write(tmp_path / "mine", interactions_csv="user,item,weight\nu0,i0,0\n")
    with pytest.raises(InputError) as caught:
        load(folder, lenient=True)
    assert caught.value.problems == (
        f"{folder}/interactions.csv: should have sound rows of at least 2 users. Found 0. Bring more data.",
        f"{folder}/interactions.csv: should have sound rows of at least 10 items. Found 0. Bring more data.",
        f"{folder}/interactions.csv: a weight should be above 0. Found 1 row against it (row 1). Correct the file.",
    )


def test_an_input_error_is_a_spec_error_so_that_the_command_line_tells_it_alike():
    assert issubclass(InputError, SpecError)
    assert InputError(["a", "b"]).problems == ("a", "b")


def test_a_dropped_row_has_no_say_in_who_is_there(tmp_path):
    """A user whose only row is bad is gone, and so are their friendships."""
    folder = whole(
        tmp_path / "mine",
        interactions_csv=SOUND + "u9,i1,-1,2000\n",
        friends_csv=FRIENDS + "u9,u0\n",
        users_csv=USER_TABLE + "u9\n",
    )
    data = load(folder, lenient=True)
    assert same(data, load(whole(tmp_path / "sound")))
    assert np.sum([drop.rows for drop in data.dropped]) == 3
