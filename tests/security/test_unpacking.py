"""S20: a file of an import cannot fill the memory, and bad input of any kind is one sentence."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from geo import numbering
from geo.clients import import_clients
from geo.numbering import import_numbering
from geo.stations import import_stations
from imports import load
from imports.blacklist import import_blacklist
from imports.holidays import import_holidays
from imports.load import LONGEST_LINE, MOST_RATIO, RATIO_FROM, ImportRefused, read_lines
from imports.tariffs import import_tariffs
from outbox.cluster import ROOT
from providers.kannel_status import parse_status
from tests.cli.test_commands import Outbox, is_one_sentence
from tests.support import factory

IMPORTS = {
    "numbering": import_numbering, "stations": import_stations, "clients": import_clients,
    "blacklist": import_blacklist, "holidays": import_holidays, "tariffs": import_tariffs,
}  # fmt: skip
HEADERS = {
    "numbering": "АВС/ DEF;От;До;Емкость;Оператор;Регион;Территория ГАР;ИНН",
    "stations": "city,line,name,lat,lon", "clients": "client_id,lat,lon,phone",
    "blacklist": "phone,reason", "holidays": "day,kind,title", "tariffs": "provider,price",
}  # fmt: skip
GOOD = {
    "stations": "Москва,1,Там,55.7,37.6", "clients": "1,55.7,37.6,89070000001",
    "blacklist": "89070000001,court", "holidays": "2027-01-31,off,x",
}  # fmt: skip
HELD = """
    select (select count(*) from geo.client_location) as clients,
           (select count(*) from geo.metro_station) as stations,
           (select count(*) from sms.blacklist) as blacklist,
           (select count(*) from sms.holiday) as holidays,
           (select count(*) from sms.tariff) as tariffs,
           (select count(*) from sms.number_range) as ranges
"""
LITTLE_MB = 96  # above what the program needs with all its libraries loaded


def bomb(path: Path, head: str, piece: bytes, times: int) -> Path:
    """A gzipped file: the head, then the same piece again and again."""
    with gzip.open(path, "wb") as file:
        file.write(head.encode() + b"\n")
        for _ in range(times):
            file.write(piece)
    return path


@pytest.mark.parametrize("what", IMPORTS)
async def test_a_line_without_end_is_refused_by_its_number(
    tx: AsyncConnection, tmp_path: Path, what: str
) -> None:
    good = f"\n{GOOD[what]}" if what in GOOD else ""
    path = bomb(tmp_path / "bomb.csv.gz", HEADERS[what] + good, b"9" * 1_000_000, 100)
    assert path.stat().st_size < 200_000
    line = 3 if good else 2
    before = await factory.row(tx, HELD)
    with pytest.raises(ImportRefused, match=rf"line {line} is longer than 65,536 bytes"):
        await IMPORTS[what](tx, path)
    assert await factory.row(tx, HELD) == before


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz"])
def test_the_longest_line_passes_and_one_byte_more_does_not(tmp_path: Path, name: str) -> None:
    for length, passes in ((LONGEST_LINE - 1, True), (LONGEST_LINE, False)):
        path = tmp_path / name
        text = f"a\n{'x' * length}\nb\n".encode()
        path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        if passes:
            assert [number for number, _ in read_lines(path)] == [1, 2, 3]
        else:
            with pytest.raises(ImportRefused, match="line 2 is longer"):
                list(read_lines(path))


def test_a_file_that_unpacks_out_of_proportion_is_no_list(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.csv.gz", "phone", b"9" * 99 + b"\n" * 1, 2 * RATIO_FROM // 100)
    with pytest.raises(ImportRefused, match=f"more than {MOST_RATIO} times its size"):
        list(read_lines(path))


def test_a_list_of_people_packs_less_and_is_read(tmp_path: Path) -> None:
    lines = "".join(f"{n},55.7{n % 1000:03},37.6,8907{n:07}\n" for n in range(700_000))
    assert len(lines) > RATIO_FROM
    path = tmp_path / "clients.csv.gz"
    path.write_bytes(gzip.compress(lines.encode(), 9))
    assert sum(1 for _ in read_lines(path)) == 700_000


def test_what_unpacks_to_more_than_a_disk_should_take_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MOST_UNPACKED", 32 << 20)
    monkeypatch.setattr(load, "MOST_RATIO", 10_000)
    monkeypatch.setattr(load, "RATIO_FROM", 1 << 40)
    path = bomb(tmp_path / "bomb.csv.gz", "phone", (b"9" * 60_000 + b"\n") * 100, 6)
    with pytest.raises(ImportRefused, match="more than 33,554,432 bytes; split it"):
        list(read_lines(path))


BOMBED = """
import resource, sys
from pathlib import Path
import cli.program
from imports.load import ImportRefused, read_lines
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for _ in read_lines(Path(sys.argv[1])):
        pass
