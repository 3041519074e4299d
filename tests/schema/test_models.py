"""The models of the geo tables say what the tables are."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from migrations.models import metadata


@pytest.fixture
def connection(shared_dsn: str) -> Iterator[Connection]:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(shared_dsn), poolclass=NullPool
    )
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def differences(connection: Connection, models: MetaData = metadata) -> list[Any]:
    """What Alembic would change in the schema geo; comments are the tables' own business."""

    def is_ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name == "geo"

    def is_described(described: Any, _name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or described.schema == "geo"

    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": is_ours,
            "include_object": is_described,
            "compare_type": True,
            "compare_server_default": True,
        },
    )
    flat = [
        change
        for found in compare_metadata(context, models)
        for change in (found if isinstance(found, list) else [found])
    ]
    return [change for change in flat if "comment" not in change[0]]


def test_models_and_tables_are_the_same(connection: Connection) -> None:
    assert differences(connection) == []


def test_a_column_that_only_the_model_has_would_be_found(connection: Connection) -> None:
    models = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(models)
    models.tables["geo.metro_station"].append_column(Column("platforms", Integer))

    assert [change[0] for change in differences(connection, models)] == ["add_column"]
