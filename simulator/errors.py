"""The errors of the simulator.

::

    PlatepostError
     +-- SimulatorError (RuntimeError)    something around the post could not be set up
          +-- BrokerError                 mosquitto is missing, did not start, or ended by itself
          +-- SubscriberError             the subscriber was refused, or could not connect
          +-- TruthError (ValueError)     a truth file is unreadable or of another form
          +-- DemoError                   the demonstration cannot start
          +-- PlaybackError (ValueError)  a recording of messages is damaged, or cannot be replayed
          +-- CampaignError               a fault campaign cannot go on
          +-- RedactionError              footage cannot be made fit for sharing
          +-- ScenarioError               a scenario cannot be played to its end
          |    +-- ScenarioFileError (ValueError)  a scenario file is unreadable, or says what cannot be
          |    +-- StuckError (TimeoutError)       a post, or its way to the broker, did not do its part in time
     +-- SceneError (ValueError)          a scene description asks for something that cannot be drawn
     +-- NoGraphicsError (RuntimeError)   no OpenGL context can be made on this machine
"""

from platepost.common.errors import PlatepostError


class SimulatorError(PlatepostError, RuntimeError):
    """Something around the post could not be set up."""


class BrokerError(SimulatorError):
    """The broker is missing, did not start, or ended by itself."""


class SubscriberError(SimulatorError):
    """The subscriber was refused, or could not connect."""


class TruthError(SimulatorError, ValueError):
    """A truth file is unreadable, or of a form that is not understood."""


class DemoError(SimulatorError):
    """The demonstration cannot start."""


class PlaybackError(SimulatorError, ValueError):
    """A recording of messages is damaged, or cannot be replayed."""


class CampaignError(SimulatorError):
    """A fault campaign cannot go on."""


class RedactionError(SimulatorError):
    """Footage cannot be made fit for sharing; nothing was written."""


class ScenarioError(SimulatorError):
    """A scenario cannot be played to its end."""


class ScenarioFileError(ScenarioError, ValueError):
    """A scenario file is unreadable, or says what cannot be; one line an error, with file and line."""


class StuckError(ScenarioError, TimeoutError):
    """A post, or its way to the broker, did not do its part in time."""


class SceneError(PlatepostError, ValueError):
    """A scene description is unreadable or asks for something that cannot be drawn."""


class NoGraphicsError(PlatepostError, RuntimeError):
    """Neither a graphics card nor Mesa's software driver gives an OpenGL 3.3 context."""
