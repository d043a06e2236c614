"""The outcome as it stands in the documentation, and as scripts read it."""

from pathlib import Path

from tests.campaigns.faults.judge import Ruling
from tests.campaigns.faults.page import DESCRIPTIONS, as_markdown
from tests.campaigns.faults.result import CampaignResult, Injected, problems_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "reliability.md"
SOUND = Ruling(
    post="post-1",
    stored=10,
    delivered=11,
    repeats=3,
    given_up=0,
    damaged=0,
    lost=0,
    chains=1,
    outside=2,
    dropped=0,
)


def outcome(*, rulings: tuple[Ruling, ...] = (SOUND,), problems: tuple[str, ...] = ()) -> CampaignResult:
    return CampaignResult(
        injected=(
            Injected("post killed", "post-1", 0.5),
            Injected("post killed", "post-1", 1.5),
            Injected("post killed", "post-1", None),
            Injected("disk full", "post-1", None),
        ),
        absent={},
        rulings=rulings,
        problems=(*problems, *problems_of(rulings)),
        seconds=60.0,
        seed=1,
    )


def test_every_kind_of_fault_stands_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [name for name in DESCRIPTIONS if f"| {name} |" not in text] == []
    assert "python -m tests.campaigns faults" in text


def test_the_table_has_times_and_recovery() -> None:
    lines = as_markdown(outcome()).splitlines()

    assert next(line for line in lines if line.startswith("| post killed |")).endswith("| 3 | 1.00 | 1.50 |")
    assert next(line for line in lines if line.startswith("| disk full |")).endswith("| 1 |  |  |")
    assert "| **records lost** | 0 |" in lines


def test_a_campaign_passes_only_if_everything_is_accounted_for() -> None:
    lost = Ruling("post-2", 10, 9, 0, 0, 0, 1, 1, 0, 0, ("lost: number 4, platepost.read.v1, id",))

    assert outcome().passed
    assert not outcome(rulings=(SOUND, lost)).passed
    assert not outcome(problems=("post-1: nothing new",)).passed
    assert not outcome(rulings=()).passed
    assert outcome(rulings=(SOUND, lost)).as_json()["problems"] == ["post-2: lost: number 4, platepost.read.v1, id"]
