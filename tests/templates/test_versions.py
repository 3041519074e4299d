"""Templates: versions, declared variables, and what is refused when one is written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.factory import (
    add_template,
    add_version,
    claim,
    column,
    fate,
    insert_many,
    insert_outbox,
    make_provider,
    row,
    rows,
    value,
)

NAME = {"name": {"required": True, "sample": "Анна", "meaning": "first name"}}


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end, in which `post` serves every lane."""
    await make_provider(tx)
    return tx


async def save(
    db: AsyncConnection, body: str, variables: Any = None, template: str = "due", **more: str
) -> int:
    async with db.transaction():
        return int(
            await value(
                db,
                "select sms.save_template(%s, %s, %s, %s, %s)",
                template,
                body,
                None if variables is None else json.dumps(variables),
                more.get("title"),
                more.get("note", ""),
            )
        )


async def refusal(work: Any) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        await work
    return caught.value


async def texts(db: AsyncConnection) -> list[str]:
    return (await claim(db)).bodies


async def test_versions_count_from_one_within_each_template(db: AsyncConnection) -> None:
    assert [await save(db, body) for body in ("a", "b", "b", "c")] == [1, 2, 2, 3]
    assert await save(db, "x", template="other") == 1
    [due, _] = await rows(db, "select template_id, template from sms.template order by template")
    await add_version(db, due["template_id"], "d")
    assert await column(
        db,
        "select version_no || ' ' || body from sms.template_version where template_id = %s"
        " order by version_no",
        due["template_id"],
    ) == ["1 a", "2 b", "3 c", "4 d"]


async def test_several_versions_in_one_statement_are_counted_too(db: AsyncConnection) -> None:
    await add_template(db, "due")
    await db.execute(
        """
        insert into sms.template_version (template_id, body)
        select template_id, b from sms.template, unnest(array['a', 'b', 'c']) as b
        """
    )
    assert await column(db, "select version_no from sms.template_version order by 1") == [1, 2, 3]


async def test_two_who_edit_at_once_make_two_versions(conn: AsyncConnection, dsn: str) -> None:
    await conn.execute("select sms.save_template('due', 'first')")
    async with await AsyncConnection.connect(dsn) as one, await AsyncConnection.connect(dsn) as two:
        await one.execute("select sms.save_template('due', 'mine')")
        waiting = asyncio.create_task(two.execute("select sms.save_template('due', 'yours')"))
        # Nobody tells when a session begins to wait for a lock.
        while not await value(conn, "select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await one.commit()
        await waiting
        await two.commit()
    assert await column(
        conn, "select version_no || ' ' || body from sms.template_version order by version_no"
    ) == ["1 first", "2 mine", "3 yours"]


async def test_a_message_keeps_the_version_it_was_made_from(db: AsyncConnection) -> None:
    await save(db, "old {{n}}")
    await insert_outbox(db, template="due", vars={"n": "1"})
    await save(db, "new {{n}}")
    await insert_outbox(db, template="due", vars={"n": "2"})
    assert sorted(await texts(db)) == ["new 2", "old 1"]


async def test_a_version_can_be_pinned(db: AsyncConnection) -> None:
    for body in ("one", "two", "three"):
        await save(db, body)
    await insert_many(
        db,
        [{"template": name, "vars": {"n": n}} for n, name in enumerate(("due@1", "due", "due@2"))],
    )
    assert sorted(await texts(db)) == ["one", "three", "two"]


async def test_a_pinned_version_is_the_same_text_for_the_duplicate_rule(
    db: AsyncConnection,
) -> None:
    await db.execute("update sms.channel set dedup_window = '1 day'")
    await save(db, "Pay {{n}}")
    ids = await insert_many(db, [{"template": t, "vars": {"n": 1}} for t in ("due", "due@1")])
    for _ in range(2):  # of one number's messages, the second waits for the next claim
        await claim(db)
    assert sorted([await fate(db, message) for message in ids]) == [
        "inflight",
        "suppressed(duplicate)",
    ]


@pytest.mark.parametrize("name", ["due@2", "due@0", "due@", "due@x", "due@1@1", "@1", "due@-1",
                                  "due@99999999999", "other@1"])  # fmt: skip
async def test_a_version_that_is_not_there_is_an_error(db: AsyncConnection, name: str) -> None:
    await save(db, "one")
    error = await refusal(insert_outbox(db, template=name))
    assert error.sqlstate == "SM002"
    assert "Templates: due." in (error.diag.message_hint or "")


async def test_a_missing_version_says_how_many_there_are(db: AsyncConnection) -> None:
    await save(db, "one")
    await save(db, "two")
    error = await refusal(insert_outbox(db, template="due@3"))
    assert "this one has 2 versions" in (error.diag.message_hint or "")


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("", "SM036", "needs a body"),
        ("Pay {{sum}", "SM036", "braces do not match near 'Pay {{sum}'"),
        ("Pay {{sum", "SM036", "braces do not match"),
        ("Pay sum}}", "SM036", "braces do not match"),
        ("Pay {{a{{b}}", "SM036", "braces do not match"),
        ("Pay {{a|{b}}}", "SM036", "braces do not match"),
        ("Pay {{}}", "SM036", "no name"),
        ("Pay {{ |x}}", "SM036", "no name"),
        ("x" * 1001, "SM036", "1001 characters without its variables"),
        ("x" * 10_001, "SM036", "10,000"),
    ],
)
async def test_a_body_that_could_not_be_sent_is_refused(
    db: AsyncConnection, body: str, code: str, says: str
) -> None:
    error = await refusal(save(db, body))
    assert error.sqlstate == code
    assert says in (error.diag.message_primary or "")
    assert await value(db, "select count(*) from sms.template") == 0