except ImportRefused as refused:
    print(refused)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("piece", [b"9" * 1_000_000, b"9,9,9\n" * 200_000], ids=["line", "lines"])
def test_memory_stays_flat_on_a_bomb(tmp_path: Path, piece: bytes) -> None:
    path = bomb(tmp_path / "bomb.csv.gz", "phone,reason", piece, 400_000_000 // len(piece))
    done = subprocess.run(
        [sys.executable, "-c", BOMBED, str(path)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    sentence, grown = done.stdout.strip().splitlines()
    assert "bomb.csv.gz" in sentence
    assert int(grown) < LITTLE_MB


@pytest.mark.parametrize("what", ["clients", "stations", "blacklist", "holidays", "tariffs"])
async def test_a_file_of_bad_lines_is_given_up(
    tx: AsyncConnection, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MOST_BAD", 50)
    path = tmp_path / "bad.csv"
    path.write_text(HEADERS[what] + "\n" + "x\n" * 60)
    with pytest.raises(ImportRefused, match="more than 50 lines cannot be used; line 2: "):
        await IMPORTS[what](tx, path)


async def test_lines_that_only_the_database_finds_bad_are_bounded_too(
    tx: AsyncConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MOST_BAD", 50)
    monkeypatch.setattr("imports.blacklist.MOST_BAD", 50)
    for what, line in (("blacklist", "8495,x"), ("clients", "1,55.7,37.6,89070000001")):
        path = tmp_path / f"{what}.csv"
        path.write_text(HEADERS[what] + f"\n{line}" * 60)
        async with tx.transaction():
            with pytest.raises(ImportRefused, match="more than 50 lines cannot be used"):
                await IMPORTS[what](tx, path)


async def test_ranges_without_end_are_no_numbering_plan(
    tx: AsyncConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MOST_RANGES", 10)
    path = tmp_path / "DEF-9xx.csv"
    rows = [f"907;{n:07};{n:07};1;О;Р;Р;7700000000" for n in range(20)]
    path.write_text("\n".join([HEADERS["numbering"], *rows]))
    with pytest.raises(ImportRefused, match="more than 10 ranges"):
        await import_numbering(tx, path)


# --- files that are none ------------------------------------------------------------------------


@pytest.fixture
def oddities(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What a path can lead to that is no text."""
    found = {name: tmp_path / name for name in
             ("pipe", "folder", "binary", "zeros", "torn.csv.gz", "no.csv.gz", "locked", "long",
              "nowhere", "empty")}  # fmt: skip
    os.mkfifo(found["pipe"])
    found["folder"].mkdir()
    found["binary"].write_bytes(b"a,b\n\xff\xfe\n" * 3)
    found["zeros"].write_bytes(b"phone\0\n\0\0")
    whole = gzip.compress(b"client_id,lat,lon\n" + b"1,2,3\n" * 1000)
    found["torn.csv.gz"].write_bytes(whole[:30] + b"\xff" * 20)
    found["no.csv.gz"].write_bytes(b"client_id,lat,lon\n")
    found["locked"].write_text("x")
    found["locked"].chmod(0)
    found["long"].write_text("x" * 2_000_000)
    found["empty"].touch()
    found["device"] = Path("/dev/zero")
    yield found
    found["locked"].chmod(0o600)


ODD = ["pipe", "folder", "binary", "zeros", "torn.csv.gz", "no.csv.gz", "locked", "long", "nowhere",
       "empty", "device"]  # fmt: skip
TEXTS = [
    ["template", "edit", "x", "--file"], ["template", "check", "--file"],
    ["audience", "save", "x", "--file"], ["dry-run", "--file"],
    ["provider", "set", "post", "--adapter", "fake", "--settings-file"],
]  # fmt: skip


@pytest.fixture
async def outbox(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, dsn: str
) -> Outbox:
    monkeypatch.setenv("OUTBOX_DSN", dsn)
    return Outbox(capfd, monkeypatch)


class Refusing:
    """The module os where nothing may be opened."""

    O_RDONLY, O_NONBLOCK, O_CLOEXEC = os.O_RDONLY, os.O_NONBLOCK, os.O_CLOEXEC

    def open(self, path: Path, _: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("odd", ODD)
async def test_a_file_that_is_none_is_one_sentence(
    outbox: Outbox, oddities: dict[str, Path], odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if odd == "locked" and os.geteuid() == 0:  # root may read everything
        monkeypatch.setattr("outbox.files.os", Refusing())
    path = oddities[odd]
    texts = [] if odd == "no.csv.gz" else TEXTS  # as a text it is one
    for words in [*(["import", what] for what in IMPORTS), *texts]:
        said = await outbox(*words, str(path))
        assert said.code not in {0, 70}, (words, said)
        told = said.err.splitlines()
        assert re.fullmatch(r"outbox: .+[.!?]", told[-1]), (words, said)
        assert all(line.startswith("line ") for line in told[:-1]), (words, said)
        assert len(said.err) < 3000


@pytest.mark.parametrize("odd", ["pipe", "folder", "binary", "zeros", "nowhere", "device", "long"])
async def test_a_settings_file_that_is_none_is_one_sentence(
    outbox: Outbox, oddities: dict[str, Path], odd: str
) -> None:
    outbox.set(OUTBOX_CONFIG=str(oddities[odd]))
    said = await outbox("status")
    assert (said.code, is_one_sentence(said)) == (2, True), said
    assert "OUTBOX_CONFIG" in said.err


async def test_a_text_may_come_from_a_pipe_that_the_shell_holds_open(
    dsn: str, conn: AsyncConnection
) -> None:
    await factory.make_provider(conn)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "cli", "template", "edit", "piped", "--file", "/dev/stdin"],
        cwd=ROOT, env={**os.environ, "OUTBOX_DSN": dsn}, input="Hello", text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "piped: version 1\n"), done.stderr


async def test_where_a_report_goes_is_a_place_for_files(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option, place in (("--html", tmp_path), ("--csv", tmp_path / "file"),
                          ("--html", tmp_path / "no" / "page.html")):  # fmt: skip
        said = await outbox("report", "--month", "2026-10", option, str(place))
        assert (said.code, is_one_sentence(said)) == (2, True) or option == "--csv", said
        assert "Traceback" not in said.err


@pytest.mark.parametrize("words", [
    ["template", "preview", "x", "--vars"], ["template", "edit", "x", "--body", "b", "--variables"],
], ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "{", "1", '"\\ud800"', ""])
async def test_json_that_is_none_is_one_sentence(
    outbox: Outbox, words: list[str], text: str
) -> None:
    said = await outbox(*words, text)
    assert (said.code, is_one_sentence(said)) == (2, True), said.err[:500]
    assert len(said.err) < 1000


async def test_deep_json_in_a_pair_is_no_traceback(outbox: Outbox) -> None:
    for words in (["provider", "set", "p", "--adapter", "fake", "--set"],
                  ["event", "fire", "late", "1", "--var"]):  # fmt: skip
        said = await outbox(*words, "a=" + "[" * 100_000)
        assert said.code not in {0, 70}, said.err[:500]


@pytest.mark.parametrize(
    "words",
    [["explain"], ["audience", "show"], ["import", "clients"], ["event", "fire"]],
    ids=" ".join,
)
@pytest.mark.parametrize("bad", ["a\0b", "\udcff"], ids=["nul", "no utf-8"])
async def test_an_argument_that_no_table_can_hold_is_one_sentence(
    outbox: Outbox, words: list[str], bad: str
) -> None:
    said = await outbox(*words, bad)
    assert (said.code, is_one_sentence(said)) == (2, True), said
    assert f"Argument {len(words) + 1}" in said.err


async def test_a_variable_that_is_not_utf8_is_named(outbox: Outbox) -> None:
    outbox.set(OUTBOX_DSN="postgresql://\udcff@127.0.0.1:1/x")
    said = await outbox("status")
    assert (said.code, said.err) == (2, "outbox: OUTBOX_DSN is not UTF-8.\n")


LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE gateway [<!ENTITY a "ha">%s]><gateway>&z;</gateway>"""
    % (b"".join(b'<!ENTITY %c "&%c;&%c;">' % (n + 1, n, n) for n in range(ord("a"), ord("z"))))
)


@pytest.mark.parametrize(
    "page", [LAUGHS, LAUGHS.decode().encode("utf-16")], ids=["utf-8", "utf-16"]
)
def test_a_status_page_cannot_make_the_reader_of_xml_unpack_itself(page: bytes) -> None:
    with pytest.raises(ValueError, match="document type"):
        parse_status(page, None)
