"""docs/smsc_ru.md names every setting with its default, every error, and a URL that is heard."""

from __future__ import annotations

import json
import re

from providers.smsc_ru_answers import SEND_ERRORS
from providers.smsc_ru_api import SmscRuSettings
from tests.docs.pages import ROOT, code, tables

PAGE = ROOT / "docs" / "smsc_ru.md"


def test_every_setting_is_explained_with_its_default() -> None:
    said = {code(row[0])[0]: row[1].strip("`") for row in tables(PAGE, header="Setting")}
    settings = json.loads(SmscRuSettings.model_validate({}).model_dump_json())
    assert said == {name: _written(value) for name, value in settings.items()}


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float | int) else str(value).rstrip("/")


def test_every_error_of_a_request_is_explained() -> None:
    cells = [row[0] for row in tables(PAGE, header="Error of a request")]
    assert {int(n) for cell in cells for n in re.findall(r"\b[0-9]\b", cell)} >= set(SEND_ERRORS)
