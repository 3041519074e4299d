"""One database for all attempts to break out: real logins, what a stranger made, ears and eyes.

Every function of a stranger tells that it ran by a warning, which outlives a rollback and needs no
right. What else could have happened is looked up: catalogs and the session, before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

# {at} is a place of eve's, {f} a function of hers that tells when it runs.
SPY = """
    create function {at}.f(text) returns boolean language plpgsql as $f$
    begin
        raise warning 'a spy runs as %', current_user;
        return true;
    end $f$;
    create function {at}.g(text) returns text language sql as $f$ select {at}.f($1)::text $f$;
    create function {at}.lower(text) returns text language sql as $f$ select {at}.f($1)::text $f$;
    create function {at}.plus(text, text) returns text language sql
        as $f$ select {at}.f($1)::text $f$;
    create operator {at}.+ (leftarg = text, rightarg = text, function = {at}.plus);
    create aggregate {at}.total (text) (sfunc = {at}.plus, stype = text, initcond = '');
    create domain {at}.d as text check ({at}.f(value));
    create domain {at}."d ""q"" x" as text check ({at}.f(value));
    create domain {at}."phone" as text check ({at}.f(value));
    create domain {at}.dd as {at}.d;
    create domain {at}.da as {at}.d[];
    create type {at}.c as (x {at}.d);
    create type {at}.cc as (y {at}.c[]);
    create domain {at}.dc as {at}.c;
    create type {at}.mood as enum ('a', 'b');
    create function {at}.told({at}.mood) returns text language sql
        as $f$ select {at}.f('x')::text $f$;
    create cast ({at}.mood as text) with function {at}.told({at}.mood) as implicit;
    create table {at}.t (client_id bigint, phone {at}.d);
    create table {at}.fenced (client_id bigint, phone text);
    insert into {at}.fenced values (1, '89070000001');
    alter table {at}.fenced enable row level security;
    create policy p on {at}.fenced using ({at}.f(phone));
    create view {at}.v as select 1 as client_id, {at}.f('x')::text as phone;
    create materialized view {at}.m as select 1 as client_id, '1'::text as phone;
    grant select on all tables in schema {at} to public;
"""
LONG = "d" * 70
PUBLIC = f"""
    create function public.spied(text) returns text language plpgsql as $f$
        begin raise warning 'a spy runs as %', current_user; return '1'; end $f$;
    create function public.lower(varchar) returns text language sql
        as $f$ select public.spied($1::text) $f$;
    create function public.st_ymin(public.box2d) returns float8 language sql
        as $f$ select length(public.spied('x'))::float8 $f$;
    create domain public.strange as text check (public.spied(value) is not null);
    create domain public.{LONG} as text check (public.spied(value) is not null);
    create table public.client (client_id bigint, city text);
"""
# All that a text could have changed in the database, folded; audiences and the log are not in it.
WORLD = """
    select jsonb_build_object(
        'functions', (select md5(string_agg(concat_ws(' ', p.oid, p.proowner, p.prosecdef, p.proacl,
                                                      p.proconfig, md5(p.prosrc)), ',' order by p.oid))
                        from pg_proc as p),
        'roles', (select md5(string_agg(r::text, ',' order by r.rolname))
                    from pg_roles as r where r.rolname ~ '^sms_'),
        'members', (select md5(string_agg(concat_ws(' ', m.roleid, m.member), ',' order by m.roleid, m.member))
                      from pg_auth_members as m),
        'relations', (select md5(string_agg(concat_ws(' ', c.oid, c.relname, c.relowner, c.relacl,
                                                      c.relchecks), ',' order by c.oid))
                        from pg_class as c where c.relnamespace <> 'pg_toast'::regnamespace),
        'schemas', (select md5(string_agg(n::text, ',' order by n.oid)) from pg_namespace as n),
        'types', (select count(*) from pg_type), 'triggers',
        (select md5(string_agg(concat_ws(' ', t.oid, t.tgenabled), ',' order by t.oid)) from pg_trigger as t),
        'large objects', (select count(*) from pg_largeobject_metadata),
        'comments', (select count(*) from pg_description), 'defaults', (select count(*) from pg_default_acl),
        'list', (select md5(string_agg(f::text, ',' order by f.origin, f.signature)) from sms.audience_function as f),
        'clients', (select md5(string_agg(c::text, ',' order by c.client_id)) from erp.local_client as c))::text
"""  # noqa: E501
SESSION = """
    select concat_ws('|', current_user, session_user, current_setting('role'),
        (select string_agg(s.name || '=' || s.setting, ',' order by s.name) from pg_settings as s
          where s.name !~ '[.]' or s.source = 'session'),  -- a library brings settings when it is loaded
        (select string_agg(c, ',') from pg_listening_channels() as c),
        (select string_agg(p.name, ',' order by p.name) from pg_prepared_statements as p
          where p.name !~ '^_pg3_'),  -- psycopg's own
        (select string_agg(c.name, ',' order by c.name) from pg_cursors as c where c.name <> ''),
        (select count(*) from pg_locks as l where l.pid = pg_backend_pid() and l.locktype = 'advisory'),
        (select string_agg(c.relname, ',') from pg_class as c where c.relnamespace = pg_my_temp_schema()))
