"""The small state that a post of the version before left on its disk is read as it was meant."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from platepost.common.systemd import Notifier, boot_id
from platepost.device.camera.recovery import Recovery, RecoveryAction
from platepost.device.camera.view import WIDTH, load_views
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.control import ConfigurationStore
from platepost.device.control.keys.store import KeyStore
from platepost.device.enrollment.unit import WORK, UnitEnrollment
from platepost.device.health.boot_counter import BootCounter
from platepost.device.health.crash_record import CrashRecord
from platepost.device.health.read_rate import ReadRateBaseline
from platepost.wire.records import ClockQuality, Purpose

NOON = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_floor_under_the_clock(tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_text(
        '{"floor": "2026-06-01T12:00:00.123456+00:00", "last": "2026-06-01T12:00:05.000001+00:00"}'
    )
    unknown = ClockQuality(synchronised=False, source="unknown")
    timekeeper = Timekeeper(tmp_path / "clock.json", quality=lambda: unknown, wall=lambda: 0.0, steady=lambda: 0.0)
    assert timekeeper._floor[0] == NOON
    assert timekeeper.now() == NOON.replace(second=5, microsecond=1)


def test_steps_of_the_camera_s_recovery(tmp_path: Path) -> None:
    (tmp_path / "camera.json").write_text(
        f'{{"boot": "{boot_id()}", "restarts": 1, "taken": {{"reopen": 2, "power_cycle": 2, "restart": 1}}}}'
    )
    recovery = Recovery(tmp_path / "camera.json")
    assert recovery.taken == {"reopen": 2, "power_cycle": 2, "restart": 1}
    assert [recovery.failed().action for _ in range(3)][-1] is RecoveryAction.RESTART
    assert recovery.failed().action is RecoveryAction.REOPEN, "it was the second restart"


def test_accepted_view(tmp_path: Path) -> None:
    (tmp_path / "view.json").write_text(
        '{\n "version": 1,\n "day": {\n  "accepted": "2026-06-01T12:00:00Z",\n  "accepted_by": "r-alvarez",\n'
        '  "frame_width": 640,\n  "frame_height": 360,\n  "sharpness": 0.0,\n'
        f'  "luminance": "{"Wlpa" * 768}"\n }},\n "infrared": null\n}}'
    )
    views = load_views(tmp_path)
    assert views.day is not None
    assert views.day.picture.shape == (36, WIDTH)
    assert (views.day.accepted_by, views.infrared) == ("r-alvarez", None)


def test_remote_configuration(tmp_path: Path) -> None:
    (tmp_path / "configuration.json").write_text(
        '{"format": 1, "highest": 3, "signer": "abc", "current": {"jws": "a.b.c", "at": "2026-06-01T12:00:00.000Z"},'
        ' "trial": {"starts": 1, "before": ["camera_silent"]}, "refused": {"version": 2, "reason": "invalid_value",'
        ' "message": "vision.minimum_score = 7"}}'
    )
    kept = ConfigurationStore(tmp_path).read()
    assert (kept.highest, kept.signer, kept.previous) == (3, "abc", None)
    assert kept.current is not None
    assert kept.current.at == NOON.replace(microsecond=0)
    assert kept.trial is not None
    assert kept.trial.before == ("camera_silent",)
    assert kept.refused is not None
    assert kept.refused.reason == "invalid_value"


def test_statements_about_keys(tmp_path: Path) -> None:
    (tmp_path / "keys-lists.json").write_text(
        '{"format":1,"given":"abc","statements":["a.b.c"],"withdrawn":[{"public_key":"PEM","revoked":true}],'
        '"refused":{"era":0,"number":2,"reason":"older"}}'
    )
    kept = KeyStore(tmp_path, Purpose.LISTS).read()
    assert kept is not None
    assert (kept.given, kept.statements) == ("abc", ("a.b.c",))
    assert [(gone.public_key, gone.revoked) for gone in kept.withdrawn] == [("PEM", True)]
    assert kept.refused is not None
    assert kept.refused.reason == "older"


def test_starts_in_a_row(tmp_path: Path) -> None:
    (tmp_path / "starts.json").write_text('{"bad": 3, "reboots": 1}')
    counter = BootCounter(tmp_path, Notifier())
    assert (counter.bad, counter.reboots) == (3, 1)


def test_what_the_run_before_died_with(tmp_path: Path) -> None:
    (tmp_path / "last_words.json").write_text(
        '{"run": "0197c2a0-0000-7000-8000-000000000001", "machine": "6f2c1a70", "faults": ["camera_silent",'
        ' "clock_unsynchronised"], "unfed": "main", "stopped": false}'
    )
    died = CrashRecord(tmp_path, run="next", machine="6f2c1a70").former()
    assert died is not None
    assert died.run == "0197c2a0-0000-7000-8000-000000000001"
    assert (died.faults, died.unfed) == (("camera_silent", "clock_unsynchronised"), "main")
    assert (died.rebooted, died.how) == (False, "unknown")
    (tmp_path / "last_words.json").write_text(
        '{"run": "a", "machine": "6f2c1a70", "faults": [], "unfed": null, "stopped": true}'
    )
    assert CrashRecord(tmp_path, run="next", machine="6f2c1a70").former() is None


def test_usual_reads_of_each_hour(tmp_path: Path) -> None:
    hours = ["null"] * 5 + ["120.0"] * 3 + ["null"] * 160
    (tmp_path / "habit.json").write_text(f"[{', '.join(hours)}]")
    baseline, monday = ReadRateBaseline(tmp_path / "habit.json"), datetime(2026, 6, 1, 6, tzinfo=UTC)
    for seconds in range(0, 1200, 30):
        baseline.poll(monday + timedelta(seconds=seconds), reads=0, watching=True)
    assert baseline.missed, "twenty reads at two a minute, and a quarter of an hour"


def test_enrollment_under_way(tmp_path: Path) -> None:
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / "plan.json").write_text('{"post": "post-18", "seal_key": "00ff"}')
    pending = UnitEnrollment(tmp_path).pending()
    assert pending is not None
    assert (pending.post, pending.seal_key) == ("post-18", b"\x00\xff")
    (tmp_path / WORK / "plan.json").write_text('{"post": "post-18", "seal_key": null}')
    assert UnitEnrollment(tmp_path).pending() == pending.model_copy(update={"seal_key": None})
