"""RabbitMQ's configuration and rights for one fleet (RabbitMQ 4, one node or a cluster).

The broker takes the common name of a client's certificate for its user, and compares the client id with the
certificate's alternative name, so that no one can take over another's session. Each user may touch its own session's
queues and no others, and the topics that `platepost.provisioning.brokers.rights` gives it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platepost.provisioning.brokers.rights import Access, Party, Right, rights_of

VHOST = "/"
EXCHANGE = "amq.topic"
"""Where the MQTT plugin publishes; its routing keys have dots for slashes."""
PLUGINS = "[rabbitmq_mqtt].\n"
"""The content of the file `enabled_plugins`."""
_SESSION_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFiles:
    """What a node's configuration names."""

    authority: Path
    certificate: Path
    private_key: Path
    definitions: Path
    revoked_folder: Path | None = None
    """Where the signed lists of revoked certificates lie, by the hash of their authority's name."""


def configuration(files: NodeFiles, *, address: str | None, port: int, nodes: Iterable[str] = ()) -> str:
    """Return the text of a rabbitmq.conf.

    Args:
        files: what the configuration names.
        address: the address to listen on, every one where None.
        port: the port to listen on for MQTT over TLS; the only listener for clients (of nodes: `rabbitmq_nodes`).
        nodes: the names of all nodes of a cluster, such as `rabbit@one`; none for a node of its own.

    """
    listener = f"{address}:{port}" if address else str(port)
    lines = [
        "# Made by `platepost provision`: MQTT over mutual TLS 1.3 only, rights by certificate.",
        "listeners.tcp = none",
        "mqtt.listeners.tcp = none",
        f"mqtt.listeners.ssl.default = {listener}",
        f"ssl_options.cacertfile = {files.authority}",
        f"ssl_options.certfile = {files.certificate}",
        f"ssl_options.keyfile = {files.private_key}",
        "ssl_options.versions.1 = tlsv1.3",
        "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = true",
        "ssl_options.depth = 2",
        "ssl_cert_login_from = common_name",
        "mqtt.ssl_cert_login = true",
        "mqtt.ssl_cert_client_id_from = subject_alternative_name",
        "mqtt.allow_anonymous = false",
        "mqtt.tcp_listen_options.nodelay = true",
        "# A session outlives its node, and what waits for it is on a majority's disks before it is acknowledged.",
        "mqtt.durable_queue_type = quorum",
        f"mqtt.max_session_expiry_interval_seconds = {_SESSION_DAYS * 24 * 3600}",
        f"load_definitions = {files.definitions}",
        "log.console = true",
        "log.console.level = warning",
        "log.file = false",
    ]
    names = list(nodes)
    if names:
        lines.append("cluster_formation.peer_discovery_backend = classic_config")
        lines += [f"cluster_formation.classic_config.nodes.{n} = {name}" for n, name in enumerate(names, start=1)]
        lines.append("# A node that finds itself in the minority stops rather than go its own way.")
        lines.append("cluster_partition_handling = pause_minority")
    return "\n".join(lines) + "\n"


def advanced(files: NodeFiles) -> str:
    """Return the text of an advanced.config: what rabbitmq.conf has no words for, revoked certificates.

    It takes the place of all `ssl_options` of rabbitmq.conf. The folder is looked into at every connection, so that a
    new list is heeded at once; where there is none for an authority, none of its certificates is taken.
    """
    if files.revoked_folder is None:
        return "[].\n"
    return f"""%% Made by `platepost provision`.
[{{rabbit, [{{ssl_options, [
  {{cacertfile, {erlang_text(files.authority)}}},
  {{certfile, {erlang_text(files.certificate)}}},
  {{keyfile, {erlang_text(files.private_key)}}},
  {{versions, ['tlsv1.3']}},
  {{verify, verify_peer}},
  {{fail_if_no_peer_cert, true}},
  {{depth, 2}}{revocation_options(files)}
]}}]}}].
"""


def revocation_options(files: NodeFiles) -> str:
    """Return Erlang's options of TLS, to follow others, that have revoked certificates refused; empty without lists."""
    if files.revoked_folder is None:
        return ""
    folder = erlang_text(files.revoked_folder)
    return f""",
  {{crl_check, peer}},
  {{crl_cache, {{ssl_crl_hash_dir, {{internal, [{{dir, {folder}}}]}}}}}}"""


def erlang_text(path: Path) -> str:
    """Return a path as Erlang's term."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def definitions(agency: str, clients: Mapping[str, Party], *, groups: Mapping[str, Iterable[str]]) -> str:
    """Return the text of the definitions: a user for each client, without a password, and its rights.

    A running broker takes them with `rabbitmqctl import_definitions FILE`.

    Args:
        agency: the agency, as in the topics.
        clients: every client's name with what it is.
        groups: the distribution groups of subscribers and custodians, by name, whose covert hits they read too.

    """
    document: dict[str, Any] = {
        "vhosts": [{"name": VHOST, "default_queue_type": "quorum"}],
        "users": [{"name": name, "password_hash": "", "tags": []} for name in clients],
        "permissions": [_permission(name) for name in clients],
        "topic_permissions": [
            _topic_permission(agency, name, rights_of(party, groups.get(name, ()))) for name, party in clients.items()
        ],
        "policies": [
            {
                "vhost": VHOST,
                "name": "sessions",
                "pattern": "^mqtt-subscription-",
                "apply-to": "quorum_queues",
                # By default a message delivered twenty times without an acknowledgment is thrown away.
                "definition": {"delivery-limit": -1},
                "priority": 1,
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def topic_pattern(mqtt_filter: str) -> str:
    r"""Return the regular expression of the routing keys that an MQTT filter means.

    `alpr/v1/demo/+/hit/#` -> `alpr\.v1\.demo\.[^.]+\.hit(\..*)?`
    """
    levels = mqtt_filter.split("/")
    rest = levels[-1] == "#"
    parts = ["[^.]+" if level == "+" else re.escape(level) for level in (levels[:-1] if rest else levels)]
    return r"\.".join(parts) + (r"(\..*)?" if rest else "")


def _permission(name: str) -> dict[str, str]:
    session = rf"mqtt-(subscription|will)-{re.escape(name)}(qos[01])?"
    return {
        "user": name,
        "vhost": VHOST,
        "configure": f"^{session}$",
        "write": rf"^({session}|{re.escape(EXCHANGE)})$",
        "read": rf"^({session}|{re.escape(EXCHANGE)})$",
    }


def _topic_permission(agency: str, name: str, rights: Iterable[Right]) -> dict[str, str]:
    return {
        "user": name,
        "vhost": VHOST,
        "exchange": EXCHANGE,
        "write": _any_of(agency, name, rights, "write"),
        "read": _any_of(agency, name, rights, "read"),
    }


def _any_of(agency: str, name: str, rights: Iterable[Right], access: Access) -> str:
    patterns = [topic_pattern(right.filter(agency, name)) for right in rights if right.access == access]
    # An empty expression would match everything; this one matches nothing.
    return f"^({'|'.join(patterns)})$" if patterns else "^$"
