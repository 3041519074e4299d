"""docs/kannel.md tells the truth: its configuration starts, its tables are complete."""

from __future__ import annotations

import re

import pytest

from providers.kannel_sendsms import KannelSettings
from tests.docs.pages import ROOT, tables
from tests.support.codes import known_codes
from tests.support.kannel_lab import kannel_lab
from tests.support.messages import message, send_all
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "kannel.md"
# What differs on the machine of the test; everything else runs as printed.
OURS = {
    "admin-port": "$admin_port",
    "admin-password": "$admin_password",
    "status-password": "$status_password",
    "smsbox-port": "$smsbox_port",
    "sendsms-port": "$sendsms_port",
    "store-location": "$folder/store",
    "dlr-spool": "$folder/dlr",
    "smsc-id": "$smsc_id",
    "allowed-smsc-id": "$smsc_id",
    "default-smsc": "$smsc_id",
    "host": "127.0.0.1",
    "port": "$smsc_port",
    "smsc-username": "$smsc_username",
    "smsc-password": "$smsc_password",
    "username": "$username",
    "password": "$password",
}


def printed() -> str:
    """The configuration on the page."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^ *```kannel\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.sub(r"^ +", "", found[1], flags=re.MULTILINE)


def as_template(config: str) -> str:
    """The printed configuration, with placeholders for what this machine has its own of."""

    def own(line: re.Match[str]) -> str:
        if line["key"] == "log-file":
            return f"log-file = $folder/{line['value'].rsplit('/', 1)[1]}"
        if line["key"] == "post-url":  # all before the query is the machine's
            return f'post-url = "$inbound_url?{line["value"].partition("?")[2]}'
        return f"{line['key']} = {OURS.get(line['key'], line['value'])}"

    return re.sub(r"^(?P<key>[a-z-]+) = (?P<value>.*)$", own, config, flags=re.MULTILINE)


@pytest.mark.kannel
async def test_the_printed_configuration_works() -> None:
    text = "Баланс пополнен. " * 30
    template = as_template(printed())
    async with (
        kannel_lab(template=template) as lab,
        lab.listening(),
        lab.provider() as provider,
    ):
        await send_all(provider, [message(1, text)])
        await eventually(lambda: lab.texts() and lab.receipts)
        assert list(lab.texts().values()) == [text]
        lab.simulator.write(sender="79071234567", to="79430000000", text=text)
        await eventually(lambda: lab.inbound)
        assert [message.body for message in lab.inbound] == [text]
    assert set(lab.codes().values()) == {"1"}


def test_the_printed_door_for_messages_is_the_one_that_is_open() -> None:
    [url] = re.findall(r"^post-url = \"(.*)\"$", printed(), re.MULTILINE)
    assert url.startswith("http://127.0.0.1:8801/kannel/operator/CHANGE-DLR-TOKEN/inbound?")
    assert url.partition("?")[2] == "ref=%I"


def test_every_setting_is_explained_with_its_default() -> None:
    explained = {row[0].strip("`"): row[1] for row in tables(PAGE, header="Setting")}
    assert set(explained) == set(KannelSettings.model_fields)
    for name, field in KannelSettings.model_fields.items():
        default = "none" if field.default is None else str(field.default).lower()
        assert explained[name] == ("needed" if field.is_required() else default), name


def test_every_code_is_explained_with_its_state() -> None:
    explained = {row[0]: row[1].strip("`") or None for row in tables(PAGE, header="Code")}
    assert explained == known_codes("kannel")
