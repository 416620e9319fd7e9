"""A trained ranker: fitted to a log, kept in a folder, asked for probabilities.

Serving never builds the input row. The first layer is affine, so the item side of it is computed once for the catalogue
and the user side once a request; what is left per candidate is a gather, a sum, the pair columns and the body.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from funnel.candidates import Candidates, Requests
from funnel.errors import ResultsError, StageError
from funnel.features import FEATURE, Pairs, Towers, per_candidate, table, tell_of_friends
from funnel.models.blocks import MultiTaskModel
from funnel.training.batches import Period, Rows, Scaling, columns_of, rows
from funnel.training.evaluation import logits_of, mean_losses
from funnel.training.fitting import Learnt, fit_network, initial
from funnel.training.heads import Heads
from funnel.training.lessons import Lessons
from funnel.training.record import Recorder
from funnel.training.spec import RankerSpec
from funnel.world.bubbles import Bubbles, none
from funnel.world.observed import Observed

SCORE = "score"
"""what predictions call a score that is the ranker's own and no task's"""

CACHED_FLOATS = 2**17
"""activations computed at once at serving, so that they stay in a core's cache"""


@dataclass(frozen=True)
class Ranker:
    """A network with the scales of its inputs and targets."""

    spec: RankerSpec
    columns: dict[str, int]
    """columns of each feature, in the order of the input row"""
    model: MultiTaskModel
    heads: Heads
    """what its logits mean"""
    inputs: Scaling
    """of the F input columns"""
    curve: np.ndarray
    """float32 (epochs, T): loss of each task on what training sees: its whole chain, or its sampled labels"""
    held_out_curve: np.ndarray
    """float32 (epochs, T), or (0, T) when nothing was held out: loss of each task on its own held-out labels"""
    kept_epoch: int
    """the epoch whose weights were kept"""

    @property
    def scores(self) -> bool:
        """Whether it has a score of its own, beside its tasks."""
        return self.model.scorer is not None

    @property
    def macs(self) -> int:
        """Multiply-adds a candidate as served: pair features, their share of the first layer, the body."""
        own = [FEATURE[name] for name in self.columns if FEATURE[name].side in ("pair", "context")]
        read = sum(self.columns[feature.name] for feature in own)  # the last columns of a row
        computed = sum(feature.macs for feature in own)
        return computed + int(self.model.column_macs[-read:].sum() if read else 0) + self.model.body_macs

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return self.model.size

    @property
    def feature_bytes(self) -> int:
        """Bytes of features that one candidate's row holds."""
        return 4 * sum(self.columns.values())

    @torch.no_grad()
    def losses(self, data: Rows) -> np.ndarray:
        """float32 (T,): mean loss of each task over the rows with its own label; NaN for a task without one.

        The loss of a regression task is in squared deviations of its labels in training.
        """
        return mean_losses(self.model, self.heads, self._scaled(data), self.heads.targets(data.labels)).numpy()

    @torch.no_grad()
    def predict_rows(self, data: Rows) -> np.ndarray:
        """float32 (N, T): what it expects of each row: probability, expected grade, or mean in the label's unit."""
        logits = torch.cat(list(logits_of(self.model, self._scaled(data))))
        return torch.stack([self.heads.expected(task, column) for task, column in enumerate(logits.T)], 1).numpy()

    def _scaled(self, data: Rows) -> Tensor:
        return torch.from_numpy(self.inputs.apply(data.x))

    def server(self, observed: Observed, towers: Towers, missing: tuple[str, ...] = ()) -> "Server":
        """The ranker made ready for one corpus; features named in `missing` are read as 0."""
        return Server(self, observed, towers, missing)

    def save(self, folder: Path) -> None:
        """Write the ranker into an existing folder."""
        arrays = {
            "input_mean": self.inputs.mean,
            "input_std": self.inputs.std,
            "curve": self.curve,
            "held_out_curve": self.held_out_curve,
        }
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        states = {"weights": self.model.state_dict(), "heads": self.heads.state_dict()}
        torch.save({**states, **tensors}, folder / "ranker.pt")
        face = {"spec": self.spec.table(), "columns": self.columns, "kept_epoch": self.kept_epoch}
        face["scores"] = self.scores
        (folder / "ranker.json").write_text(json.dumps(face, indent=1))

    @classmethod
    def load(cls, folder: Path) -> "Ranker":
        """The ranker of a folder.

        Raises:
            ResultsError: a file is missing, damaged or of something else.
        """
        try:
            face = json.loads((folder / "ranker.json").read_text())
            spec, columns = RankerSpec.parse(face["spec"], "ranker"), face["columns"]
            kept = torch.load(folder / "ranker.pt", weights_only=True)
            model, heads = initial(spec, columns, 0, face["scores"])
            model.load_state_dict(kept["weights"])
            heads.load_state_dict(kept["heads"])
            inputs = Scaling(kept["input_mean"].numpy(), kept["input_std"].numpy())
            curves = kept["curve"].numpy(), kept["held_out_curve"].numpy()
            return cls(spec, columns, model.eval(), heads, inputs, *curves, face["kept_epoch"])
        except Exception as error:  # every way in which foreign bytes fail to be a ranker
            raise ResultsError(
                f"Ranker `{folder.name}`: should hold a trained ranker. Found {type(error).__name__}: {error}. "
                "Delete the folder and it is trained again."
            ) from error


def train_ranker(
    spec: RankerSpec,
    periods: Sequence[Period],
    seed: int,
    device: str = "cpu",
    lessons: Lessons | None = None,
    start: Ranker | None = None,
) -> Ranker:
    """Fit a ranker to logs.

    Args:
        periods: the oldest first; all of them see the same features.
        lessons: what its teachers say, if it has any.
        start: as in `fit_ranker`.

    Raises:
        DataError: a task has no label in the logs.
        TrainingError: a loss is not finite.
    """
    spec = spec.ranker()
    data, columns = rows(spec, periods), columns_of(spec.features, periods[-1].observed)
    return fit_ranker(spec, data, columns, seed, device, lessons=lessons, start=start)


