"""The market day from first order to the distributor's answer, told as it happens."""

import json
import random
import signal
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy.orm import Session, sessionmaker

from antifraud.queries import findings
from antifraud.sentence import sentence
from codegen import draw
from codegen.labels import write_sheet
from codegen.package import write_package
from codegen.printing import labels
from core.db import make_engine, make_sessions
from core.regions.tree import RegionTree
from lab.demo import check
from lab.demo.day import Day
from lab.demo.invite import offers
from lab.demo.portal import as_distributor
from lab.demo.stage import Stage
from lab.demo.world import CARTONS, DIVERTED_CARTONS, ITEMS, POINTS, World, found
from scanapp.intake.bell import open_bell

SEED = 20261122


def play(home: Path, once: bool, as_json: bool, port: int | None) -> int:
    """Plays the story; the exit status: 0 if everything is as it should be.

    With `once` everything is stopped at the end, else it stays up until Ctrl-C.
    """
    out = Console(stderr=as_json, highlight=False)
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        out.print("[bold]Yima 一码: a market day[/bold]")
        with Stage(home, port) as stage:
            out.print(f"Servers, web, worker and clock run ({time.monotonic() - started:.1f} s).")
            world, figures = _tell(stage, out)
            figures.seconds = round(time.monotonic() - started, 1)
            _summary(out, figures)
            if not once:
                _invite(out, stage, world)
                _stay(stage)
    except KeyboardInterrupt:
        out.print("Stopped.")
        return 130 if once else 0
    if as_json:
        sys.stdout.write(json.dumps(figures.as_json(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 1 if figures.problems else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _tell(stage: Stage, out: Console) -> tuple[World, check.Figures]:
    luck = random.Random(SEED)
    engine = make_engine(stage.settings.database_url)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        kek = stage.settings.key_encryption_key
        world = found(session, f"127.0.0.1:{stage.port}", kek, luck)
    open_bell(stage.settings.redis_url).ring("trace")
    out.print(
        f"{world.brand.name_en} orders {ITEMS:,} signed codes, activates them but for one carton, "
        f"packs {CARTONS} cartons (half as printed, half from a hopper) and ships them "
        "to three distributors."
    )
    day = Day(world, stage.address, stage.files, stage.messages, luck)
    _print(stage, out, world, day)
    _market(out, day, sessions)
    if not check.settle(sessions):
        day.told.surprise("work was still owed after half a minute")
    _wallets(day, world)
    with sessions() as session:
        figures = check.figures(session, world, day.told)
        _findings(out, session, world)
    seen = as_distributor(stage.address, world.distributor_login)
    out.print(seen.sentence)
    figures.problems += seen.problems
    engine.dispose()
    return world, figures


def _print(stage: Stage, out: Console, world: World, day: Day) -> None:
    """What the printing house gets, and the image files that phones will read."""
    name = world.products[0].name_en
    about = {"order": world.order.external_id, "brand": world.brand.name_en}
    write_package(stage.files / "code-package", world.codes, about)
    sheet = stage.files / "labels.pdf"
    with Progress(TextColumn("{task.description}"), BarColumn(), console=out) as progress:
        numbers = day.scanned_numbers()
        task = progress.add_task("Printing labels and codes", total=len(numbers) + 1)
        write_sheet(sheet, labels(world.codes, 1, ITEMS, name), title=name)
        progress.advance(task)
        (stage.files / "qr").mkdir()
        for label in labels(world.codes, 1, ITEMS):
            if label.number in set(numbers):
                day.image(label.number).write_bytes(draw.bulk_png(label.url, scale=4))
                progress.advance(task)
    out.print(f"Label sheet: {sheet}\nCode package: {stage.files / 'code-package'}")


def _market(out: Console, day: Day, sessions: sessionmaker[Session]) -> None:
    fetched = day.link_checker()
    out.print(f"A link checker fetches {len(fetched)} pages: they stay unscanned.")
    with Progress(TextColumn("{task.description}"), BarColumn(), console=out) as progress:
        task = progress.add_task("Shoppers scan, claim, sign in", total=len(day.visits))
        day.first_scans(lambda: progress.advance(task))
    out.print("Others scan the same codes, and claim what is claimed.")
    day.repeats()
    day.double_claims()
    day.collector()
    out.print("Somebody tries forged and mistyped codes, and codes that are not on sale yet.")
    day.not_genuine()
    out.print("The brand's mini-program scans GS1 Digital Links with its API key.")
    day.app_scans()


def _wallets(day: Day, world: World) -> None:
    """Every member sees its points."""
    for phone in day.told.wallets:
        if f"+{POINTS}" not in phone.wallet(world.brand.code):
            day.told.surprise("a member's points are not in its wallet")
        phone.close()


def _findings(out: Console, session: Session, world: World) -> None:
    tree = RegionTree.from_session(session)
    out.print(
        f"Cartons {DIVERTED_CARTONS.start} to {DIVERTED_CARTONS.stop - 1} were sold elsewhere."
    )
    names = {row: code for code, row in world.distributor_ids.items()}
    products = {product.id: product.name_en for product in world.products}
    for finding in findings(session, world.brand.id):
        words = sentence(
            finding,
            products[finding.product_id],
            names[finding.distributor_id],
            tree.path_name(finding.region_code, "en"),
            "en",
        )
        out.print(f"[bold]Finding:[/bold] {words}")


def _summary(out: Console, figures: check.Figures) -> None:
    table = Table("what", "how many", title="The day")
    for name, value in figures.as_json().items():
        if name == "outcomes":
            value = ", ".join(f"{key} {count}" for key, count in figures.outcomes.items())
        if name != "problems":
            table.add_row(name.replace("_", " "), f"{value}")
    out.print(table)
    for problem in figures.problems[:20]:
        out.print(f"[red]Off:[/red] {problem}")


def _invite(out: Console, stage: Stage, world: World) -> None:
    """Codes to scan, saying what each is, and where to go with which login."""
    engine = make_engine(stage.settings.database_url)
    with make_sessions(engine)() as session:
        offered = offers(session, world)
    engine.dispose()
    drawn: set[str] = set()
    for what, link in offered:
        kind = what.split(" ")[0]
        if kind not in drawn:  # one of each kind as a picture, the others as links
            out.print(draw.terminal(link))
        drawn.add(kind)
        out.print(f"{what}: {link.replace('HTTP', 'http', 1)}", soft_wrap=True)
    table = Table("door", "address", "login", "password", title="Look around")
    table.add_row("console", f"{stage.address}/console/", world.admin.name, world.admin.password)
    distributor = world.distributor_login
    table.add_row("portal", f"{stage.address}/portal/", distributor.name, distributor.password)
    out.print(table)
    out.print(f"One-time codes appear in {stage.messages}, and here. Ctrl-C stops everything.")


def _stay(stage: Stage) -> None:
    """Shows one-time codes as they are sent, until Ctrl-C."""
    pause = threading.Event()
    shown = len(stage.messages.read_text("utf-8").splitlines())
    while not pause.wait(0.5):
        stage.check_alive()
        lines = stage.messages.read_text("utf-8").splitlines()
        for line in lines[shown:]:
            sys.stderr.write(f"{line}\n")
        shown = len(lines)
