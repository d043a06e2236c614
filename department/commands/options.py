"""What the commands have in common."""

from pathlib import Path

import click

from department.folder import DepartmentFolder


class _Folder(click.ParamType[DepartmentFolder]):
    name = "folder"

    def convert(
        self, value: str | DepartmentFolder, param: click.Parameter | None, ctx: click.Context | None
    ) -> DepartmentFolder:
        del param, ctx
        return value if isinstance(value, DepartmentFolder) else DepartmentFolder(Path(value))


FOLDER = click.argument("folder", type=_Folder())
"""The department's folder."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
