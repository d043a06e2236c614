"""Files that commands read, and those that they write at their end, which is seen to be possible before the work."""

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)


def make_room(path: Path) -> None:
    """Make the folder of a file that is to be written, and see that the file can be.

    Raises:
        click.ClickException: it cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Write a file, and say so."""
    path.write_bytes(content)
    click.echo(f"{path}: {len(content)} bytes")
