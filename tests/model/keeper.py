"""The keeper process of a node: a driver around the real Ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumun.keeper import Command, Ledger, Reading, Stop, to_read_back
from sumun.tokens.errors import NewsLostError
from sumun.tokens.feed import Position
from tests.model.answering import WAITED_FOR_SECONDS, Link
from tests.model.haproxy_worker import Worker
from tests.model.truth import done

if TYPE_CHECKING:
    from tests.model.deployment import Node

MOST_TURNS = 40
"""Rounds of orders and answers after one event. More: the rules never come to rest."""


class Keeper:
    """Follows the feed, carries the ledger's orders out, confirms."""

    waited_for = WAITED_FOR_SECONDS

    def __init__(self, name: str, node: Node, ledger: Ledger) -> None:
        self.name = name
        self.node = node
        self.feed = node.world.feed
        self.ledger = ledger
        self.link = Link()
        self.position: Position | None = None
        self.looked_at = 0.0
        self.said: Position | None = None
        self.is_hung = False
        self.heard_of: set[str] = set()
        """The workers that have answered this keeper once."""

    def now(self) -> Reading:
        return Reading(self.node.world.steady, self.node.wall())

    def round(self) -> None:
        """Look at the feed once, and confirm: the heartbeat."""
        if self.is_hung:
            return
        if not self.link.is_cut:
            self.looked_at = self.node.world.steady
            try:
                self.look()
            except NewsLostError:
                self.ledger.lost()
                self.position = None
        self.said = None
        self.drive()

    def look(self) -> None:
        if self.position is None:
            self.position = done(self.feed.head())
            self.ledger.begun(self.position)
        else:
            news = done(self.feed.read_after(self.position, 0))
            if news:
                self.position = Position(self.position.incarnation, news[-1].n)
            self.ledger.read(news)

    def drive(self) -> None:
        """Carry out what the ledger orders until there is nothing left, and confirm what may be confirmed."""
        if self.is_hung:
            return
        for _ in range(MOST_TURNS):
            self.node.show_processes()
            orders = self.ledger.orders(self.now())
            for order in orders:
                if isinstance(order, Stop):
                    self.node.world.seen["Stop"] += 1
                    self.node.kill(order.worker)
                else:
                    self.node.send(self, order)
            carried = self.node.carry_out()
            self.confirm()
            if not orders and not carried:
                return
        raise RuntimeError("the rules do not come to rest")

    def confirm(self) -> None:
        position = self.ledger.confirmable(self.now())
        if position is None or position == self.said or self.link.is_cut or self.position is None:
            return
        done(self.feed.confirm(self.node.name, self.name, position, self.waited_for))
        self.said = position
        if not self.link.is_deaf:
            self.ledger.told(self.looked_at, self.node.world.steady, self.node.world.steady)
        self.node.world.see_what_is_confirmed()

    def answered(self, worker: Worker, command: Command) -> None:
        self.heard_of.add(worker.name)
        self.ledger.answered(
            worker.name, [worker.look_up(name, key) for name, key, _ in to_read_back(command)]
        )

    def failed(self, worker: Worker) -> None:
        self.ledger.failed(worker.name)
