"""Messages from subscribers as smsc.ru posts and signs them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from providers.base import Inbound, MalformedInbound
from providers.smsc_ru_callbacks import Hash
from providers.smsc_ru_inbound import is_inbound, parse_inbound

SECRET = "тайна-1"


def form(
    *, charset: str = "windows-1251", signature: str = "md5", secret: str = SECRET, **changes: str
) -> bytes:
    """A form as the service posts it, signed over the bytes it holds."""
    fields = {"phone": "79071234567", "mes": "Стоп: всё", "to": "79430000000", "id": "42"}
    octets = {name: value.encode(charset) for name, value in (fields | changes).items()}
    signed = b":".join([octets["phone"], octets["mes"], octets["to"], secret.encode()])
    hashes: dict[str, Callable[[], str]] = {
        "md5": lambda: hashlib.md5(signed).hexdigest(),
        "sha1": lambda: hashlib.sha1(signed).hexdigest(),
        "crc32": lambda: f"{zlib.crc32(signed):08x}",
    }
    if signature in hashes:
        octets[signature] = hashes[signature]().encode()
    return urlencode(octets).encode()


def read(
    given: bytes, *, secret: str = SECRET, kind: Hash = "md5", charset: str = "windows-1251"
) -> Inbound:
    """The message of a form, by the hash of an account that is set to md5."""
    return parse_inbound(given, secret=secret, kind=kind, charset=charset)


def test_a_signed_message_is_read() -> None:
    assert read(form()) == Inbound(
        ref="42", sender="79071234567", sent_to="79430000000", body="Стоп: всё"
    )


def test_the_signature_of_a_known_message() -> None:
    given = b"phone=79071234567&mes=STOP&to=79430000000&md5=74b870edf202fc19e80773e06dfb85de"
    assert read(given, secret="secret").body == "STOP"


@pytest.mark.parametrize("signature", ["md5", "sha1", "crc32"])
@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
def test_each_hash_over_the_bytes_of_each_character_set(signature: Hash, charset: str) -> None:
    given = form(charset=charset, signature=signature)
    assert read(given, kind=signature, charset=charset).body == "Стоп: всё"


@pytest.mark.parametrize(
    "given",
    [
        form(signature="none"),
        form(secret="another"),
        form(signature="sha1", secret=""),
        form(signature="none") + b"&md5=",
        form(signature="none") + "&md5=ё".encode(),
        form(signature="sha1"),
        form(signature="crc32"),
        form().replace(b"79071234567", b"79071234568"),
        form() + b"&mes=STOP",
    ],
)
def test_what_is_not_signed_so_is_refused(given: bytes) -> None:
    with pytest.raises(MalformedInbound, match="right md5"):
        read(given)


def test_an_upper_case_hash_is_as_good() -> None:
    given = form()
    start = given.index(b"md5=") + 4
    assert read(given[:start] + given[start:].upper()).ref == "42"


@pytest.mark.parametrize("name", ["phone", "mes", "to"])
def test_a_missing_part_is_named(name: str) -> None:
    given = b"&".join(
        part for part in form().split(b"&") if not part.startswith(name.encode() + b"=")
    )
    with pytest.raises(MalformedInbound, match=rf"lacks {name}\.$"):
        read(given)


def test_an_empty_phone_is_refused_and_a_missing_id_is_none() -> None:
    with pytest.raises(MalformedInbound, match="has a phone"):
        read(form(phone=""))
    assert read(form(id="")).ref is None


def test_a_status_is_no_message() -> None:
    assert is_inbound(form())
    assert not is_inbound(b"id=42&phone=79071234567&status=1&md5=00")
