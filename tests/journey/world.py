"""Who takes part in the journey: the ERP, an operator, the programs, and the provider's record."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.support.outbox_process import Program, answer, wait_until, with_rights_of


class Session:
    """A connection with the rights of one role; what it does becomes real at `commit`."""

    def __init__(self, dsn: str, role: str) -> None:
        self._conn = psycopg.connect(dsn, row_factory=dict_row)
        become = sql.SQL("set session authorization {}").format(sql.Identifier(role))
        self._conn.execute(become)
        self.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()

    def ask(self, query: LiteralString, *params: object) -> list[dict[str, Any]]:
        return self._conn.execute(query, params or None).fetchall()

    def do(self, statement: LiteralString, *params: object) -> None:
        self._conn.execute(statement, params or None)

    def commit(self) -> None:
        self._conn.commit()

    def rollback(self) -> None:
        self._conn.rollback()


class Erp(Session):
    """What an ERP does: it inserts, reads what became of it, and takes back."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, "sms_erp")

    def insert(self, phone: str, body: str = "Платёж получен. Спасибо!", **more: object) -> int:
        """Insert one request; its id."""
        columns = {"phone": phone, "body": body, **more}
        statement = sql.SQL("insert into sms.outbox ({}) values ({}) returning id").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        )
        made = self._conn.execute(statement, list(columns.values())).fetchone()
        assert made is not None
        return int(made["id"])

    def message(self, message_id: int) -> dict[str, Any]:
        """The message as sms.message shows it, seen from a new transaction."""
        self.commit()
        [seen] = self.ask("select * from sms.message where id = %s", message_id)
        self.commit()
        return seen

    def fate(self, message_id: int) -> str:
        """State and reason in one word: `pending`, `suppressed(blacklist)`."""
        seen = self.message(message_id)
        return f"{seen['state']}({seen['reason']})" if seen["reason"] else str(seen["state"])

    def waits_for(self, message_id: int, fate: str, *, patience_s: float = 20) -> None:
        """Look until that became of the message."""
        wait_until(lambda: self.fate(message_id) == fate, patience_s=patience_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A database in which `outbox run` works, and the record of the provider behind it."""

    dsn: str
    record: Path
    program: Program = field(repr=False)

    def taken(self) -> Counter[int]:
        """How often the provider took each message."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return Counter(int(json.loads(line)["id"]) for line in lines)

    def command(self, *words: str) -> Any:
        """What a command answers to an operator."""
        return answer(*words, dsn=with_rights_of(self.dsn, "sms_operator"))