@pytest.mark.parametrize(
    ("body", "filled"),
    [
        ("{ one } brace {", "{ one } brace {"),
        ("{{ name }}", "Анна"),
        ("{{name}}{{name}}", "АннаАнна"),
        ("{{name|x}}", "Анна"),
        ("{{day|next Monday}}!", "next Monday!"),
        ("{{day|}}!", "!"),
        ("{{day|a|b}}", "a|b"),
        ("x" * 1000, "x" * 1000),
    ],
)
async def test_what_can_be_sent_is_kept_as_it_is(
    db: AsyncConnection, body: str, filled: str
) -> None:
    await save(db, body)
    assert await value(db, "select body from sms.template_version") == body
    await insert_outbox(db, template="due", vars={"name": "Анна"})
    assert await texts(db) == [filled]


async def test_a_variable_that_is_not_declared_is_refused(db: AsyncConnection) -> None:
    error = await refusal(save(db, "{{name}}, {{nmae}}", NAME))
    assert error.sqlstate == "SM037"
    assert error.diag.message_primary == "the variable 'nmae' is not declared"
    assert (error.diag.message_hint or "").startswith("Declared: name. ")
    error = await refusal(save(db, "Hi {{name}}", {}))
    assert error.sqlstate == "SM037"


async def test_the_next_version_is_held_to_what_was_declared(db: AsyncConnection) -> None:
    await save(db, "Hi {{name}}", NAME)
    error = await refusal(save(db, "Hi {{nmae}}"))
    assert error.sqlstate == "SM037"
    error = await refusal(
        add_version(db, await value(db, "select template_id from sms.template"), "{{x}}")
    )
    assert error.sqlstate == "SM037"


async def test_declarations_pass_on_and_can_be_replaced(db: AsyncConnection) -> None:
    await save(db, "Hi {{name}}", NAME)
    await save(db, "Dear {{name}}")
    await save(db, "Dear {{who}}", {"who": {}})
    assert await column(db, "select variables from sms.template_version order by version_no") == [
        NAME,
        NAME,
        {"who": {}},
    ]


async def test_nothing_declared_means_whatever_the_body_names(db: AsyncConnection) -> None:
    await save(db, "Hi {{name}}")
    await save(db, "Hi {{who}} and {{what|all}}")
    assert await column(db, "select variables from sms.template_version") == [None, None]
    variables = await rows(
        db,
        "select name, is_declared, is_required, default_value"
        " from sms.template_variables('Hi {{who}} and {{what|all}}')",
    )
    assert [tuple(found.values()) for found in variables] == [
        ("who", False, True, None), ("what", False, False, "all"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "variables", "says"),
    [
        ("{{a}}", [], "not a JSON object"),
        ("{{a}}", {"a": 1}, "not an object: 'a'"),
        ("{{a}}", {"a": {"requierd": True}}, "unknown key 'requierd'"),
        ("{{a}}", {"a": {"required": "yes"}}, "neither true nor false"),
        ("{{a}}", {"a": {"default": "{{b}}"}}, "has braces"),
        ("{{a}}", {"a": {"sample": {}}}, "no text or number"),
        ("{{a}}", {"a": {}, " b": {}}, "outer spaces"),
        ("{{a}}", {"a": {"required": False}}, "may be missing but has no default"),
        ("{{a|x}}", {"a": {"required": True}}, "would never be used"),
        ("{{a}}", {"a": {"required": True, "default": "x"}}, "would never be used"),
    ],
)
async def test_a_declaration_that_makes_no_sense_is_refused(
    db: AsyncConnection, body: str, variables: Any, says: str
) -> None:
    error = await refusal(save(db, body, variables))
    assert error.sqlstate == "SM037"
    assert says in (error.diag.message_primary or "")


