"""Sets Django up for a command."""

import os

import django
from django.conf import settings

from department.errors import DepartmentError
from department.folder import FOLDER_VARIABLE, ROLE_VARIABLE, DepartmentFolder


def set_up_django(folder: DepartmentFolder, role: str) -> None:
    """Have Django work on a department's folder, with a database role. Once a process: Django knows one database.

    Raises:
        DepartmentError: the folder is not as it must be, or Django works on something else already.

    """
    wanted = {
        FOLDER_VARIABLE: str(folder.path),
        ROLE_VARIABLE: role,
        "DJANGO_SETTINGS_MODULE": "department.config.settings",
    }
    if settings.configured:
        if any(os.environ.get(name) != value for name, value in wanted.items()):
            raise DepartmentError(f"this process works on another folder than {folder.path}, or as another role")
        return
    os.environ.update(wanted)
    django.setup()
