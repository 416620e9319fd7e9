"""Sweeps as they are written: what points they have, and what every mistake is told."""

import pickle

import pytest

from funnel.scenario.axes import AxisSpec
from funnel.scenario.file import load
from funnel.scenario.sweep.spec import Sweep
from tests.projects import ARMS, HEAD, problems, write

KEEP = "[sweep.keep]\nevery.stages.early.keep = [25, 50, 100]\n"
WEIGHT = "[sweep.weight]\nbase.value.formula.bubble_engage = [0.5, 2.0]\nchange.formula.bubble_engage = [0.5, 2.0]\n"


def test_every_point_is_the_scenario_with_its_values_assigned(scenarios):
    write(scenarios, HEAD + ARMS + KEEP + WEIGHT)
    sweep = load("bubbles", preset="smoke", seeds=3, assignments=["base.world.items=800"])
    assert isinstance(sweep, Sweep)
    assert (sweep.name, sweep.seeds, [axis.name for axis in sweep.axes]) == ("bubbles", 3, ["keep", "weight"])
    assert [point.coordinates for point in sweep.points] == [
        {"keep": keep, "weight": weight} for keep in (25, 50, 100) for weight in (0.5, 2.0)
    ]
    write(scenarios, HEAD + ARMS)
    for point in sweep.points:
        keep, weight = point.coordinates.values()
        assignments = [
            "base.world.items=800",
            f"every.stages.early.keep={keep}",
            f"base.value.formula.bubble_engage={weight}",
            f"change.formula.bubble_engage={weight}",
        ]
        assert point.scenario == load("bubbles", preset="smoke", seeds=3, assignments=assignments)


def test_points_that_differ_in_what_all_arms_share_have_one_base(scenarios):
    write(scenarios, HEAD + ARMS + KEEP)
    assert len({point.scenario.base.model_dump_json() for point in load("bubbles").points}) == 1


def test_paths_may_be_quoted_and_an_axis_can_be_assigned(scenarios):
    write(scenarios, HEAD + ARMS + KEEP)
    plain = load("bubbles")
    write(scenarios, HEAD + ARMS + '[sweep.keep]\n"every.stages.early.keep" = [25, 50, 100]\n')
    assert load("bubbles") == plain
    shorter = load("bubbles", assignments=["sweep.keep.every.stages.early.keep=[25, 60]"])
    assert shorter.axes[0].values == (25, 60)


def test_axes_know_their_labels_and_whether_they_are_numbers(scenarios):
    model = "[sweep.model]\nevery.stages.late.model = [{ kind = 'mmoe' }, { kind = 'shared_bottom' }]\n"
    write(scenarios, HEAD + ARMS + model + KEEP)
    model, keep = load("bubbles").axes
    assert (model.values, model.numeric) == (('{"kind": "mmoe"}', '{"kind": "shared_bottom"}'), False)
    assert (keep.values, keep.numeric, keep.label) == ((25, 50, 100), True, "every.stages.early.keep")
    assert load("bubbles").points[1].label == 'model = {"kind": "mmoe"}, keep = 50'


def test_a_preset_keeps_the_ends_of_an_axis(scenarios):
    axis = AxisSpec.model_validate({"every": {"replica": [0, 1, 2, 3, 4]}})
    assert axis.thinned(2).fields == {"every.replica": [0, 4]}
    assert axis.thinned(3).fields == {"every.replica": [0, 2, 4]}
    assert axis.thinned(5) == axis
    write(scenarios, HEAD + ARMS + KEEP)
    (scenarios / "presets" / "smoke.toml").write_text("axis = 2\n")
    assert [point.coordinates["keep"] for point in load("bubbles", preset="smoke").points] == [25, 100]


def test_a_sweep_survives_the_way_to_another_process_and_to_a_file(scenarios):
    write(scenarios, HEAD + ARMS + KEEP)
    sweep = load("bubbles")
    assert pickle.loads(pickle.dumps(sweep)) == sweep
    assert Sweep.parse(sweep.table(), "") == sweep


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[sweep.a]\nseeds = [1, 2]\nevry.replica = [1, 2]\n[sweep.b]\nbase = ['reels']\n",
            (
                "sweep: `a` moves `seeds`, which stays the same at every point. A sweep moves fields of arms, "
                "base, change, every. `a` moves `evry.replica`: `evry` is not a known key. Did you mean `every`? `b` "
                "moves `base`: should be the path of a field, as in `every.stages.early.keep`.",
            ),
        ),
        (
            "[sweep.b]\n[sweep.c]\nevery.stages.early.keep = 25\nevery.replica = []\n",
            (
                "sweep.b: should move a field, as in `every.stages.early.keep = [50, 100]`. Found none.",
                "sweep.c: every.stages.early.keep: should be a list of values. Found 25. every.replica: should hold at "
                "least one value. Found an empty list.",
            ),
        ),
        (
            "[sweep.a]\nevery.stages.early.keep = [25, 50, 25]\nevery.replica = [1, 2]\n",
            (
                "sweep.a: lists should be of one length, since they move together. Found values: 3 for "
                "`every.stages.early.keep`, 2 for `every.replica`. every.stages.early.keep: should hold each value "
                "once, since they label the axis. Found 25 twice.",
            ),
        ),
        (
            KEEP + WEIGHT + "[sweep.third]\nevery.replica = [0, 1]\n",
            ("sweep: should have one axis or two. Found 3: keep, weight, third.",),
        ),
        (
            KEEP + "[sweep.again]\nevery.stages.early.keep = [25]\n",
            ("sweep: should move each field on one axis. Found `every.stages.early.keep` in `keep` and in `again`.",),
        ),
        (
            "[sweep.a]\nbase.wrld.users = [1, 2]\nchange.formula.bubble_engge = [1, 2]\n",
            ("sweep: at every point: change.formula: `bubble_engge` is not a task. Did you mean `bubble_engage`?",),
        ),
        (
            "[sweep.a]\nbase.wrld.users = [1, 2]\n",
            ("sweep: at every point: base.wrld: `wrld` is not a known key. Did you mean `world`?",),
        ),
        (
            "[arms.wide]\nstages.early.keep = 50\n[sweep.keep]\nevery.stages.early.keep = [25, 50, 100, 200, 300]\n",
            (
                "sweep: at keep = 50: arms.wide: should differ from arm `baseline`. Found the same funnel in both. "
                "Remove one, or give it an `at` or a patch of its own.",
                "sweep: at keep = 200: every: stage `early` keeps 200 but receives 120 from `retrieval`. Raise the "
                "budget of a source or lower `stages.early.keep`.",
                "sweep: at keep = 300: every: stage `early` keeps 300 but receives 120 from `retrieval`. Raise the "
                "budget of a source or lower `stages.early.keep`.",
            ),
        ),
    ],
)  # fmt: skip
def test_a_sweep_that_cannot_be_is_told(scenarios, text, told):
    write(scenarios, HEAD + ARMS + text)
    assert problems() == told


def test_what_the_page_of_a_sweep_does_not_tell_is_refused(scenarios):
    write(scenarios, HEAD + ARMS + KEEP)
    contrast = "contrasts.gain={both=1, baseline=-1}"
    assert problems(assignments=["diagnostics=true", "null=true", contrast]) == (
        "contrasts: should be left out of a sweep, whose page does not tell of it. Found "
        '{"gain": {"both": 1.0, "baseline": -1.0}}.',
        "diagnostics: should be left out of a sweep, whose page does not tell of it. Found true.",
        "null: should be left out of a sweep, whose page does not tell of it. Found true.",
    )
