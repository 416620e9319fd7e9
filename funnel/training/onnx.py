"""A ranker as an ONNX file, which runs where there is neither Python nor torch: rows of features to predictions."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from funnel.errors import SpecError
from funnel.training.batches import Rows
from funnel.training.ranker import Ranker

PACKAGES = ("onnx", "onnxscript")
"""what writing a file needs; checking it needs onnxruntime, too"""
ROWS, PREDICTIONS = "rows", "predictions"
"""names of the input, float32 (n, F), and of the output, float32 (n, T)"""


def check_installed() -> None:
    """Raises SpecError where a file cannot be written."""
    missing = [f"`{package}`" for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise SpecError(
            f"onnx: should find the packages that write ONNX files. Missing: {', '.join(missing)}. Install the extra: "
            "pip install -e '.[onnx]'."
        )


class _Predictor(nn.Module):
    """From rows as they are to what the ranker expects of each, float32 (n, T)."""

    def __init__(self, ranker: Ranker):
        super().__init__()
        self.model, self.heads, self.tasks = ranker.model, ranker.heads, len(ranker.spec.tasks)
        self.register_buffer("mean", torch.from_numpy(ranker.inputs.mean))
        self.register_buffer("std", torch.from_numpy(ranker.inputs.std))

    def forward(self, rows: Tensor) -> Tensor:
        logits = self.model((rows - self.mean) / self.std)
        return torch.stack([self.heads.expected(task, logits[:, task].clone()) for task in range(self.tasks)], 1)


def write_onnx(ranker: Ranker, path: Path) -> None:
    """Writes a ranker, its scales included.

    Raises:
        SpecError: a package is missing.
    """
    check_installed()
    example = torch.zeros(2, sum(ranker.columns.values()))
    count = {"rows": {0: torch.export.Dim("n")}}
    with _quietly():
        program = torch.onnx.export(
            _Predictor(ranker).eval(),
            (example,),
            input_names=[ROWS],
            output_names=[PREDICTIONS],
            dynamic_shapes=count,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        program.save(path)


def onnx_predictions(path: Path, data: Rows) -> np.ndarray | None:
    """float32 (n, T): what a file says of rows; None where onnxruntime is not installed."""
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([PREDICTIONS], {ROWS: data.x})[0]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter tells of packages that are not there and of its own future."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
