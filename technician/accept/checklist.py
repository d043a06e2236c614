"""The whole checklist, in its order; what was done already is not done again."""

from collections.abc import Callable
from pathlib import Path

from platepost.common.errors import PlatepostError
from platepost.common.language import Phrase, message
from platepost.device.config import Configuration
from platepost.technician.accept import unit
from platepost.technician.accept.dialogue import Terminal
from platepost.technician.accept.result import STEPS, Checkpoint, Result
from platepost.technician.accept.service import AcceptanceCriteria, AtWork
from platepost.technician.technician import Technician

AT_WORK = ("hot list", "alarm", "count", "outage")
"""Steps for which the post runs."""

Step = Callable[[], list[Result]]


class Checklist:
    """One acceptance.

    Args:
        configuration: the post's, which must be stopped.
        technician: who accepts.
        dialogue: how to speak to them.
        limits: what is asked.
        progress: what was done already.

    """

    def __init__(
        self,
        configuration: Configuration,
        technician: Technician,
        dialogue: Terminal,
        *,
        limits: AcceptanceCriteria,
        progress: Checkpoint,
    ) -> None:
        self._configuration = configuration
        self._technician = technician
        self._dialogue = dialogue
        self._limits = limits
        self._progress = progress
        self._folder: Path = configuration.outbox.path.parent

    def run(self) -> list[Result]:
        """Go through every step, and return all results; a step that fails does not keep the next from being tried.

        Raises:
            OSError: what was found cannot be kept.

        """
        configuration, dialogue = self._configuration, self._dialogue
        self._step("board", lambda: unit.board(configuration, dialogue))  # first, for it has an open case closed
        self._step("unit", lambda: unit.unit(configuration))
        self._step("view", lambda: unit.view(configuration))
        self._step("rights", lambda: unit.rights(configuration))
        if not all(self._progress.done(step) for step in AT_WORK):
            self._at_work()
        return [result for results in self._progress.steps.values() for result in results]

    def _at_work(self) -> None:
        try:
            with AtWork(self._configuration, self._technician, self._dialogue, self._limits) as post:
                steps: dict[str, Step] = {
                    "hot list": post.hot_list,
                    "alarm": post.alarm,
                    "count": post.count,
                    "outage": post.outage,
                }
                for name, step in steps.items():
                    self._step(name, step)
                    if name == "hot list" and not self._progress.done(name):
                        return  # without a list the post reads nothing: there is nothing more to see
        except PlatepostError as error:
            point = Phrase("the post at work")
            self._note(point, [Result(point=point, good=False, said=message(error))])

    def _step(self, name: str, step: Step) -> None:
        if self._progress.done(name):
            self._dialogue.say(Phrase("{step}: done before", step=STEPS[name]))
            return
        try:
            results = step()
        except PlatepostError as error:
            results = [Result(point=STEPS[name], good=False, said=message(error))]
        self._note(name, results)

    def _note(self, name: str, results: list[Result]) -> None:
        self._progress.note(self._folder, name, results)
        for result in results:
            line = Phrase("good   {point}: {said}", point=result.point, said=result.said)
            fault = Phrase("FAULT  {point}: {said}", point=result.point, said=result.said)
            self._dialogue.say(line if result.good else fault)
