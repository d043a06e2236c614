"""Mosquitto's configuration and access list for one fleet.

The broker takes the common name of a client's certificate for both its user name and its client id, so that no one can
take over another's session. Who may do what stands in `platepost.provisioning.brokers.rights`: posts by the name in
their certificate (`%u`), everyone else one by one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from platepost.provisioning.brokers.rights import RIGHTS, Party, rights_of
from platepost.wire.hotlist.manifest import LARGEST_BODY
from platepost.wire.hotlist.parts import PART_BYTES, PART_OVERHEAD
from platepost.wire.records.settings import LARGEST_RECORD

LARGEST_PACKET = max(LARGEST_RECORD, PART_BYTES + PART_OVERHEAD) + 4096
"""Bytes of a packet: the largest record, or part of a hot list, with room for topic and properties. A list of more than
one part goes in parts, for the broker says this limit to anyone who publishes it."""
MOST_QUEUED_BYTES = 256 << 20
"""Bytes that may wait for one client: of a post that reads 10,000 plates a day, at 6 KB each, four days; 500 of the
largest records. More is dropped, and said in mosquitto's log; a custodian's receipts have the posts send it again."""
MOST_QUEUED = MOST_QUEUED_BYTES >> 10
"""Messages that may wait for one client: no record has less than 1 KiB, so smaller ones are none, and mosquitto needs
some 800 bytes for each beside its content. Not 0, which is without limit: with it mosquitto 2.0 hangs up on every
client that it denies a publication (handle__publish.c: it compares the packets to be sent, none, with the limit, 0)."""
MEMORY_BYTES = 2 * MOST_QUEUED_BYTES + 2 * LARGEST_BODY
"""Bytes of memory, and so of the file that all of it is saved to: a full queue with what each message needs, and the
hot list before and after a change, each of the largest size. Clients that hear the same share its content. Beyond it
mosquitto hangs up on anyone who publishes: records stay on the posts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerFiles:
    """What the broker's configuration names: its certificate, key, the fleet's root and the access list."""

    authority: Path
    certificate: Path
    private_key: Path
    access_list: Path
    revoked: Path | None = None
    """The signed list of revoked certificates, which mosquitto reads when it starts."""
    revoked_folder: Path | None = None
    """The same as a folder, for brokers that look there at each connection."""


def configuration(
    files: BrokerFiles,
    *,
    address: str | None,
    port: int,
    state: Path | None = None,
    user: str | None = None,
    save_seconds: int = 1,
) -> str:
    """Return the text of a mosquitto.conf (mosquitto 2).

    Args:
        files: what the configuration names.
        address: the address to listen on, every one where None.
        port: the port to listen on.
        state: the folder in which sessions, retained and waiting messages survive a restart; mosquitto's own where
            None.
        user: whom the broker becomes when started as root, who must be able to read `files` and write `state`;
            mosquitto's own choice (`mosquitto`) where None. Without effect on a broker that another user starts.
        save_seconds: it saves again when more than these have passed.

    """
    listener = f"listener {port}" + (f" {address}" if address else "")
    lines = [
        "# Made by `platepost provision`: mutual TLS 1.3 only, rights by certificate.",
        "per_listener_settings false",
        "allow_anonymous false",
        listener,
        "protocol mqtt",
        f"cafile {files.authority}",
        f"certfile {files.certificate}",
        f"keyfile {files.private_key}",
        *([f"crlfile {files.revoked}"] if files.revoked is not None else []),
        "tls_version tlsv1.3",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        f"acl_file {files.access_list}",
        "# Small records and one acknowledgment each: do not wait to fill a packet.",
        "set_tcp_nodelay true",
        "# What waits for a subscriber that is away is not thrown away after a thousand messages.",
        f"max_queued_messages {MOST_QUEUED}",
        f"max_queued_bytes {MOST_QUEUED_BYTES}",
        "# One certificate must not fill the broker: the largest record or part of a hot list, and a bound of it all.",
        f"max_packet_size {LARGEST_PACKET}",
        f"memory_limit {MEMORY_BYTES}",
        "# Saved every two seconds. What is lost if this is killed in between, a post sends again when its custodian's",
        "# receipts leave it out. Not after every change: all that waits is written again each time.",
        "persistence true",
        "autosave_on_changes false",
        f"autosave_interval {save_seconds}",
        "# Restart it to take changed rights; never SIGHUP, nor a log file that is rotated with it: afterwards it",
        "# acknowledges what it no longer keeps for subscribers that are away.",
        "log_dest stdout",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    if state is not None:
        lines.append(f"persistence_location {state}/")
    if user is not None:
        lines += [
            "# Started as root it becomes the user whose files these are. A packaged service runs as mosquitto:",
            "# give it this folder (chown -R mosquitto) and remove the line.",
            f"user {user}",
        ]
    return "\n".join(lines) + "\n"


def _patterned(agency: str, name: str) -> list[str]:
    """Return what the posts' patterns would give to a client that is no post: mosquitto applies them to everyone."""
    return [right.filter(agency, name) for right in RIGHTS[Party.POST]]


def access_list(agency: str, clients: Mapping[str, Party], *, groups: Mapping[str, Iterable[str]]) -> str:
    """Return the text of mosquitto's ACL file for an agency, made from `platepost.provisioning.brokers.rights`.

    Args:
        agency: the agency, as in the topics.
        clients: every client's name with what it is; posts need not be named.
        groups: the distribution groups of subscribers and custodians, by name, whose covert hits they read too.

    """
    lines = ["# Made by `platepost provision`; rewritten whenever someone is added.", ""]
    for name, party in clients.items():
        if party is Party.POST:
            continue
        rights = rights_of(party, groups.get(name, ()))
        own = {right.filter(agency, name) for right in rights}
        lines += [f"user {name}"]
        lines += [f"topic {right.access} {right.filter(agency, name)}" for right in rights]
        lines += [f"topic deny {topic}" for topic in dict.fromkeys(_patterned(agency, name)) if topic not in own]
        lines += [""]
    lines += ["# Every post, by the name in its certificate."]
    lines += [f"pattern {right.access} {right.filter(agency, '%u')}" for right in RIGHTS[Party.POST]]
    return "\n".join(lines) + "\n"
