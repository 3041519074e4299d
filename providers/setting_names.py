"""The names of an adapter's settings, read out of its model, so that the database can know them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

OPEN = ".*"  # behind a name: anything may stand below it


def setting_names(model: type[BaseModel]) -> list[str]:
    """Every setting with its path, as sms.declare_adapter takes them."""
    return sorted(set(_names(model, "")))


def _names(model: type[BaseModel], above: str) -> Iterator[str]:
    for field_name, field in model.model_fields.items():
        path = above + (field.alias or field_name)
        below = list(_models(field.annotation))
        yield path + (OPEN if _is_open(field.annotation) else "")
        for one in below:
            yield from _names(one, f"{path}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation, at any depth of lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif not _is_open(annotation):
        for part in get_args(annotation):
            yield from _models(part)


def _is_open(annotation: Any) -> bool:
    """Whether names below are the account's own: a dictionary, or anything at all."""
    if annotation is Any or annotation is object:
        return True
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return any(_is_open(part) for part in get_args(annotation))
    if origin is Annotated:
        return _is_open(get_args(annotation)[0])
    return annotation is dict or origin is dict
