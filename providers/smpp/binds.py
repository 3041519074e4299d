"""The binds of one account: connected, bound, and bound anew after their end, not too eagerly."""

from __future__ import annotations

import asyncio
import random
import ssl
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from providers.smpp import status
from providers.smpp.dispatch import Dispatch
from providers.smpp.link import Link, Role
from providers.smpp.settings import SmppSettings, host_and_port

log = structlog.get_logger()

SOUND_S = 60.0  # a bind that lived so long, or answered a submission, was no failure
UNBIND_S = 3.0  # for the SMSC's answer to our unbind


class Refused(Exception):
    """The SMSC does not let us in."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the SMSC refused our bind: {status.say(code)}")
        self.is_for_long = code in status.REFUSED_FOR_LONG


@dataclass(slots=True)
class _Slot:
    """A bind that should be there, and how its last tries went."""

    name: str
    role: Role
    pause_s: float
    tries: int = 0
    is_on_trial: bool = False  # the last link went silent: one message at a time at first


class Binds:
    """All sessions of one account."""

    def __init__(
        self,
        dispatch: Dispatch,
        *,
        provider: str,
        settings: SmppSettings,
        password: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._dispatch = dispatch
        self._provider = provider
        self._settings = settings
        self._password = password
        self._tls = tls
        self._meanings = status.meanings(settings.statuses)
        self._log = log.bind(provider=provider)
        self._links: list[Link] = []  # bound, of any role
        self._is_closing = False
        self._is_deaf = False
        self._tasks: list[asyncio.Task[None]] = []
        self._slots = [
            _Slot(name=f"{role} {number}", role=role, pause_s=settings.reconnect_s)
            for number in range(1, settings.binds + 1)
            for role in _roles(settings)
        ]

    async def open(self) -> None:
        """Begin to bind; returns when one sender is bound, or when the first tries have failed."""
        self._first_tries = {slot.name for slot in self._slots if slot.role != "receiver"}
        self._opened = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._keep(slot), name=f"{self._provider} {slot.name}")
            for slot in self._slots
        ]
        await self._opened

    async def close(self) -> None:
        """Unbind everywhere, after the answers that are still due."""
        self._is_closing = True
        self._dispatch.close()
        await self._wait_for_answers()
        await asyncio.gather(*(link.unbind(UNBIND_S) for link in list(self._links)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hear(self, wanted: bool) -> None:
        """Read on, or let the SMSC wait with what it has for us."""
        self._is_deaf = not wanted
        for link in self._links:
            link.pause(not wanted)

    async def _wait_for_answers(self) -> None:
        """What is unanswered when we unbind would stay so."""
        until = asyncio.get_running_loop().time() + self._settings.timeout_s
        while not self._dispatch.is_idle:
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(0.02)

    async def _keep(self, slot: _Slot) -> None:
        """One bind for as long as we live: connect, wait for its end, pause, again."""
        while not self._is_closing:
            try:
                link = await self._connect(slot)
            except Refused as error:
                self._failed(slot, str(error))
                if error.is_for_long:  # accounts get locked by those who hammer
                    slot.pause_s = max(slot.pause_s, self._settings.refused_s)
            except (OSError, TimeoutError, ssl.SSLError) as error:
                self._failed(slot, str(error) or type(error).__name__)
            except Exception:  # a mistake of ours must not end the bind for ever
                self._log.exception("smpp_bug", link=slot.name)
                self._tried(slot)
            else:
                await self._serve(slot, link)
            if not self._is_closing:
                await self._pause(slot)

    async def _connect(self, slot: _Slot) -> Link:
        """A bound link; each try takes the next address."""
        settings = self._settings
        place = self._slots.index(slot) // len(_roles(settings)) + slot.tries
        host, port = host_and_port(settings.addresses[place % len(settings.addresses)])
        slot.tries += 1
        make = partial(
            Link,
            self._dispatch,
            provider=self._provider,
            name=slot.name,
            settings=settings,
            meanings=self._meanings,
            window=1 if slot.is_on_trial else settings.window,
        )
        async with asyncio.timeout(settings.timeout_s):
            _, link = await asyncio.get_running_loop().create_connection(
                make,
                host,
                port,
                ssl=self._tls,
                server_hostname=(settings.tls_server_name or host) if self._tls else None,
            )
            link.bind(slot.role, self._password)
            either: set[asyncio.Future[Any]] = {link.bound, link.closed}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            except BaseException:
                link.close("no answer to our bind")
                raise
        if not link.bound.done():
            raise ConnectionError(link.closed.result())
        if code := link.bound.result():
            link.close("not let in")
            raise Refused(code)
        return link

    async def _serve(self, slot: _Slot, link: Link) -> None:
        """Use a bound link until it ends."""
        began = asyncio.get_running_loop().time()
        self._log.info("smpp_bound", link=slot.name)
        self._links.append(link)
        link.pause(self._is_deaf)
        if slot.role != "receiver":
            self._dispatch.add(link)
        self._tried(slot)
        try:
            why = await asyncio.shield(link.closed)
        finally:
            self._links.remove(link)
            if slot.role != "receiver":
                self._dispatch.remove(link)
        if not self._is_closing:
            self._log.error("smpp_link_lost", link=slot.name, why=why)
        slot.is_on_trial = link.fell_silent
        if link.window.has_answered or asyncio.get_running_loop().time() - began > SOUND_S:
            slot.pause_s = self._settings.reconnect_s

    def _failed(self, slot: _Slot, why: str) -> None:
        self._log.error("smpp_bind_failed", link=slot.name, why=why)
        self._tried(slot)

    def _tried(self, slot: _Slot) -> None:
        """`open` waits for the first sender, or for every first try."""
        self._first_tries.discard(slot.name)
        if (self._dispatch.has_senders or not self._first_tries) and not self._opened.done():
            self._opened.set_result(None)

    async def _pause(self, slot: _Slot) -> None:
        seconds, longest = slot.pause_s, self._settings.reconnect_max_s
        slot.pause_s = min(2 * seconds, longest)
        await asyncio.sleep(seconds * random.uniform(0.75, 1.25))


def _roles(settings: SmppSettings) -> tuple[Role, ...]:
    return ("transceiver",) if settings.bind == "transceiver" else ("transmitter", "receiver")
