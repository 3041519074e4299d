"""generic_http: mistakes in settings are sentences, and presets are settings like others."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection

from providers.base import (
    BringsInbound,
    CanBeAsked,
    CanBePolled,
    HasBalance,
    SettingsError,
)
from providers.generic_http_settings import presets
from tests.peers.http_service import KEY
from tests.support import factory
from tests.support.codes import known_codes
from tests.support.generic_http import SIMPLE, generic


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, 'setting "send": Field required'),
        ({"preset": "pigeon"}, "there is no 'pigeon' (known: devino, exolve"),
        ({"preset": "sms_aero"}, 'setting "username"'),
        ({"preset": "sms_ru", "send": {"item": "body["}}, 'setting "send.item"'),
        ({"preset": "sms_ru", "send": {"json": {}}}, "a form or json, not both"),
        ({"preset": "sms_ru", "send": {"charset": "utf-99"}}, "utf-99 is no character set"),
        ({"preset": "exolve", "send": {"json": {"a": "{boddy}"}}}, "{boddy} is no field here"),
        ({"preset": "smspilot", "send": {"json": {"a": "{body}"}}}, "{body} is no field here"),
        ({"preset": "exolve", "send": {"answers": []}}, 'setting "send.answers"'),
        ({"preset": "exolve", "receipts": {"code": "a."}}, "no JMESPath expression"),
        ({"preset": "exolve", "receipts": {"signature": {"kind": "rot13"}}}, "signature.kind"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        generic(**settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("secret", [None, "", "ключ"])
async def test_a_missing_or_unusable_secret_is_told_when_it_is_opened(secret: str | None) -> None:
    with pytest.raises(SettingsError) as caught:
        await generic(secret, preset="exolve").__aenter__()
    assert "\n" not in str(caught.value)


def test_ones_own_settings_refine_a_section_of_the_preset() -> None:
    provider = generic(preset="sms_ru", send={"batch": 7}, parallel=2)
    assert provider.settings.send.batch == 7
    assert provider.settings.send.path == "/sms/send"
    assert provider.settings.dialect == "sms_ru"
    assert provider.settings.parallel == 2


def test_only_what_the_settings_describe_can_be_asked() -> None:
    nothing = generic(**SIMPLE)
    assert not isinstance(nothing, CanBeAsked | CanBePolled | HasBalance)
    assert isinstance(nothing, BringsInbound)
    mts = generic(preset="mts_communicator", username="me")
    assert isinstance(mts, CanBeAsked)
    assert isinstance(mts, CanBePolled)
    assert isinstance(generic(preset="sms_ru"), HasBalance)


async def test_every_error_of_the_seed_can_come_from_a_preset(tx: AsyncConnection) -> None:
    errors = await factory.column(
        tx, "select error from sms.receipt_error where adapter = 'generic_http'"
    )
    assert errors
    for error in errors:
        dialect, _, code = error.partition(":")
        section = generic(preset=dialect).settings
        asked = section.send.error if code.startswith("send/") else section.receipts
        assert asked is not None, error


def test_every_dialect_with_codes_is_a_preset() -> None:
    dialects = {code.partition(":")[0] for code in known_codes("generic_http") if ":" in code}
    assert dialects <= set(presets())
    # The others' reports are not documented: their presets say so.
    for preset in set(presets()) - dialects:
        assert "not verified" in generic(preset=preset, username="me").settings.note
