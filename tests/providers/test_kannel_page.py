"""docs/kannel.md tells the truth: its configuration starts, its tables are complete."""

from __future__ import annotations

import re
from functools import partial

import pytest

from providers.kannel_sendsms import KannelSettings
from tests.docs.pages import tables
from tests.support.codes import known_codes
from tests.support.kannel_page import LINKS, PAGE, STATUS_ENV, printed, two_links
from tests.support.messages import message, send_all
from tests.support.waiting import eventually


@pytest.mark.kannel
async def test_the_printed_configuration_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATUS_ENV, "kannel-status")
    text = "Баланс пополнен. " * 30
    async with two_links() as kannel, kannel.listening():

        def is_reported(link: str) -> bool:
            return bool(kannel.texts(link) and kannel.receipts[link])

        for number, link in enumerate(LINKS, 1):
            async with kannel.provider(link) as provider:
                await send_all(provider, [message(number, text)])
                await eventually(partial(is_reported, link))
            centre = kannel.centres[link]
            centre.write(sender="79071234567", to="79430000000", text=f"{link}: {text}")
            await eventually(partial(kannel.inbound.get, link))
    for number, link in enumerate(LINKS, 1):
        assert kannel.receipts[link][0].message_id == message(number).id
        assert [one.code for one in kannel.receipts[link]] == ["1"]
        assert [one.body for one in kannel.inbound[link]] == [f"{link}: {text}"]


def test_the_printed_doors_for_messages_are_those_that_are_open() -> None:
    urls = re.findall(r"^post-url = \"(.*)\"$", printed(), re.MULTILINE)
    assert urls == [
        f"http://127.0.0.1:8801/kannel/kannel_{link}/CHANGE-DLR-TOKEN/inbound?ref=%I"
        for link in LINKS
    ]


def test_every_setting_is_explained_with_its_default() -> None:
    explained = {row[0].strip("`"): row[1] for row in tables(PAGE, header="Setting")}
    assert set(explained) == set(KannelSettings.model_fields)
    for name, field in KannelSettings.model_fields.items():
        default = "none" if field.default is None else str(field.default).lower()
        assert explained[name] == ("needed" if field.is_required() else default), name


def test_every_code_is_explained_with_its_state() -> None:
    explained = {row[0]: row[1].strip("`") or None for row in tables(PAGE, header="Code")}
    assert explained == known_codes("kannel")
