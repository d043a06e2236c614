"""A private PostgreSQL cluster: made and run from the binaries of the system, reachable by a Unix socket alone."""

import fcntl
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from platepost.common.signals import current, ends_as_by_ctrl_c, sleep
from platepost.department.database.roles import ROLES
from platepost.department.database.users import GROUP, SERVER, USERS
from platepost.department.errors import DepartmentError

SUPERUSER = "postgres"
LEAST_VERSION = 15
_PLACES = Path("/usr/lib/postgresql")
_LONGEST_SOCKET = 107
"""Bytes of a Unix socket's path, unix(7)."""
_SOCKET = ".s.PGSQL.5432"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""Each server replies N or S: "Message Formats" of PostgreSQL's protocol."""
_REPLY_SECONDS = 5.0
_PF_EXITING = 0x4
"""Of the flags in /proc/PID/stat: <linux/sched.h>."""
_START_SECONDS = 60.0
"""Recovery after a crash takes its time."""
_STOP_SECONDS = 50.0
_STOPPED_SECONDS = 6.0
"""After the request to end a command: how long its server has for an orderly end."""
_IMMEDIATE_SECONDS = 1.5
"""For the end without a checkpoint: what was committed is restored by the next start."""
_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 12
_MOST_LOG_BYTES = 10_000_000

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "jit": "off",
    # A statement may hold a plate, and so may the detail of an error.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %u ",
}
_AUDIT = (
    "shared_preload_libraries=pgaudit",
    # Of every role but those that programs use, which `ensure_roles` takes out: what the superuser and the owner do.
    "pgaudit.log=all",
    # Which tables, and no text of a statement: it may hold a plate.
    "pgaudit.log_relation=on",
    "pgaudit.log_statement=off",
    "pgaudit.log_catalog=off",
    "log_destination=stderr,syslog",
    "syslog_ident=platepost-database",
)
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings for tests: commits are lost if the machine or the server dies."""


def installed_versions() -> dict[int, Path]:
    """Return the folder of the binaries of each usable PostgreSQL, by its version."""
    places = [*_PLACES.glob("*/bin")]
    on_path = shutil.which("postgres")
    if on_path is not None and Path(on_path).resolve().parent not in places:
        places.append(Path(on_path).resolve().parent)
    usable = {_version(place): place for place in places if (place / "initdb").exists()}
    return {number: place for number, place in usable.items() if number >= LEAST_VERSION}


def _version(place: Path) -> int:
    if place.is_relative_to(_PLACES) and place.parent.name.isdecimal():
        return int(place.parent.name)  # Debian's folders are named so; to ask a program takes 30 ms
    try:
        output = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.search(r"\d+", output)
    return int(number[0]) if number else 0


class PrivateCluster:
    """One cluster and its server. Root runs it as `postgres`, or `nobody` where there is no such user.

    The system user decides who may connect: the one who made it may take each role, and no one else any.

    Args:
        folder: where it is: `data/` and the socket. The server's log is beside it.
        durable: whether commits and the cluster survive a power cut; False is for tests.

    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.log = self.folder.with_suffix(".log")
        self._lock = self.folder.with_suffix(".lock")
        self._data = self.folder / "data"
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<PrivateCluster {self.folder} {'running' if self.running else 'stopped'}>"

    @property
    def exists(self) -> bool:
        """Whether it was made."""
        return (self._data / "PG_VERSION").exists()

    @property
    def pid(self) -> int | None:
        """The server's process; None while there is none."""
        names = self._lock_file()
        return int(names[0]) if names and _runs(int(names[0]), self._data) else None

    @property
    def running(self) -> bool:
        """Whether its server lives; it may not accept connections yet."""
        return self.pid is not None

    def is_closed(self) -> bool:
        """Tell whether who may connect is as `initialize` left it."""
        try:
            return all((self._data / name).read_text("utf-8") == text for name, text in self._access_rules().items())
        except OSError:
            return False

    def initialize(self, version: int | None = None, *, service_users: bool = False) -> None:
        """Make it, durable on return; does nothing if it was made. If it was cut off before, it starts over.

        Args:
            version: the major version of PostgreSQL; without it, the latest that is installed.
            service_users: whether each program's system user may log in as its role alone; root makes it.

        Raises:
            DepartmentError: PostgreSQL is missing, or the folder cannot be of use.

        """
        if self.exists:
            return
        versions = installed_versions()
        if not versions:
            raise DepartmentError(
                f"PostgreSQL {LEAST_VERSION} or later is not installed; on Debian: sudo apt-get install postgresql"
            )
        self._require_path_for_socket()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._give_away(pwd.getpwnam(SERVER) if service_users else _default_server())
        aside = self.folder / "unfinished"
        shutil.rmtree(aside, ignore_errors=True)
        command = [str(versions[version or max(versions)] / "initdb"), "-D", str(aside), "-U", SUPERUSER, "-A", "peer"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", *([] if self._durable else ["--no-sync"])]
        result = subprocess.run(command, capture_output=True, text=True, check=False, **self.run_as())
        if result.returncode:
            raise DepartmentError(f"the database cannot be made: {result.stderr.strip()}")
        self._configure(aside)
        aside.rename(self._data)

    def _require_path_for_socket(self) -> None:
        """Make sure that a socket can be in the folder. Raises DepartmentError: the path is too long or has a comma."""
        if len(os.fsencode(self.folder / _SOCKET)) > _LONGEST_SOCKET or "," in str(self.folder):
            raise DepartmentError(f"{self.folder}: choose a shorter path without a comma, as for every Unix socket")

    def start(self) -> None:
        """Start its server and wait until it accepts connections; does nothing if it runs.

        Raises:
            DepartmentError: it was not made, or does not start; the message carries the end of the server's log.

        """
        self._require_path_for_socket()
        if self._is_client:
            self._await_service()
            return
        command = self.command()
        if self.log.exists() and self.log.stat().st_size > _MOST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts():
            if time.monotonic() > deadline:
                raise DepartmentError(f"the database accepts no connection:\n{self._log_tail()}")
            if not self.running:
                # Not under the lock: another program may wait here, too, to take note of its server's end.
                self._await_former_end(deadline)
                with self._starting():
                    if not self.running:
                        if self._former_is_gone():
                            (self._data / "postmaster.pid").unlink(missing_ok=True)
                        self._process = self._started(command)
                        self._await_start(deadline)
            self._await_start(deadline)

    def _await_service(self) -> None:
        """Wait for a server that this process may not start.

        Raises:
            DepartmentError: it does not run.

        """
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise DepartmentError(
                    f"the database of {self.folder.parent} does not run, and {_name_of(os.geteuid())} may not start "
                    "it: systemctl start platepost-department-database"
                )
            sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_START_SECONDS)
            try:
                connection.connect(str(self.folder / _SOCKET))
            except OSError:
                return False
        return True

    def _replies(self) -> bool:
        """Tell whether a server replies: for a moment, the socket of one that was killed still takes connections."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_REPLY_SECONDS)
            try:
                connection.connect(str(self.folder / _SOCKET))
                connection.sendall(_SSL_REQUEST)
                return connection.recv(1) in {b"N", b"S"}
            except OSError:
                return False

    def _accepts(self) -> bool:
        """Tell whether its server takes connections: the file of one that was just killed still reports it as ready."""
        names = self._lock_file()
        if len(names) <= 7 or names[7].strip() != "ready" or not _runs(int(names[0]), self._data):
            return False
        return self._answers() and self.running

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Be the only program that starts the server: else one could take away the lock file of another's."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _started(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for the program that uses it.
        with open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:  # noqa: PTH123
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.run_as()
            )

    def command(self) -> Sequence[str]:
        """Return the command line of its server.

        Raises:
            DepartmentError: it was not made, or its version of PostgreSQL is not installed.

        """
        # Said here and not in a file of the cluster, so that the folder may be moved.
        socket = '"' + str(self.folder).replace('"', '""') + '"'
        line = [self.program("postgres"), "-D", str(self._data), "-c", f"unix_socket_directories={socket}"]
        if self.has_service_users:
            line += ["-c", "unix_socket_permissions=0770", "-c", f"unix_socket_group={GROUP}"]
        if self.can_audit:
            line += [word for setting in _AUDIT for word in ("-c", setting)]
        return line

    def program(self, name: str) -> str:
        """Return where a program of its version of PostgreSQL is.

        Raises:
            DepartmentError: the cluster was not made, or its version of PostgreSQL is not installed.

        """
        try:
            number = int((self._data / "PG_VERSION").read_text("ascii"))
        except OSError as error:
            raise DepartmentError(
                f"{self.folder}: {error.strerror}: the database is not there. `platepost department init` makes a new "
                "department's; after a loss, put a backup back: "
                "platepost department restore-test BACKUP NEW-FOLDER --key KEY --keep"
            ) from error
        versions = installed_versions()
        if number not in versions:
            raise DepartmentError(f"{self.folder} is of PostgreSQL {number}, which is not installed")
        return str(versions[number] / name)

    @property
    def can_audit(self) -> bool:
        """Whether pgaudit is installed for its version of PostgreSQL: then its server loads it.

        Raises:
            DepartmentError: it was not made, or its version of PostgreSQL is not installed.

        """
        return (Path(self.program("postgres")).parents[1] / "lib" / "pgaudit.so").exists()

    def adopt(self, *, service_users: bool = False) -> None:
        """Take over data that a backup brought: whose files they are, and who may connect.

        Args:
            service_users: as of `initialize`.

        Raises:
            DepartmentError: the server's user may not pass a folder above it.

        """
        for folder in (self.folder, self._data):
            folder.chmod(0o700)
        if os.geteuid() == 0:
            self._give_away(pwd.getpwnam(SERVER) if service_users else _default_server())
        for name, text in self._access_rules().items():
            (self._data / name).write_text(text, encoding="utf-8")
        if os.geteuid() == 0:
            server = self._server
            for path in (self._data, *self._data.rglob("*")):
                os.chown(path, server.pw_uid, server.pw_gid)

    def stop(self) -> None:
        """Have its server end in order, and wait for it; does nothing if it does not run.

        Raises:
            DepartmentError: it does not end.

        """
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End all of its server's processes as a power cut would. Raises DepartmentError: one does not end."""
        self._end(signal.SIGKILL)
        # Without their server they would end by themselves, but one that is at work may commit before it notices.
        deadline = time.monotonic() + _STOP_SECONDS
        while left := self._processes():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise DepartmentError(f"processes of {self.folder} do not end: {', '.join(map(str, left))}")
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Have its server run while this is open; the last program that used it stops it, by whatever signal it ends.

        Raises:
            DepartmentError: it does not start.

        """
        if self._is_client:
            self._await_service()
            yield
            return
        descriptor = os.open(self._lock, os.O_WRONLY | os.O_CREAT, 0o600)
        with ends_as_by_ctrl_c(), open(descriptor, "ab") as lock:  # noqa: PTH123
            fcntl.flock(lock, fcntl.LOCK_SH)
            try:
                self.start()  # it may be stopped while it starts
                yield
            finally:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # someone else uses it
                else:
                    self.stop()

    def become_server(self) -> None:
        """Turn this process into its server, which then runs until it gets SIGINT or SIGTERM: for a supervisor.

        Raises:
            DepartmentError: it was not made, runs already, or root asks.

        """
        command = self.command()
        if self.running:
            raise DepartmentError(f"the server of {self.folder} runs already")
        if os.geteuid() == 0:
            raise DepartmentError("PostgreSQL does not run as root; use a separate user who owns the folder")
        # The lock goes over to the server: the programs that use it do not stop it.
        lock = os.open(self._lock, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.set_inheritable(lock, True)
        os.execv(command[0], list(command))  # noqa: S606 - a path that this class made

    def _configure(self, data: Path) -> None:
        settings = {**_SETTINGS, **({} if self._durable else FAST)}
        quoted = {name: value.replace("'", "''") for name, value in settings.items()}
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in quoted.items())
        for name, text in self._access_rules().items():
            (data / name).write_text(text, encoding="utf-8")

    @property
    def _server(self) -> pwd.struct_passwd:
        """The system user whose the folder is, as whom root runs the server."""
        return pwd.getpwuid(self.folder.stat().st_uid)

    @property
    def has_service_users(self) -> bool:
        """Whether each program's system user may log in as its role alone."""
        return _name_of(self.folder.stat().st_uid) == SERVER

    @property
    def _is_client(self) -> bool:
        """Whether this process may only connect: its server is another user's, and it is not root.

        Nor does root start one beside a server that answers and that it cannot see: in a sandbox without CAP_SYS_PTRACE
        other users' processes show nothing, and the file that says that the server runs would be taken away from it.
        """
        try:
            is_others = os.geteuid() != self.folder.stat().st_uid
        except FileNotFoundError:
            return False
        return is_others and (os.geteuid() != 0 or (not self.running and self._replies()))

    @contextmanager
    def administered(self, database: str) -> Iterator[psycopg.Connection]:
        """Connect as the superuser, autocommit; its server runs, and this process is root or the server's user.

        Raises:
            psycopg.Error: the server refuses.

        """
        user, group = os.geteuid(), os.getegid()
        if user == 0 and self.has_service_users:  # peer authentication looks at who connects
            os.setegid(self._server.pw_gid)
            os.seteuid(self._server.pw_uid)
        try:
            connection = psycopg.connect(host=str(self.folder), user=SUPERUSER, dbname=database, autocommit=True)
        finally:
            os.seteuid(user)
            os.setegid(group)
        with connection:
            yield connection

    def _access_rules(self) -> Mapping[str, str]:
        """Return the files that say who may connect, and as which role.

        With users of their own, each program's may take its role and no other, and only the server's is the superuser;
        root, who can become any of them, administers the rest. Without, this system user may take each role.
        """
        if self.has_service_users:
            map_ = [(SERVER, SUPERUSER), *USERS.items(), *(("root", role) for role in ROLES)]
        else:
            map_ = [(_name_of(os.geteuid()), role) for role in (SUPERUSER, *ROLES)]
        lines = "".join(f'department "{user}" {role}\n' for user, role in map_)
        # "all" names no connection for replication, by which a backup is made.
        rules = f"local all all peer map=department\nlocal replication {SUPERUSER} peer map=department\n"
        return {"pg_hba.conf": rules, "pg_ident.conf": lines}

    def _give_away(self, server: pwd.struct_passwd) -> None:
        """Give the folder to the server's user.

        Raises:
            DepartmentError: that user may not pass a folder above it.

        """
        for above in self.folder.parents:
            status = above.stat()
            own, group = status.st_uid == server.pw_uid, status.st_gid == server.pw_gid
            if not status.st_mode & (0o100 if own else 0o010 if group else 0o001):
                raise DepartmentError(
                    f"{above} is closed to the user {server.pw_name}, who runs the database for root: "
                    f"choose another folder, or chmod o+x {above}"
                )
        if server.pw_name == SERVER:
            os.chown(self.folder, server.pw_uid, grp.getgrnam(GROUP).gr_gid)
            self.folder.chmod(0o710)
            self._lock.touch(0o600)
            os.chown(self._lock, server.pw_uid, server.pw_gid)
        else:
            os.chown(self.folder, server.pw_uid, server.pw_gid)

    def run_as(self) -> Mapping[str, Any]:
        """Return arguments of Popen: a plain environment, and another user for root."""
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        if "NOTIFY_SOCKET" in os.environ and os.geteuid() != 0:
            environment["NOTIFY_SOCKET"] = os.environ["NOTIFY_SOCKET"]
        common = {"cwd": "/", "env": environment}
        if os.geteuid() != 0:
            return common
        server = self._server
        groups = [grp.getgrnam(GROUP).gr_gid] if self.has_service_users else []
        return {**common, "user": server.pw_uid, "group": server.pw_gid, "extra_groups": groups}

    def _lock_file(self) -> list[str]:
        """Return the lines of the server's own file, none without one: process, ..., status."""
        try:
            return (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _await_former_end(self, deadline: float) -> None:
        while not self._former_is_gone() and time.monotonic() < deadline:
            sleep(_POLL_SECONDS)

    def _former_is_gone(self) -> bool:
        """Say whether a server that was killed is gone with all its processes.

        PostgreSQL does not start while its zombie is there, nor while a process that it left still holds its memory,
        nor where its former number is another process's by now, as after a power cut. The file that says that number
        may go once no process works in the data, where all of a server's do.
        """
        names = self._lock_file()
        if not names or _runs(int(names[0]), self._data):
            return True
        # This very program may have started it, through another object.
        with suppress(ChildProcessError):
            os.waitpid(int(names[0]), os.WNOHANG)
        return not self._processes() and not _is_ending(int(names[0]))

    def _processes(self) -> list[int]:
        """Return the processes that work in the data, where all of a server's do."""
        processes = Path("/proc").glob("[0-9]*")
        return [int(process.name) for process in processes if _works_in(process, self._data)]

    def _await_start(self, deadline: float) -> None:
        while True:
            names = self._lock_file()
            if len(names) > 7 and names[7].strip() == "ready" and _runs(int(names[0]), self._data):
                return
            if self._process is None and not self.running:
                return  # another program's, which has ended: it is started again
            code = self._process.poll() if self._process is not None else None
            if code is not None:
                self._process = None
                if self.running:  # another program was faster
                    continue
                raise DepartmentError(f"the database ended at once (exit code {code}):\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise DepartmentError(f"the database accepts no connection:\n{self._log_tail()}")
            sleep(_POLL_SECONDS)

    def _end(self, sent: signal.Signals) -> None:
        limit = current().limit(_STOP_SECONDS, after_request=_STOPPED_SECONDS)
        if not self._sent(sent, limit) and not self._sent(signal.SIGQUIT, _IMMEDIATE_SECONDS):
            raise DepartmentError(f"the server of {self.folder} does not end")
        self._process = None

    def _sent(self, number: signal.Signals, seconds: float) -> bool:
        """Send the server a signal, and wait for its end; return whether it has ended."""
        deadline = time.monotonic() + seconds
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        elif self._process is not None:  # it has not written its file yet
            self._process.send_signal(number)
        while self.running or (self._process is not None and self._process.poll() is None):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-_LOG_LINES_SHOWN:])
        except FileNotFoundError:
            return ""


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return ""


def _default_server() -> pwd.struct_passwd:
    """Return the user as whom root runs the server where programs have no users of their own."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _runs(pid: int, data: Path) -> bool:
    """Tell whether a process is alive and a server of these data: its number may be another's by now."""
    return _works_in(Path(f"/proc/{pid}"), data) and not _is_ending(pid)


def _works_in(process: Path, data: Path) -> bool:
    """Tell whether the data are where a process works: the same folder, whatever links the paths go through."""
    try:
        return (process / "cwd").samefile(data)
    except OSError:
        return False


def _is_ending(pid: int) -> bool:
    """Tell whether a process is a zombie, or on its way to be one: it has let go of its memory, and has its number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return False
    state, flags = fields[0], int(fields[6])
    return state == "Z" or bool(flags & _PF_EXITING)
