"""A three-node RabbitMQ cluster whose nodes end one after another, under a post that knows all three."""

from collections.abc import Callable
from random import Random
from time import monotonic

from platepost.common.signals import sleep
from platepost.simulator.ground.proxy import Proxy
from tests.campaigns.faults.result import Injected
from tests.campaigns.faults.site import WITNESS, CampaignSite
from tests.rabbitmq import MISSING, RabbitCluster, RabbitNode, rabbitmq_path

POST = "clustered"
NAMES = {False: "RabbitMQ node stopped", True: "RabbitMQ node killed"}
WHAT = "one of three nodes of a RabbitMQ cluster ends, in good order or by kill -9"
HEALS = "the post goes on to another node of its list; the node comes back 1 to 4 s later"
FIRST_SECONDS = 60.0
RECOVERY_SECONDS = 90.0


def cluster_absent() -> str | None:
    """Return why there can be no cluster here, None if there can."""
    return None if rabbitmq_path() is not None else MISSING


def trouble_cluster(
    site: CampaignSite, *, faults: int, draw: Random, account: Callable[[Injected], None], look: Callable[[], object]
) -> list[str]:
    """Start a cluster and a post on it, end nodes, and let the post deliver; return what went wrong.

    The record keeper is led to a node that lives, as a load balancer would.

    Raises:
        BrokerError: a node did not start.

    """
    cluster = RabbitCluster(site.fleet, site.directory / "rabbitmq")
    archive = site.directory / "archive.rabbitmq.jsonl"
    post = site.add_light_post(POST, brokers=cluster.addresses, archive=archive)
    cluster.write_definitions()
    problems: list[str] = []
    with cluster:
        way = Proxy(site.loop, cluster.nodes[0].port)
        keeper = site.subscriber(
            WITNESS, archive, broker=f"localhost:{way.port}", listener=site.arrived, keep_repeats=True
        )
        keeper.start(timeout=60.0)
        try:
            post.start()
            if post.await_news(monotonic(), timeout=FIRST_SECONDS) is None:
                problems.append(f"{POST} delivered nothing to RabbitMQ within {FIRST_SECONDS:.0f} s")
            for number in range(faults):
                node = draw.choice(cluster.nodes)
                _end(node, killed=bool(number % 2), cluster=cluster, way=way)
                ended = monotonic()
                news = post.await_news(ended, timeout=RECOVERY_SECONDS)
                account(Injected(NAMES[bool(number % 2)], POST, None if news is None else news - ended))
                if news is None:
                    problems.append(f"{POST}: nothing new {RECOVERY_SECONDS:.0f} s after a node had ended")
                sleep(draw.uniform(1, 4))
                node.start()
                look()
            code = post.stop()
            problems += [f"{POST} ended with exit code {code}"] if code else []
            deadline = monotonic() + RECOVERY_SECONDS
            while post.missing() and monotonic() < deadline:
                sleep(0.2)
        finally:
            keeper.stop()
            way.close()
    return problems


def _end(node: RabbitNode, *, killed: bool, cluster: RabbitCluster, way: Proxy) -> None:
    living = next(other for other in cluster.nodes if other is not node and other.running)
    if killed:
        node.kill()
    else:
        node.stop()
    way.forward_to(living.port)
