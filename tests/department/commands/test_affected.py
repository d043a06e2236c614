"""Whom a breach affects, by the commands of the records manager: computed on the machine, and opened."""

import json
import os
import pwd
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.device.cli import platepost
from tests.department.commands.filled import fleet_post, keep
from tests.department.commands.installation import CURRENT, Commands, department, give_apps, next_code

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
INCIDENT = (
    "INSERT INTO sharing_incident (kind, subject, says, since, until, known_on, notify_by, encrypted, person, at)"
    " VALUES ('backup', repeat('ab', 32), 'A backup was copied.', now() - interval '9 days', now() + interval '1 hour',"
    " current_date, current_date + 30, false, 'b.lee', now())"
)


def test_list_of_a_copied_backup(department: Commands, tmp_path: Path) -> None:
    folder, key = DepartmentFolder(department.folder), ECKey.generate_key("P-256")
    public, private, sealed, into = (tmp_path / name for name in ("public.pem", "me.pem", "list.jwe", "list.jsonl"))
    public.write_bytes(key.as_pem(private=False))
    private.write_bytes(key.as_pem(private=True))
    post = fleet_post(department)
    compute = ("affected compute", "1", sealed, "--to", public)
    with running_database(folder):
        keep(folder, [post.read() for _ in range(3)])
        assert "No one has this username" in department(*compute).stderr
        for login in (pwd.getpwuid(os.getuid()).pw_name, "b.lee"):
            department("person add", login, "--name", login, "--role", "records_manager")
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(CURRENT)
        give_apps(folder)
        assert "there is no incident 1" in department(*compute, given=next_code(folder)).stderr
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(INCIDENT)
        assert department.json(*compute, given=next_code(folder)) == {"incident": 1, "plates": 1}
        assert "already exists" in department(*compute).stderr
    opening = ["department", "affected", "open", str(sealed), str(into), "--open-with", str(private)]
    assert CliRunner().invoke(platepost, opening).output == "Incident 1: 1 plates.\n"
    _, plate = map(json.loads, into.read_bytes().splitlines())
    assert plate["count"] == 3
