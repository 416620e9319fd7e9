"""Imports point one way, and what must not meet does not meet."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import funnel

ROOT = Path(funnel.__file__).parent
BASE = ["errors", "rng", "shapes", "spec", "patch", "candidates", "select", "tasks", "formula", "schema"]
LAYERS = [
    BASE,
    ["intake"],
    *(["world"], ["features"], ["traffic"], ["closeness"], ["retrieval"], ["models"], ["balancing"], ["training"]),
    *(["stages"], ["metrics"], ["scenario"], ["audit", "calibrate"], ["report"], ["cli"], ["__main__"]),
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def imported(tree: ast.Module) -> set[str]:
    """Full names of all modules that a source imports, wherever the import stands."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in SOURCES else str(node.module) for name in full}
    return names


IMPORTS = {module: imported(tree) for module, tree in SOURCES.items()}


def part(module: str) -> str:
    """The layer's word in a module's name: `funnel.world.friends` is of `world`."""
    return module.split(".")[1] if "." in module else ""


def reach(name: str) -> set[str]:
    """Parts that the modules of one part import, of this package and of others."""
    found = {other for module, names in IMPORTS.items() if part(module) == name for other in names}
    return {part(other) if other.startswith("funnel") else other.split(".")[0] for other in found} - {name}


def test_every_module_has_its_layer():
    assert {part(module) for module in SOURCES} - {""} <= HEIGHT.keys()


def test_imports_point_down_only():
    upward = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if other.startswith("funnel.") and HEIGHT[part(other)] > HEIGHT[part(module)]
    ]
    assert upward == []


def test_no_module_imports_itself_by_a_detour():
    inside = {module: {other for other in others if other in SOURCES} for module, others in IMPORTS.items()}
    TopologicalSorter(inside).prepare()  # raises a CycleError, which names the modules


@pytest.mark.parametrize(
    ("name", "banned"),
    [
        ("retrieval", {"torch"}),
        ("metrics", {"torch", "faiss"}),
        ("report", {"torch", "faiss", "world", "traffic", "closeness", "retrieval", "models", "training", "stages"}),
        ("audit", {"torch", "faiss", "world", "traffic", "closeness", "retrieval", "models", "training", "stages"}),
        ("models", {"balancing", "training"}),
        ("balancing", {"models", "training"}),
        ("traffic", {"torch", "models", "training", "stages"}),
        ("closeness", {"torch", "faiss"}),
    ],
)
def test_what_must_not_meet_does_not_meet(name, banned):
    assert reach(name) & banned == set()


def test_metrics_can_be_used_on_anybodys_table():
    assert reach("metrics") & HEIGHT.keys() <= set(BASE)


def test_metrics_and_report_and_specs_work_without_torch():
    modules = [name for name in SOURCES if part(name) in ("metrics", "audit", "report", "retrieval", "cli")]
    modules += ["funnel.scenario.file", "funnel.scenario.results", "funnel.calibrate.file"]
    code = f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nobody_draws_from_a_generator_without_a_name():
    """Named streams come from `funnel.rng`; elsewhere numpy's generators are only spoken of."""
    told = [
        f"{module}: {ast.unparse(node)}"
        for module, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (
            ast.unparse(node) in ("torch.manual_seed", "torch.seed", "random.seed")
            or (ast.unparse(node.value) == "np.random" and node.attr != "Generator" and module != "funnel.rng")
        )
    ]
    assert told == []
