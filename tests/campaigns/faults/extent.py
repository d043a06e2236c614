"""How much a campaign comes to."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How much a campaign comes to; the same seed gives the same faults in the same order for each post."""

    faults: int
    records: int
    posts: int
    seed: int
    rate: float
    """Records a second of each post."""
    week: int
    """Records of the simulated week without network."""
    whole: int
    """How often a whole post is killed."""
    nodes: int
    """How often a node of the RabbitMQ cluster ends."""


FULL = Extent(faults=1050, records=21000, posts=12, seed=1, rate=4.0, week=2000, whole=8, nodes=6)
SHORT = Extent(faults=28, records=300, posts=7, seed=1, rate=6.0, week=105, whole=0, nodes=0)
