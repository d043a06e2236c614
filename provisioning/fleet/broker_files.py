"""The files of the brokers that a fleet may have in place of mosquitto, written beside its configuration."""

from collections.abc import Mapping
from pathlib import Path

from platepost.provisioning.brokers import rabbitmq, rabbitmq_nodes
from platepost.provisioning.fleet.fleet import DEFAULT_PORT, Fleet
from platepost.provisioning.trust.keys import private_folder, replace_private


def write_rabbitmq(fleet: Fleet, *, nodes: Mapping[str, str] | None = None) -> Path:
    """Write all files of a RabbitMQ: settings, environment, definitions, plugins; return their folder.

    Args:
        fleet: whose certificates and rights.
        nodes: the names of a cluster's nodes, such as `rabbit@one`, each with the IPv4 address on which it listens to
            the others.

    Raises:
        ProvisioningError: an address is none; or the nodes would have no host name in the broker's certificate to know
            one another by.

    """
    nodes = nodes or {}
    folder = private_folder(fleet.directory / "broker" / "rabbitmq")
    files = rabbitmq.NodeFiles(
        authority=fleet.broker.authority,
        certificate=fleet.broker.certificate,
        private_key=fleet.broker.private_key,
        definitions=folder / "definitions.json",
        revoked_folder=fleet.broker.revoked_folder,
    )
    distribution = folder / rabbitmq_nodes.DISTRIBUTION_FILE
    _write(folder / rabbitmq_nodes.ENVIRONMENT_FILE, rabbitmq_nodes.environment(nodes, distribution=distribution))
    if nodes:
        name = rabbitmq_nodes.host_name(fleet.broker_names)
        _write(distribution, rabbitmq_nodes.distribution_options(files, name=name))
    write_rabbitmq_rights(fleet)
    _write(folder / "rabbitmq.conf", rabbitmq.configuration(files, address=None, port=DEFAULT_PORT, nodes=nodes))
    _write(folder / "advanced.config", rabbitmq.advanced(files))
    _write(folder / "enabled_plugins", rabbitmq.PLUGINS)
    return folder


def write_rabbitmq_rights(fleet: Fleet) -> Path:
    """Write definitions.json for everyone who is in the fleet now; return it."""
    path = private_folder(fleet.directory / "broker" / "rabbitmq") / "definitions.json"
    _write(path, rabbitmq.definitions(fleet.agency, fleet.clients(), groups=fleet.groups()))
    return path


def _write(path: Path, text: str) -> None:
    replace_private(path, text.encode())
