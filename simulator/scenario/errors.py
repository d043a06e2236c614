"""The errors of scenarios.

::

    SimulatorError
     +-- ScenarioError                   a scenario cannot be played to its end
     |    +-- ScenarioFileError          a scenario file is unreadable, or says what cannot be
     |    +-- StuckError                 a post, or its way to the broker, did not do its part in time
"""

from platepost.simulator.errors import SimulatorError


class ScenarioError(SimulatorError):
    """A scenario cannot be played to its end."""


class ScenarioFileError(ScenarioError, ValueError):
    """A scenario file is unreadable, or says what cannot be; one line an error, with file and line."""


class StuckError(ScenarioError, TimeoutError):
    """A post, or its way to the broker, did not do its part in time."""
