"""Genuine records for the folder that `installation.department` made, put there as its keeper puts them."""

from collections.abc import Iterable

from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.register import KeyRegister
from platepost.department.custody.store import CustodyStore
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import Envelope, Recorder, Source
from platepost.wire.records.signing import Signer
from tests.department.commands.installation import Commands
from tests.department.custody.posts import Post, deliveries


def fleet_post(department: Commands) -> Post:
    """Return the fleet's `post-1`, which signs with its own key."""
    identity = Fleet.load(department.folder.parent / "fleet").post("post-1")
    post = Post()
    signer = Signer.from_file(identity / "signing_key.pem")
    post.recorder = Recorder(post.store, signer, Source("riverside", "post-1"), now=lambda: post.now)
    return post


def keep(folder: DepartmentFolder, envelopes: Iterable[Envelope]) -> None:
    """Keep records; the database runs."""
    settings = folder.settings
    register = KeyRegister(
        folder.register_file, folder.register_key, agency=settings.agency, state_file=folder.stored_register
    )
    with CustodyStore(folder.conninfo(KEEPER), keys=register.keys, bucket=open_bucket(folder)) as store:
        store.keep(deliveries(*envelopes))
