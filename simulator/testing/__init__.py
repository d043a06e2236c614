"""Posts and a broker for subscribers' tests, which the fixtures of `platepost.pytest_plugin` give.

Example::

    def test_console_shows_a_hit(platepost_broker, platepost_post):
        console = Console(platepost_broker.address, platepost_broker.identity("console"))
        platepost_post.passes("7ABC123", listed="stolen_vehicle")
        assert console.shows("7ABC123")
"""

from platepost.simulator.testing.post import PassedBy, SimulatedPost
from platepost.simulator.testing.scenario import PlayedScenario, play_scenario
from platepost.simulator.testing.site import SimulatedSite

__all__ = ["PassedBy", "PlayedScenario", "SimulatedPost", "SimulatedSite", "play_scenario"]
