from pathlib import Path

import pytest

from platepost.simulator.errors import ScenarioFileError
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.load import find, load, parse, shipped
from platepost.simulator.scenario.toml_files import Lines

HERE = Path(__file__).parent
GOOD = """\
title = "A day"
promise = "All is well."
begins = 2026-03-03T08:00:00Z
lasts = "1 min"

[[posts]]
name = "post-1"

[lists.morning]
version = 1
plates = [
    { plate = "7ABC123", category = "stolen_vehicle" },
    { plate = "7ABC124", category = "stolen_vehicle" },
]

[[events]]
at = 2
do = "publish"
list = "morning"

[[expect]]
check = "hits"
count = 1
"""


def errors_of(text: str) -> list[str]:
    with pytest.raises(ScenarioFileError) as caught:
        parse(text, origin="my.toml", scenario_folder=HERE)
    return str(caught.value).splitlines()


def test_every_scenario_that_ships_is_right() -> None:
    found = [load(path) for path in shipped()]
    assert len(found) >= 15
    assert len({scenario.title for scenario in found}) == len(found)


def test_a_good_file_is_read() -> None:
    scenario = parse(GOOD, origin="my.toml", scenario_folder=HERE)
    assert scenario.lasts == 60
    assert scenario.events[0].at == 2


@pytest.mark.parametrize(
    ("good", "bad", "line", "message"),
    [
        ('title = "A day"', 'titel = "A day"', 1, "titel: unknown key"),
        ('lasts = "1 min"', 'lasts = "a while"', 4, "lasts = 'a while': a duration is written as"),
        ("begins = 2026-03-03T08:00:00Z", "begins = 2020-03-03T08:00:00Z", 3, "scenarios take place between"),
        ('name = "post-1"', 'name = "Post 1"', 7, "posts[1].name = 'Post 1'"),
        ('"7ABC124"', '"7abc!"', 13, "lists.morning.plates[2].plate = '7abc!'"),
        ('do = "publish"', 'do = "publsh"', 16, "events[1].do: unknown kind 'publsh'; did you mean 'publish'?"),
        ('do = "publish"\n', "", 16, "events[1].do: `do` is missing"),
        ('list = "morning"', 'list = "noon"', 19, "no list is called 'noon'; there are: morning"),
        ("at = 2", 'at = "2 h"', 17, "events[1].at: after the scenario's end"),
        ('check = "hits"', 'check = "hit"', 21, "expect[1].check: unknown kind 'hit'; did you mean 'hits'?"),
        ("count = 1", "count = -1", 23, "expect[1].count = -1"),
        ("count = 1", "count = 1\nat_most = 3", 21, "`count` stands alone"),
        ("count = 1", 'post = "post-2"', 23, "no post is called 'post-2'; there are: post-1"),
        ('[[expect]]\ncheck = "hits"\ncount = 1\n', "", 1, "expect: missing"),
        ("count = 1", 'category = "stolen_vehicl"\ncount = 0', 23, "on no list; did you mean 'stolen_vehicle'?"),
        ("count = 1", 'category = "amber_alert"\ncount = 0', 23, "on no list; known: stolen_vehicle"),
    ],
)
def test_an_error_says_the_line_and_what_is_wrong(good: str, bad: str, line: int, message: str) -> None:
    assert good in GOOD
    found = errors_of(GOOD.replace(good, bad, 1))
    assert any(error.startswith(f"my.toml:{line}: ") and message in error for error in found), found


TRAFFIC = """
[[traffic]]
at = 10
clip = "street"
end = 2.6

[[traffic]]
at = 20
clip = "street"
end = 2.3
"""