def fit_ranker(
    spec: RankerSpec,
    data: Rows,
    columns: dict[str, int],
    seed: int,
    device: str = "cpu",
    recorder: Recorder | None = None,
    inputs: Scaling | None = None,
    lessons: Lessons | None = None,
    start: Ranker | None = None,
) -> Ranker:
    """Fit a ranker to rows.

    Args:
        data: labels in the order of `spec.tasks`.
        columns: columns of each feature, in the order of the input row.
        recorder: is told how the tasks get along; it changes nothing.
        inputs: the scale of the input columns; the one that gives each mean 0 and deviation 1 in the rows that training
            sees, if not given. Columns of rare categories are better left as they are.
        lessons: what its teachers say of logged candidates; those of held-out requests are left out.
        start: a ranker of the same spec whose weights and scales training starts from; drawn weights if not given.

    Raises:
        DataError: a task has no label in the rows that training sees, or no request can be held out.
        TrainingError: a loss is not finite.
    """
    inputs = start.inputs if start else inputs
    learnt = Learnt(start.model, start.heads) if start else None
    return Ranker(spec, columns, *fit_network(spec, data, columns, seed, device, recorder, inputs, lessons, learnt))


class Server:
    """A ranker over one corpus, with all that does not depend on the request computed beforehand."""

    def __init__(self, ranker: Ranker, observed: Observed, towers: Towers, missing: tuple[str, ...] = ()):
        """
        Args:
            missing: features that the ranker learnt from and that are not there at serving.
        """
        self.ranker, self.observed, self.towers = ranker, observed, towers
        self.features = tuple(name for name in ranker.spec.features if name not in missing)
        with torch.inference_mode():
            weight, bias = ranker.model.first()
            # Scaling is affine, so it is folded into the first layer.
            weight = weight / torch.from_numpy(ranker.inputs.std)[:, None]
            self.bias = bias - torch.from_numpy(ranker.inputs.mean) @ weight
            if missing:  # what is read as 0 adds nothing, so its rows go
                there = [name not in missing for name in ranker.columns]
                weight = weight[torch.from_numpy(np.repeat(there, list(ranker.columns.values())))]
            self.users, items = table(self.features, "user", observed), table(self.features, "item", observed)
            pairs = len(weight) - self.users.shape[1] - items.shape[1]
            self.of_user, of_item, self.of_pair = weight.split([self.users.shape[1], items.shape[1], pairs])
            self.items = torch.from_numpy(items) @ of_item

    @property
    def needs_bubbles(self) -> bool:
        """Whether a feature that is there tells of friends."""
        return tell_of_friends(self.features)

    @torch.inference_mode()
    def predict(self, requests: Requests, candidates: Candidates, bubbles: Bubbles | None) -> dict[str, np.ndarray]:
        """What the ranker expects of every candidate, at position 0.

        Args:
            bubbles: of these requests; not needed when `needs_bubbles` is False.

        Returns:
            float32 (n,) a task: probability, or the expectation in the label's unit (seconds) for a regression task;
            and its own score, if it has one, under `SCORE`.

        Raises:
            StageError: bubbles are needed and not given.
        """
        logits = self.logits(requests, candidates, self.pair_columns(requests, candidates, bubbles))
        heads, tasks = self.ranker.heads, self.ranker.spec.tasks
        means = {task: heads.expected(place, logits[place]).numpy() for place, task in enumerate(tasks)}
        return means | {SCORE: logits[-1].numpy()} if self.ranker.scores else means

    def pair_columns(self, requests: Requests, candidates: Candidates, bubbles: Bubbles | None) -> Tensor:
        """float32 (n, F'): the pair and context features; arguments and errors as in `predict`."""
        if self.needs_bubbles and bubbles is None:
            raise StageError(
                "Ranker: should be given bubbles, since its features tell of friends. Found None. "
                "Join them with `funnel.world.bubbles.join`."
            )
        count = len(candidates)
        bubble = bubbles.at(candidates) if bubbles is not None else np.full(count, -1)
        user, position = requests.user[candidates.request], np.zeros(count, np.float32)
        shown = bubbles or none(len(requests), len(self.observed.creator))
        pairs = Pairs(self.observed, self.towers, user, candidates.item, position, shown, bubble)
        return torch.from_numpy(per_candidate(self.features, pairs))

    def logits(self, requests: Requests, candidates: Candidates, pairs: Tensor) -> Tensor:
        """(T, n), or (T + 1, n) with a score of its own: what the network says of every candidate."""
        users = torch.addmm(self.bias, torch.from_numpy(self.users[requests.user]), self.of_user)
        request, item = torch.from_numpy(candidates.request), torch.from_numpy(candidates.item)
        result = torch.empty(len(self.ranker.spec.tasks) + self.ranker.scores, len(candidates))
        block = max(1, CACHED_FLOATS // users.shape[1])
        # Memory that is taken afresh for every block costs more than what is computed in it.
        buffers = torch.empty(2, block, users.shape[1])
        for start in range(0, len(candidates), block):
            part = slice(start, start + block)
            hidden, of_user = buffers[:, : len(item[part])]
            torch.index_select(self.items, 0, item[part], out=hidden)
            torch.index_select(users, 0, request[part], out=of_user)
            hidden += of_user
            hidden.addmm_(pairs[part], self.of_pair)
            result[:, part] = self.ranker.model.served(hidden).T
        return result
