"""Attends to each open provider that can be asked something: doubts, overdue receipts, balance.

The database says when and about what (worker/questions.py), so all workers may attend at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial

from outbox.db import Database
from providers.base import CanBeAsked, CanBePolled, HasBalance, Provider
from worker.chores import keep
from worker.clock import happens
from worker.questions import ask_doubtful, check_balance, poll_statuses

LOOK_S = 0.5  # a provider that was opened is attended to so soon
DOUBTS_S = 1.0  # between looks for doubtful messages
OVERDUE_S = 5.0  # between looks for overdue receipts
BALANCE_S = 5.0  # a limit that was changed is checked so soon
BALANCE_EVERY = timedelta(minutes=5)  # all workers together

Duty = tuple[str, float, Callable[[], Awaitable[int]]]


class Inquirer:
    """Keeps a task for each open provider, until stopped."""

    def __init__(self, db: Database, opened: Callable[[], Mapping[str, Provider]]) -> None:
        self._db = db
        self._opened = opened

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the providers as they open and close."""
        attended: dict[str, tuple[Provider, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                opened = self._opened()
                for name, (provider, task) in list(attended.items()):
                    if opened.get(name) is not provider:
                        task.cancel()
                        del attended[name]
                for name in opened.keys() - attended.keys():
                    attending = self._attend(name, opened[name], stopping)
                    task = tasks.create_task(attending, name=f"{name} inquiries")
                    attended[name] = (opened[name], task)
                await happens(stopping, LOOK_S)
            for _, task in attended.values():
                task.cancel()

    async def _attend(self, name: str, provider: Provider, stopping: asyncio.Event) -> None:
        """Ask one provider whatever it is able to answer."""
        async with asyncio.TaskGroup() as tasks:
            for duty, every_s, once in self._duties(name, provider):
                tasks.create_task(keep(duty, every_s, once, stopping), name=f"{name} {duty}")

    def _duties(self, name: str, provider: Provider) -> list[Duty]:
        duties: list[Duty] = []
        if isinstance(provider, CanBeAsked):
            ask = partial(ask_doubtful, self._db, name, provider)
            duties.append(("ask_doubtful", DOUBTS_S, ask))
        if isinstance(provider, CanBePolled):
            poll = partial(poll_statuses, self._db, name, provider)
            duties.append(("poll_statuses", OVERDUE_S, poll))
        if isinstance(provider, HasBalance):
            check = partial(check_balance, self._db, name, provider, BALANCE_EVERY)
            duties.append(("check_balance", BALANCE_S, check))
        return duties
