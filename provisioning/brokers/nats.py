"""NATS's configuration and rights for one fleet (NATS 2.10), which speaks MQTT 3.1.1.

The broker takes the alternative name of a client's certificate for its user, whose rights follow from
`provisioning.brokers.rights`. Two things it cannot do: it does not compare the client id with the certificate, so that
a post needs a secret one (`uplink.client_id = "secret"`), or another client of the same fleet may take over its
session; and it acknowledges a publication that it refuses. Prefer a broker of MQTT 5.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.brokers.rights import Party, Right, rights_of

_CHECK_VARIABLE = "CHECK_TOKEN"
"""The environment's variable with a check's token. It begins with a letter, or NATS might take it for a number."""
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


CONFIGURATION_FILE = "nats.conf"
CHECK_FILE = "check.conf"
START_FILE = "start"
"""Names of the files that belong together, in one folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Where the server listens, and for whom."""

    address: str
    """To listen on."""
    port: int
    """To listen on for MQTT over TLS. NATS's own protocol stays on the loopback interface."""
    name: str
    """The server's name."""
    agency: str
    """As in the topics."""
    clients: Mapping[str, Party]
    """Every client's name with what it is."""
    groups: Mapping[str, Iterable[str]]
    """The distribution groups of subscribers, by their names, whose covert hits they read too."""


def folder_files(files: NatsFiles, served: Served) -> dict[str, str]:
    """Return the texts of all files of the server's folder by their names."""
    return {
        CONFIGURATION_FILE: configuration(files, served),
        CHECK_FILE: check_configuration(files, name=served.name),
        START_FILE: start_script(files),
    }


def configuration(files: NatsFiles, served: Served) -> str:
    """Return the text of a nats.conf; a running server takes changed rights on SIGHUP."""
    users = ",\n".join(
        _user(served.agency, client, rights_of(party, served.groups.get(client, ())))
        for client, party in served.clients.items()
    )
    return f"""# Made by `platepost provision`: MQTT over mutual TLS 1.3 only, rights by certificate.
{_server(files, name=served.name)}mqtt {{
  listen: "{served.address}:{served.port}"
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


def check_configuration(files: NatsFiles, *, name: str) -> str:
    """Return the text of a check.conf: the same server and state, which listens to nobody.

    It has a port on the loopback interface all the same, on which every account of the machine could read what is
    kept: whoever connects must know a token, which nobody is told. Without one in its environment it does not start.
    """
    return f"""{_server(files, name=name)}authorization {{ token: ${_CHECK_VARIABLE} }}
"""


def _server(files: NatsFiles, *, name: str) -> str:
    return f"""server_name: {name}
listen: "127.0.0.1:-1"
jetstream {{ store_dir: {_quoted(files.state)}, sync_interval: always }}
"""


def start_script(files: NatsFiles) -> str:
    """Return the shell script that starts the server, with nats.conf and check.conf beside it.

    When it was killed in the wrong moment, a server forgets how many messages there have been, and counts anew; what
    subscribers have acknowledged is then ahead of that, and they get nothing until the count has come so far: thousands
    of records, acknowledged to posts (nats-server's issue 5412, seen with 2.10.27). The server names these subscribers
    in its log as it starts, most of them. So it starts without clients first, and what those have acknowledged is
    forgotten: they go on with the next message. Where no message was left at all, that holds for every subscriber.
    """
    return f"""\
#!/bin/sh
# Made by `platepost provision`: starts NATS, after a look at what a kill may have left (nats-server issue 5412).
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cd "$(dirname "$0")"
consumers={shlex.quote(str(files.state))}'/jetstream/$G/streams/$MQTT_msgs/obs'

: >check.log # or the former one's words would be taken for this one's
token=$(cat /proc/sys/kernel/random/uuid)
{_CHECK_VARIABLE}=t$token nats-server -c {CHECK_FILE} >check.log 2>&1 &
server=$!
tries=0
until grep -q 'Server is ready' check.log || [ $tries -ge 1200 ] || ! kill -0 $server 2>/dev/null; do
  sleep 0.05
  tries=$((tries + 1))
done
kill -TERM $server 2>/dev/null || true
wait $server || true
if grep -q 'Restored 0 messages for stream .$G > $MQTT_msgs' check.log; then
  rm -f "$consumers"/*/o.dat
fi
sed -n 's/.*Detected consumer .$G > $MQTT_msgs > \\([A-Za-z0-9_-]*\\). ack floor .* is ahead of .*/\\1/p' check.log |
  while read -r consumer; do
    echo "start: $consumer was ahead of the messages, and goes on with the next one" >&2
    rm -f "$consumers/$consumer/o.dat"
  done
exec nats-server -c {CONFIGURATION_FILE}
"""


def subject(mqtt_filter: str) -> str:
    """Return the subject that an MQTT filter means: `alpr/v1/demo/+/hit/#` -> `alpr.v1.demo.*.hit.>`."""
    return mqtt_filter.replace("/", ".").replace("+", "*").replace("#", ">")


def _user(agency: str, name: str, rights: Iterable[Right]) -> str:
    write, read = (_subjects(agency, name, rights, access) for access in ("write", "read"))
    return (
        f'  {{ user: "{name}", allowed_connection_types: ["MQTT"], permissions: {{\n'
        f"    publish: {_only(write)}\n"
        f"    subscribe: {_only((*read, *_INTERNAL_READ))} }} }}"
    )


def _subjects(agency: str, name: str, rights: Iterable[Right], access: str) -> tuple[str, ...]:
    return tuple(subject(right.filter(agency, name)) for right in rights if right.access == access)


def _only(subjects: tuple[str, ...]) -> str:
    # Nothing said, or an empty list, would allow everything.
    if not subjects:
        return '{ deny: ">" }'
    return "[" + ", ".join(f'"{text}"' for text in subjects) + "]"


def _quoted(path: Path) -> str:
    return f'"{path}"'
