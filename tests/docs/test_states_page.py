"""docs/states.md says what sms.state and sms.state_transition say."""

from __future__ import annotations

import re
from typing import Any

from psycopg import AsyncConnection

from tests.docs.pages import ROOT, blocks, code, tables

PAGE = ROOT / "docs" / "states.md"


async def test_every_move_stands_on_the_page_with_its_verb(tx: AsyncConnection) -> None:
    written = {(code(row[0])[0], code(row[1])[0], row[2]) for row in tables(PAGE, header="From")}
    assert written == set(
        await _rows(tx, "select from_state, to_state, cause from sms.state_transition")
    )


async def test_every_state_stands_on_the_page_with_its_meaning(tx: AsyncConnection) -> None:
    written = {
        (code(row[0])[0], int(row[1]), row[2] == "yes", row[3])
        for row in tables(PAGE, header="State")
    }
    assert written == set(await _rows(tx, "select state, rank, is_final, meaning from sms.state"))


async def test_the_diagram_has_an_arrow_for_every_move(tx: AsyncConnection) -> None:
    arrows = re.findall(r"^ +(\S+) --> (\S+) : (.+)$", _block("mermaid"), re.MULTILINE)
    inside = {(start, end) for start, end, _ in arrows if start != "[*]"}
    assert inside == set(await _rows(tx, "select from_state, to_state from sms.state_transition"))
    assert {end for start, end, _ in arrows if start == "[*]"} == {"pending", "suppressed"}


async def test_the_drawing_shows_every_state(tx: AsyncConnection) -> None:
    drawn = set(re.findall(r"[a-z]+", _block("text")))
    states = {state for (state,) in await _rows(tx, "select state from sms.state")}
    assert states <= drawn


def _block(info: str) -> str:
    [block] = [block for block in blocks(PAGE) if block.info == info]
    return block.body


async def _rows(tx: AsyncConnection, query: Any) -> list[tuple[Any, ...]]:
    return await (await tx.execute(query)).fetchall()
