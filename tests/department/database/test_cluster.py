"""The private cluster: made, used by several programs at once, killed; open to its maker alone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest
from pytest_mock import MockerFixture

from platepost.common.signals import STOP_SIGNALS
from platepost.department.database import cluster as module
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER, ROLES, ensure_database, ensure_roles
from platepost.department.errors import DepartmentError
from tests.waiting import until


@pytest.fixture(scope="module")
def new_cluster(short_folder: Path, cluster: PrivateCluster) -> PrivateCluster:
    return PrivateCluster(short_folder / "own", durable=False)


@pytest.fixture
def own(new_cluster: PrivateCluster) -> Iterator[PrivateCluster]:
    """Give a cluster that no other file uses, and that does not run."""
    new_cluster.initialize()
    yield new_cluster
    new_cluster.kill()


def connect(of: PrivateCluster, user: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(host=str(of.folder), user=user, dbname=database, autocommit=True)


def test_last_program_stops_the_server(own: PrivateCluster) -> None:
    other = PrivateCluster(own.folder)
    with ExitStack() as first:
        first.enter_context(own.in_use())
        with other.in_use():
            connect(other).close()
        assert own.running
        connect(own).close()
    assert not own.running


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_short_program_that_is_stopped_stops_the_server(own: PrivateCluster, number: signal.Signals) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from platepost.department.database.cluster import PrivateCluster\n"
        "with PrivateCluster(Path(sys.argv[1])).in_use(): print('in use', flush=True); time.sleep(600)"
    )
    line = [sys.executable, "-c", code, str(own.folder)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "in use\n"
        program.send_signal(number)
        program.wait(60.0)
    assert not own.running


def test_killed_program_leaves_the_server_to_the_next(own: PrivateCluster) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from platepost.department.database.cluster import PrivateCluster\n"
        "with PrivateCluster(Path(sys.argv[1])).in_use(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(own.folder)], check=False)
    assert own.running
    with own.in_use():
        connect(own).close()
    assert not own.running


def test_server_comes_back_after_a_kill(own: PrivateCluster) -> None:
    with own.in_use():
        own.kill()
        assert not own.running
        own.start()
        connect(own).close()


def test_kill_leaves_no_process_that_could_still_commit(own: PrivateCluster) -> None:
    own.start()
    with connect(own) as session:
        backend = session.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # busy, as on a machine under load
        own.kill()
        assert not module._works_in(Path(f"/proc/{backend}"), own.folder / "data")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_server_that_was_killed_comes_back_at_once_where_another_object_had_started_it(own: PrivateCluster) -> None:
    own.start()
    server = own.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    began = time.monotonic()
    other = PrivateCluster(own.folder)
    while other.running:  # the kernel ends it a moment later
        assert time.monotonic() - began < module._START_SECONDS / 2
        time.sleep(0.01)
    other.start()
    assert time.monotonic() - began < module._START_SECONDS / 2
    connect(other).close()


def test_server_comes_back_though_a_process_of_the_killed_one_still_holds_its_memory(own: PrivateCluster) -> None:
    own.start()
    children = Path(f"/proc/{own.pid}/task/{own.pid}/children").read_text("ascii").split()
    os.kill(int(children[0]), signal.SIGSTOP)
    assert own.pid is not None
    os.kill(own.pid, signal.SIGKILL)
    until(lambda: not own.running)  # the kernel ends it a moment later
    let_go = Timer(1.0, os.kill, (int(children[0]), signal.SIGCONT))
    let_go.start()
    own.start()
    let_go.join()
    connect(own).close()


def test_two_that_start_it_at_once_start_one_server(own: PrivateCluster, mocker: MockerFixture) -> None:
    """Of two servers, the one that gives up takes the lock file of the other with it, which then ends."""
    start = subprocess.Popen
    started: list[list[Any]] = []

    def hesitate(command: list[Any], **options: Any) -> subprocess.Popen[bytes]:
        if "-D" in command:
            time.sleep(0.5)
            started.append(command)
        return start(command, **options)

    mocker.patch.object(module.subprocess, "Popen", side_effect=hesitate)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(PrivateCluster(own.folder).start) for _ in range(2)]:
            done.result()
    assert len(started) == 1
    connect(own).close()


def test_two_come_back_at_once_though_one_has_the_other_s_server_as_a_zombie(
    own: PrivateCluster, mocker: MockerFixture
) -> None:
    code = (
        "import sys; from pathlib import Path; from platepost.department.database.cluster import PrivateCluster\n"
        "own = PrivateCluster(Path(sys.argv[1])); own.start(); print(own.pid, flush=True)\n"
        "sys.stdin.readline(); own.start()"
    )
    seen = mocker.spy(module, "_is_ending")
    command = [sys.executable, "-c", code, str(own.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        os.kill(int(other.stdout.readline()), signal.SIGKILL)
        until(lambda: not own.running)  # the kernel ends it a moment later
        with ThreadPoolExecutor() as pool:
            back = pool.submit(own.start)
            while not seen.call_count and not back.done():
                time.sleep(0.01)
            other.communicate("\n", timeout=30)
            back.result()
    assert other.returncode == 0
    connect(own).close()
    own.kill()
    own.start()  # of this program now: that of the other would be a zombie until init has taken note of its end


def test_server_starts_though_its_former_number_is_another_s(own: PrivateCluster) -> None:
    # As after a power cut: the file is there, and a process of the same user has the number.
    with subprocess.Popen(["sleep", "60"], **own.run_as()) as other:
        file = own.folder / "data" / "postmaster.pid"
        file.write_text(f"{other.pid}\n{own.folder / 'data'}\n1\n5432\n\n\n\nready\n")
        assert not own.running
        with own.in_use():
            connect(own).close()
        other.kill()


def test_moved_folder_works_where_it_is(own: PrivateCluster) -> None:
    moved = PrivateCluster(own.folder.with_name('moved by "somebody"'))
    own.folder.rename(moved.folder)
    try:
        with moved.in_use():
            connect(moved).close()
    finally:
        moved.folder.rename(own.folder)


def test_server_is_the_same_through_a_link(own: PrivateCluster) -> None:
    linked = PrivateCluster(own.folder.with_name("linked"))
    linked.folder.symlink_to(own.folder)
    try:
        with own.in_use():
            assert linked.pid == own.pid
            linked.start()
            connect(linked).close()
            linked.stop()
        with linked.in_use():
            assert own.pid == linked.pid
            own.start()
    finally:
        linked.folder.unlink()


def test_process_may_become_the_server(own: PrivateCluster) -> None:
    if os.geteuid() == 0:
        with pytest.raises(DepartmentError, match="root"):
            own.become_server()
        return
    code = "import sys; from pathlib import Path\nfrom platepost.department.database.cluster import PrivateCluster\n"
    code += "PrivateCluster(Path(sys.argv[1])).become_server()"
    with subprocess.Popen([sys.executable, "-c", code, str(own.folder)]) as server:
        while not own.running:
            assert server.poll() is None
        with own.in_use():
            connect(own).close()
        assert own.running
        own.stop()


def test_no_other_system_user_may_connect(cluster: PrivateCluster) -> None:
    if os.geteuid() != 0:
        pytest.skip("root is missing: run the tests as root")
    psql = shutil.which("psql") or "psql"
    for role in (SUPERUSER, KEEPER):
        command = [psql, "-h", str(cluster.folder), "-U", role, "-d", "postgres", "-c", "SELECT 1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, user="postgres", env={})
        assert "Peer authentication failed" in done.stderr


def test_interrupted_making_is_made_anew(own: PrivateCluster) -> None:
    shutil.rmtree(own.folder / "data")
    (own.folder / "unfinished").mkdir()
    (own.folder / "unfinished" / "PG_VERSION").write_text("15")
    with pytest.raises(DepartmentError, match="init"):
        own.start()
    own.initialize()
    with own.in_use():
        connect(own).close()


def test_missing_postgresql_is_said_in_words(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PLACES", short_folder / "nowhere")
    monkeypatch.setenv("PATH", str(short_folder))
    with pytest.raises(DepartmentError, match="apt-get install postgresql"):
        PrivateCluster(short_folder / "none").initialize()


def test_path_too_long_for_a_socket_is_refused(short_folder: Path) -> None:
    for name in ("x" * 100, "a,b"):
        refused = PrivateCluster(short_folder / name)
        for step in (refused.initialize, refused.start):
            with pytest.raises(DepartmentError, match="shorter path without a comma"):
                step()


def test_closed_folder_is_named(short_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user is missing: run the tests as one")
    (short_folder / "closed").mkdir(mode=0o700)
    with pytest.raises(DepartmentError, match=r"closed is closed to the user"):
        PrivateCluster(short_folder / "closed" / "pg").initialize()


def test_roles_lose_what_they_may_not_have(own: PrivateCluster) -> None:
    with own.in_use(), connect(own) as connection:
        ensure_roles(connection)
        connection.execute(f"ALTER ROLE {KEEPER} SUPERUSER BYPASSRLS")
        ensure_roles(connection)
        matches = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin"
            " AND NOT (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)",
            [list(ROLES)],
        ).fetchall()
        assert {name for (name,) in matches} == set(ROLES)


def test_database_is_closed_to_others(own: PrivateCluster) -> None:
    with own.in_use(), connect(own) as connection:
        ensure_roles(connection)
        ensure_database(connection, "platepost")
        ensure_database(connection, "platepost")  # again: nothing happens
        connection.execute("CREATE ROLE stranger")
        query = "SELECT has_database_privilege(%s, 'platepost', 'CONNECT')"
        assert connection.execute(query, [KEEPER]).fetchone() == (True,)
        assert connection.execute(query, ["stranger"]).fetchone() == (False,)
