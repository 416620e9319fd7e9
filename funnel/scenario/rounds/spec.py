"""Several rounds resolved: the scenario as it stands in each of them."""

from funnel.scenario.heading import Heading
from funnel.scenario.spec import Scenario


class Rounds(Heading):
    """A feedback loop; its rounds share name, question, seeds, base, verdict and the arms' names."""

    rounds: tuple[Scenario, ...]
    """the first is what a scenario without rounds would be"""

    @property
    def count(self) -> int:
        return len(self.rounds)

    @property
    def last(self) -> Scenario:
        return self.rounds[-1]
