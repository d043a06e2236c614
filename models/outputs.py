"""Files that commands write at their end: whether they can be written is seen before the work."""

from pathlib import Path

import click


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
