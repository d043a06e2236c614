"""What happens to a department is drawn, and the same seed draws the same."""

from collections import Counter
from random import Random

from tests.campaigns.department.disturbances import DISTURBANCES, DisturbanceCounts, drawn_course

COUNTS = DisturbanceCounts(kills=50, restarts=10, fills=2)


def test_each_disturbance_comes_as_often_as_it_is_to_and_while_records_come() -> None:
    course = drawn_course(Random(1), COUNTS, records=10_000)
    assert Counter(name for _, name in course) == {
        "keeper killed": 50,
        "broker restarted": 5,
        "broker killed": 5,
        "database restarted": 5,
        "database killed": 5,
        "database's disk full": 2,
        "register renewed": 1,
    }
    assert {name for _, name in course} == {*DISTURBANCES}
    moments = [moment for moment, _ in course]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 10_000


def test_a_seed_tells_the_course() -> None:
    assert drawn_course(Random(1), COUNTS, records=1000) == drawn_course(Random(1), COUNTS, records=1000)
    assert drawn_course(Random(1), COUNTS, records=1000) != drawn_course(Random(2), COUNTS, records=1000)
