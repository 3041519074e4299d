"""Templates: their versions, and what their texts cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox.calls.query import all_rows, one_value
from outbox.rows_people import TemplateRow, TextFinding


async def list_templates(conn: AsyncConnection) -> list[TemplateRow]:
    """Every template with its newest version, by name."""
    return await all_rows(
        conn,
        TemplateRow,
        """
        select t.template, t.title, v.version_no, v.body, v.variables, v.note, v.created_at,
               v.created_by
          from sms.template as t
          left join lateral (
                   select x.version_no, x.body, x.variables, x.note, x.created_at, x.created_by
                     from sms.template_version as x
                    where x.template_id = t.template_id
                    order by x.version_no desc
                    limit 1
               ) as v on true
         order by t.template
        """,
    )


async def template_versions(conn: AsyncConnection, *, template: str) -> list[TemplateRow]:
    """Every version of a template, the newest first; none for an unknown one."""
    return await all_rows(
        conn,
        TemplateRow,
        """
        select t.template, t.title, v.version_no, v.body, v.variables, v.note, v.created_at,
               v.created_by
          from sms.template as t
          left join sms.template_version as v using (template_id)
         where t.template = %(template)s
         order by v.version_no desc
        """,
        {"template": template},
    )


async def save_template(
    conn: AsyncConnection,
    *,
    template: str,
    body: str,
    variables: Mapping[str, Any] | None,
    title: str | None,
    note: str,
) -> int:
    """Write a new version unless nothing differs; tells the version. None keeps what is there."""
    return int(
        await one_value(
            conn,
            """
            select sms.save_template(p_template => %(template)s, p_body => %(body)s,
                                     p_variables => %(variables)s, p_title => %(title)s,
                                     p_note => %(note)s)
            """,
            {
                "template": template,
                "body": body,
                "variables": None if variables is None else Jsonb(variables),
                "title": title,
                "note": note,
            },
        )
    )


async def preview_template(
    conn: AsyncConnection, *, template: str, values: Mapping[str, Any] | None, channel: str
) -> list[TextFinding]:
    """What a template (or `name@3`) becomes with these values or its samples, and its cost."""
    return await all_rows(
        conn,
        TextFinding,
        """
        select topic, key, text, units, segments, cost
          from sms.preview_template(p_template => %(template)s, p_vars => %(values)s,
                                    p_channel => %(channel)s)
        """,
        {
            "template": template,
            "values": None if values is None else Jsonb(values),
            "channel": channel,
        },
    )


async def preview_body(
    conn: AsyncConnection,
    *,
    body: str,
    variables: Mapping[str, Any] | None,
    values: Mapping[str, Any] | None,
    channel: str,
) -> list[TextFinding]:
    """The same of a body that is not saved."""
    return await all_rows(
        conn,
        TextFinding,
        """
        select topic, key, text, units, segments, cost
          from sms.preview_body(p_body => %(body)s, p_variables => %(variables)s,
                                p_vars => %(values)s, p_channel => %(channel)s)
        """,
        {
            "body": body,
            "variables": None if variables is None else Jsonb(variables),
            "values": None if values is None else Jsonb(values),
            "channel": channel,
        },
    )
