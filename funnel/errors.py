"""Error classes and their wording.

Every message says where, what should hold, what was found, and the remedy when it is not plain.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class FunnelError(Exception):
    """Base of every error that a user's input can cause; the command line prints it without a traceback."""


class SpecError(FunnelError):
    """A spec that cannot be run, found before any work. Holds every problem, one a line."""

    def __init__(self, problems: str | Iterable[str]):
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self):  # an error must survive the way back from a worker process
        return type(self), (self.problems,)


class InputError(SpecError):
    """Files that a user brought break their contract, found before any work. Holds every problem, one a line."""


class ArmError(FunnelError):
    """A piece of an arm cannot be made. The same spec would fail again; other arms may be as sound as ever."""


class DataError(ArmError):
    """A table or an array breaks its schema."""


class StageError(ArmError):
    """A stage received or returned something that breaks its contract; names the stage."""


class TrainingError(ArmError):
    """A model could not be fitted; names the part and the step."""


class ResultsError(FunnelError):
    """An artifact or a results folder is missing, damaged, foreign or of another version."""


def unknown(word: str, known: Iterable[str], what: str) -> str:
    """The sentence for a word that is not in a catalogue, with the nearest known word."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known)}."
    return f"`{word}` is not {what}. {hint}"
