"""Rule tables refuse nonsense, and say in words which rule it broke."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

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
    ("update sms.auto_blacklist_rule set lasts = '0'", "lasts is longer than nothing"),
    ("update sms.auto_blacklist_rule set reason = ' '", "an automatic rule says why"),
    ("update sms.setting set value = 'a week' where setting = 'erp_ref_days'",
     "days and months are whole numbers"),
    ("insert into sms.stop_word (word, meaning) values ('no more', 'stop')",
     "a stop word is one word"),
    ("insert into sms.stop_word (word, meaning) values ('', 'stop')", "a stop word is one word"),
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
NOT_ONE_OF: list[LiteralString] = [
    "insert into sms.blacklist (msisdn, reason, source) values (79070000001, 'x', 'rumour')",
    "insert into sms.blacklist (msisdn, reason) values (1, 'x')",
    "insert into sms.blacklist (prefix, reason) values ('+7907', 'x')",
    "insert into sms.cap (period, max_messages) values ('year', 1)",
    "insert into sms.cap (period, max_messages) values ('day', -1)",
    "insert into sms.cap (per, period, max_messages) values ('household', 'day', 1)",
    "insert into sms.quiet_hours (category, iso_weekday, quiet_from, quiet_until)"
    " values ('service', 8, '9:00', '10:00')",
    "insert into sms.quiet_hours (category, day_kind, quiet_from, quiet_until)"
    " values ('service', 'holiday', '9:00', '10:00')",
    "insert into sms.holiday (day, kind) values ('2030-01-01', 'short')",
    "update sms.channel set dedup_by = 'phone'",
    "update sms.receipt_error set class = 'odd'",
    "insert into sms.stop_word (word, meaning) values ('basta', 'perhaps')",
]


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


@pytest.mark.parametrize("act", NOT_ONE_OF, ids=lambda text: text[:90])
async def test_a_value_outside_its_list_is_refused(db: AsyncConnection, act: LiteralString) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await db.execute(act)
