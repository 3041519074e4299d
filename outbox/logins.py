"""Logins for the programs: each with one small role, so that a hole in one of them is a small hole.

Who migrates owns the database and may do anything in it; nothing that strangers call should.
"""

from __future__ import annotations

from typing import Literal

import psycopg
from psycopg import sql

from outbox.errors import UsageMistake

WORKER, DLR = "outbox_worker", "outbox_dlr"
Role = Literal["sms_erp", "sms_analyst", "sms_operator", "sms_monitor", "sms_worker", "sms_dlr"]


def make_login(conn: psycopg.Connection, login: str, role: Role, password: str) -> str:
    """Give a login its password and its role, made where it is missing; "created" or "changed".

    The password leaves us hashed, so that no log of statements can hold it. A login that may do
    more than its role is refused: it would keep doing so.
    """
    known = conn.execute(
        "select rolsuper or rolcreaterole or rolbypassrls from pg_roles where rolname = %s",
        (login,),
    ).fetchone()
    if known is not None and known[0]:
        raise UsageMistake(f"{login} is an administrator: choose another name for a small login.")
    name = sql.Identifier(login)
    if known is None:
        conn.execute(sql.SQL("create role {} login").format(name))
    hashed = conn.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    conn.execute(
        sql.SQL("alter role {} login password {}").format(name, sql.Literal(hashed.decode()))
    )
    conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), name))
    return "created" if known is None else "changed"
