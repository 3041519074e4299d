"""Reading our own Markdown: tables, code blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_CELL = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|[ |:-]+\|")
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<picture>[^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of code; `line` is that of its first line in the page."""

    info: str
    body: str
    line: int


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sql/*.md")]
    return sorted(path for path in found if path.is_file())


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(info=m["info"].strip(), body=m["body"], line=text.count("\n", 0, m.start("body")) + 1)
        for m in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def tables(page: Path, *, header: str) -> list[list[str]]:
    """The rows of every table of the page whose first header cell is `header`."""
    rows: list[list[str]] = []
    wanted = False
    previous = ""
    for line in prose(page).splitlines():
        if _RULE.fullmatch(line.strip()):
            wanted = _cells(previous)[0] == header
        elif not line.startswith("|"):
            wanted = False
        elif wanted:
            rows.append(_cells(line))
        previous = line
    return rows


def code(cell: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def headings(page: Path) -> set[str]:
    """Anchors of a page as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


def links(page: Path) -> Iterator[str]:
    """Targets of the links and pictures of a page."""
    for match in _LINK.finditer(prose(page)):
        yield match["target"] or match["picture"]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip().strip("|"))]
