"""`outbox report --month`: its figures are the views', and it opens in a browser."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LONG_CAMPAIGN = """
select sms.create_partition('outcome', '2026-10-05');
insert into sms.campaign (campaign, created_at)
values ('A reminder for those who took a loan in spring and have not paid in September',
        '2026-10-01');
insert into sms.outcome (id, msisdn, decided_at, submitted_at, client_id, campaign_id, lane_id,
                         zone_id, attempts, state)
select sms.id_at('2026-10-05') + n, 79070000000 + n, '2026-10-05', '2026-10-05', n,
       case when n > 1 then (select max(campaign_id) from sms.campaign) end,
       (select min(lane_id) from sms.lane), (select min(zone_id) from sms.time_zone), 1, 'accepted'
  from generate_series(1, 3) as n
"""
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def outbox(dsn: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, "OUTBOX_DSN": dsn, "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture
def page(october: str, tmp_path: Path) -> Path:
    done = outbox(october, "report", "--month", "2026-10", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sms-2026-10.html\n"
    return tmp_path / "sms-2026-10.html"


class Texts(HTMLParser):
    """The text of every element that has an id."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self._open: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "link", "path", "use", "rect", "image"):
            self._open.append(dict(attrs).get("id"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "br", "link", "path", "use", "rect", "image") and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in self._open:
            if name and data.strip():
                self.texts.setdefault(name, []).append(data.strip())


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions",
         "--no-first-run", "--disable-background-networking", "--enable-logging=stderr",
         "--allow-file-access-from-files", *arguments],
        capture_output=True, text=True, check=True, timeout=100,
        # A browser hangs where the clock is moved.
        env={name: text for name, text in os.environ.items() if name != "LD_PRELOAD"},
    )  # fmt: skip


def figure(text: str) -> float:
    return float(text.replace("\u202f", ""))


def test_the_figures_are_those_of_the_views(october: str, page: Path) -> None:
    texts = Texts()
    texts.feed(page.read_text())
    with psycopg.connect(october) as conn:
        [(messages, segments, cost)] = conn.execute(
            "select sum(messages), sum(segments), sum(cost) from sms.stat_day"
        ).fetchall()
        [(money,)] = conn.execute(
            "select sum(cost) from sms.month_money where month = '2026-10-01'"
        ).fetchall()
        [(delivered,)] = conn.execute(
            "select sum(messages) from sms.stat_day where state = 'delivered'"
        ).fetchall()
        reasons: dict[str, int] = dict(
            conn.execute(
                "select reason, sum(messages) from sms.stat_day where reason <> '' group by reason"
            ).fetchall()
        )
    assert figure(texts.texts["messages"][0]) == messages
    assert figure(texts.texts["segments"][0]) == segments
    assert figure(texts.texts["delivered"][0]) == delivered
    assert figure(texts.texts["cost"][0]) == float(money) == float(cost) + 5000
    told = texts.texts["reasons"]
    for reason, count in reasons.items():
        assert figure(told[told.index(reason) + 2]) == count
    assert "2026-10-13" in " ".join(texts.texts["hours"])  # the bad night is among the worst


def test_json_and_csv_tell_the_same(october: str, tmp_path: Path) -> None:
    done = outbox(
        october, "report", "--month", "2026-10", "--json", "--csv", "out", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with (tmp_path / "out" / "2026-10-by_channel.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["messages"]) for row in rows) == told["total"]["messages"]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "2026-10-by_day.csv", "2026-10-by_provider.csv", "2026-10-hours.csv", "2026-10-money.csv",
    }  # fmt: skip


def test_the_page_needs_nothing_from_anywhere(page: Path) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", text)
    assert not re.search(r"url\((?!#)", text)


@in_a_browser
def test_the_page_opens_without_errors_and_fits_a_phone(page: Path, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"""<iframe id=f width=390 height=800 src="{page.name}"></iframe><p id=w></p><script>
        const f = document.getElementById('f');
        f.onload = () => {{ const d = f.contentDocument;
          document.getElementById('w').textContent = 'width ' + d.documentElement.scrollWidth
          + ' tiles ' + d.querySelectorAll('.tile').length
          + ' svg ' + d.querySelectorAll('svg').length; }};
        </script>"""
    )
    seen = chromium("--virtual-time-budget=5000", "--dump-dom", frame.as_uri())
    found = re.search(r"width (\d+) tiles (\d+) svg (\d+)", seen.stdout)
    assert found is not None, seen.stderr[-500:]
    assert int(found[1]) <= 390
    assert (int(found[2]), int(found[3])) == (6, 4)
    assert "CONSOLE" not in seen.stderr


@in_a_browser
def test_the_page_prints(page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"
    chromium(f"--print-to-pdf={paper}", page.as_uri())
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.stat().st_size > 20_000


@in_a_browser
def test_a_long_name_and_its_verdict_fit_the_paper(october: str, tmp_path: Path) -> None:
    """A page of A4 within its margins is 718 pixels wide; Chromium shrinks by half at most."""
    with psycopg.connect(october, autocommit=True) as conn:
        conn.execute(LONG_CAMPAIGN)
    done = outbox(october, "report", "--month", "2026-10", "--html", "p.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "p.html").read_text()
    assert "nobody was held out" in page
    (tmp_path / "p.html").write_text(page.replace("@media print", "@media all"))
    frame = tmp_path / "frame.html"
    frame.write_text(
        """<iframe id=f width=718 height=800 src="p.html"></iframe><p id=w></p><script>
        const f = document.getElementById('f');
        f.onload = () => { document.getElementById('w').textContent =
          'width ' + f.contentDocument.documentElement.scrollWidth; };
        </script>"""
    )
    seen = chromium("--virtual-time-budget=5000", "--dump-dom", frame.as_uri())
    found = re.search(r"width (\d+)", seen.stdout.split("<p id", 1)[1])
    assert found is not None, seen.stderr[-500:]
    assert int(found[1]) <= 718 * 1.4


def test_a_month_of_fees_only_tells_them(october: str, tmp_path: Path) -> None:
    done = outbox(october, "report", "--month", "2026-02", "--html", "p.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    texts = Texts()
    texts.feed((tmp_path / "p.html").read_text())
    assert figure(texts.texts["cost"][0]) == 5000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--month", "October"], "write a year and a month"),
        (["--month", "2026-13"], "write a year and a month"),
        (["--month", "0000-01"], "write a year and a month"),
        (["--month", "9999-12"], "write a year and a month"),
        (["--html", "x.html"], "add --month"),
        (["--month", "2026-10", "--html", "/nowhere/x.html"], "cannot be written"),
    ],
)
def test_wrong_wishes_are_one_sentence(
    october: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = outbox(october, "report", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_empty_month_says_so(october: str, tmp_path: Path) -> None:
    done = outbox(october, "report", "--month", "2020-02", "--html", "p.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Nothing left the queue in this month." in (tmp_path / "p.html").read_text()
