"""A post and a broker for the tests of those who subscribe; the fixtures are in `simulator.fixtures`.

Example::

    def test_console_shows_a_hit(broker, post):
        console = Console(broker.address, broker.identity("console"))
        post.passes("7ABC123", listed="stolen_vehicle")
        assert console.shows("7ABC123")
"""

from simulator.testing.post import PassedBy, SimulatedPost
from simulator.testing.site import SimulatedSite

__all__ = ["PassedBy", "SimulatedPost", "SimulatedSite"]
