"""Are the templates of an account right? Judged once, when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jmespath
from jmespath.exceptions import JMESPathError

from providers import generic_http_templates as templates
from providers.base import SettingsError
from providers.generic_http_settings import GenericHttpSettings, Request
from providers.generic_http_templates import Fields

ACCOUNT = ("secret", "username", "basic")
SHARED = ("sender", "validity_s", "validity_min", "expires_at", "expires_unix", "batch_id")
OF_MESSAGE = ("id", "msisdn", "plus_msisdn", "body", "callback_url", "n")
ASKED = ("id", "msisdn", "ref", "n")
ASKED_ALL = ("ids", "msisdns", "refs")  # with commas
IN_ITEM = {"id", "msisdn", "ref", "n"}
FOR_EACH = ("form", "query")  # an entry that names a message's field comes once for each


def check(provider: str, settings: GenericHttpSettings) -> None:
    """SettingsError, in one sentence, where a request could not be made of its template."""
    _Checks(provider, settings).all()


def sections(settings: GenericHttpSettings) -> list[Request]:
    """Every request the settings describe."""
    given = (settings.send, settings.poll, settings.lookup, settings.balance)
    return [section for section in given if section is not None]


def used(section: Request) -> set[str]:
    """The fields a request uses."""
    return {name for part in _parts(section).values() for name, _ in templates.names(part)}


def item(section: Request, fields: Fields) -> str:
    """The expression for one message; a reference may not break out of its quotes."""
    safe = {
        name: None if value is None else "".join(c for c in value if c not in "'\"\\`")
        for name, value in fields.items()
    }
    return templates.text(section.item, safe) or "`null`"


def _parts(section: Request) -> Mapping[str, object]:
    return {
        "path": section.path,
        "headers": section.headers,
        "query": section.query,
        "form": section.form,
        "json": section.json_,
    }


class _Checks:
    def __init__(self, provider: str, settings: GenericHttpSettings) -> None:
        self._provider = provider
        self._settings = settings
        self._everywhere = {*ACCOUNT, *settings.vars}

    def all(self) -> None:
        settings = self._settings
        self._request("send", settings.send, SHARED, OF_MESSAGE)
        for name, section in (("poll", settings.poll), ("lookup", settings.lookup)):
            if section is not None:
                self._request(name, section, ASKED_ALL, ASKED)
        if settings.balance is not None:
            self._request("balance", settings.balance, (), ())
        if not settings.username and any("basic" in used(one) for one in sections(settings)):
            raise self._wrong("username", "the preset or a request needs it")

    def _request(
        self, name: str, section: Request, shared: Sequence[str], each: Sequence[str]
    ) -> None:
        """Every field is known, and those of one message stand where there is one."""
        if section.form is not None and section.json_ is not None:
            raise self._wrong(name, "a request has a form or json, not both")
        everywhere = self._everywhere | set(shared) | set(each if section.batch == 1 else ())
        for part, template in _parts(section).items():
            for field, inside in templates.names(template):
                allowed = everywhere | set(each if inside or part in FOR_EACH else ())
                if field not in allowed:
                    known = ", ".join(sorted(allowed))
                    raise self._wrong(f"{name}.{part}", f"{{{field}}} is no field here ({known})")
        self._item(name, section)

    def _item(self, name: str, section: Request) -> None:
        if unknown := {field for field, _ in templates.names(section.item)} - IN_ITEM:
            raise self._wrong(f"{name}.item", f"{{{unknown.pop()}}} is no field here")
        try:
            jmespath.compile(item(section, dict.fromkeys(IN_ITEM, "0")))
        except JMESPathError:
            raise self._wrong(f"{name}.item", "it is no JMESPath expression") from None

    def _wrong(self, key: str, what: str) -> SettingsError:
        return SettingsError(f'Provider "{self._provider}": setting "{key}": {what}.')
