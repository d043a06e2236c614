import json
import random
import sys
from datetime import UTC, datetime

import pytest

from platepost.provisioning.control.read_figures import ReadFigures, command_source, total, worse
from platepost.provisioning.errors import ProvisioningError

USUAL = ReadFigures(reads=1000, known=550, late=5, hits=20, confidence=0.95)
BEGAN, ENDED = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)


def test_a_build_that_misreads_is_found_by_plates_that_nobody_knows() -> None:
    (found,) = worse(USUAL, ReadFigures(reads=40, known=0, hits=1, confidence=0.95))
    assert found == "0% of the plates are known, 55% before: it may be misreading"
    some = ReadFigures(reads=400, known=100, hits=8, confidence=0.95)
    assert "25% of the plates are known" in worse(USUAL, some)[0], "more than every second one"


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (ReadFigures(reads=100, known=55, hits=2, confidence=0.95), "100 reads, where 500 were to come"),
        (ReadFigures(), "0 reads, where 500 were to come"),
        (ReadFigures(reads=500, known=275, late=100, hits=10, confidence=0.95), "100 of 500 reads arrived late"),
        (ReadFigures(reads=500, known=275, hits=10, confidence=0.85), "mean confidence 0.85, 0.95 before"),
        (ReadFigures(reads=500, known=275, hits=0, confidence=0.95), "0 hits, where 10 were to come"),
        (ReadFigures(reads=500, known=275, hits=50, confidence=0.95), "50 hits, where 10 were to come"),
    ],
)
def test_what_is_worse_is_named(after: ReadFigures, what: str) -> None:
    assert worse(USUAL, after, expected=500) == [what]


def test_of_few_reads_and_of_chance_nothing_follows() -> None:
    assert worse(USUAL, ReadFigures(), expected=20) == []
    assert worse(ReadFigures(), USUAL) == []
    assert worse(USUAL, ReadFigures(reads=3, known=0, confidence=0.9)) == []
    draw = random.Random(7)
    for _ in range(2000):
        reads = draw.randrange(1, 400)
        known = sum(draw.random() < 0.55 for _ in range(reads))
        after = ReadFigures(reads=reads, known=known, hits=reads // 50, confidence=0.94)
        assert worse(USUAL, after) == []


def test_posts_together_have_the_mean_of_their_reads() -> None:
    more = ReadFigures(reads=3000, known=1000, hits=4, confidence=0.91)
    assert total({"a": USUAL, "b": more, "c": USUAL}, ["a", "b", "d"]) == ReadFigures(
        reads=4000, known=1550, late=5, hits=24, confidence=0.92
    )


def test_a_command_gives_the_figures_of_a_time() -> None:
    program = "import json, sys; print(json.dumps({'post-1': {'reads': 3}}) if '--until' in sys.argv else '')"
    figures = command_source(f'{sys.executable} -c "{program}"')(BEGAN, ENDED)
    assert figures == {"post-1": ReadFigures(reads=3)}


@pytest.mark.parametrize("program", ["print('no json')", "pass", "raise SystemExit('the database does not answer')"])
def test_a_command_that_fails_gives_no_figures(program: str) -> None:
    with pytest.raises(ProvisioningError, match="no figures"):
        command_source(f'{sys.executable} -c "{program}"')(BEGAN, ENDED)


def test_nothing_but_figures_is_taken() -> None:
    answer = json.dumps({"post-1": {"reads": 3, "plate": "x"}}).replace('"', "'")
    with pytest.raises(ProvisioningError, match="no figures"):
        command_source(f'{sys.executable} -c "import json; print(json.dumps({answer}))"')(BEGAN, ENDED)
