"""What is noted of people on the command line."""

from datetime import UTC, datetime

import psycopg

from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from tests.department.commands.installation import Commands, department

__all__ = ["department"]


def test_days_begin_where_the_department_is(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    settings = folder.path / "department.toml"
    settings.write_text(settings.read_text().replace('timezone = "UTC"', 'timezone = "America/Los_Angeles"'))
    with running_database(folder):
        for login in ("a.rivera", "t.wong"):
            department("person add", login, "--name", login, "--role", "trainer")
        department("person certificate", "a.rivera", "clets", "2030-07-01")
        department("person training", "a.rivera", "policy", "--trainer", "t.wong", "--held", "2026-01-15")
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            noted = owner.execute("SELECT expires_at, held_at FROM people_certificate, people_training").fetchall()
    assert noted == [(datetime(2030, 7, 1, 7, tzinfo=UTC), datetime(2026, 1, 15, 8, tzinfo=UTC))]
