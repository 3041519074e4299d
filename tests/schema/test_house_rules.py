"""House rules that the catalog can answer: described, locked up, and the same as the files."""

import re
from typing import LiteralString

import psycopg
import pytest

from migrations.apply import SQL

VERSIONS = SQL.parent / "migrations" / "versions"
# Functions that defaults and constraints use live with the tables, not in sql/functions.
CREATED = re.compile(r"^create (?:or replace )?function (\w+\.\w+)", re.MULTILINE | re.IGNORECASE)

UNDESCRIBED: dict[str, LiteralString] = {
    "tables, views and sequences": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relkind in ('r', 'p', 'v', 'm', 'S') and not c.relispartition
           and not exists (select from pg_depend as d
                            where d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S')
           and obj_description(c.oid, 'pg_class') is null and {ours}
    """,
    "columns": """
        select c.oid::regclass || '.' || a.attname
          from pg_class as c
          join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
           and col_description(c.oid, a.attnum) is null and {ours}
    """,
    "functions": """
        select c.oid::regprocedure::text
          from (select oid, pronamespace as relnamespace from pg_proc) as c
         where obj_description(c.oid, 'pg_proc') is null and {ours}
    """,
    "triggers": """
        select t.tgname || ' on ' || c.oid::regclass
          from pg_trigger as t
          join pg_class as c on c.oid = t.tgrelid
         where not t.tgisinternal and not c.relispartition
           and obj_description(t.oid, 'pg_trigger') is null and {ours}
    """,
    "types": """
        select c.oid::regtype::text
          from (select oid, typnamespace as relnamespace, typtype, typrelid from pg_type) as c
         where c.typtype in ('c', 'd', 'e', 'r')
           and (c.typrelid = 0 or (select relkind from pg_class where oid = c.typrelid) = 'c')
           and obj_description(c.oid, 'pg_type') is null and {ours}
    """,
    "schemas": """
        select c.nspname
          from (select oid, oid as relnamespace, nspname from pg_namespace) as c
         where obj_description(c.oid, 'pg_namespace') is null and {ours}
    """,
}
OURS = (
    "c.relnamespace in (select oid from pg_namespace where nspname in"
    " ('sms', 'geo', 'sms_audience', 'sms_parser'))"
)


def found(owner: psycopg.Connection, query: LiteralString) -> list[str]:
    """The only column of a query, sorted."""
    return sorted(str(row[0]) for row in owner.execute(query))


@pytest.mark.parametrize("kind", UNDESCRIBED)
def test_everything_is_described(owner: psycopg.Connection, kind: str) -> None:
    assert found(owner, UNDESCRIBED[kind].replace("{ours}", OURS)) == []


@pytest.mark.parametrize("kind", UNDESCRIBED)
def test_what_is_not_described_would_be_found(owner: psycopg.Connection, kind: str) -> None:
    owner.execute("alter schema geo rename to old; create schema geo")
    owner.execute(
        """
        create table sms.thing (thing int);
        create function sms.thing() returns trigger language plpgsql as 'begin end';
        create trigger thing after insert on sms.thing execute function sms.thing();
        create type sms.kind as (kind int);
        """
    )

    assert len(found(owner, UNDESCRIBED[kind].replace("{ours}", OURS))) == 1


def test_definers_fix_their_search_path(owner: psycopg.Connection) -> None:
    loose = found(
        owner,
        """
        select p.oid::regprocedure
          from pg_proc as p
         where p.pronamespace::regnamespace::text in
               ('sms', 'geo', 'sms_audience', 'sms_parser') and p.prosecdef
           and not coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'
           and not exists (select from unnest(p.proconfig) as c
                            where c ~ '^search_path=pg_catalog, (public, )?pg_temp$')
        """,
    )

    assert loose == []


def test_verbs_of_workers_and_triggers_that_write_are_definers(owner: psycopg.Connection) -> None:
    """Else a role that may call them would need rights on the tables behind them."""
    granted = found(
        owner,
        """
        select distinct p.proname
          from pg_proc as p
          cross join lateral aclexplode(p.proacl) as a
         where p.pronamespace = 'sms'::regnamespace and p.provolatile = 'v' and not p.prosecdef
           and a.grantee in ('sms_worker'::regrole, 'sms_dlr'::regrole)
        """,
    )

    assert granted == []


def test_nothing_is_executable_by_everybody(owner: psycopg.Connection) -> None:
    open_to_all = found(
        owner,
        """
        select p.oid::regprocedure
          from pg_proc as p
          cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
         where p.pronamespace::regnamespace::text in
               ('sms', 'geo', 'sms_audience', 'sms_parser')
           and a.grantee = 0 and a.privilege_type = 'EXECUTE'
        """,
    )

    assert open_to_all == []


def test_no_table_is_open_to_everybody(owner: psycopg.Connection) -> None:
    open_to_all = found(
        owner,
        """
        select c.oid::regclass
          from pg_class as c
          cross join lateral aclexplode(c.relacl) as a
         where c.relnamespace in ('sms'::regnamespace, 'geo'::regnamespace) and a.grantee = 0
         union
        select n.nspname::regclass
          from pg_namespace as n
          cross join lateral aclexplode(n.nspacl) as a
         where n.nspname in ('sms', 'geo') and a.grantee = 0
        """,
    )

    assert open_to_all == []


def test_the_folder_holds_exactly_the_functions_of_the_catalog(owner: psycopg.Connection) -> None:
    catalog = found(
        owner,
        """
        select p.oid::regproc::text
          from pg_proc as p
         where p.pronamespace::regnamespace::text in
               ('sms', 'geo', 'sms_audience', 'sms_parser')
        """,
    )
    files = [
        (name, path.stem)
        for path in (SQL / "functions").glob("*.sql")
        for name in CREATED.findall(path.read_text(encoding="utf-8"))
    ]
    structural = {
        name
        for path in VERSIONS.glob("*.sql")
        for name in CREATED.findall(path.read_text(encoding="utf-8"))
    }
    in_catalog = {re.sub(r"\(.*", "", name) for name in catalog}

    assert {name for name, _ in files} | structural == in_catalog
    assert {name for name, _ in files} & structural == set()
    assert [name for name, file in files if name.split(".")[1] != file] == []


def test_functions_without_overloads_have_one_signature(owner: psycopg.Connection) -> None:
    """A changed signature leaves its old form behind; few have several on purpose."""
    overloaded = found(
        owner,
        """
        select p.proname from pg_proc as p
         where p.pronamespace::regnamespace::text in
               ('sms', 'geo', 'sms_audience', 'sms_parser')
         group by p.proname having count(*) > 1
        """,
    )

    steered = ["launch", "pause", "release", "resume", "stop"]
    assert overloaded == sorted(["cancel", "dry_run", *(f"{verb}_campaign" for verb in steered)])


def test_every_function_file_ends_with_its_comment_and_revoke() -> None:
    for path in (SQL / "functions").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        for name in CREATED.findall(text):
            assert f"comment on function {name}" in text, path.name
            assert re.search(rf"revoke execute on function {name}\b.* from public", text), path.name
        assert text.startswith("-- "), path.name


def test_states_are_the_same_in_table_check_and_rank(owner: psycopg.Connection) -> None:
    in_table = found(owner, "select state from sms.state")
    ranks = owner.execute("select state, rank, sms.state_rank(state) from sms.state").fetchall()
    (check,) = owner.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'outcome_state'"
        " and conrelid = 'sms.outcome'::regclass"
    ).fetchone() or ("",)
    in_check = set(re.findall(r"'(\w+)'", check))

    assert in_check == set(in_table) - {"pending", "inflight"}
    assert [row for row in ranks if row[1] != row[2]] == []
    assert owner.execute("select sms.state_rank('nonsense')").fetchone() == (None,)


def test_final_states_end_and_the_others_go_on(owner: psycopg.Connection) -> None:
    """From a final state only a receipt leads on, to delivered."""
    ways_on = owner.execute(
        """
        select s.state, s.is_final, array_agg(t.to_state) filter (where t.to_state is not null)
          from sms.state as s
          left join sms.state_transition as t on t.from_state = s.state
         group by s.state, s.is_final
        """
    ).fetchall()

    for state, is_final, following in ways_on:
        if is_final:
            assert following in (None, ["delivered"]), state
        else:
            assert following, state


def test_moves_that_receipts_make_go_up_in_rank(owner: psycopg.Connection) -> None:
    downhill = owner.execute(
        """
        select t.from_state, t.to_state
          from sms.state_transition as t
         where t.cause like 'receipt%'
           and sms.state_rank(t.from_state) >= sms.state_rank(t.to_state)
        """
    ).fetchall()

    assert downhill == []


def test_reasons_of_the_contract_are_there(owner: psycopg.Connection) -> None:
    promised = {
        "invalid_number", "not_mobile", "foreign_number", "several_numbers", "empty_text",
        "text_too_long", "missing_variable", "bad_time_zone", "expired", "blacklist", "no_consent",
        "duplicate", "duplicate_ref", "cap", "quiet_hours", "holdout", "budget",
        "campaign_stopped", "cancelled",
    }  # fmt: skip

    assert promised <= set(found(owner, "select reason from sms.reason"))


def test_message_has_the_columns_of_the_contract(owner: psycopg.Connection) -> None:
    columns = [
        row[0]
        for row in owner.execute(
            "select attname from pg_attribute where attrelid = 'sms.message'::regclass"
            " and attnum > 0 order by attnum"
        )
    ]

    assert " ".join(columns) == (
        "id erp_ref client_id channel campaign_id msisdn state reason detail provider operator"
        " segments cost attempts not_before created_at submitted_at final_at"
    )


def test_codes_of_receipts_lead_to_states_that_receipts_can_bring(
    owner: psycopg.Connection,
) -> None:
    impossible = owner.execute(
        """
        select c.adapter, c.code, c.state
          from sms.receipt_code as c
         where c.state is not null
           and not exists (select from sms.state_transition as t
                            where t.to_state = c.state and t.cause like '%receipt%')
        """
    ).fetchall()

    assert impossible == []


def test_foreign_keys_into_tables_that_change_are_indexed(owner: psycopg.Connection) -> None:
    """Small tables of settings may be scanned; what grows may not."""
    bare = found(
        owner,
        """
        select k.conrelid::regclass || ' ' || k.conname
          from pg_constraint as k
         where k.contype = 'f'
           and k.connamespace in ('sms'::regnamespace, 'geo'::regnamespace)
           and k.conrelid::regclass::text in ('sms.blacklist', 'sms.number_range', 'sms.outbox',
               'sms.pending', 'sms.inflight', 'sms.outcome', 'sms.receipt', 'sms.contact_log',
               'sms.template_version', 'geo.client_location')
           and k.confrelid::regclass::text not in ('sms.category', 'sms.channel', 'sms.operator',
               'sms.time_zone')
           and not exists (select from pg_index as i
                            where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1])
        """,
    )

    assert bare == []


def test_the_hot_tables_are_vacuumed_by_count_and_not_by_share(owner: psycopg.Connection) -> None:
    for table in ("pending", "inflight"):
        (options,) = owner.execute(
            "select reloptions from pg_class where oid = ('sms.' || %s)::regclass", [table]
        ).fetchone() or ([],)
        assert "autovacuum_vacuum_scale_factor=0" in options
        assert "autovacuum_vacuum_cost_delay=0" in options
        assert any(
            5_000 <= int(option.split("=")[1]) <= 20_000
            for option in options
            if option.startswith("autovacuum_vacuum_threshold")
        )


def test_every_partition_of_outcome_leaves_room_for_the_receipts_update(
    owner: psycopg.Connection,
) -> None:
    options = [
        row[0]
        for row in owner.execute(
            "select c.reloptions from pg_inherits as i join pg_class as c on c.oid = i.inhrelid"
            " where i.inhparent = 'sms.outcome'::regclass"
        )
    ]

    assert options
    assert all("fillfactor=60" in (option or []) for option in options)


def test_migrating_again_changes_nothing(shared_dsn: str) -> None:
    from migrations import migrate
    from migrations.dump import DumpError, dump

    try:
        before = dump(shared_dsn)
    except DumpError as why:
        pytest.skip(str(why))
    migrate(shared_dsn)

    assert dump(shared_dsn) == before
