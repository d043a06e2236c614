"""Writes the dump of a released schema, with a few records in it, on which later migrations are tried.

::

    python -m tests.department.releases.dump 0.1.0

A dump is made once, before its version is released, and never again. Until then, anyone who changes the first schema
makes it again.
"""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER, PrivateCluster, installed_versions
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder, DepartmentSettings
from platepost.department.session import set_up_apps
from platepost.wire.records import Keyring
from tests.department.custody.posts import HIT, NOW, SIGNER, Post, deliveries

RELEASES = Path(__file__).parent


def dump_of(folder: DepartmentFolder) -> bytes:
    """Return a dump of a department's database, as SQL."""
    versions = installed_versions()
    command = [versions[min(versions)] / "pg_dump", "-h", folder.cluster, "-U", SUPERUSER, "-d", DATABASE_NAME]
    # A name that is reserved in a newer version only, as `system_user` is from 16 on, is not quoted by itself.
    command += ["--inserts", "--no-comments", "--quote-all-identifiers"]
    fields = subprocess.run(command, check=True, capture_output=True).stdout
    # Commands of psql, which newer versions put around a dump.
    return b"\n".join(line for line in fields.splitlines() if line and not line.startswith((b"\\", b"--"))) + b"\n"


@contextmanager
def new_department() -> Iterator[DepartmentFolder]:
    """Have the folder of a new department, whose database runs meanwhile."""
    set_up_apps()
    from platepost.department.config.upgrade import upgrade  # noqa: PLC0415 - it has models

    with tempfile.TemporaryDirectory(prefix="pp-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        folder = DepartmentFolder(Path(name))
        folder.write_settings(DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",)))
        folder.secret_key.write_text("no pages here", encoding="ascii")
        cluster = PrivateCluster(folder.cluster, durable=False)
        cluster.initialize()
        with cluster.in_use():
            upgrade(folder)
            yield folder


def main() -> None:
    """Make a department's folder, keep records in it, and dump its database."""
    post = Post()
    created = [post.read(), post.read(HIT), post.hit(), post.withdrawal(), post.enemy().record(1)[0], *post.record(2)]
    with new_department() as folder:
        keys = Keyring.from_pem(SIGNER.public_pem)
        with CustodyStore(folder.conninfo(KEEPER), keys=lambda _: keys, now=lambda: NOW) as store:
            store.keep(deliveries(*created))
        dumped = dump_of(folder)
    path = RELEASES / f"{sys.argv[1]}.sql.gz"
    path.write_bytes(gzip.compress(dumped, mtime=0))
    print(f"{path}: {path.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
