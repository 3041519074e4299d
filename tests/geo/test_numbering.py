"""The numbering plan: reading the official file, and replacing the table by it."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from geo.numbering import NumberingReport, import_numbering, read_numbering
from imports.load import BadLine, ImportRefused

HEADER = "АВС/ DEF;От;До;Емкость;Оператор;Регион;Территория ГАР;ИНН"
OLD_HEADER = "АВС/ DEF;От;До;Емкость;Оператор;Регион"
MTS, MEGAFON, BEELINE, T2, OTHER = (
    "7740000076", "7812014560", "7713076301", "7743895280", "7703383783"
)  # fmt: skip
REAL = Path(__file__).parents[3] / "shared" / "data" / "def_9xx.csv.gz"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="there is no copy of the registry")


def line(
    lo: int = 0,
    hi: int = 9_999_999,
    region: str = "Омская область",
    inn: str = MTS,
    code: int = 907,
) -> str:
    """One line as the registry writes it: quotes are part of the name."""
    return f'{code};{lo:07};{hi:07};{hi - lo + 1};ПАО "МТС";-;{region};{inn}'


def write(folder: Path, lines: Iterable[str], header: str = HEADER) -> Path:
    """A file as published: BOM, LF, nothing after the last line."""
    path = folder / "DEF-9xx.csv"
    path.write_text("\ufeff" + "\n".join([header, *lines]), encoding="utf-8")
    return path


async def load(conn: AsyncConnection, folder: Path, *lines: str) -> NumberingReport:
    return await import_numbering(conn, write(folder, lines))


async def ranges(conn: AsyncConnection) -> list[dict[str, Any]]:
    """The plan with names for ids."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            select r.lo, r.hi, o.operator, z.name as zone, z.members,
                   r.operator_title, r.region, r.inn
              from sms.number_range as r
              join sms.operator as o using (operator_id)
              join sms.time_zone as z using (zone_id)
             order by r.lo
            """
        )
        return await cursor.fetchall()


async def test_a_line_becomes_a_range_with_operator_and_zone(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    report = await load(tx, tmp_path, line(1_000, 1_999, "Омская область", T2))
    assert await ranges(tx) == [
        {
            "lo": 79070001000,
            "hi": 79070001999,
            "operator": "t2",
            "zone": "Asia/Omsk",
            "members": ["Asia/Omsk"],
            "operator_title": 'ПАО "МТС"',
            "region": "Омская область",
            "inn": T2,
        }
    ]
    assert report == NumberingReport(
        kept=1,
        changed=1_000,
        bad=[],
        numbers=1_000,
        added=1_000,
        removed=0,
        changed_operator=0,
        changed_zone=0,
        unchanged=0,
        unknown_regions=[],
    )


@pytest.mark.parametrize(
    ("inn", "operator"),
    [
        (MTS, "mts"),
        (MEGAFON, "megafon"),
        (BEELINE, "beeline"),
        (T2, "t2"),
        (OTHER, "other"),
        ("", "other"),
    ],
)
async def test_the_tax_id_tells_the_operator(
    tx: AsyncConnection, tmp_path: Path, inn: str, operator: str
) -> None:
    await load(tx, tmp_path, line(inn=inn))
    assert [r["operator"] for r in await ranges(tx)] == [operator]


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("Город Москва", "Europe/Moscow"),
        ("Москва", "Europe/Moscow"),
        ("Город Москва, Московская область", "Europe/Moscow"),
        ("Московская область, Город Москва", "Europe/Moscow"),
        ("г. Псков|г.о. город Псков|Псковская область", "Europe/Moscow"),
        ("г. Норильск|г.о. город Норильск|Красноярский край", "Asia/Krasnoyarsk"),
        ("Республика Крым, Город Севастополь", "Europe/Simferopol"),
        ("Республика Саха (Якутия)", "Asia/Yakutsk+Asia/Vladivostok+Asia/Srednekolymsk"),
        ("Омская область, Томская область", "Asia/Omsk+Asia/Tomsk"),
        ("Томская область, Омская область", "Asia/Omsk+Asia/Tomsk"),
    ],
)
async def test_the_region_tells_the_zone(
    tx: AsyncConnection, tmp_path: Path, region: str, zone: str
) -> None:
    report = await load(tx, tmp_path, line(region=region))
    [found] = await ranges(tx)
    assert (found["zone"], found["members"]) == (zone, zone.split("+"))
    assert report.unknown_regions == []


@pytest.mark.parametrize("region", ["Российская Федерация", "Атлантида", "Город Москва, Атлантида"])
async def test_an_unknown_region_could_be_anywhere(
    tx: AsyncConnection, tmp_path: Path, region: str
) -> None:
    report = await load(tx, tmp_path, line(region=region))
    [found] = await ranges(tx)
    assert found["zone"] == "unknown"
    assert len(found["members"]) > 10
    assert report.unknown_regions == [region]


async def test_a_zone_the_server_does_not_know_is_unknown(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await tx.execute(
        "update sms.region_timezone set time_zone = 'Asia/Omks' where region ~ '^Омская'"
    )
    report = await load(
        tx, tmp_path, line(), line(0, 9, "Омская область, Томская область", code=935)
    )
    assert [r["zone"] for r in await ranges(tx)] == ["unknown", "unknown"]
    assert report.unknown_regions == ["Омская область", "Омская область, Томская область"]


async def test_every_subject_has_a_zone_the_server_knows(tx: AsyncConnection) -> None:
    rows = await tx.execute(
        """
        select count(*), count(*) filter (where not r.time_zone || r.other_time_zones <@ t.names)
          from sms.region_timezone as r
         cross join (select array_agg(n.name) as names from pg_timezone_names as n) as t
        """
    )
    assert await rows.fetchone() == (89, 0)


async def test_changes_are_counted_in_numbers(tx: AsyncConnection, tmp_path: Path) -> None:
    await load(
        tx, tmp_path, line(0, 999), line(1_000, 1_999), line(2_000, 2_999), line(5_000, 5_999)
    )
    report = await load(
        tx,
        tmp_path,
        line(0, 499),  # cut in two: nothing changes
        line(500, 999),
        line(1_000, 1_099, inn=T2),  # another operator
        line(1_100, 1_999),
        line(2_000, 2_009, "Томская область"),  # another zone
        line(2_010, 2_019, "Томская область", T2),  # both
        line(2_020, 2_999),
        line(7_000, 7_004),  # new; 5,000 to 5,999 are gone
    )
    assert (report.kept, report.numbers) == (8, 3_005)
    assert (report.added, report.removed) == (5, 1_000)
    assert (report.changed_operator, report.changed_zone) == (110, 20)
    assert (report.unchanged, report.changed) == (2_880, 1_125)
    assert [(r["lo"] % 10_000, r["hi"] % 10_000) for r in await ranges(tx)] == [
        (0, 499), (500, 999), (1_000, 1_099), (1_100, 1_999), (2_000, 2_009), (2_010, 2_019),
        (2_020, 2_999), (7_000, 7_004),
    ]  # fmt: skip


async def test_the_same_file_again_rewrites_nothing(tx: AsyncConnection, tmp_path: Path) -> None:
    lines = [line(n * 10, n * 10 + 9) for n in range(50)]
    await load(tx, tmp_path, *lines)
    before = await (
        await tx.execute("select ctid, lo from sms.number_range order by lo")
    ).fetchall()
    report = await load(tx, tmp_path, *lines)
    after = await (await tx.execute("select ctid, lo from sms.number_range order by lo")).fetchall()
    assert before == after
    assert (report.changed, report.unchanged) == (0, 500)


async def test_a_corrected_region_counts_from_the_next_import(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await load(tx, tmp_path, line(0, 99))
    await tx.execute(
        "update sms.region_timezone set time_zone = 'Asia/Tomsk' where region ~ '^Омская'"
    )
    report = await load(tx, tmp_path, line(0, 99))
    assert report.changed_zone == 100
    assert [r["zone"] for r in await ranges(tx)] == ["Asia/Tomsk"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("907;0000000;0000009", "3 fields instead of 8"),
        (line() + ";", "9 fields instead of 8"),
        (line(code=495), "code '495' is not a mobile code, 900 to 999"),
        (
            line().replace("0000000", "000000O"),
            "the range '000000O' to '9999999' is not of 7 digits each",
        ),
        (
            "907;0000009;0000000;10;А;-;Омская область;" + MTS,
            "the range ends before it begins: 0000009 to 0000000",
        ),
        (
            line().replace("10000000", "9"),
            "the capacity is 9, but 0000000 to 9999999 holds another number",
        ),
        (line(region=" "), "the region is empty"),
        (line(inn="123"), "the tax id '123' is not of 10 or 12 digits"),
    ],
)
def test_a_bad_line_is_left_out_and_named(tmp_path: Path, wrong: str, reason: str) -> None:
    good = [line(n * 10, n * 10 + 9, code=935) for n in range(200)]
    bad: list[BadLine] = []
    found = read_numbering(write(tmp_path, [*good[:100], wrong, *good[100:]]), bad)
    assert bad == [BadLine(line=102, reason=reason)]
    assert len(found) == 200


def test_a_line_that_is_not_utf_8_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, [line(n * 10, n * 10 + 9) for n in range(200)])
    path.write_bytes(
        path.read_bytes() + b"\n907;5000000;5000000;1;\xcc\xd2\xd1;-;x;" + MTS.encode()
    )
    bad: list[BadLine] = []
    assert len(read_numbering(path, bad)) == 200
    assert bad == [BadLine(line=202, reason="not UTF-8")]


@pytest.mark.parametrize(
    ("lines", "header", "sentence"),
    [
        (
            [line()] * 9 + ["nonsense"],
            HEADER,
            "is refused, 1 of 10 lines cannot be used; line 11: 1",
        ),
        ([], HEADER, "is refused, 0 of 0 lines cannot be used."),
        ([line(0, 100), line(100, 200)], HEADER, "the ranges of lines 2 and 3 overlap"),
        ([line(500, 600), line(0, 999)], HEADER, "the ranges of lines 2 and 3 overlap"),
        (["907;0000000;0000009;10;A;Омск"], OLD_HEADER, "lacks the column Территория ГАР"),
        (["1;2"], "client_id;lat", "is no numbering file"),
        ([], "", "is no numbering file"),
    ],
)
async def test_a_file_that_cannot_be_trusted_changes_nothing(
    tx: AsyncConnection, tmp_path: Path, lines: list[str], header: str, sentence: str
) -> None:
    await load(tx, tmp_path, line(code=935))
    before = await ranges(tx)
    with pytest.raises(ImportRefused, match=sentence.replace(".", r"\.")):
        await import_numbering(tx, write(tmp_path, lines, header))
    assert await ranges(tx) == before


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\xff\n", b"\x1f\x8b broken"])
async def test_a_file_that_cannot_be_read_is_named(
    tx: AsyncConnection, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / ("plan.csv.gz" if content and content[:1] == b"\x1f" else "plan.csv")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImportRefused, match=r"plan\.csv.*\.$"):
        await import_numbering(tx, path)


async def test_a_gzipped_file_is_read_as_it_is(tx: AsyncConnection, tmp_path: Path) -> None:
    path = tmp_path / "DEF-9xx.csv.gz"
    path.write_bytes(gzip.compress(f"\ufeff{HEADER}\r\n{line()}\r\n".encode()))
    seen: list[tuple[int, int]] = []
    report = await import_numbering(tx, path, lambda done, total: seen.append((done, total)))
    assert report.kept == 1
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize(
    ("staged", "sqlstate"),
    [
        ([], "SM013"),
        ([(1, 5, 2), (5, 9, 3)], "SM014"),
        ([(1, 9, 2), (3, 4, 3), (7, 8, 4)], "SM014"),
    ],
)
async def test_the_database_refuses_by_itself(
    tx: AsyncConnection, staged: list[tuple[int, int, int]], sqlstate: str
) -> None:
    for lo, hi, line_no in staged:
        await tx.execute(
            "insert into sms.number_range_staging values (%s, %s, '', 'a', '', %s)",
            (lo, hi, line_no),
        )
    with pytest.raises(psycopg.Error) as caught:
        await tx.execute("select ranges from sms.replace_numbering()")
    assert caught.value.sqlstate == sqlstate


async def test_readers_see_the_old_plan_until_the_new_one_is_whole(
    dsn: str, conn: AsyncConnection, tmp_path: Path
) -> None:
    await load(conn, tmp_path, line(0, 999))
    async with await AsyncConnection.connect(dsn) as importer:
        await importer.execute("select 1")  # begins the transaction that the import is part of
        await load(importer, tmp_path, line(0, 499), line(2_000, 2_999, "Томская область"))
        assert [r["hi"] % 10_000 for r in await ranges(conn)] == [999]
        await importer.commit()
    assert [r["hi"] % 10_000 for r in await ranges(conn)] == [499, 2_999]


@needs_real
async def test_the_real_registry(tx: AsyncConnection) -> None:
    report = await import_numbering(tx, REAL)
    assert report.bad == []
    assert report.kept > 15_000
    assert report.unknown_regions == ["Российская Федерация"]
    shares: dict[str, int] = dict(
        await (
            await tx.execute(
                """
                select o.operator, round(100 * sum(r.hi - r.lo + 1) / %s)::int
                  from sms.number_range as r join sms.operator as o using (operator_id)
                 group by o.operator
                """,
                (report.numbers,),
            )
        ).fetchall()
    )
    assert shares == {"mts": 26, "megafon": 19, "beeline": 19, "t2": 15, "other": 21}
    again = await import_numbering(tx, REAL)
    assert (again.changed, again.unchanged) == (0, report.numbers)
