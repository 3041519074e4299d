"""Least rights: what each role does in its work, and a table of what it must not do."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

ROLES = ("sms_erp", "sms_analyst", "sms_operator", "sms_monitor", "sms_worker", "sms_dlr")
RECORD: LiteralString = """
    select * from sms.record_receipts('post', '{1}', '{r}', '{1}', '{e}', '{now}', '{x}')
"""
INBOUND: LiteralString = """
    select * from sms.record_inbound('post', '{r}', '{79070000001}', '{1234}', '{STOP}')
"""
PERSONAL = ("msisdn", "phone", "body", "vars", "raw")


@pytest.fixture
def stage(owner: psycopg.Connection) -> psycopg.Connection:
    """A database in which every table has a row, so that nothing is allowed for want of rows."""
    owner.execute(
        """
        insert into sms.provider (provider, adapter) values ('post', 'fake');
        select sms.switch_channel('*', 'post');
        insert into sms.template (template) values ('due');
        insert into sms.template_version (template_id, body) select template_id, 'x'
          from sms.template;
        insert into sms.outbox (phone, body) values ('89070000001', 'one'), ('89070000002', 'two');
        insert into sms.outbox (phone, body, not_before)
        values ('89070000003', 'three', now() + interval '1 hour');
        insert into sms.blacklist (msisdn, reason) values (79070000009, 'stop');
        insert into geo.client_location (client_id, location)
        values (1, 'SRID=4326;POINT(37.6 55.7)');
        insert into erp.local_client (client_id, phone) values (1, '89070000004');
        select sms.save_audience('all', 'select client_id, phone from erp.client');
        select sms.save_campaign('lent', 'due', 'all');
        """
    )
    return owner


def become(conn: psycopg.Connection, role: str) -> None:
    """Have no more rights than this role until the end of the transaction."""
    conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))


ALLOWED: list[tuple[str, LiteralString]] = [
    ("sms_erp", "insert into sms.outbox (phone, body) values ('89070000001', 'hello')"),
    ("sms_erp", "insert into sms.outbox (phone, template) values ('89070000001', 'due')"),
    ("sms_erp", "insert into sms.outbox (phone, body) values ('1', 'x') returning id"),
    ("sms_erp", "select id, state, reason, detail, cost from sms.message"),
    ("sms_erp", "select id, body from sms.outbox"),
    ("sms_erp", "select sms.cancel(id) from sms.message"),
    ("sms_erp", "select sms.cancel(array[1, 2]::bigint[])"),
    ("sms_erp", "select sms.cancel('no such reference'::text)"),
    ("sms_erp", "select e.* from sms.message as m cross join lateral sms.explain(m.id) as e"),
    ("sms_erp", "select * from sms.judge((select array_agg(id) from sms.message), now())"),
    ("sms_erp", "select sms.normalize_msisdn('89070000001'), sms.segments('x')"),
    ("sms_erp", "select sms.phone_problem('1')"),
    ("sms_erp", "select sms.id_time(sms.id_at(now()))"),
    ("sms_erp", "select meaning from sms.reason"),
    ("sms_erp", "select * from sms.inbound"),
    ("sms_erp", "select * from sms.operator_refusal_suspected"),
    ("sms_erp", "select msisdn, reason from sms.blacklist"),
    ("sms_erp", "insert into sms.consent (client_id, category, proof) values (7,'service','x')"),
    ("sms_erp", "update sms.consent set withdrawn_at = now(), withdrawn_by = 'x'"),
    ("sms_erp", "insert into sms.client_zone (client_id, zone_id) values (1, 0)"),
    ("sms_analyst", "select state, count(*), sum(cost) from sms.message group by state"),
    ("sms_analyst", "select e.* from sms.message as m cross join lateral sms.explain(m.id) as e"),
    ("sms_analyst", "select * from geo.client_location"),
    ("sms_analyst", "select * from geo.metro_station"),
    ("sms_analyst", "select client_id, distance_m from geo.clients_near('Таганская', 1000)"),
    ("sms_analyst", "select * from sms.number_range"),
    ("sms_analyst", "select * from sms.tariff"),
    ("sms_analyst", "select sms.segments('x')"),
    ("sms_analyst", "select * from erp.client"),
    ("sms_analyst", "select * from erp.action"),
    ("sms_analyst", "select sms.save_audience('a', 'select 1 as client_id, ''1'' as phone')"),
    ("sms_analyst", "select sms.limit_audience()"),
    ("sms_analyst", "select * from sms.clients_contacted(7)"),
    ("sms_analyst", "select sms.not_contacted(1, 7)"),
    ("sms_analyst", "select * from sms.received_but_did_not('due', 'payment')"),
    ("sms_operator", "insert into sms.blacklist (msisdn, reason) values (79070000001, 'stop')"),
    ("sms_operator", "delete from sms.blacklist"),
    ("sms_operator", "update sms.channel set dedup_window = '1 hour'"),
    ("sms_operator", "insert into sms.cap (period, max_messages) values ('day', 1)"),
    ("sms_operator", "delete from sms.quiet_hours"),
    ("sms_operator", "insert into sms.holiday (day, kind) values ('2030-01-01', 'off')"),
    ("sms_operator", "insert into sms.recipient_group (recipient_group) values ('staff')"),
    ("sms_operator", "delete from sms.recipient_group_member"),
    ("sms_operator", "update sms.auto_blacklist_rule set is_enabled = false"),
    ("sms_operator", "delete from sms.stop_word"),
    ("sms_operator", "insert into sms.campaign (campaign) values ('spring')"),
    ("sms_operator", "select sms.save_campaign('lent', p_per_hour => 5)"),
    ("sms_operator", "select sms.launch_campaign('lent'), sms.pause_campaign('lent')"),
    ("sms_operator", "select sms.launch_campaign('lent'), sms.stop_campaign('lent')"),
    ("sms_operator", "select * from sms.dry_run('lent'::text)"),
    ("sms_operator", "select * from sms.campaign_progress"),
    ("sms_erp", "select sms.launch_campaign('lent'), sms.stop_campaign('lent')"),
    ("sms_erp", "select * from sms.campaign_progress"),
    ("sms_analyst", "select * from sms.dry_run('lent'::text)"),
    ("sms_analyst", "select * from sms.campaign_progress"),
    ("sms_monitor", "select * from sms.campaign_progress"),
    ("sms_worker", "select * from sms.feed_campaigns()"),
    ("sms_worker", "select * from sms.due_runs()"),
    ("sms_worker", "select * from sms.unfrozen_runs()"),
    (
        "sms_operator",
        "insert into sms.consent (client_id, category, proof) values (7, 'service', 'x')",
    ),
    ("sms_operator", "update sms.receipt_error set class = 'temporary'"),
    ("sms_operator", "select * from sms.rule_change"),
    ("sms_operator", "select * from sms.rules_as_of(now())"),
    ("sms_operator", "select sms.understand_reply('STOP')"),
    ("sms_operator", "select * from sms.inbound"),
    ("sms_operator", "select sms.switch_channel('single', 'post')"),
    ("sms_operator", "select sms.set_provider('post', p_tps => 5)"),
    ("sms_operator", "select * from sms.list_providers()"),
    ("sms_operator", "select sms.resolve_uncertain('{1}', 'give_up')"),
    ("sms_operator", "select sms.cancel(id) from sms.message"),
    ("sms_operator", "select * from sms.unaccounted"),
    ("sms_operator", "select * from sms.lane_status"),
    ("sms_operator", "select * from sms.receipt"),
    ("sms_operator", "insert into sms.number_range_staging (lo, hi) values (1, 2)"),
    ("sms_operator", "insert into sms.template (template) values ('another')"),
    ("sms_operator", "select sms.save_template('another', 'Hi {{name}}')"),
    ("sms_operator", "select * from sms.preview_template('due')"),
    ("sms_operator", "select * from sms.cheaper_spellings('x')"),
    ("sms_operator", "update sms.spelling set spelled = '-' where character = '—'"),
    ("sms_monitor", "select * from sms.lane_status"),
    ("sms_monitor", "select * from sms.unaccounted"),
    ("sms_monitor", "select count(*), min(not_before) from sms.pending"),
    ("sms_monitor", "select state, count(*) from sms.outcome group by state"),
    ("sms_monitor", "select * from sms.work_left('10 seconds')"),
    ("sms_worker", "select * from sms.claim_batch('post', 'w')"),
    ("sms_worker", "select sms.mark_submitting(1, '{1}')"),
    ("sms_worker", "select sms.settle(1, '{1}', '{accepted}', '{1}', '{x}', '{0}')"),
    ("sms_worker", "select * from sms.expire_leases()"),
    ("sms_worker", "select * from sms.apply_uncertain_policy()"),
    ("sms_worker", "select sms.match_receipts()"),
    ("sms_worker", "select * from sms.maintain_partitions()"),
    ("sms_worker", "select * from sms.work_left()"),
    ("sms_worker", "select sms.try_sleep(0), sms.wake_up(0, 1)"),
    ("sms_worker", RECORD),
    ("sms_worker", "select * from sms.learn_numbers()"),
    ("sms_worker", INBOUND),
    ("sms_worker", "select * from sms.list_providers()"),
    ("sms_erp", "select * from sms.planned_message, sms.event_message, sms.event"),
    ("sms_analyst", "select event_id, client_id, problem from sms.event"),
    ("sms_operator", "select sms.set_event_type('x')"),
    ("sms_operator", "select * from sms.activity_log"),
    ("sms_worker", "select * from sms.make_planned()"),
    ("sms_dlr", RECORD),
    ("sms_dlr", INBOUND),
]  # fmt: skip

FORBIDDEN: list[tuple[str, LiteralString]] = [
    # The ERP asks and reads answers; the queue and the rules are not its business.
    ("sms_erp", "select * from sms.pending"),
    ("sms_erp", "select * from sms.inflight"),
    ("sms_erp", "select * from sms.outcome"),
    ("sms_erp", "select * from sms.contact_log"),
    ("sms_erp", "select * from sms.rule_change"),
    ("sms_erp", "select * from sms.number_trouble"),
    ("sms_erp", "insert into sms.blacklist (msisdn, reason) values (79070000001, 'stop')"),
    ("sms_erp", "update sms.consent set category = 'advertising'"),
    ("sms_erp", "delete from sms.consent"),
    ("sms_erp", "update sms.campaign set holdout_percent = 0"),
    ("sms_erp", "select sms.save_campaign('lent', p_per_hour => 5)"),
    ("sms_erp", "select * from sms.run_recipient"),
    ("sms_analyst", "select * from sms.run_recipient"),
    ("sms_analyst", "select sms.launch_campaign('lent')"),
    ("sms_analyst", "insert into sms.campaign (campaign) values ('mine')"),
    ("sms_operator", "select * from sms.run_recipient"),
    ("sms_operator", "update sms.campaign_run set state = 'running'"),
    ("sms_operator", "delete from sms.run_message"),
    ("sms_operator", "select sms.hold_queued(1)"),
    ("sms_monitor", "select * from sms.run_recipient"),
    ("sms_worker", "select * from sms.run_recipient"),
    ("sms_worker", "select sms.launch_campaign('lent')"),
    ("sms_worker", "select sms.stop_campaign('lent')"),
    ("sms_dlr", "select sms.launch_campaign('lent')"),
    ("sms_erp", "delete from sms.inbound"),
    ("sms_erp", "select * from sms.record_inbound('post', '{r}', '{7}', '{1}', '{STOP}')"),
    ("sms_erp", "select * from sms.learn_numbers()"),
    ("sms_erp", "select * from sms.provider"),
    ("sms_erp", "select * from sms.receipt"),
    ("sms_erp", "update sms.outbox set body = 'x'"),
    ("sms_erp", "delete from sms.outbox"),
    ("sms_erp", "truncate sms.outbox"),
    ("sms_erp", "insert into sms.outbox (id, phone, body) values (1, '89070000001', 'x')"),
    ("sms_erp", "insert into sms.outbox (created_at, phone) values ('2020-01-01', '1')"),
    ("sms_erp", "insert into sms.pending select * from sms.pending"),
    ("sms_erp", "update sms.channel set priority = 0"),
    ("sms_erp", "insert into sms.cap (period, max_messages) values ('day', 9)"),
    ("sms_erp", "delete from sms.blacklist"),
    ("sms_erp", "select * from sms.claim_batch('post', 'w')"),
    ("sms_erp", "select sms.settle(1, '{1}', '{accepted}', '{1}', '{x}', '{0}')"),
    ("sms_erp", RECORD),
    ("sms_erp", "select sms.switch_channel('*', 'post')"),
    ("sms_erp", "select sms.resolve_uncertain('{1}', 'resend')"),
    ("sms_erp", "select sms.accept_outbox()"),
    ("sms_erp", "alter table sms.outbox disable trigger accept_outbox"),
    # Analysts see results and maps: no texts, no secrets, nothing that writes.
    ("sms_analyst", "select body from sms.outbox"),
    ("sms_analyst", "select vars from sms.outbox"),
    ("sms_analyst", "select body from sms.template_version"),
    ("sms_analyst", "select raw from sms.receipt"),
    ("sms_analyst", "select settings from sms.provider"),
    ("sms_analyst", "select * from sms.list_providers()"),
    ("sms_analyst", "select * from sms.pending"),
    ("sms_analyst", "select * from sms.contact_log"),
    ("sms_analyst", "select sms.render('{{a}}', '{}')"),
    ("sms_analyst", "insert into sms.outbox (phone, body) values ('1', 'x')"),
    ("sms_analyst", "insert into sms.blacklist (msisdn, reason) values (79070000001, 'x')"),
    ("sms_analyst", "delete from geo.client_location"),
    ("sms_analyst", "select * from sms.inbound"),
    ("sms_analyst", "select * from sms.blacklist"),
    ("sms_analyst", "select * from sms.rule_change"),
    ("sms_analyst", "update geo.metro_station set name = 'x'"),
    ("sms_analyst", "select sms.cancel(1::bigint)"),
    ("sms_analyst", "select * from sms.claim_batch('post', 'w')"),
    ("sms_analyst", "select sms.switch_channel('*', 'post')"),
    ("sms_analyst", "create table sms.mine (x int)"),
    ("sms_analyst", "select * from erp.local_client"),
    ("sms_analyst", "select * from sms.preview_template('due')"),
    ("sms_analyst", "select sms.save_template('another', 'x')"),
    ("sms_analyst", "select * from sms.setting"),
    ("sms_analyst", "delete from sms.audience"),
    ("sms_analyst", "update sms.audience set removed_at = now()"),
    ("sms_analyst", "alter function sms.run_audience(text, bigint) security invoker"),
    ("sms_analyst", "create table public.mine (x int)"),
    # Operators run channels and rules: they read no texts and do not forge history.
    ("sms_operator", "select body from sms.outbox"),
    ("sms_operator", "update sms.template_version set body = 'x'"),
    ("sms_operator", "insert into sms.outbox (phone, body) values ('1', 'x')"),
    ("sms_operator", "update sms.outcome set state = 'delivered'"),
    ("sms_operator", "delete from sms.receipt"),
    ("sms_operator", "delete from sms.contact_log"),
    ("sms_operator", "delete from sms.rule_change"),
    ("sms_operator", "update sms.rule_change set changed_by = 'nobody'"),
    ("sms_operator", "update sms.consent set proof = 'x'"),
    ("sms_operator", "delete from sms.consent"),
    ("sms_operator", "delete from sms.number_trouble"),
    ("sms_operator", "delete from sms.campaign"),
    ("sms_operator", "delete from sms.provider"),
    ("sms_operator", "delete from sms.channel"),
    ("sms_operator", "update sms.lane set provider_id = null"),
    ("sms_operator", "update sms.state set rank = 0"),
    ("sms_operator", "select * from sms.claim_batch('post', 'w')"),
    ("sms_operator", "select sms.settle(1, '{1}', '{accepted}', '{1}', '{x}', '{0}')"),
    ("sms_operator", "select * from sms.expire_leases()"),
    ("sms_operator", RECORD),
    # Monitoring sees the machine, not the people.
    ("sms_monitor", "select msisdn from sms.pending"),
    ("sms_monitor", "select msisdn from sms.inflight"),
    ("sms_monitor", "select msisdn from sms.outcome"),
    ("sms_monitor", "select detail from sms.outcome"),
    ("sms_monitor", "select * from sms.message"),
    ("sms_monitor", "select * from sms.outbox"),
    ("sms_monitor", "select * from sms.receipt"),
    ("sms_monitor", "select * from sms.contact_log"),
    ("sms_monitor", "select * from sms.blacklist"),
    ("sms_monitor", "select * from sms.inbound"),
    ("sms_monitor", "select * from sms.consent"),
    ("sms_monitor", "select * from geo.client_location"),
    ("sms_monitor", "select sms.explain(1)"),
    ("sms_monitor", "select sms.cancel(1::bigint)"),
    ("sms_monitor", "update sms.setting set value = '1'"),
    ("sms_monitor", "select * from sms.claim_batch('post', 'w')"),
    # Workers have the verbs of the queue and no table behind them.
    ("sms_worker", "select * from sms.outbox"),
    ("sms_worker", "select * from sms.message"),
    ("sms_worker", "select * from sms.pending"),
    ("sms_worker", "delete from sms.pending"),
    ("sms_worker", "select * from sms.inflight"),
    ("sms_worker", "update sms.outcome set state = 'delivered'"),
    ("sms_worker", "insert into sms.outbox (phone, body) values ('1', 'x')"),
    ("sms_worker", "delete from sms.contact_log"),
    ("sms_worker", "select * from sms.blacklist"),
    ("sms_worker", "delete from sms.blacklist"),
    ("sms_worker", "select * from sms.inbound"),
    ("sms_worker", "select * from sms.number_trouble"),
    ("sms_worker", "select sms.obey_replies('{1}')"),
    ("sms_worker", "update sms.provider set tps = 1000"),
    ("sms_worker", "update sms.lane set provider_id = null"),
    ("sms_worker", "select sms.switch_channel('*', 'post')"),
    ("sms_worker", "select sms.cancel(1::bigint)"),
    ("sms_worker", "select sms.advance(1::smallint, '{1}', '{delivered}', '{x}', now())"),
    ("sms_worker", "select sms.drop_partition('outbox', now())"),
    ("sms_worker", "select sms.explain(1)"),
    # Events: the ERP fires them, operators write the rules, nobody else sees the values.
    ("sms_erp", "select sms.set_event_type('x')"),
    ("sms_erp", "select sms.remove_event_rule('x')"),
    ("sms_erp", "insert into sms.event (event_type_id, vars) values (1, '{}')"),
    ("sms_erp", "delete from sms.event_plan"),
    ("sms_analyst", "select vars from sms.event"),
    ("sms_analyst", "select sms.fire_event('late', 1)"),
    ("sms_operator", "select vars from sms.event"),
    ("sms_operator", "update sms.event_rule set is_enabled = false"),
    ("sms_operator", "delete from sms.activity"),
    ("sms_monitor", "select * from sms.event"),
    ("sms_worker", "select sms.fire_event('late', 1)"),
    ("sms_worker", "select * from sms.event_plan"),
    # Whoever hears receipts records them and does nothing else.
    ("sms_dlr", "select * from sms.claim_batch('post', 'w')"),
    ("sms_dlr", "select sms.settle(1, '{1}', '{accepted}', '{1}', '{x}', '{0}')"),
    ("sms_dlr", "select sms.resolve_uncertain('{1}', 'accepted')"),
    ("sms_dlr", "select sms.match_receipts()"),
    ("sms_dlr", "select * from sms.receipt"),
    ("sms_dlr", "delete from sms.receipt"),
    ("sms_dlr", "update sms.receipt_code set state = 'delivered'"),
    ("sms_dlr", "select * from sms.inbound"),
    ("sms_dlr", "insert into sms.blacklist (msisdn, reason) values (79070000001, 'stop')"),
    ("sms_dlr", "select * from sms.outcome"),
    ("sms_dlr", "update sms.outcome set state = 'delivered'"),
    ("sms_dlr", "select * from sms.outbox"),
    ("sms_dlr", "select * from sms.message"),
    ("sms_dlr", "insert into sms.outbox (phone, body) values ('1', 'x')"),
    ("sms_dlr", "select sms.cancel(1::bigint)"),
]  # fmt: skip

EVERYBODY: list[LiteralString] = [
    "create table sms.mine (x int)",
    "create table geo.mine (x int)",
    "create function sms.mine() returns int language sql as 'select 1'",
    "drop table sms.outbox",
    "truncate sms.outcome",
    "alter function sms.judge(bigint[], timestamptz) volatile",
    "delete from sms.receipt",
    "update sms.erp_ref set id = 1",
    "delete from sms.submitting",
    "insert into sms.state_transition values ('delivered', 'pending', 'x')",
    "insert into sms.provider_ref values (1, 1, 'x')",
    "copy sms.outbox to program 'cat'",
]


@pytest.mark.parametrize(("role", "act"), ALLOWED, ids=lambda text: str(text)[:60])
def test_each_role_may_do_its_work(
    stage: psycopg.Connection, role: str, act: LiteralString
) -> None:
    become(stage, role)

    stage.execute(act)


@pytest.mark.parametrize(("role", "act"), FORBIDDEN, ids=lambda text: str(text)[:60])
def test_no_role_may_do_more(stage: psycopg.Connection, role: str, act: LiteralString) -> None:
    become(stage, role)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stage.execute(act)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_touches_what_carries_the_promises(stage: psycopg.Connection, role: str) -> None:
    become(stage, role)

    for act in EVERYBODY:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), stage.transaction():
            stage.execute(act)


def test_who_has_no_role_sees_nothing(stage: psycopg.Connection) -> None:
    stage.execute("create role sms_stranger nologin")
    become(stage, "sms_stranger")

    for act in (
        "select * from sms.message",
        "select * from sms.state",
        "select sms.segments('x')",
        "select * from geo.metro_station",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), stage.transaction():
            stage.execute(act)


@pytest.mark.parametrize("role", ["sms_analyst", "sms_operator", "sms_monitor", "sms_worker"])
def test_texts_are_seen_by_the_erp_alone(owner: psycopg.Connection, role: str) -> None:
    readable = owner.execute(
        """
        select c.oid::regclass || '.' || a.attname
          from pg_class as c
          join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'sms'::regnamespace and not c.relispartition
           and c.relkind in ('r', 'p', 'v')
           and (c.relname, a.attname) in (values ('outbox', 'body'),
               ('outbox', 'vars'), ('outbox', 'phone'))
           and has_column_privilege(%s, c.oid, a.attnum, 'select')
        """,
        [role],
    ).fetchall()

    assert readable == []


def test_monitoring_reads_no_column_about_a_person(owner: psycopg.Connection) -> None:
    readable = owner.execute(
        """
        select c.oid::regclass || '.' || a.attname
          from pg_class as c
          join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace in ('sms'::regnamespace, 'geo'::regnamespace) and c.relkind <> 'i'
           and a.attname = any (%s)
           and has_column_privilege('sms_monitor', c.oid, a.attnum, 'select')
        """,
        [[*PERSONAL, "client_id", "location", "detail"]],
    ).fetchall()

    assert readable == []


def test_roles_are_groups_and_nobody_logs_in_with_them(owner: psycopg.Connection) -> None:
    flags = owner.execute(
        """
        select rolname from pg_roles
         where rolname = any (%s)
           and not (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls
                    or rolreplication)
        """,
        [list(ROLES)],
    ).fetchall()

    assert sorted(row[0] for row in flags) == sorted(ROLES)


def test_a_month_made_later_is_as_closed_as_the_first(stage: psycopg.Connection) -> None:
    stage.execute("select sms.maintain_partitions('2031-05-05')")

    open_to = stage.execute(
        """
        select c.relname, a.grantee::regrole
          from pg_class as c
          cross join lateral aclexplode(c.relacl) as a
         where c.relispartition and c.relnamespace = 'sms'::regnamespace
           and a.grantee <> c.relowner
        """
    ).fetchall()

    assert open_to == []
