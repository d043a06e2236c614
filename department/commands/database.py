"""`platepost department database`: the private database for a supervisor."""

import click

from platepost.department.database.cluster import PrivateCluster
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER


@click.command(
    epilog="""\b
Example:
  platepost department database /var/lib/platepost-department
"""
)
@FOLDER
def database(*, folder: DepartmentFolder) -> None:
    """Run the private database of FOLDER in the foreground, as a service, until SIGTERM.

    If it is not running, the other commands start the database when they need it, and the last one stops it.
    """
    if not folder.is_private:
        raise DepartmentError(f"{folder.path} uses the department's own database server")
    PrivateCluster(folder.cluster).become_server()