async def test_a_declared_default_is_used_wherever_the_body_gives_none(
    db: AsyncConnection,
) -> None:
    variables = {"who": {"default": "клиент\\1 & co."}, "day": {"default": "Monday"}}
    await save(db, "{{who}}, {{day|Friday}} or {{ day }}?", variables)
    await insert_outbox(db, template="due", vars={})
    assert await texts(db) == ["клиент\\1 & co., Friday or Monday?"]


async def test_the_same_text_with_declared_defaults_adds_no_version(db: AsyncConnection) -> None:
    variables = {"name": {"default": "клиент"}}
    assert await save(db, "{{name}}, привет", variables) == 1

    assert await save(db, "{{name}}, привет", variables) == 1
    assert await save(db, "{{name}}, привет") == 1
    assert await save(db, "{{name|клиент}}, привет") == 1
    assert await save(db, "{{name}}, привет", {"name": {"default": "друг"}}) == 2


async def test_a_value_that_is_missing_suppresses_the_message(db: AsyncConnection) -> None:
    await save(db, "Hi {{name}}", NAME)
    missing, null = await insert_many(
        db,
        [{"template": "due", "vars": {"nmae": "x"}}, {"template": "due", "vars": {"name": None}}],
    )
    assert [await fate(db, m) for m in (missing, null)] == ["suppressed(missing_variable)"] * 2


async def test_up_to_a_thousand_characters_after_substitution(db: AsyncConnection) -> None:
    await save(db, "x" * 400 + "{{rest}}" + "y" * 100 + "{{a_variable_with_a_long_name|}}" * 40)
    fits, too_long = await insert_many(
        db, [{"template": "due", "vars": {"rest": "z" * n}} for n in (500, 501)]
    )
    assert await fate(db, fits) == "pending"
    assert await fate(db, too_long) == "suppressed(text_too_long)"
    story = await row(
        db, "select facts from sms.explain(%s) where topic = 'request' and facts is not null",
        too_long,
    )  # fmt: skip
    assert story["facts"]["characters"] == 1001


async def test_a_version_is_never_changed(conn: AsyncConnection, as_role: AsRole) -> None:
    await conn.execute("select sms.save_template('due', 'one')")
    for act in ("update sms.template_version set body = 'x'", "delete from sms.template_version"):
        error = await refusal(conn.execute(act.encode()))
        assert error.sqlstate == "SM003"
        assert "insert a new version" in (error.diag.message_hint or "")
    operator = await as_role("sms_operator")
    error = await refusal(operator.execute("update sms.template_version set body = 'x'"))
    assert error.sqlstate == "42501"


async def test_who_wrote_what_and_why_is_kept(conn: AsyncConnection, as_role: AsRole) -> None:
    operator = await as_role("sms_operator")
    await operator.execute("select sms.save_template('due', 'one', p_title => 'Payment is due')")
    await operator.execute(
        """
        insert into sms.template_version (template_id, body, note)
        select template_id, 'two', 'shorter' from sms.template
        """
    )
    assert await rows(
        operator,
        "select action, name, done_by, detail from sms.activity where kind = 'template' order by 1",
    ) == [
        {"action": "changed", "name": "due", "done_by": "sms_operator",
         "detail": {"version": 2, "note": "shorter"}},
        {"action": "created", "name": "due", "done_by": "sms_operator",
         "detail": {"version": 1, "note": ""}},
    ]  # fmt: skip
    assert await value(conn, "select title from sms.template") == "Payment is due"


@pytest.mark.parametrize("name", ["", "Due", "due@1", "a b", None])
async def test_a_templates_name_is_checked(db: AsyncConnection, name: str) -> None:
    error = await refusal(save(db, "x", template=name))
    assert error.sqlstate == "SM038"
