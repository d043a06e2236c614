"""`platepost department evidence`: the service that makes the packages which were ordered on the pages."""

import click

from platepost.common.signals import stop_on_signals
from platepost.common.systemd import Notifier
from platepost.department.archive.evidence import EvidenceSources
from platepost.department.archive.evidence_cart import waiting
from platepost.department.archive.evidence_maker import EvidenceMaker
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.receipt_log import ReceiptState
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER
from platepost.department.session import connected, working_as
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.records.signing import read_key

_POLL_SECONDS = 1.0


@click.command(
    epilog="""\b
Examples:
  platepost department evidence vault
  platepost department evidence vault --once
"""
)
@FOLDER
@click.option("--once", is_flag=True, help="Make the packages that are waiting, then exit.")
def evidence(*, folder: DepartmentFolder, once: bool) -> None:
    """Make the evidence packages that people order on the pages of FOLDER until SIGTERM, as a service.

    It signs each with the archive service's key, encrypts it to its recipient, and puts it where the pages hand it out.
    """
    settings, key = folder.settings, signing_jwk(folder.custody_key)
    with stop_on_signals() as stop, working_as(folder, KEEPER), connected(folder, KEEPER) as keeper:
        Notifier().ready("Makes packages of evidence.")
        while not stop.requested:
            if waiting(keeper) is None:
                if once:
                    return
                stop.wait(_POLL_SECONDS)
                continue
            trusted = [read_key(folder.register_key.read_bytes())]
            receipted = ReceiptState(folder.receipts).receipted
            sources = EvidenceSources(keeper, folder.register_file.read_bytes(), trusted, receipted, key)
            maker = EvidenceMaker(sources, settings.agency, settings.custodian, folder.evidence, open_bucket(folder))
            maker.make_next()
