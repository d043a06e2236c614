"""Posts and a broker for subscribers' tests; `pytest_platepost` has them run in an interpreter of their own.

Example::

    def test_console_shows_a_hit(platepost_broker, platepost_post):
        console = Console(platepost_broker.address, platepost_broker.identity("console"))
        platepost_post.passes("7ABC123", listed="stolen_vehicle")
        assert console.shows("7ABC123")
"""

from simulator.testing.post import PassedBy, SimulatedPost
from simulator.testing.site import SimulatedSite

__all__ = ["PassedBy", "SimulatedPost", "SimulatedSite"]
