"""Whether a write-ahead log is damaged, which SQLite does not tell from one that a power cut has left unfinished.

SQLite ends the log at the first frame whose checksum fails, without a word. If what follows was synchronised, records
that were promised are gone, and their numbers would be given again.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from platepost.device.outbox.salvage.cells import TABLE_LEAF, cells, kind
from platepost.device.outbox.salvage.pages import PAGE, Codec, Image, PageFile, WalFrame, read_salt, wal_frames


def wal_is_damaged(path: Path, key: bytes) -> bool:
    """Tell whether the log beside the database at `path` has lost what was synchronised.

    An append begins when the one before is synchronised. So a power cut leaves at most one append without it, and
    acknowledgments between: a broken frame that another append follows is damage if it belongs to an append itself,
    or if two follow.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not path.exists():
        return False
    return _damaged(wal_frames(log, Codec(key, read_salt(path))))


def wal_is_readable(path: Path) -> bool:
    """Tell whether the disk gives all of the log beside the database at `path`, right or wrong; SQLite needs it."""
    try:
        with closing(PageFile(path.with_name(f"{path.name}-wal"))) as log:
            return all(log.read(place, PAGE) is not None for place in range(0, log.size, PAGE))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def is_chain_end(image: Image) -> bool:
    """Tell whether a page holds the chain's end, which every append moves."""
    return image.authentic and kind(image) == TABLE_LEAF and any(is_chain_row(c.values) for c in cells(image, _none))


def is_chain_row(values: tuple[object, ...]) -> bool:
    """Tell whether a row is that of the chain's end."""
    return (
        len(values) in {4, 5, 6}  # one more since version 2, and since version 3
        and isinstance(values[1], str)
        and len(values[1]) == 36
        and isinstance(values[2], int)
        and isinstance(values[3], str)
        and len(values[3]) == 64
    )


def _damaged(frames: Iterable[WalFrame]) -> bool:
    broken = in_append = False
    appends = needed = 0
    for frame in frames:
        if not broken:
            if frame.unbroken:
                in_append = (in_append or is_chain_end(frame.image)) and not frame.commits
                continue
            # The head is synchronised before the first frame is written: that a cut cannot break it.
            broken, needed = True, 1 if in_append or not frame.headed else 2
        if frame.current and is_chain_end(frame.image):
            appends += 1
            if appends >= needed:
                return True
    return False


def _none(_number: int) -> None:
    return None
