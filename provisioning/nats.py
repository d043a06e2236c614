"""NATS's configuration and rights for one fleet (NATS 2.10), which speaks MQTT 3.1.1.

The broker takes the alternative name of a client's certificate for its user, whose rights follow from
`provisioning.rights`. Two things it cannot do: it does not compare the client id with the certificate, so that a post
needs a secret one (`uplink.client_id = "secret"`), or another client of the same fleet may take over its session; and
it acknowledges a publication that it refuses. Prefer a broker of MQTT 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.rights import RIGHTS, Access, Party

_INTERNAL_READ = ("$MQTT.sub.>", "$MQTT.deliver.>")
"""Subjects by which NATS itself hands what waits to a client's session."""
_ACK_SECONDS = 5
"""Seconds after which what a client has not acknowledged is sent again.

Also what was under way when the server died: at NATS's own 30 s a hit could come half a minute after the restart.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsFiles:
    """What the configuration names: the broker's certificate, key, the fleet's root, and the folder of its state."""

    authority: Path
    certificate: Path
    private_key: Path
    state: Path


def configuration(
    files: NatsFiles, *, address: str, port: int, name: str, agency: str, clients: Mapping[str, Party]
) -> str:
    """Return the text of a nats.conf; a running server takes changed rights on SIGHUP.

    Args:
        files: what the configuration names.
        address: the address to listen on.
        port: the port to listen on for MQTT over TLS. NATS's own protocol stays on the loopback interface.
        name: the server's name.
        agency: the agency, as in the topics.
        clients: every client's name with what it is.

    """
    users = ",\n".join(_user(agency, client, party) for client, party in clients.items())
    return f"""# Made by `platepost provision`: MQTT over mutual TLS 1.3 only, rights by certificate.
server_name: {name}
listen: "127.0.0.1:-1"
jetstream {{ store_dir: {_quoted(files.state)}, sync_interval: always }}
mqtt {{
  listen: "{address}:{port}"
  ack_wait: "{_ACK_SECONDS}s"
  tls {{
    ca_file: {_quoted(files.authority)}
    cert_file: {_quoted(files.certificate)}
    key_file: {_quoted(files.private_key)}
    verify_and_map: true
    cipher_suites: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
  }}
}}
authorization {{ users: [
{users}
] }}
"""


def subject(mqtt_filter: str) -> str:
    """Return the subject that an MQTT filter means: `alpr/v1/demo/+/hit/#` -> `alpr.v1.demo.*.hit.>`."""
    return mqtt_filter.replace("/", ".").replace("+", "*").replace("#", ">")


def _user(agency: str, name: str, party: Party) -> str:
    write, read = _subjects(agency, name, party, "write"), _subjects(agency, name, party, "read")
    return (
        f'  {{ user: "{name}", allowed_connection_types: ["MQTT"], permissions: {{\n'
        f"    publish: {_only(write)}\n"
        f"    subscribe: {_only((*read, *_INTERNAL_READ))} }} }}"
    )


def _subjects(agency: str, name: str, party: Party, access: Access) -> tuple[str, ...]:
    return tuple(subject(right.filter(agency, name)) for right in RIGHTS[party] if right.access == access)


def _only(subjects: tuple[str, ...]) -> str:
    # Nothing said, or an empty list, would allow everything.
    if not subjects:
        return '{ deny: ">" }'
    return "[" + ", ".join(f'"{text}"' for text in subjects) + "]"


def _quoted(path: Path) -> str:
    return f'"{path}"'
