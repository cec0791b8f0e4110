"""The processes of an installation, its tables, and the embedded servers."""

import os
import shutil
import socket

import click

from cli.start import ready
from core import embedded, settings
from core.errors import BadInput


@click.command()
def migrate() -> None:
    """Bring the database up to date: tables, regions, partitions."""
    from lab.install import install

    install(ready().database_url)
    click.echo("The database is up to date.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Web processes.")
@click.option("--threads", default=64, show_default=True, help="Requests at a time, a process.")
@click.option(
    "--farewell-seconds",
    default=2.0,
    show_default=True,
    help="From SIGTERM, when /readyz begins to say no, to the closed port.",
)
@click.option(
    "--pin/--no-pin",
    default=True,
    show_default=True,
    help="Keep each process to a CPU, if there are enough for all CPUs.",
)
def web(
    host: str, port: int, workers: int, threads: int, farewell_seconds: float, pin: bool
) -> None:
    """Serve the pages and the API."""
    file = ready().geoip_path
    check_port(host, port)
    folder = settings.home_folder() / f"web-{port}"
    shutil.rmtree(folder, ignore_errors=True)  # what the processes before these had counted
    (folder / "metrics").mkdir(parents=True)
    # The processes add up what they count in files of this folder; read when they import.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
    from scanapp.serving.server import serve
    from scanapp.web.atlas import check_file

    if file is not None:
        check_file(file)
    serve(host, port, workers, threads, farewell_seconds, pin)


def check_port(host: str, port: int) -> None:
    """Raises `BadInput` when something else listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                reason=f"{host}:{port} can't be used: {error.strerror}. "
                "Choose another with --port, or end what listens there."
            ) from error


@click.command()
@click.option("--processes", default=1, show_default=True)
@click.option("--burst", is_flag=True, help="End when nothing waits.")
def worker(processes: int, burst: bool) -> None:
    """Answer bells: credit claims, record traces, find diversion."""
    from worker.run import run_worker

    run_worker(ready(), burst=burst, processes=processes)


@click.command()
def cron() -> None:
    """Ring for what was left over, make partitions, tidy up."""
    from worker.run import run_cron

    run_cron(ready())


@click.command()
def status() -> None:
    """Show the embedded servers."""
    servers = embedded.status(settings.home_folder())
    for server in servers:
        state = f"running (pid {server.pid}, port {server.port})" if server.pid else "stopped"
        click.echo(f"{server.name}: {state}, data in {server.data}")
    if not servers:
        click.echo("There are no embedded servers here yet.")


@click.command()
def stop() -> None:
    """Stop the embedded servers."""
    ran = embedded.stop(settings.home_folder())
    click.echo("Stopped." if ran else "Nothing was running.")
