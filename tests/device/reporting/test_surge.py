from platepost.device.reporting.surge import HOUR_SECONDS, HitSurge, Surge


class Road:
    def __init__(self) -> None:
        self.now = 0.0
        self.surge = HitSurge(lambda: self.now)
        self.plates = 0

    def hits(self, count: int, *, category: str = "stolen_vehicle", group: str | None = None) -> list[bool]:
        """Let so many different plates hit within a minute."""
        found = []
        for _ in range(count):
            self.plates += 1
            self.now += 60 / count
            found.append(self.hit(f"T{self.plates:06d}", category=category, group=group))
        return found

    def hit(self, plate: str, *, category: str = "stolen_vehicle", group: str | None = None) -> bool:
        """Let one plate hit."""
        return self.surge.count(plate, plate, category, group, least=10)


def test_more_plates_than_are_believable_are_held_until_an_hour_is_as_usual() -> None:
    road = Road()
    assert road.hits(10) == [False] * 10
    assert not road.surge.present
    assert road.hits(3) == [True] * 3
    assert road.surge.present
    assert road.surge.take_begun() == (Surge("stolen_vehicle", 11, 0.0),)
    assert road.surge.take_begun() == ()
    road.now += HOUR_SECONDS + 60
    assert not road.surge.present
    assert road.hits(1) == [False]


def test_one_category_does_not_hold_another() -> None:
    road = Road()
    road.hits(12)
    assert road.hits(1, category="amber_alert") == [False]


def test_a_vehicle_that_hits_again_and_again_is_one() -> None:
    road = Road()
    assert not any(road.hit("7ABC123", category="local") for _ in range(50))


def test_ten_times_what_is_usual_is_believed() -> None:
    road = Road()
    for _ in range(24):
        assert not any(road.hits(3))
        road.now += HOUR_SECONDS - 60
    assert road.hits(30).count(True) <= 2
    assert road.hits(5)[-1]


def test_what_was_held_never_becomes_usual() -> None:
    road = Road()
    for _ in range(72):
        assert road.hits(40)[-1]
        road.now += HOUR_SECONDS - 60


def test_of_covert_hits_neither_fault_nor_audit_tells() -> None:
    road = Road()
    assert road.hits(12, group="narcotics")[-2:] == [True, True]
    assert not road.surge.present
    assert road.surge.take_begun() == ()


def test_a_plate_that_was_reported_before_the_surge_is_never_held() -> None:
    road = Road()
    assert not road.hit("7ABC123")
    assert road.hits(20)[-1]
    assert not road.hit("7ABC123")
    road.now += 12 * HOUR_SECONDS
    assert road.hits(20)[-1]
    assert not road.hit("7ABC123")


def test_a_list_without_the_wrong_entries_ends_the_surge_at_once() -> None:
    road = Road()
    assert not road.hit("7ABC123")
    assert road.hits(20)[-1]
    road.hits(20, category="local")
    road.surge.recount(lambda plate, category, _group: plate == "7ABC123" or category == "local", least=10)
    assert not road.hit("8XYZ456"), "a vehicle that is really stolen"
    assert road.hit("9LMN789", category="local"), "its entries are still on the list"
    assert road.surge.present
    road.surge.recount(lambda _plate, _category, _group: False, least=10)
    assert not road.surge.present


def test_a_list_that_keeps_the_wrong_entries_ends_nothing() -> None:
    road = Road()
    assert road.hits(20)[-1]
    road.surge.recount(lambda _plate, _category, _group: True, least=10)
    assert road.surge.present
    assert road.hit("8XYZ456")
