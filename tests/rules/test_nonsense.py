"""Rule tables refuse nonsense, and say in words which rule it broke."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

MOBILE = "msisdn is a Russian mobile number, like 79071234567"
PREFIX = "prefix is 1 to 11 digits that begin with 7"
REFUSED: list[tuple[LiteralString, str]] = [
    ("insert into sms.blacklist (reason) values ('x')",
     "a blacklist row names one number, prefix or group"),
    ("insert into sms.blacklist (msisdn, prefix, reason) values (79070000001, '7907', 'x')",
     "a blacklist row names one number, prefix or group"),
    ("insert into sms.blacklist (msisdn, reason) values (79070000001, '  ')",
     "a blacklist row says why"),
    ("insert into sms.blacklist (msisdn, reason, expires_at)"
     " values (79070000001, 'x', now() - interval '1 day')",
     "a blacklist row ends after it began"),
    ("insert into sms.recipient_group (recipient_group) values ('')",
     "a group name is 1 to 80 characters"),
    ("insert into sms.recipient_group_member (group_id) select group_id from made",
     "a member is a number or a client"),
    ("insert into sms.recipient_group_member (group_id, msisdn, client_id)"
     " select group_id, 79070000001, 1 from made",
     "a member is a number or a client"),
    ("update sms.channel set opening_spread = '5 hours'",
     "opening_spread is between 0 and 4 hours"),
    ("update sms.channel set opening_spread = '-1 minute'",
     "opening_spread is between 0 and 4 hours"),
    ("insert into sms.consent (msisdn, category, proof) values (79070000001, 'service', ' ')",
     "a consent names its proof"),
    ("insert into sms.consent (category, proof) values ('service', 'x')",
     "a consent is of a number or a client"),
    ("insert into sms.consent (msisdn, client_id, category, proof)"
     " values (79070000001, 1, 'service', 'x')",
     "a consent is of a number or a client"),
    ("insert into sms.consent (msisdn, category, proof, valid_until)"
     " values (79070000001, 'service', 'x', now() - interval '1 day')",
     "a consent ends after it begins"),
    ("insert into sms.cap (period, max_messages) values ('rolling', 1)",
     "a rolling cap needs a span, a calendar cap has none"),
    ("insert into sms.cap (period, span, max_messages) values ('day', '1 day', 1)",
     "a rolling cap needs a span, a calendar cap has none"),
    ("insert into sms.quiet_hours (category, quiet_from, quiet_until)"
     " values ('service', '9:00', '9:00')",
     "silence has a length"),
    ("insert into sms.quiet_hours (category, iso_weekday, day_kind, quiet_from, quiet_until)"
     " values ('service', 1, 'off', '9:00', '10:00')",
     "name a weekday or a kind of day, not both"),
    ("insert into sms.campaign (campaign) values ('')",
     "a campaign name is 1 to 200 characters"),
    ("insert into sms.campaign (campaign, holdout_percent) values ('x', 51)",
     "holdout is 0 to 50 percent"),
    ("insert into sms.campaign (campaign, holdout_percent) values ('x', -1)",
     "holdout is 0 to 50 percent"),
    ("update sms.auto_blacklist_rule set times = 0", "times is at least 1"),
    ("update sms.auto_blacklist_rule set span = '30 seconds', min_gap = '0'",
     "span is between a minute and 400 days"),
    ("update sms.auto_blacklist_rule set span = '500 days'",
     "span is between a minute and 400 days"),
    ("update sms.auto_blacklist_rule set min_gap = span", "min_gap is shorter than span"),
    ("update sms.auto_blacklist_rule set min_gap = '-1 day'", "min_gap is shorter than span"),
    ("update sms.auto_blacklist_rule set lasts = '0'",
     "lasts is more than 0, at most 1000 years"),
    ("update sms.auto_blacklist_rule set lasts = '300000 years'",
     "lasts is more than 0, at most 1000 years"),
    ("update sms.auto_blacklist_rule set reason = ' '", "an automatic rule says why"),
    ("update sms.setting set value = 'a week' where setting = 'erp_ref_days'",
     "days are 0 to 99999, months 0 to 9999"),
    ("update sms.setting set value = '99999' where setting = 'retention_months'",
     "days are 0 to 99999, months 0 to 9999"),
    ("update sms.setting set value = '99999' where setting = 'retention_months.rule_change'",
     "days are 0 to 99999, months 0 to 9999"),
    ("update sms.setting set value = '99999' where setting = 'statistics_hours_months'",
     "statistics_zone: a zone; statistics_hours_months: 0 to 9999"),
    ("insert into sms.setting (setting, value, meaning)"
     " values ('retention_months.blacklist', '1', 'x')",
     "own span: activity event inbound number_trouble rule_change"),
    ("update sms.setting set value = repeat('я', 1001) where setting = 'opt_out_answer'",
     "opt_out_answer is empty, or a text of at most 1000 characters"),
    ("update sms.setting set value = '  ' where setting = 'opt_out_answer'",
     "opt_out_answer is empty, or a text of at most 1000 characters"),
    ("update sms.setting set value = 'x' where setting = 'statistics_hours_months'",
     "statistics_zone: a zone; statistics_hours_months: 0 to 9999"),
    ("insert into sms.stop_word (word, meaning) values ('no more', 'stop')",
     "a stop word is one word of letters and digits"),
    ("insert into sms.stop_word (word, meaning) values ('стоп-смс', 'stop')",
     "a stop word is one word of letters and digits"),
    ("insert into sms.stop_word (word, meaning) values ('', 'stop')",
     "a stop word is one word of letters and digits"),
    ("insert into sms.blacklist (msisdn, reason, source) values (79070000001, 'x', 'rumour')",
     "source is manual, import, auto, opt_out or legal"),
    ("insert into sms.blacklist (msisdn, reason) values (1, 'x')", MOBILE),
    ("insert into sms.blacklist (msisdn, reason) values (9070000001, 'x')", MOBILE),
    ("insert into sms.blacklist (msisdn, reason) values (89070000001, 'x')", MOBILE),
    ("insert into sms.blacklist (msisdn, reason) values (790700000010, 'x')", MOBILE),
    ("insert into sms.consent (msisdn, category, proof) values (89070000001, 'service', 'x')",
     MOBILE),
    ("insert into sms.recipient_group_member (group_id, msisdn)"
     " select group_id, 89070000001 from made", MOBILE),
    ("insert into sms.blacklist (prefix, reason) values ('+7907', 'x')", PREFIX),
    ("insert into sms.blacklist (prefix, reason) values ('907', 'x')", PREFIX),
    ("insert into sms.blacklist (prefix, reason) values ('8907', 'x')", PREFIX),
    ("insert into sms.blacklist (prefix, reason) values ('790700000011', 'x')", PREFIX),
    ("insert into sms.cap (period, max_messages) values ('year', 1)",
     "period is day, week, month or rolling"),
    ("insert into sms.cap (period, max_messages) values ('day', -1)",
     "max_messages is at least 0"),
    ("insert into sms.cap (per, period, max_messages) values ('household', 'day', 1)",
     "per is number or client"),
    ("insert into sms.cap (period, span, max_messages) values ('rolling', '2 years', 1)",
     "span is more than 0, at most 366 days"),
    ("insert into sms.quiet_hours (category, iso_weekday, quiet_from, quiet_until)"
     " values ('service', 8, '9:00', '10:00')", "iso_weekday is 1 (Monday) to 7"),
    ("insert into sms.quiet_hours (category, day_kind, quiet_from, quiet_until)"
     " values ('service', 'holiday', '9:00', '10:00')", "day_kind is working or off"),
    ("insert into sms.holiday (day, kind) values ('2030-01-01', 'short')",
     "kind is off or working"),
    ("insert into sms.holiday (day, kind) values ('infinity', 'off')",
     "day is one of the years 1990 to 2100"),
    ("update sms.channel set dedup_by = 'phone'",
     "dedup_by is text, text_in_channel or template"),
    ("update sms.channel set dedup_window = '7000 years'", "dedup_window is 0 to 366 days"),
    ("update sms.channel set dedup_window = '-1 day'", "dedup_window is 0 to 366 days"),
    ("update sms.channel set validity = '300000 years'",
     "validity is more than 0, at most 100 years"),
    ("update sms.channel set validity = '0'", "validity is more than 0, at most 100 years"),
    ("update sms.channel set retry_base = '300000 years'",
     "retry_base is more than 0, at most 366 days"),
    ("update sms.channel set uncertain_after = '300000 years'",
     "uncertain_after is more than 0, at most 100 years"),
    ("update sms.channel set max_attempts = 0", "max_attempts is 1 to 100"),
    ("update sms.channel set on_uncertain = 'pray'", "on_uncertain is hold, resend or give_up"),
    ("update sms.channel set priority = 4", "priority is 0 to 3"),
    ("update sms.channel set sender_id = ''", "sender_id is 1 to 15 characters"),
    ("insert into sms.channel (channel, title, category, priority)"
     " values ('Mass 2', 'x', 'service', 1)",
     "channel is a name of 1 to 40 characters: a-z 0-9 _"),
    ("update sms.receipt_error set class = 'odd'",
     "class is one that the comment of the column lists"),
    ("update sms.auto_blacklist_rule set class = 'odd'",
     "class is no_such_number, malformed, unreachable or refused"),
    ("insert into sms.stop_word (word, meaning) values ('basta', 'perhaps')",
     "meaning is stop, start or all"),
]  # fmt: skip

UNKNOWN: list[LiteralString] = [
    "insert into sms.blacklist (msisdn, reason, category) values (79070000001, 'x', 'adverts')",
    "insert into sms.blacklist (msisdn, reason, channel) values (79070000001, 'x', 'maas')",
    "insert into sms.blacklist (group_id, reason) values (32000, 'x')",
    "insert into sms.cap (channel, period, max_messages) values ('maas', 'day', 1)",
    "insert into sms.consent (msisdn, category, proof) values (79070000001, 'adverts', 'x')",
    "insert into sms.client_zone (client_id, zone_id) values (1, 32000)",
    "update sms.auto_blacklist_rule set category = 'adverts'",
    "update sms.channel set time_zone = 'Europe/Moskva'",
]

RULE_TABLES = [
    "auto_blacklist_rule", "blacklist", "campaign", "cap", "channel", "client_zone", "consent",
    "holiday", "quiet_hours", "receipt_error", "recipient_group", "recipient_group_member",
    "setting", "stop_word",
]  # fmt: skip


@pytest.mark.parametrize(("act", "sentence"), REFUSED, ids=lambda text: text[:70])
async def test_nonsense_is_refused_with_a_sentence(
    db: AsyncConnection, act: LiteralString, sentence: str
) -> None:
    await db.execute("create temporary table made (group_id int) on commit drop")
    await db.execute(
        "with g as (insert into sms.recipient_group (recipient_group) values ('made')"
        " returning group_id) insert into made select group_id from g"
    )

    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        await db.execute(act)

    assert refused.value.diag.constraint_name == sentence


@pytest.mark.parametrize("act", UNKNOWN, ids=lambda text: text[:90])
async def test_what_does_not_exist_cannot_be_named(db: AsyncConnection, act: LiteralString) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await db.execute(act)


async def test_no_sentence_is_cut_off(db: AsyncConnection) -> None:
    """PostgreSQL keeps 63 bytes of a name: one of that length has most likely lost its end."""
    cut = await (
        await db.execute(
            """
            select c.conname from pg_constraint as c
             where c.connamespace = 'sms'::regnamespace and octet_length(c.conname) >= 63
            """
        )
    ).fetchall()
    assert cut == []


async def test_a_rule_table_refuses_with_a_sentence_and_not_with_a_columns_name(
    db: AsyncConnection,
) -> None:
    unsaid = await (
        await db.execute(
            """
            select k.relname, c.conname
              from pg_constraint as c
              join pg_class as k on k.oid = c.conrelid
             where c.connamespace = 'sms'::regnamespace and c.contype = 'c'
               and c.conname ~ '_check[0-9]*$'
               and k.relname = any (%s)
            """,
            [RULE_TABLES],
        )
    ).fetchall()
    assert unsaid == []
