"""The month as one HTML page: pictures inside, no script, nothing loaded from anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from reports import charts
from reports.month import Month


def render(month: Month, *, made_at: datetime | None = None) -> str:
    """The page of a month; names of campaigns and templates are escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(number=_number, amount=_amount, share=_share, span=_span)
    pictures = {
        "volumes": charts.volumes(month.by_day, month.start, month.until),
        "providers": charts.providers(month.by_provider),
        "money": charts.money(month.money),
        "hours": charts.hours(month.hours, month.start, month.until),
    }
    return environment.get_template("page.html.j2").render(
        month=month, charts=pictures, made_at=made_at or datetime.now(UTC)
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}".replace(",", "\u202f")


def _amount(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}".replace(",", "\u202f")


def _share(value: Decimal | None) -> str:
    return "" if value is None else f"{value * 100:.2f} %"


def _span(value: timedelta | None) -> str:
    if value is None:
        return ""
    seconds = value.total_seconds()
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
