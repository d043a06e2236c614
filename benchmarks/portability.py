"""What it takes to back a department up, and to give all of it away: the commands, with signed reads, and a comparison.

::

    python benchmarks/portability.py FOLDER                      100,000 reads of 30 posts with pictures
    python benchmarks/portability.py FOLDER --reads 1000000 --backup-only      the backup of a million

FOLDER is made, and holds two departments in the end; with a short path, as of every Unix socket. Needed are PostgreSQL
and age. The records are kept as the keeper keeps them; the making is not counted. It ends with exit code 1 where
anything is wrong, or where one row of one table is another in the department that was imported.
"""

import argparse
import json
import os
import pwd
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from custody import PART, POSTS, Post
from joserfc.jwk import ECKey

from platepost.department.custody.register import KeyRegister
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import REGISTER_TYPE, PostKey, PostKeyRegister, PostKeys
from platepost.wire.jose import sign
from platepost.wire.records.signing import read_key
from tests.department.commands.installation import CURRENT, Commands, give_apps, name_persons, next_code

NOT_COMPARED = ("django_migrations", "django_content_type", "mfa_authenticator", "people_person")
"""They record when a migration was applied, or hold what opens an account, which no export has."""
BUT = {
    "ledger_entry": " WHERE event <> 'restored'",
    "ledger_body": " JOIN ledger_entry USING (entry) WHERE event <> 'restored'",
}
"""The import itself is in the ledger of the other department."""


def given(name: str, *arguments: object, typed: str = "") -> dict[str, Any]:
    """Give a command of `platepost department`, print what it took, and return what it said."""
    began = time.perf_counter()
    code = "from platepost.device.cli import main; main()"
    line = [sys.executable, "-c", code, "department", name, *map(str, arguments), "--json"]
    done = subprocess.run(line, input=typed, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}{done.stdout}")
    print(f"{name:14} {time.perf_counter() - began:8.1f} s  {done.stdout.strip()[:300]}", flush=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def made(top: Path, posts: list[Post]) -> tuple[Path, list[object]]:
    """Make a custodian and a register of the posts' keys; return the identity, and the other arguments of `init`."""
    Fleet.create(top / "fleet", agency="demo", custodian="records")
    key = ECKey.generate_key("P-256")
    now = datetime.now(UTC)
    known = [(post.name, read_key(post.public_key).thumbprint(), post.public_key.decode()) for post in posts]
    keys = (PostKeys(name=name, keys=(PostKey(kid=kid, public_key=pem, since=now),)) for name, kid, pem in known)
    register = PostKeyRegister(agency="demo", number=1, issued=now, posts=tuple(keys))
    (top / "register.jws").write_bytes(sign(json.dumps(register.wire()).encode(), key, typ=REGISTER_TYPE))
    (top / "register.pem").write_bytes(key.as_pem(private=False))
    signed = ["--register", top / "register.jws", "--register-key", top / "register.pem", "--broker", "localhost:8883"]
    return top / "fleet" / "custody" / "records", signed


def exporter(folder: DepartmentFolder) -> str:
    """Have this system user be a person who may export; return a code of their authenticator app."""
    name_persons(folder, {pwd.getpwuid(os.getuid()).pw_name: "a.rivera"})
    given_commands = Commands(folder.path, folder.identity)
    with running_database(folder):
        for login in ("a.rivera", "b.lee"):
            given_commands("person add", login, "--name", login, "--role", "records_manager")
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(CURRENT)
        give_apps(folder)
        return next_code(folder)


def fill(folder: DepartmentFolder, posts: list[Post], reads: int) -> None:
    """Keep signed reads with pictures."""
    streams = [post.records() for post in posts]
    register = KeyRegister(folder.register_file, folder.register_key, agency="demo", state_file=folder.stored_register)
    with running_database(folder), CustodyStore(folder.conninfo(KEEPER), keys=register.keys) as store:
        for begin in range(0, reads, PART):
            part = [next(stream) for _ in range(-(-min(PART, reads - begin) // POSTS)) for stream in streams]
            for at in range(0, len(part), 500):
                store.keep(part[at : at + 500])
            print(f"{begin + len(part):,d} records", end="\r", flush=True)


def rows(folder: DepartmentFolder) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a sum that any other row would change."""
    with (
        running_database(folder),
        psycopg.connect(host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME) as connection,
    ):
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND NOT relname = ANY (%s)",
            [list(NOT_COMPARED)],
        ).fetchall()
        summed = "SELECT count(*), sum(hashtextextended((to_jsonb(t) - 'transaction')::text, 0))::text FROM {} t{}"
        return {name: connection.execute(summed.format(name, BUT.get(name, ""))).fetchone() for (name,) in tables}


def main() -> None:
    """Fill a department, back it up, restore it, give it away, and take it into another."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--reads", type=int, default=100_000)
    options.add_argument("--backup-only", action="store_true", help="back up and restore; give nothing away")
    said = options.parse_args()
    top: Path = said.folder.absolute()
    top.mkdir(mode=0o711)
    random.seed(20)
    posts = [Post(number) for number in range(POSTS)]
    identity, signed = made(top, posts)
    one, other = DepartmentFolder(top / "one"), DepartmentFolder(top / "other")
    given("init", one.path, identity, *signed)
    fill(one, posts, said.reads)
    subprocess.run(["age-keygen", "-o", top / "key.txt"], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", top / "key.txt"], check=True, capture_output=True, text=True).stdout
    given("backup", one.path, top / "backup.age", "--to", public.strip())
    given("restore-test", top / "backup.age", top / "try", "--key", top / "key.txt")
    if said.backup_only:
        return
    typed = exporter(one)
    given("export-all", one.path, top / "all", "--purpose", "drill", "--case", "D-1", typed=typed)
    size = sum(path.stat().st_size for path in (top / "all").rglob("*") if path.is_file())
    print(f"{'':14} {size / 1e6:8.1f} MB in open formats")
    given("init", other.path, identity, *signed)
    given("import", other.path, top / "all")
    given("verify", other.path, "--whole")
    before, after = rows(one), rows(other)
    differ = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    print(f"{sum(count for count, _ in before.values()):,d} rows of {len(before)} tables: ", end="")
    print(f"other rows in {', '.join(differ)}" if differ else "identical")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
