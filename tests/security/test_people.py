"""The list of people: who may do what."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import rows
from tests.support.logins import Logins


async def test_it_names_everybody_and_what_they_may(conn: AsyncConnection, people: Logins) -> None:
    anna = await people.connect("anna", "sms_operator")
    await people.connect("shop", "sms_erp")
    await people.connect("stranger", None)
    await conn.execute("select sms.confine_login(%s, '{mass}')", [people.name("shop")])

    found = {line["login"]: line for line in await rows(anna, "select * from sms.login")}

    assert found[people.name("anna")]["roles"] == ["sms_operator"]
    assert found[people.name("shop")]["channels"] == ["mass"]
    assert not found[people.name("shop")]["is_owner"]
    assert people.name("stranger") not in found
    assert any(line["is_owner"] for line in found.values())


async def test_the_roles_that_own_things_have_no_members(conn: AsyncConnection) -> None:
    """Except the owner of the database, who may be no superuser and needs them to migrate."""
    found = await rows(conn, "select * from sms.login where roles && '{sms_window}'")
    assert all(line["is_owner"] for line in found)


async def test_it_is_for_operators(people: Logins) -> None:
    for role in ("sms_erp", "sms_analyst", "sms_monitor"):
        who = await people.connect(role, role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await who.execute("select * from sms.login")
