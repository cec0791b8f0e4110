"""Yima tried out and measured: the market day, the benchmarks, the soak."""

import json
import sys

import click

from core import settings


@click.command()
@click.option("--once", is_flag=True, help="Stop everything when the story is told.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, last line.")
@click.option("--port", type=int, default=None, help="Default: 8000, or any that is free.")
def demo(once: bool, as_json: bool, port: int | None) -> None:
    """Play a market day on servers of its own, and check it."""
    from lab.demo.story import play

    home = settings.home_folder() / "demo"
    sys.exit(play(home, once=once, as_json=as_json, port=port))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def bench(names: tuple[str, ...], as_json: bool) -> None:
    """Measure NAMES, or all there is, beside references of the same run."""
    from lab.bench.run import NAMES, run_all, show

    all_met = True
    for result in run_all(names or NAMES, settings.home_folder() / "bench"):
        click.echo(json.dumps(result.as_json()) if as_json else show(result))
        all_met = all_met and result.met
    sys.exit(0 if all_met else 1)


@click.command()
@click.option("--minutes", default=20.0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def soak(minutes: float, as_json: bool) -> None:
    """Run a steady day, and look whether anything grows that should not."""
    from lab.soak.run import run, show

    result = run(settings.home_folder() / "bench", minutes)
    click.echo(json.dumps(result.as_json()) if as_json else show(result))
    sys.exit(0 if result.met else 1)
