"""A clip with what is known of it: beside `street.mp4` lie its truth, its hot list and the hits that are due.

::

    street.mp4            the footage
    street.truth.json     the passages; without it nothing is scored
    street.hotlist.csv    the plates of interest, with the columns that `platepost provision hotlist` expects
    street.patterns.csv   partial plates
    street.due.json       [{"passage": 3, "kind": "exact", "category": "stolen_vehicle"}, ...], by the truth's passages

A clip of one's own needs none of them; then the demonstration only checks that every record is whole and genuine.
"""

from dataclasses import dataclass
from pathlib import Path

from platepost.simulator.errors import DemoError, TruthError
from platepost.simulator.scoring.truth import DueHit, Truth, load_due_hits, load_truth

STREET = Path(__file__).parent.parent / "footage" / "street.mp4"
"""The clip that ships."""


@dataclass(frozen=True, slots=True)
class DemoClip:
    """A clip and what lies beside it; None where there is none."""

    footage: Path
    truth: Truth | None
    hot_list: Path | None
    patterns: Path | None
    due: tuple[DueHit, ...]


def find_clip(footage: Path) -> DemoClip:
    """Gather what lies beside a clip.

    Raises:
        DemoError: there is no such clip.
        TruthError: a file beside it is damaged, or the hits that are due are without the passages.

    """
    if not footage.exists():
        raise DemoError(f"{footage}: no such footage")

    def beside(suffix: str) -> Path | None:
        path = footage.with_name(f"{footage.stem}.{suffix}")
        return path if path.is_file() else None

    truth_path, due_path = beside("truth.json"), beside("due.json")
    if due_path and truth_path is None:
        # Hits that are due and not looked for would be hits that no one misses.
        raise TruthError(f"{due_path}: lists passages of {footage.stem}.truth.json, which is missing")
    truth = load_truth(truth_path, clip=footage.name) if truth_path else None
    return DemoClip(
        footage=footage.absolute(),
        truth=truth,
        hot_list=beside("hotlist.csv"),
        patterns=beside("patterns.csv"),
        due=load_due_hits(due_path, truth) if due_path and truth else (),
    )
