"""docs/generic_http.md names every setting, field and preset, and its example is accepted."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import BaseModel

from providers.base import AdapterSettings, CanBeAsked, CanBePolled, Context, HasBalance
from providers.generic_http import GenericHttpProvider
from providers.generic_http_checks import ACCOUNT, ASKED, ASKED_ALL, OF_MESSAGE, SHARED
from providers.generic_http_settings import (
    FromSubscribers,
    GenericHttpSettings,
    MoneyLeft,
    Receipts,
    Request,
    Send,
    Signature,
    Status,
    presets,
)
from tests.docs.pages import ROOT, blocks, code, tables

PAGE = ROOT / "docs" / "generic_http.md"


def explained(header: str) -> set[str]:
    return {name for row in tables(PAGE, header=header) for name in code(row[0])}


def keys(model: type[BaseModel], *without: type[BaseModel]) -> set[str]:
    own = {field.alias or name for name, field in model.model_fields.items()}
    return own - {
        field.alias or name for other in without for name, field in other.model_fields.items()
    }


@pytest.mark.parametrize(
    ("header", "model", "without"),
    [
        ("Setting", GenericHttpSettings, ()),
        ("Key", Request, ()),
        ("`send` also", Send, (Request,)),
        ("`receipts`", Receipts, ()),
        ("`signature`", Signature, ()),
    ],
)
def test_every_setting_is_explained(
    header: str, model: type[AdapterSettings], without: tuple[type[AdapterSettings], ...]
) -> None:
    assert explained(header) == keys(model, *without) - {"answers"}


def test_the_smaller_sections_are_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    smaller = keys(Status, Request) | keys(FromSubscribers) | keys(MoneyLeft, Request)
    assert {name for name in smaller if f"`{name}`" not in page} == set()


def test_every_field_of_a_template_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fields = {*ACCOUNT, *ASKED, *ASKED_ALL, *OF_MESSAGE, *SHARED}
    assert {name for name in fields if f"`{{{name}}}`" not in page} == set()


def test_every_meaning_of_an_answer_is_explained() -> None:
    meanings = {code(row[0])[0] for row in tables(PAGE, header="`means`") if code(row[0])}
    assert meanings == {"accepted", "rejected", "retry", "throttled", "setup", "uncertain"}


def made(settings: dict[str, object]) -> GenericHttpProvider:
    async def sink(receipts: object) -> None:
        raise AssertionError("nobody sends")

    return GenericHttpProvider("main", settings, "k", Context(sink=sink))


def test_the_table_of_presets_is_true() -> None:
    rows = {code(row[0])[0]: row for row in tables(PAGE, header="Preset")}
    assert sorted(rows) == presets()
    for preset, (_, _, needs, receipts, lost) in rows.items():
        provider = made({"preset": preset, "username": "me"})
        assert ("`username`" in needs) == needs_username(preset)
        assert ("polls" in receipts) == isinstance(provider, CanBePolled), preset
        assert ("looked up" in lost) == isinstance(provider, CanBeAsked), preset
        assert ("not verified" in receipts) == ("not verified" in provider.settings.note), preset


def needs_username(preset: str) -> bool:
    try:
        made({"preset": preset})
    except Exception as error:
        return 'setting "username"' in str(error)
    return False


def test_the_example_is_accepted() -> None:
    [example] = [block for block in blocks(PAGE) if block.info.startswith("json")]
    provider = made(json.loads(example.body))
    assert provider.settings.dialect == "acme"
    assert not isinstance(provider, HasBalance)
    page = PAGE.read_text(encoding="utf-8")
    assert re.search(r"--settings-file acme\.json", page)
