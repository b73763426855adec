"""What is looked up when Prometheus asks: the state of this process, and what the database says of the whole house."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from botbot.house import House
from botbot.status.facts import Known
from botbot.watching.figures import REGISTRY

STARTED = time.time()


class Gauges(Collector):
    """All that `/metrics` shows. `gateway` is the bot's state, empty in a process without one."""

    def __init__(self, house: House, known: Known, gateway: str) -> None:
        self._house, self._known, self._gateway = house, known, gateway

    def collect(self) -> Iterator[Metric]:
        yield from self._process()
        yield from self._database()
        yield from self._budgets()
        yield from REGISTRY.collect()

    def _process(self) -> Iterator[Metric]:
        discord = self._house.discord
        yield _one("botbot_uptime_seconds", "Since the process started.", time.time() - STARTED)
        yield _one(
            "botbot_discord_invalid_requests",
            "Answers of 401, 403 and 429 from Discord in ten minutes; it bars an address at 10,000.",
            discord.invalid_requests,
        )
        yield _one("botbot_discord_rest_seconds", "How long Discord is still left alone.", discord.rest_seconds)
        states = {(self._gateway,): 1} if self._gateway else {}
        yield _many("botbot_gateway_state", "1 for the state the bot of this process is in.", ("state",), states)
        yield _many(
            "botbot_pool_connections", "Connections to the database.", ("pool", "state"), self._house.db.pools()
        )

    def _database(self) -> Iterator[Metric]:
        known = self._known
        yield _one("botbot_database_up", "Whether the database answered just now.", int(known.is_up))
        yield _many("botbot_sagas_open", "Unfinished and stuck sagas.", ("kind", "status"), known.sagas)
        yield _one(
            "botbot_saga_wait_seconds", "How long the oldest due saga waits.", self._if_up(known.saga_wait_seconds)
        )
        outbox = {(topic,): count for topic, count in known.outbox.items()}
        yield _many("botbot_outbox_waiting", "News that no process has handled yet.", ("topic",), outbox)
        waits = self._if_up(known.outbox_wait_seconds)
        yield _one("botbot_outbox_wait_seconds", "How long the oldest of them waits.", waits)

    def _budgets(self) -> Iterator[Metric]:
        cap = self._house.settings.preview_per_day
        left = self._if_up(max(0, cap - self._known.preview_calls))
        yield _one("botbot_preview_budget", "Calls to the model that previews may make in a day.", cap)
        yield _one("botbot_preview_budget_left", "How many of them are left today.", left)
        spent = self._if_up(self._known.spent_guilds)
        yield _one("botbot_guilds_spent", "Servers that have used up their tokens of today.", spent)

    def _if_up(self, value: float) -> float | None:
        """Nothing, rather than a nought that would alarm somebody, where the database didn't say."""
        return value if self._known.is_up else None


def _one(name: str, meaning: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _many(name: str, meaning: str, labels: tuple[str, ...], values: Mapping[Any, int]) -> Metric:
    """`values` by what the labels say, in their order."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for named, value in sorted(values.items()):
        family.add_metric(list(named), value)
    return family
