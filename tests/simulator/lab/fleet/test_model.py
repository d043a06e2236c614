import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.device.cli import platepost
from platepost.simulator.lab.fleet.figures import Connecting, Delta, End, Figures, Machine, Outage, Rest, Work
from platepost.simulator.lab.fleet.model import Assumptions, Fitted, district_bounds, need

WORK = Work(
    seconds=100.0,
    most_seconds=99.0,
    records=10_000,
    hits=100,
    payload_bytes=60_000_000,
    bytes_up=65_000_000,
    bytes_down=2_000_000,
    broker_cpu=11.0,
    posts_cpu=50.0,
    keeper_cpu=5.0,
    hit_seconds=(0.01, 0.02, 0.03, 0.04),
)
FIGURES = Figures(
    command="platepost simulate fleet",
    broker="mosquitto",
    posts=1000,
    held=1000,
    rate=100.0,
    machine=Machine(cores=2, memory=2**34, python="3.11"),
    connecting=Connecting(
        seconds=20.0,
        in_service_seconds=30.0,
        broker_cpu=5.0,
        broker_memory_before=10_000_000,
        broker_memory=50_000_000,
        posts_memory=10**9,
        package_bytes=320_000,
    ),
    rest=Rest(seconds=50.0, broker_cpu=0.5, posts_cpu=5.0, bytes_up=500_000, bytes_down=500_000),
    work=WORK,
    burst=WORK,
    delta=Delta(package_bytes=300_000, seconds=(1.0, 2.0, 3.0, 4.0), posts=1000, broker_memory_most=10**8),
    outage=Outage(
        kind="broker stopped",
        away_seconds=10.0,
        cut=1000,
        attempts=2000,
        half_seconds=5.0,
        most_seconds=20.0,
        all_seconds=25.0,
        peak=200,
        delivered_seconds=30.0,
    ),
    end=End(recorded=1, arrived=1, lost=0, repeats=0, verified=1, problems=()),
)
FITTED = Fitted.of(FIGURES)
ASSUMED = Assumptions()


def test_what_is_measured_is_shared_out_to_posts_and_records() -> None:
    assert FITTED.memory_post == 40_000
    assert FITTED.cpu_idle == pytest.approx(1e-5)
    # Of 11 s of the broker's processor, 1 s would have gone by at rest.
    assert FITTED.cpu_record == pytest.approx(1e-3)
    assert FITTED.bytes_idle == pytest.approx(20)
    assert FITTED.bytes_record == pytest.approx(6_500)
    assert FITTED.seal_post == 300
    assert FITTED.cpu_connection == pytest.approx(5e-3)


def test_all_is_proportional_but_the_delta() -> None:
    small, large = need(1000, FITTED, ASSUMED), need(2000, FITTED, ASSUMED)
    assert large.records_peak == pytest.approx(2 * small.records_peak)
    assert large.inbound_mbit == pytest.approx(2 * small.inbound_mbit)
    assert large.cores == pytest.approx(2 * small.cores)
    assert large.mobile_cost > 2 * small.mobile_cost, "every post takes a larger seal"
    assert large.delta_bytes == 2 * small.delta_bytes
    assert large.delta_all_bytes == 4 * small.delta_all_bytes


def test_large_fleet_is_divided_so_that_every_bound_is_kept() -> None:
    for posts in (3_000, 10_000, 100_000):
        found = need(posts, FITTED, ASSUMED)
        largest = math.ceil(posts / found.districts)
        assert largest <= min(found.bounds.values())
        # Twenty of the thirty seconds to send a district's delta to all its posts.
        assert largest * found.delta_bytes <= 1e9 / 8 * 0.6 * 20
        assert found.return_seconds <= ASSUMED.return_seconds


def test_each_bound_is_moved_by_what_it_is_named_after() -> None:
    before = district_bounds(FITTED, ASSUMED)

    def moved(**changes: float) -> set[str]:
        after = district_bounds(FITTED, replace(ASSUMED, **changes))  # type: ignore[arg-type]  # fields, by name
        return {name for name, value in after.items() if value > before[name]}

    assert moved(memory_gb=64.0) == {"memory"}
    assert moved(delta_seconds=60.0) == {"delta"}
    assert moved(return_seconds=120.0) == {"return"}
    assert moved(link_mbit=10_000.0) == {"link", "delta"}
    assert moved(vehicles_a_day=1_000.0) == {"processor", "link"}
    assert moved(cores=64) == set(), "mosquitto has one thread"


def test_cluster_uses_all_cores_of_three_machines() -> None:
    cluster = replace(FITTED, broker="rabbitmq")
    assert district_bounds(cluster, ASSUMED)["processor"] >= 24 * district_bounds(FITTED, ASSUMED)["processor"]
    assert need(1000, cluster, ASSUMED).machines == 3


def test_command_reads_what_a_run_wrote(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(FIGURES.as_json()))
    assert Fitted.of(Figures.load(path)) == FITTED
    given = ["simulate", "fleet-model", str(path), "--posts", "5000", "--assume", "link_mbit=100"]
    told = json.loads(CliRunner().invoke(platepost, [*given, "--json"]).output)
    assert told["assumptions"]["link_mbit"] == 100
    (broker,) = told["brokers"]
    assert broker["needs"][0]["posts"] == 5000
    shown = CliRunner().invoke(platepost, [*given, "--markdown"])
    assert "| records a second at the peak |" in shown.output
    refused = CliRunner().invoke(platepost, [*given, "--assume", "color=3"])
    assert refused.exit_code == 2
    assert "link_mbit" in refused.output
