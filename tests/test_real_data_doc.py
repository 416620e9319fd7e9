"""docs/real_data.md says what the code does."""

import re
from pathlib import Path

import pytest
from folders import write_all

from funnel.errors import InputError
from funnel.intake.columns import ColumnsSpec
from funnel.intake.files import SUFFIXES
from funnel.intake.layouts import LAYOUTS
from funnel.intake.layouts.tables import KINDS, NEEDED
from funnel.intake.load import load

DOC = (Path(__file__).parents[1] / "docs" / "real_data.md").read_text()
EXAMPLE = re.search(r"```toml\n(.*?)```", DOC, re.DOTALL).group(1)


def test_the_example_loads_a_folder_that_is_named_so(tmp_path):
    plays = "".join(f"ann,t{track},{track + 1},{1000 * track}\nbob,t{track},1,5000\n" for track in range(10))
    files = {
        "columns.toml": EXAMPLE,
        "plays.csv": "listener,track,plays,played_at\n" + plays,
        "follows.tsv": "from\tto\nbob\tann\n",
        "tracks.csv": "track,artist\n" + "".join(f"t{track},a{track % 2}\n" for track in range(10)),
    }
    data = load(write_all(tmp_path / "mine", files))
    assert data.user_ids.tolist() == ["ann", "bob"]
    assert data.friends.tolist() == [[0, 1]]
    assert data.creator.tolist() == [0, 1] * 5
    assert data.time.max() == 9


def section(title: str) -> str:
    return DOC.split(f"## {title}", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_table_lists_every_column_and_says_which_are_needed():
    told, table = {}, ""
    for name, columns, _, needed in rows(section("1.")):
        table = name.strip("`") or table
        told.setdefault(table, {}).update(dict.fromkeys(re.findall(r"`(\w+)`", columns), needed == "yes"))
    assert told == {table: {name: name in NEEDED[table] for name in kinds} for table, kinds in KINDS.items()}


def test_the_layouts_and_types_of_file_are_all_there():
    assert [row[0].strip("`") for row in rows(section("3."))] == list(LAYOUTS)
    assert set(LAYOUTS) == set(ColumnsSpec.model_fields["layout"].annotation.__args__[0].__args__)
    assert {suffix for suffix in SUFFIXES if not suffix.endswith(".gz")} <= set(re.findall(r"`(\.\w+)`", section("1.")))


def test_the_message_is_the_one_that_is_told(tmp_path):
    text = "user,item,weight\n" + "".join(
        f"u{row // 12},i{row % 12},{0 if row in (6, 7, 8) else 1}\n" for row in range(24)
    )
    with pytest.raises(InputError) as caught:
        load(write_all(tmp_path / "my_folder", {"interactions.csv": text}))
    assert str(caught.value).replace(f"{tmp_path}/", "") in DOC