@pytest.mark.parametrize(
    ("good", "bad", "line", "message"),
    [
        ('clip = "street"', 'clip = "steet"', 27, "traffic[1].clip: no clip 'steet' ships (night_rain, pass, "),
        ('clip = "street"', 'clip = "test_load.py"', 27, "test_load.py: not a video that can be played"),
        ("end = 2.6", "end = 99", 27, "traffic[1].clip: clip street is 44 s long, the stretch ends at 99 s"),
        ("at = 20", "at = 11", 31, "traffic[2].at: post-1: begins before the traffic at 10 s is over (12.6 s)"),
        ('name = "post-1"', 'name = "post-1"\naccepted_view = "x"', 8, "posts[1].accepted_view: no clip 'x' ships"),
        (
            'name = "post-1"',
            'name = "post-1"\n[posts.settings.vision]\nminimum_scor = 0.2',
            9,
            "posts[1].settings.vision.minimum_scor: unknown key; did you mean 'minimum_score'?",
        ),
        (
            'name = "post-1"',
            'name = "post-1"\n[posts.settings.vision]\nminimum_score = "x"',
            9,
            "posts[1].settings.vision.minimum_score: 'x': should be a valid number",
        ),
    ],
)
def test_what_it_refers_to_is_checked_before_anything_is_played(good: str, bad: str, line: int, message: str) -> None:
    text = GOOD + TRAFFIC
    assert good in text
    assert parse(text, origin="my.toml", scenario_folder=HERE)
    (found,) = errors_of(text.replace(good, bad, 1))
    assert found.startswith(f"my.toml:{line}: ")
    assert message in found


@pytest.mark.parametrize(
    ("demand", "line", "message"),
    [
        ('check = "state"\nreason = "tampr_open"\nnever = true', 23, "unknown; did you mean 'tamper_open'?"),
        ('check = "state"\nreason = "xxxxxx"\nnever = true', 23, "unknown; known: board_failed, "),
        ('check = "audit"\naction = "hotlist_refusd"\ncount = 0', 23, "unknown; did you mean 'hotlist_refused'?"),
        ('check = "board"\nline = "status_light"\nvalue = "degradd"\ncount = 0', 21, "did you mean 'degraded'?"),
        ('check = "board"\nline = "status_light"\nvalue = true\ncount = 0', 21, "known: off, starting, "),
        ('check = "board"\nline = "camera_power"\nvalue = "off"\ncount = 0', 21, "camera_power is true or false"),
        ('check = "broker"\nbroker = 2\ncount = 0', 23, "expect[1].broker: there is only one broker"),
        ('check = "hits"\nafter = "1 min"\ncount = 0', 23, "expect[1].after: after the scenario's end"),
        ('check = "hits"\nbefore = "61 s"\ncount = 0', 23, "expect[1].before: after the scenario's end"),
        ('check = "clock"\nafter = "2 min"', 23, "expect[1].after: after the scenario's end"),
        ('check = "list"\nversion = 1\nat = "5 min"', 24, "expect[1].at: after the scenario's end"),
        ('check = "state"\nreason = "disk_full"\nentered = 70', 24, "expect[1].entered: after the scenario's end"),
        ('check = "state"\nreason = "disk_full"\nleft = 70', 24, "expect[1].left: after the scenario's end"),
        ('check = "state"\nreason = "disk_full"\nleft = 55', 24, "it may be reported until 1 min"),
        ('check = "state"\nreason = "disk_full"\nentered = 9\nleft = 9', 21, "`left` must be later than `entered`"),
        ('check = "hits"\nafter = 50\nbefore = 10\ncount = 0', 21, "`before` must be later than `after`"),
        ('check = "hits"\nafter = 50\nbefore = 50\ncount = 0', 21, "`before` must be later than `after`"),
        ('check = "clock"\nafter = 50\nbefore = 10', 21, "`before` must be later than `after`"),
        ('check = "reads"\nat_least = 3\nat_most = 1', 21, "`at_least` is more than `at_most`"),
        ('check = "reads"\nat_least = 0', 21, "`at_least` = 0 demands nothing"),
        ('check = "camera_opened"\nafter = 5\ncount = 0', 21, "without `after` and `before`"),
    ],
)
def test_a_demand_that_could_not_fail_is_refused(demand: str, line: int, message: str) -> None:
    found = errors_of(GOOD.replace('check = "hits"\ncount = 1', demand))
    assert any(error.startswith(f"my.toml:{line}: ") and message in error for error in found), found


def test_custodians_that_are_not_there_can_neither_be_asked_nor_stopped() -> None:
    asked = GOOD.replace('check = "hits"\ncount = 1', 'check = "custody"')
    assert parse(asked, origin="my.toml", scenario_folder=HERE).custodians == 1
    assert any("expect[1].check: there is no custodian" in error for error in errors_of("custodians = 0\n" + asked))
    stopped = GOOD + '\n[[events]]\nat = 3\ndo = "custodian_stops"\ncustodian = 2\n'
    assert any("custodian: there is only one custodian" in error for error in errors_of(stopped))
    assert parse("custodians = 2\n" + stopped, origin="my.toml", scenario_folder=HERE).custodians == 2


