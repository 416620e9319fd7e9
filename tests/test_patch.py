"""The laws of patches, on random tables and on worked examples."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import SpecError
from funnel.patch import assign, diff, leaves, merge

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "c"])
NAMES = st.sampled_from(["users", "items", "model", "kind", "features"])
VALUES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=5)


@given(TABLES, TABLES)
def test_the_difference_turns_the_base_into_the_other(base, other):
    assert merge(base, diff(base, other)) == other


@given(TABLES)
def test_the_empty_patch_changes_nothing_and_equal_tables_have_no_difference(table):
    assert merge(table, {}) == table
    assert diff(table, table) == {}


@given(TABLES, TABLES)
def test_no_input_is_changed_and_nothing_is_shared(base, other):
    kept = deepcopy((base, other))
    patch = diff(base, other)
    merged = merge(base, patch)
    for value in merged.values():
        if isinstance(value, dict | list):
            value.clear()
    assert (base, other) == kept


@given(TABLES, st.integers())
def test_assigning_is_merging_a_patch_of_one_value(table, value):
    tables = {"world": dict.fromkeys(table, 1)}
    assert assign(tables, "world.friends.mean", value) == merge(tables, {"world": {"friends": {"mean": value}}})


def test_the_same_kind_merges_field_by_field_and_another_kind_starts_anew():
    base = {"model": {"kind": "mmoe", "experts": 4, "tower": [16]}}
    assert merge(base, {"model": {"kind": "mmoe", "experts": 8}}) == {
        "model": {"kind": "mmoe", "experts": 8, "tower": [16]}
    }
    assert merge(base, {"model": {"experts": 8}}) == {"model": {"kind": "mmoe", "experts": 8, "tower": [16]}}
    assert merge(base, {"model": {"kind": "shared_bottom"}}) == {"model": {"kind": "shared_bottom"}}


def test_a_list_is_replaced_or_changed_by_name():
    base = {"features": ["age", "content", "duration"]}
    assert merge(base, {"features": ["age"]}) == {"features": ["age"]}
    changed = {"features": {"add": ["bubble_count"], "remove": ["content"]}}
    assert merge(base, changed) == {"features": ["age", "duration", "bubble_count"]}
    assert diff(base, merge(base, changed)) == changed


def test_an_entry_of_a_table_is_taken_out_by_name():
    assert merge({"formula": {"like": 1.0, "share": 2.0}}, {"formula": {"remove": ["like"], "hide": -3.0}}) == {
        "formula": {"share": 2.0, "hide": -3.0}
    }


def test_every_problem_is_told_at_once_with_its_path():
    base = {"early": {"features": ["age", "content"], "formula": {"like": 1.0}, "keep": 100}}
    patch = {
        "early": {
            "features": {"add": ["age", "age"], "remove": ["contnt"], "drop": ["age"]},
            "formula": {"remove": ["lik"]},
            "keep": {"add": [1]},
            "tasks": {"remove": "like"},
        }
    }
    with pytest.raises(SpecError) as caught:
        merge(base, patch, where="arms.both.stages")
    assert caught.value.problems == (
        "arms.both.stages.early.features.drop: `drop` is not a way to change a list. Known: add, remove.",
        "arms.both.stages.early.features.add: `age` should be named once. Found it twice.",
        "arms.both.stages.early.features.remove: `contnt` is not there to remove. Did you mean `content`?",
        "arms.both.stages.early.features.add: `age` is there already.",
        "arms.both.stages.early.formula.remove: `lik` is not there to remove. Did you mean `like`?",
        "arms.both.stages.early.keep.add: should change a list, and there is none to add to.",
        "arms.both.stages.early.tasks.remove: should be a list. Found 'like'.",
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", "path: should be names with dots between them, as in `base.world.users`."),
        ("world.", "world.: should be names with dots between them, as in `base.world.users`."),
        ("seeds.world", "seeds.world: `seeds` should be a table. Found 3."),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path, told):
    with pytest.raises(SpecError) as caught:
        assign({"seeds": 3}, path, 1)
    assert str(caught.value) == told


def test_leaves_are_told_by_their_paths():
    table = {"world": {"users": 5, "friends": {"mean": 2.0}}, "tasks": ["like"], "empty": {}}
    assert list(leaves(table)) == [("world.users", 5), ("world.friends.mean", 2.0), ("tasks", ["like"])]
