"""The guide to scenarios is true: its blocks make the shipped file, and every line that it recommends is understood."""

import re
from pathlib import Path

import pytest

from funnel.scenario.file import load
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import Scenario
from funnel.scenario.sweep.spec import Sweep

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "scenario_guide.md").read_text()
NAME = "creator_affinity_late_only"
BLOCKS = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
END = next(place for place, block in enumerate(BLOCKS) if block.startswith("[verdict]")) + 1
SHIPPED, FURTHER = "".join(BLOCKS[:END]), BLOCKS[END:]
ROUNDS = next(block for block in FURTHER if block.startswith("rounds"))
LOOPED = ("[patch.loop]", "[patch.world.drift]", "[arms.late_first]")
"""beginnings of the blocks that speak of rounds"""
LINES = re.findall(r"^\|[^|]*\| `([^`]*)` \|", GUIDE, re.M)


@pytest.fixture
def parsed(tmp_path):
    """Loads a text as the scenario of the guide, beside the shipped bases."""
    (tmp_path / "base").symlink_to(ROOT / "scenarios" / "base")

    def parse(text: str) -> Scenario | Sweep | Rounds:
        path = tmp_path / f"{NAME}.toml"
        path.write_text(text)
        return load(path)

    return parse


def test_the_blocks_of_the_walk_are_the_shipped_scenario(parsed):
    assert parsed(SHIPPED) == load(NAME)


@pytest.mark.parametrize("block", FURTHER)
def test_every_further_block_can_be_added(parsed, block):
    if block.startswith("[patch]"):  # of which a file has one
        block, shipped = "", SHIPPED.replace("[patch]\n", block)
    else:
        shipped = ROUNDS * block.startswith(LOOPED) + SHIPPED
    found = parsed(shipped + block if block.startswith("[") else block + shipped)
    assert isinstance(found, Sweep) == block.startswith("[sweep") and found != load(NAME)
    assert isinstance(found, Rounds) == block.startswith((ROUNDS, *LOOPED))


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_tables_makes_an_arm_of_its_own(parsed, line):
    arm = parsed(f'{SHIPPED}[arms.repair]\nat = ["late"]\ncontrol = "late_only"\n{line}\n').arms["repair"]
    assert arm not in list(load(NAME).arms.values())


def test_the_table_has_every_repair_of_the_shipped_scenario():
    shipped = (ROOT / "scenarios" / "bubble_repairs.toml").read_text()
    words = ["keep", "segments", "quota", "boost", "bypass", "budget", "distil", "privileged", "negatives", "cascade"]
    words += ["fusion", "calibration", "exploration", "threshold"]
    assert all(re.search(rf"\b{word}\b", shipped) and any(word in line for line in LINES) for word in words)


def test_every_file_that_the_guide_names_is_there():
    named = re.findall(r"`((?:scenarios|funnel)/[\w/]+\.\w+)`", GUIDE) + [
        f"docs/{link}" for link in re.findall(r"\]\((\w+\.md)\)", GUIDE)
    ]
    assert len(named) > 8 and [path for path in named if not (ROOT / path).exists()] == []
