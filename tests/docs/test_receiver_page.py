"""docs/receiver.md names every limit of the port with its default, and every reason told."""

from __future__ import annotations

import re

from outbox.settings import PREFIX
from outbox.settings_doors import DoorSettings
from tests.docs.pages import ROOT, code, tables

PAGE = ROOT / "docs" / "receiver.md"


def test_every_limit_is_explained_with_its_default() -> None:
    written = {code(row[0])[0]: row[1].strip("`") for row in tables(PAGE, header="Setting")}
    assert written == {
        f"{PREFIX}{name.upper()}": str(field.default)
        for name, field in DoorSettings.model_fields.items()
    }


def test_every_reason_is_explained() -> None:
    written = {name for row in tables(PAGE, header="Reason") for name in code(row[0])}
    folder = ROOT / "outbox" / "doors"
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    told = set(re.findall(r'(?:_refuse|_too_much|_send_away)\(\s*"(\w+)"', source))
    told |= set(re.findall(r'refused\["(\w+)"\]', source)) | {"silent", "full"}
    assert written == told
