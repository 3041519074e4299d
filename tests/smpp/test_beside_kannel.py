"""The same texts through Kannel and straight over SMPP, at one and the same message centre."""

from __future__ import annotations

from typing import Any

import pytest

from kannel.boxes import Boxes
from kannel.simulator import Simulator, whole_octets
from providers.base import Accepted, Context, make_dlr_url
from providers.kannel import KannelProvider
from tests.support.messages import message, send_all
from tests.support.smsc import Ears
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel

TEXTS = {
    1: "Платёж зачислен",
    2: "Your code is 4711 {valid for 5 minutes} €@$_",
    3: "Напоминаем о платеже по договору № 15/3. " * 12,
    4: "a" * 152 + "€" + "a" * 7,
    5: "я" * 70,
    6: "я" * 71,
}
SAME = ("from", "to", "data_coding", "source", "destination", "priority", "registered")


async def test_the_message_centre_sees_the_same(simulator: Simulator, ears: Ears) -> None:
    with Boxes(smsc_port=simulator.port) as boxes:
        boxes.wait_for_link()
        kannel = KannelProvider(
            "kannel_main",
            {"url": boxes.sendsms_url, "username": boxes.username, "smsc": boxes.smsc_id},
            boxes.password,
            Context(
                sink=ears.take_receipts,
                dlr_url=make_dlr_url("http://127.0.0.1:1", adapter="kannel", secret="0" * 16),
            ),
        )
        batch = [message(number, text) for number, text in TEXTS.items()]
        async with kannel:
            results = await send_all(kannel, batch)
            assert {type(result) for result in results} == {Accepted}
            await eventually(lambda: len(whole_octets(simulator.records("submit_sm"))) == 6)
    theirs = simulator.records("submit_sm")
    async with ears.provider(simulator.port) as direct:
        results = await send_all(direct, batch)
        assert {type(result) for result in results} == {Accepted}
    ours = simulator.records("submit_sm")[len(theirs) :]
    assert dict(whole_octets(ours)) == dict(whole_octets(theirs))
    assert len(ours) == len(theirs)
    assert _first_parts(ours) == _first_parts(theirs)


def _first_parts(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Fields that do not depend on the account, by number; Kannel asks part 1 for a receipt."""
    found: dict[str, list[Any]] = {}
    for record in records:
        if not record["part"] or record["part"][2] == 1:
            found[record["to"]] = [record[key] for key in SAME]
    return found
