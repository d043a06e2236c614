import pytest

from platepost.device.frame import Box
from platepost.simulator.redaction.tracks import LONGEST_GAP, MORE, Find, covered, follow

SURE = 0.5


def at(x: float, *, score: float = 0.9, width: float = 60, y: float = 100) -> Find:
    return Find((x, y, x + width, y + 20), score)


def run(*frames: list[Find]) -> list[list[Box]]:
    return covered(follow(frames, sure=SURE), len(frames))


def test_a_frame_in_which_it_was_missed_is_covered_between() -> None:
    boxes = run([at(100)], [], [at(120)])
    assert [box[0] for box in boxes[1]] == [pytest.approx(110)]


def test_a_thing_is_covered_before_its_first_find_and_after_its_last_where_it_went() -> None:
    finds: list[list[Find]] = [[] for _ in range(30)]
    finds[14], finds[15] = [at(100)], [at(110)]
    boxes = run(*finds)
    assert [bool(found) for found in boxes] == [14 - MORE <= frame <= 15 + MORE for frame in range(30)]
    left, _, right, _ = boxes[15 + 3][0]
    assert left <= 110  # it may have stopped
    assert right >= 110 + 30 + 60  # or gone on


def test_weak_finds_count_only_along_the_way_of_a_sure_one() -> None:
    weak = [[at(100 + 5 * frame, score=0.3)] for frame in range(4)]
    assert run(*weak) == [[], [], [], []]
    weak[2] = [at(110, score=0.8)]
    assert all(len(found) == 1 for found in run(*weak))


def test_what_was_unseen_for_long_is_another_thing() -> None:
    gap: list[list[Find]] = [[] for _ in range(LONGEST_GAP + 1)]
    assert len(follow([[at(100)], *gap, [at(100)]], sure=SURE)) == 2
    assert len(follow([[at(100)], *gap[1:], [at(100)]], sure=SURE)) == 1


def test_two_things_beside_one_another_stay_two() -> None:
    tracks = follow([[at(100), at(300)], [at(310), at(108)], [at(116), at(320)]], sure=SURE)
    assert [[box[0] for box in track.finds.values()] for track in tracks] == [[100, 108, 116], [300, 310, 320]]


def test_a_thing_of_another_size_elsewhere_is_another() -> None:
    assert len(follow([[at(100)], [at(190, width=200)]], sure=SURE)) == 2


def test_nothing_found_covers_nothing() -> None:
    assert run([], []) == [[], []]
