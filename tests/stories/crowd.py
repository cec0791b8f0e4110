"""A crowd of apps in a process of its own; each claims all the items, in an order of its own.

    python tests/stories/crowd.py < plan.json > told.json

Every few items an app speaks for another visitor: somebody who scans more looks like a collector.
"""

import json
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.running import App

ITEMS_PER_VISITOR = 20


def claim_all(plan: dict[str, Any], number: int, start: threading.Barrier) -> list[list[Any]]:
    """What one app was told: visitor, path, status, and the claim's state, reason, repeated."""
    name = f"{plan['name']}-{number}"
    luck = random.Random(name)
    paths = list(plan["paths"])
    luck.shuffle(paths)
    told = []
    with App(plan["port"], plan["key"], f"198.51.100.{number}") as app:
        start.wait()
        for index, path in enumerate(paths):
            visitor = f"{name}-{index // ITEMS_PER_VISITOR}"
            if luck.random() < plan["scans"]:
                told.append([visitor, path, app.scan(path, visitor).status, None, None, None])
            reply = app.claim(path, visitor)
            claim = reply.claim if reply.status == 200 else {}
            what = [claim.get(key) for key in ("state", "reason", "repeated")]
            told.append([visitor, path, reply.status, *what])
    return told


if __name__ == "__main__":
    plan = json.load(sys.stdin)
    start = threading.Barrier(plan["threads"])
    with ThreadPoolExecutor(plan["threads"]) as pool:
        numbers = range(plan["threads"])
        told = list(pool.map(lambda number: claim_all(plan, number, start), numbers))
    json.dump([entry for of_app in told for entry in of_app], sys.stdout)
