"""The demo's stage: a database of its own, Kannel as a provider, the outbox program running."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kannel.boxes import Boxes
from outbox.cluster import private
from outbox.logins import WORKER

ROOT = Path(__file__).resolve().parents[1]
SECRET_VARIABLE = "OUTBOX_SECRET_DEMO_KANNEL"
STATUS_VARIABLE = "OUTBOX_SECRET_DEMO_STATUS"


def fresh_database(dsn: str) -> str:
    """Make the database `<name>_demo` anew beside the one `dsn` names, and return its DSN."""
    name = f"{conninfo_to_dict(dsn).get('dbname') or 'outbox'}_demo"
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in ("drop database if exists {} with (force)", "create database {}"):
            conn.execute(sql.SQL(statement).format(sql.Identifier(name)))
    return make_conninfo(dsn, dbname=name)


def kannel_settings(boxes: Boxes) -> Mapping[str, str | int]:
    """What sms.provider.settings holds for this Kannel; its passwords stay in the environment."""
    return {
        "url": boxes.sendsms_url,
        "username": boxes.username,
        "smsc": boxes.smsc_id,
        "sender_id": "Demo",
        "admin_url": boxes.admin_url,
        "status_secret_env": STATUS_VARIABLE,
    }


def programs_dsn(dsn: str) -> str:
    """The same database for `outbox run`: in the private cluster by the worker's small login."""
    if "OUTBOX_DSN" in os.environ:
        return dsn
    return make_conninfo(private().url_of(WORKER), dbname=str(conninfo_to_dict(dsn)["dbname"]))


@asynccontextmanager
async def outbox_run(
    dsn: str, boxes: Boxes, *, port: int, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`outbox run` as a service would start it, stopped with SIGTERM; its log goes to a file."""
    environment = {
        **os.environ,
        "OUTBOX_DSN": programs_dsn(dsn),
        "OUTBOX_DLR_PORT": str(port),
        "OUTBOX_DLR_TOKEN": os.urandom(12).hex(),
        SECRET_VARIABLE: boxes.password,
        STATUS_VARIABLE: boxes.status_password,
    }
    program = Path(sys.executable).with_name("outbox")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program, "run", cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
