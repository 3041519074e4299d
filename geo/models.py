"""The geo tables as SQLAlchemy models, for Alembic's metadata and for whoever prefers an ORM."""

from datetime import date, datetime

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Everything in the schema geo."""

    metadata = MetaData(schema="geo")


# Described elsewhere; here only because a table of ours points to it.
Table("time_zone", Base.metadata, Column("zone_id", SmallInteger, primary_key=True), schema="sms")


def point() -> Geography:
    """A place in WGS 84 degrees, measured in metres; its index is declared by the table."""
    return Geography("POINT", srid=4326, spatial_index=False)


class MetroStation(Base):
    """A metro station on a line; an interchange has a row per line."""

    __tablename__ = "metro_station"
    __table_args__ = (
        UniqueConstraint("city", "line", "name"),
        Index("metro_station_location", "location", postgresql_using="gist"),
    )

    station_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    city: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    location: Mapped[WKBElement] = mapped_column(point())
    closed_at: Mapped[date | None]


class ClientLocation(Base):
    """Where a client lives; the ERP gives the client's id, so it is not made here."""

    __tablename__ = "client_location"
    __table_args__ = (
        Index("client_location_location", "location", postgresql_using="gist"),
        Index("client_location_city", "city"),
    )

    client_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    location: Mapped[WKBElement] = mapped_column(point())
    city: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(
        TIMESTAMP(timezone=True), server_default=text("now()")
    )
    zone_id: Mapped[int | None] = mapped_column(ForeignKey("sms.time_zone.zone_id"))