"""  # noqa: E501


def value(conn: Connection, query: str, *params: object) -> object:
    """The only value of the only row."""
    row = conn.execute(query.encode(), params or None).fetchone()
    assert row is not None
    return row[0]


def refused(conn: Connection, statement: str, *params: object) -> psycopg.Error | None:
    """The error of a statement; null where it went through. The connection stays usable."""
    try:
        conn.execute(statement.encode(), params or None)
    except psycopg.Error as error:
        return error
    return None


@dataclass
class Lab:
    """The stage: connections by role, and what was heard on any of them."""

    dsn: str
    own: Connection
    people: dict[str, Connection] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def hear(self, conn: Connection) -> Connection:
        conn.add_notice_handler(lambda notice: self.told.append(str(notice.message_primary)))
        return conn

    def login(self, who: str, *member_of: str) -> Connection:
        """One more login of `who`, made at first sight."""
        if who not in self.names:
            self.names[who] = f"{who}_{token_hex(4)}"
            self.own.execute(
                SQL("create role {} login password {}").format(
                    Identifier(self.names[who]), Literal("spy")
                )
            )
            for group in member_of:
                self.own.execute(
                    SQL("grant {} to {}").format(Identifier(group), Identifier(self.names[who]))
                )
        address = make_conninfo(self.dsn, user=self.names[who], password="spy")
        return self.hear(Connection.connect(address, autocommit=True))

    def keep_unchecked(self, text: str, audience: str = "old") -> None:
        """As if it had been saved before there was a wall: no trigger looks at it."""
        with self.own.transaction():
            self.own.execute("set local session_replication_role = replica")
            self.own.execute("delete from sms.audience where audience = %s", [audience])
            self.own.execute("delete from sms.goal where goal = 'old'")
            self.own.execute(
                "insert into sms.audience (audience, query, columns, planned_cost)"
                " values (%s, %s, '{client_id,phone}', 0)",
                [audience, text],
            )
            self.own.execute("insert into sms.goal (goal, query) values ('old', %s)", [text])

    def spied(self) -> list[str]:
        """What functions of strangers told, and forget it."""
        told = [one for one in self.told if "spy" in one]
        self.told.clear()
        return told

    @contextmanager
    def unharmed(self, *conns: Connection) -> Iterator[None]:
        """Nothing of a stranger's ran, and neither the database nor a session is different."""
        self.spied()
        before = [value(conn, SESSION) for conn in conns]
        world = value(self.own, WORLD)
        yield
        assert self.spied() == []
        for conn, state in zip(conns, before, strict=True):
            assert set(str(state).split(",")) ^ set(str(value(conn, SESSION)).split(",")) == set()
        assert value(self.own, WORLD) == world

    def attack(self, text: str) -> dict[str, psycopg.Error | None]:
        """Try a text in every way an analyst has; tell the errors by way."""
        eve, olga = self.people["eve"], self.people["olga"]
        found = {}
        with self.unharmed(eve, olga):
            found["audience"] = refused(eve, "select sms.save_audience('x', %s)", text)
            found["goal"] = refused(
                eve, "insert into sms.goal (goal, query) values ('g_' || md5(%s), %s)", text, text
            )
            found["dry run"] = refused(eve, "select * from sms.dry_run(%s)", text)
            self.keep_unchecked(text)
            found["run"] = refused(olga, "select * from sms.run_audience('old')")
            refused(eve, "select * from sms.preview_audience('old')")
            refused(self.people["vera"], "select sms.collect_conversions()")
        return found


def build(dsn: str) -> Lab:
    """A database with people, clients, and all that eve and an application of others made."""
    lab = Lab(dsn, Connection.connect(dsn, autocommit=True))
    lab.hear(lab.own)
    lab.own.execute(
        "insert into erp.local_client (client_id, phone, city, attributes)"
        " values (1, '89070000001', 'Москва', '{\"secret\": \"Анна\"}'),"
        " (2, '89070000002', 'Казань', '{}')"
    )
    for who, group in (
        ("eve", "sms_analyst"),
        ("olga", "sms_operator"),
        ("erp", "sms_erp"),
        ("vera", "sms_worker"),
    ):
        lab.people[who] = lab.login(who, group)
    app = lab.people["app"] = lab.login("app")
    eve, name = lab.people["eve"], lab.names["eve"]
    database = lab.own.info.dbname
    for statement in (
        f"create schema lair authorization {name}",
        "grant usage on schema lair to public",
        f"create schema crm; grant usage on schema crm to public; grant create on schema crm to {name}",  # noqa: E501
        f'grant create on database "{database}" to {name}',
        f"grant create on schema public to {lab.names['app']}",
    ):
        lab.own.execute(statement.encode())
    for place in ("lair", "crm"):
        eve.execute(SPY.format(at=place).encode())
        # Only a superuser can make a range here: the others may not call what comes with one.
        lab.own.execute(f"create type {place}.r as range (subtype = {place}.d)".encode())
        lab.own.execute(f"alter type {place}.r owner to {name}".encode())
    app.execute(PUBLIC.encode())
    lab.told.clear()
    return lab


def tear_down(lab: Lab) -> None:
    """Roles outlive the database."""
    for conn in lab.people.values():
        conn.close()
    for name in lab.names.values():
        lab.own.execute(SQL("drop owned by {} cascade").format(Identifier(name)))
        lab.own.execute(SQL("drop role {}").format(Identifier(name)))
    lab.own.close()