@pytest.mark.parametrize(
    "demand",
    [
        'check = "hits"\nbefore = "1 min"\ncount = 0',
        'check = "list"\nversion = 1\nat = "1 min"',
        'check = "state"\nreason = "disk_full"\nleft = 54',
        'check = "reads"\nat_least = 0\nat_most = 1',
        'check = "board"\nline = "status_light"\nvalue = "in_service"',
        'check = "board"\nline = "camera_power"\nvalue = false',
        'check = "broker"\nbroker = 1',
    ],
)
def test_a_demand_up_to_the_end_is_taken(demand: str) -> None:
    assert parse(GOOD.replace('check = "hits"\ncount = 1', demand), origin="my.toml", scenario_folder=HERE)


@pytest.mark.parametrize("age", ['"999999 days"', '"-36501 days"', "1" + "0" * 400, "1e300", "nan"])
def test_a_time_beyond_all_calendars_is_told_with_its_line(age: str) -> None:
    found = errors_of(GOOD.replace("version = 1", f"version = 1\nage = {age}"))
    assert found[0].startswith("my.toml:11: lists.morning.age"), found
    assert "century" in found[0]


@pytest.mark.parametrize("begins", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2025-12-31T00:00:00Z"])
def test_a_beginning_beyond_all_certificates_is_told_with_its_line(begins: str) -> None:
    found = errors_of(GOOD.replace("2026-03-03T08:00:00Z", begins))
    assert found[0].startswith("my.toml:3: begins"), found
    assert "between 2026-01-02 and 2099" in found[0]


def test_a_version_that_no_list_can_have_is_told_with_its_line() -> None:
    found = errors_of(GOOD.replace("version = 1", f"version = {2**53}"))
    assert found[0].startswith("my.toml:10: lists.morning.version")


def test_decoys_are_listed_too() -> None:
    text = GOOD.replace("stolen_vehicle", "missing_person").replace(
        "count = 1", 'category = "stolen_vehicle"\ncount = 0'
    )
    assert parse(text, origin="my.toml", scenario_folder=HERE)
    assert "on no list; known: missing_person" in errors_of(text.replace("version = 1", "version = 1\ndecoys = 0"))[0]


def test_editors_know_the_names() -> None:
    demands = Scenario.model_json_schema()["$defs"]
    assert "tamper_open" in demands["StateCheck"]["properties"]["reason"]["enum"]
    assert "hotlist_refused" in demands["AuditCheck"]["properties"]["action"]["enum"]


def test_all_errors_are_told_at_once() -> None:
    found = errors_of(GOOD.replace("count = 1", "count = -1").replace('lasts = "1 min"', "lasts = 0"))
    assert [error.split(":")[1] for error in found] == ["4", "23"]


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert errors_of(GOOD + "[[expect]\n")[0].startswith("my.toml:24: ")
    assert errors_of(GOOD + 'x = "')[0].startswith("my.toml:24: ")
    assert "digits" in errors_of(GOOD + "x = " + "9" * 5000)[0]


def test_a_file_may_come_from_an_editor_on_windows(tmp_path: Path) -> None:
    written = tmp_path / "mine.toml"
    written.write_text(GOOD, encoding="utf-8-sig", newline="\r\n")
    assert load(written).title == "A day"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match="No such file"):
        load(tmp_path / "none.toml")


def test_a_scenario_is_found_by_name_or_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(GOOD, encoding="utf-8")
    assert find("ordinary_day").stem == "ordinary_day"
    assert find(str(mine)) == mine
    with pytest.raises(ScenarioFileError, match="did you mean ordinary_day"):
        find("ordinary-day")


def test_lines_know_nested_tables_and_the_nearest_one_around_what_is_missing() -> None:
    lines = Lines('a = 1\n[[posts]]\nname = "x"\n[posts.settings.records]\nread_patch = true\n[[posts]]\nname = "y"\n')
    assert lines.of(("a",)) == 1
    assert lines.of(("posts", 0, "settings", "records", "read_patch")) == 5
    assert lines.of(("posts", 1, "name")) == 7
    assert lines.of(("posts", 1, "site")) == 6
    assert lines.of(("nothing",)) == 1
