"""What the README shows is true: its program runs, and every file of its tree is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_program_runs(tmp_path, monkeypatch, capsys):
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    program = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    assert len(program.splitlines()) <= 18
    exec(compile(program, "README.md", "exec"), {})
    told = capsys.readouterr().out
    assert "late_only" in told and "recall" in told


def test_every_place_of_the_tree_is_there():
    tree = re.search(r"```\n(funnel/\n.*?)```", README, re.S).group(1)
    folder, missing = Path(), []
    for line in tree.splitlines():
        name = line.strip().split("  ")[0]
        if not name:
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        folder = Path(*folder.parts[:depth]) / name
        missing += [] if (ROOT / folder).exists() else [str(folder)]
    assert missing == []


def test_every_make_command_is_a_target():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= targets


def test_every_link_into_the_project_leads_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []
