"""docs/smpp.md tells the truth: its tables are complete."""

from __future__ import annotations

import json
import re

from providers.smpp.settings import SmppSettings
from tests.docs.pages import ROOT, code, tables
from tests.support.codes import known_codes

PAGE = ROOT / "docs" / "smpp.md"


def test_every_setting_is_explained_with_its_default() -> None:
    explained = {
        name: default.strip("`")
        for row in tables(PAGE, header="Setting")
        for name, default in zip(code(row[0]), re.split(r", (?![^\[]*\])", row[1]), strict=True)
    }
    assert set(explained) == set(SmppSettings.model_fields)
    for name, field in SmppSettings.model_fields.items():
        assert explained[name] == _written(field.get_default(call_default_factory=True)), name
        assert field.is_required() is (explained[name] == "needed")


def _written(default: object) -> str:
    """A default as it is typed behind --set, a word without its quotes."""
    if default is None:
        return "none"
    if isinstance(default, str) and default:
        return default
    if isinstance(default, float | int | str | bool | tuple | dict):
        return json.dumps(default)
    return "needed"


def test_every_code_is_explained_with_its_state() -> None:
    explained = {
        name: row[1].strip("`") or None
        for row in tables(PAGE, header="Code")
        for name in row[0].split(", ")
    }
    assert explained == known_codes("smpp")


def test_every_style_of_long_texts_is_explained() -> None:
    styles = {code(row[0])[0] for row in tables(PAGE, header="`long_texts`")}
    assert styles == {"udh8", "udh16", "sar", "payload"}
