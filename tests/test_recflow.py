"""The layout of stage logs that is shared by the export and the audit."""

from pathlib import Path

from funnel.intake import recflow
from funnel.tasks import TASK


def test_every_task_has_one_label_column_and_every_column_stands_once():
    assert {*recflow.TASK_COLUMNS, *recflow.OWN_LABELS} == TASK.keys()
    assert set(recflow.TASK_COLUMNS.values()) <= set(recflow.FEEDBACK)
    assert not recflow.COLUMNS.keys() & recflow.EXTRA.keys()
    assert len(recflow.COLUMNS) == 30


def test_arrays_hold_columns_of_the_layout():
    for columns in (recflow.SEQUENCE, recflow.CANDIDATE, recflow.COUNTED):
        assert set(columns) <= recflow.COLUMNS.keys() and len(set(columns)) == len(columns)


def test_every_stage_has_a_label_of_its_own_for_what_it_cut():
    cuts = list(recflow.CUT.values())
    assert set(cuts) <= set(recflow.LABELS) and len(set(cuts)) == len(cuts)


def test_the_docs_tell_of_every_column():
    text = (Path(__file__).parents[1] / "docs" / "audit.md").read_text()
    assert [name for name in (*recflow.COLUMNS, *recflow.EXTRA) if f"`{name}`" not in text] == []
