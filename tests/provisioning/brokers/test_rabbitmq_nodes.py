"""How RabbitMQ's nodes find one another, as text; tests/simulator/brokers/test_rabbitmq.py tries it on a cluster."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.brokers.rabbitmq_nodes import environment, host_name
from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet

NODES = {"rabbit@one": "10.0.7.1", "rabbit@two": "10.0.7.2"}
OPTIONS = "-proto_dist inet_tls -ssl_dist_optfile /fleet/distribution.config"
SHOWN = ("NODENAME", "ERL_EPMD_ADDRESS", "ERL_AFLAGS", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "RABBITMQ_CTL_ERL_ARGS")


def sourced(text: str, folder: Path, **variables: str) -> dict[str, str]:
    """Return what a shell makes of a rabbitmq-env.conf."""
    path = folder / "rabbitmq-env.conf"
    path.write_text(text)
    script = f"set -e; . {path}; " + "; ".join(f'echo "{name}=${name}"' for name in SHOWN)
    done = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=True)
    assert not done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("name", "address"), [("rabbit@one", "10.0.7.1"), ("rabbit@two", "10.0.7.2"), ("rabbit@foreign", "127.0.0.1")]
)
def test_a_node_of_a_cluster_talks_tls_on_its_own_address(tmp_path: Path, name: str, address: str) -> None:
    text = environment(NODES, distribution=Path("/fleet/distribution.config"))
    made = sourced(text, tmp_path, PATH="/usr/bin:/bin", RABBITMQ_NODENAME=name, RABBITMQ_CTL_ERL_ARGS="-own")
    assert made["ERL_EPMD_ADDRESS"] == address
    assert made["ERL_AFLAGS"] == f"-kernel inet_dist_use_interface {{{address.replace('.', ',')}}}"
    assert made["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"].strip() == OPTIONS
    assert made["RABBITMQ_CTL_ERL_ARGS"] == f"-own {OPTIONS}"


def test_a_node_of_its_own_listens_to_nobody_else(tmp_path: Path) -> None:
    made = sourced(environment({}, distribution=Path("/unused")), tmp_path, PATH="/usr/bin:/bin")
    assert made["NODENAME"] == "rabbit@localhost"
    assert made["ERL_EPMD_ADDRESS"] == "127.0.0.1"
    assert made["ERL_AFLAGS"] == "-kernel inet_dist_use_interface {127,0,0,1}"


def test_what_a_cluster_cannot_do_with_is_said() -> None:
    with pytest.raises(ProvisioningError, match="NAME=ADDRESS"):
        environment({"rabbit@one": ""}, distribution=Path("/unused"))
    with pytest.raises(ProvisioningError, match="spaces"):
        environment(NODES, distribution=Path("/a fleet/distribution.config"))
    assert host_name(("10.0.7.1", "::1", "broker.example", "two")) == "broker.example"
    with pytest.raises(ProvisioningError, match="addresses only"):
        host_name(("10.0.7.1", "::1"))


def test_command_writes_them_beside_the_rest(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    words = [
        "broker",
        "rabbitmq",
        str(fleet.directory),
        "--node",
        "rabbit@one=10.0.7.1",
        "--node",
        "rabbit@two=10.0.7.2",
    ]
    CliRunner().invoke(provision, words, catch_exceptions=False)
    folder = fleet.directory / "broker" / "rabbitmq"
    assert "rabbit@two) ERL_EPMD_ADDRESS=10.0.7.2" in (folder / "rabbitmq-env.conf").read_text()
    assert "classic_config.nodes.2 = rabbit@two\n" in (folder / "rabbitmq.conf").read_text()
    assert str(fleet.broker.private_key) in (folder / "distribution.config").read_text()
