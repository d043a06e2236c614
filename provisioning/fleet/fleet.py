"""One department's fleet: its root of trust, its broker, its posts, its subscribers, and its people.

The layout of its folder is in `layout.py`, what it issues in `certifying.py`, its members in `members.py`.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from platepost.common.files import flush_folder
from platepost.provisioning.brokers import mosquitto, mosquitto_user
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.layout import NATS, PUBLISHER, STATE
from platepost.provisioning.fleet.members import NAME, FleetMembers
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.certificates import ORDINARY, Issuance
from platepost.provisioning.trust.keys import (
    private_folder,
    replace_private,
    write_private,
)
from platepost.wire.records import Role

DEFAULT_PORT = 8883
"""The port that IANA registers for MQTT over TLS."""

_NEW_FOLDERS = ("authority", "broker", "configuration", "custody", PUBLISHER, "hotlist", "operators", "people")
"""The folders of a new fleet; also `root`, if the department has no root authority of its own."""


class Fleet(FleetMembers):
    """A fleet in a folder: makes and removes its members and keeps the broker's files up to date."""

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        agency: str,
        broker_names: Iterable[str] = ("localhost", "127.0.0.1"),
        passphrase: bytes | None = None,
        root: Authority | None = None,
        administrator: str | None = None,
        administrator_passphrase: bytes | None = None,
        custodian: str | None = None,
        issuance: Issuance = ORDINARY,
    ) -> Self:
        """Make a fleet: root and issuing CA, signing keys, the broker's certificate, and the publisher's identity.

        Args:
            directory: where; it must not contain a fleet. An interrupted `create` starts over.
            agency: as in the topics: lower-case letters, digits and hyphens.
            broker_names: the host names and addresses by which posts reach the broker.
            passphrase: encrypts every signing key; without one, only the file mode protects them.
            root: the department's own authority, under which the issuing authority is made; its key is not kept.
            administrator: the name of the first administrator; without one, no one can send commands to its posts.
            administrator_passphrase: encrypts the administrator's own key.
            custodian: the name of the first custodian, whose receipts all posts need; without one, the broker's
                acknowledgment is enough to release a record.
            issuance: the source of keys and times; it is not stored.

        Raises:
            ProvisioningError: a name is invalid or used twice, or the folder already contains a fleet or its keys.

        """
        if not NAME.fullmatch(agency):
            raise ProvisioningError(f"agency {agency!r}: use lower-case letters, digits and hyphens, at most 63")
        for name in (administrator, custodian):
            if name is not None:
                cls.check_spelling(name)
        if administrator is not None and administrator == custodian:
            raise ProvisioningError(f"{custodian!r} cannot name both the administrator and the custodian")
        if (directory / "fleet.json").exists():
            raise ProvisioningError(f"{directory} already contains a fleet")
        fleet = cls(directory.absolute(), agency, tuple(broker_names), sealed=passphrase is not None)
        fleet.issuance = issuance
        private_folder(fleet.directory)
        unfinished = fleet._begin([*_NEW_FOLDERS, *(["root"] if root is None else [])])
        root_authority = root or Authority.create_root(agency, issuance=issuance)
        if root is None:
            root_authority.save(fleet.root, passphrase=passphrase)
        authority = root_authority.issue_authority(agency)
        authority.save(fleet.authority, passphrase=passphrase)
        fleet._write_signing_key(fleet.list_signing_key, fleet.list_verifying_key, passphrase)
        fleet._write_signing_key(fleet.configuration_signing_key, fleet.configuration_verifying_key, passphrase)
        broker = private_folder(fleet.directory / "broker")
        fleet.write_broker_certificate(authority)
        fleet.write_crls(authority)
        fleet._write_client(fleet.directory / PUBLISHER, PUBLISHER, authority)
        fleet.write_access_list()
        state = private_folder(broker / STATE)
        settings = mosquitto.configuration(
            fleet.broker, address=None, port=DEFAULT_PORT, state=state, user=_owner(broker)
        )
        write_private(broker / "mosquitto.conf", settings.encode())
        mosquitto_user.give(broker)
        if administrator is not None:
            fleet.add_operator(administrator, Role.ADMINISTRATOR, passphrase=administrator_passphrase)
        if custodian is not None:
            fleet.add_custodian(custodian, required=True)
        # Last: without fleet.json the folder is not a fleet yet, and `create` can be run again.
        unfinished.replace(fleet.directory / "fleet.json")
        flush_folder(fleet.directory)
        return fleet

    def _begin(self, folders: list[str]) -> Path:
        """Remove what an interrupted `create` left, and record what this one makes, in a file that becomes fleet.json.

        Raises:
            ProvisioningError: one of the folders exists, and an interrupted `create` did not make it.

        """
        description = {"agency": self.agency, "broker_names": list(self.broker_names), "sealed": self.sealed}
        unfinished = self.directory / "unfinished.json"
        if unfinished.exists():
            for name in json.loads(unfinished.read_bytes())["made"]:
                shutil.rmtree(self.directory / name, ignore_errors=True)
        there = [name for name in folders if (self.directory / name).exists()]
        if there:
            raise ProvisioningError(
                f"{self.directory} has no fleet.json but contains {', '.join(there)}; existing keys are never "
                "overwritten: choose another folder"
            )
        replace_private(unfinished, json.dumps(description | {"made": folders}, indent=2).encode() + b"\n")
        return unfinished

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Open the fleet that `create` made.

        Raises:
            ProvisioningError: there is none, or its files are for a broker that is no longer supported.

        """
        path = directory / "fleet.json"
        try:
            content = json.loads(path.read_bytes())
            sealed = bool(content.get("sealed"))
            fleet = cls(directory.absolute(), content["agency"], tuple(content["broker_names"]), sealed=sealed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProvisioningError(
                f"{path}: no fleet in this folder; create one with `platepost provision fleet init`"
            ) from error
        nats = fleet.directory / NATS
        if nats.exists():
            raise ProvisioningError(
                f"{nats}: NATS is no longer supported: it acknowledges records that it refuses. Set up mosquitto or "
                "RabbitMQ (docs/brokers.md), then delete this folder."
            )
        return fleet

    @property
    def broker_address(self) -> str:
        """The default address of the broker, `host:port`."""
        return f"{self.broker_names[0]}:{DEFAULT_PORT}"


def _owner(folder: Path) -> str | None:
    """Return the name of the user whose folder it is, where the system knows one; None for root.

    mosquitto drops to this user when root starts it, instead of keeping root's privileges.
    """
    try:
        return None if folder.stat().st_uid == 0 else folder.owner()
    except (KeyError, NotImplementedError):
        return None
