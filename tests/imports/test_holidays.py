"""The production calendar of Russia from CSV files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from imports.holidays import HolidayReport, import_holidays
from imports.load import BadLine, ImportRefused
from tests.conftest import AsRole
from tests.support import factory

HEADER = (
    '"Год/Месяц","Январь","Февраль","Март","Апрель","Май","Июнь","Июль","Август","Сентябрь",'
    '"Октябрь","Ноябрь","Декабрь","Всего рабочих дней","Всего праздничных и выходных дней"'
)
# The year 2018 as the government fixed it; its 28 April and 9 June, Saturdays, were worked.
YEAR_2018 = [
    "1,2,3,4,5,6,7,8,13,14,20,21,27,28",
    "3,4,10,11,17,18,22*,23,24,25",
    "3,4,7*,8,9+,10,11,17,18,24,25,31",
    "1,7,8,14,15,21,22,28*,29,30+",
    "1,2+,5,6,8*,9,12,13,19,20,26,27",
    "2,3,9*,10,11+,12,16,17,23,24,30",
    "1,7,8,14,15,21,22,28,29",
    "4,5,11,12,18,19,25,26",
    "1,2,8,9,15,16,22,23,29,30",
    "6,7,13,14,20,21,27,28",
    "3,4,5+,10,11,17,18,24,25",
    "1,2,8,9,15,16,22,23,29*,30,31+",
]
OFF_2018 = [
    *(date(2018, 1, n) for n in (1, 2, 3, 4, 5, 8)),
    date(2018, 2, 23),
    date(2018, 3, 8),
    date(2018, 3, 9),
    date(2018, 4, 30),
    date(2018, 5, 1),
    date(2018, 5, 2),
    date(2018, 5, 9),
    date(2018, 6, 11),
    date(2018, 6, 12),
    date(2018, 11, 5),
    date(2018, 12, 31),
]
WORKED_2018 = [date(2018, 4, 28), date(2018, 6, 9), date(2018, 12, 29)]


def line(year: object, months: list[str]) -> str:
    return ",".join([str(year), *(f'"{month}"' for month in months), "247", "118"])


def write(folder: Path, *lines: str) -> Path:
    path = folder / "calendar.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def days(tx: AsyncConnection, kind: str) -> list[date]:
    return await factory.column(tx, "select day from sms.holiday where kind = %s order by 1", kind)


async def test_a_year_as_the_open_data_has_it(tx: AsyncConnection, tmp_path: Path) -> None:
    report = await import_holidays(tx, write(tmp_path, HEADER, line(2018, YEAR_2018)))
    assert report == HolidayReport(kept=20, changed=20, removed=0)
    assert await days(tx, "off") == OFF_2018
    assert await days(tx, "working") == WORKED_2018
    titles = await factory.rows(tx, "select day, title from sms.holiday order by day")
    by_day = {row["day"]: row["title"] for row in titles}
    assert by_day[date(2018, 3, 9)] == "day off moved here"
    assert by_day[date(2018, 3, 8)] == "day off"
    assert by_day[date(2018, 4, 28)] == "weekend day that is worked"


async def test_with_semicolons_and_spaces_it_is_the_same(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    header = HEADER.replace('"', "").replace(",", ";").replace("Год/Месяц", "\ufeffYear")
    row = ";".join(["2018", *(month.replace(",", ", ") for month in YEAR_2018), "247", "118"])
    report = await import_holidays(tx, write(tmp_path, header, row))
    assert report == HolidayReport(kept=20, changed=20, removed=0)
    assert await days(tx, "off") == OFF_2018


async def test_a_corrected_calendar_replaces_its_years_and_no_others(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await factory.insert(tx, "holiday", day=date(2018, 7, 18), kind="off", title="gone with it")
    await factory.insert(tx, "holiday", day=date(2018, 3, 8), kind="off", title="Women's Day")
    await factory.insert(tx, "holiday", day=date(2019, 1, 2), kind="off", title="another year")
    report = await import_holidays(tx, write(tmp_path, HEADER, line(2018, YEAR_2018)))
    assert report == HolidayReport(kept=20, changed=20, removed=1)
    again = [*YEAR_2018]
    again[10] = "3,4,10,11,17,18,24,25"  # 5 November is worked after all
    report = await import_holidays(tx, write(tmp_path, HEADER, line(2018, again)))
    assert report == HolidayReport(kept=19, changed=1, removed=1)
    assert await days(tx, "off") == [
        *(day for day in OFF_2018 if day != date(2018, 11, 5)),
        date(2019, 1, 2),
    ]
    title = await factory.value(tx, "select title from sms.holiday where day = '2018-03-08'")
    assert title == "Women's Day"


async def test_a_year_that_cannot_be_read_is_named_and_left_alone(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await factory.insert(tx, "holiday", day=date(2019, 1, 2), kind="off")
    wrong = {
        line(2019, ["32", *YEAR_2018[1:]]): "month 1 lists '32', which is no day of it",
        line(
            2021, [YEAR_2018[0], "29", *YEAR_2018[2:]]
        ): "month 2 lists '29', which is no day of it",
        line(2022, [*YEAR_2018[:11], ""]): "month 12 lists '', which is no day of it",
        line(2023, [*YEAR_2018[:11], "31*"]): "month 12 lists no day off",
        line("MMXX", YEAR_2018): "the year is not 1990 to 2100",
    }
    report = await import_holidays(tx, write(tmp_path, HEADER, *wrong, line(2018, YEAR_2018)))
    assert report.bad == [BadLine(line=n, reason=why) for n, why in enumerate(wrong.values(), 2)]
    assert await days(tx, "off") == [*OFF_2018, date(2019, 1, 2)]


async def test_a_plain_list_adds_and_changes_days(tx: AsyncConnection, tmp_path: Path) -> None:
    first = write(tmp_path, "day,kind,title", "2027-02-22,off,bridge", "2027-02-20,working,", "")
    assert await import_holidays(tx, first) == HolidayReport(kept=2, changed=2, removed=0)
    second = write(
        tmp_path,
        "Date;Kind",
        "2027-02-22;OFF",
        "2027-02-20;off",
        "2027-02-23;off",
        "2027-02-23;off",
    )
    report = await import_holidays(tx, second)
    assert (report.kept, report.removed, report.bad) == (3, 0, [])
    assert await days(tx, "off") == [date(2027, 2, n) for n in (20, 22, 23)]


async def test_bad_days_are_named(tx: AsyncConnection, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "day,kind,title",
        "22.02.2027,off,",
        "2027-02-30,off,",
        "2027-02-22,maybe,",
        "x",
        "2207-02-22,off,",
    )
    report = await import_holidays(tx, path)
    assert [(bad.line, bad.reason) for bad in report.bad] == [
        (2, "the day is no ISO date such as 2027-01-31: '22.02.2027'"),
        (3, "the day is no ISO date such as 2027-01-31: '2027-02-30'"),
        (4, "the kind is not off or working: 'maybe'"),
        (5, "1 fields instead of 3"),
        (6, "the day is not one of the years 1990 to 2100: '2207-02-22'"),
    ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["x,y", "1,2"], "the header lacks day, kind; expected day,kind,title"),
        (["day,title", "2027-01-01,x"], "the header lacks kind"),
    ],
)
async def test_another_file_is_refused(
    tx: AsyncConnection, tmp_path: Path, lines: list[str], sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        await import_holidays(tx, write(tmp_path, *lines))


async def test_a_calendar_short_of_a_month_is_a_bad_line(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    path = write(tmp_path, "year,1,2", "2018,1,3")
    report = await import_holidays(tx, path)
    assert report.bad == [BadLine(line=2, reason="3 columns instead of a year and 12 months")]
    assert report.kept == 0


async def test_an_operator_may_import_and_every_day_is_in_the_history(
    conn: AsyncConnection, as_role: AsRole, tmp_path: Path
) -> None:
    path = write(tmp_path, HEADER, line(2018, YEAR_2018))
    await import_holidays(await as_role("sms_operator"), path)
    changes = "select count(*) from sms.rule_change where rule_table = 'holiday'"
    assert await factory.value(conn, changes) == 20
