"""sql/schema.sql is what the migrations make."""

import psycopg
import pytest

from migrations.dump import FILE, HEADER, DumpError, dump, normalise


@pytest.fixture
def page(shared_dsn: str) -> str:
    """The dump of a freshly migrated database."""
    try:
        return dump(shared_dsn)
    except DumpError as why:
        pytest.skip(str(why))


def test_the_page_shows_the_present_schema(page: str) -> None:
    assert FILE.read_text(encoding="utf-8") == page, (
        "the schema changed; write the page anew with: python -m migrations.dump"
    )


def test_it_leaves_out_months_and_owners(page: str) -> None:
    assert page.startswith(HEADER)
    assert "CREATE TABLE sms.outbox (" in page
    assert "CREATE FUNCTION sms.claim_batch(" in page
    assert "GRANT SELECT ON TABLE sms.message TO sms_erp;" in page
    assert "_y20" not in page
    assert "OWNER" not in page
    assert "DEFINER" in page


def test_a_change_of_the_schema_changes_the_page(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("alter table sms.outbox add column colour text")
    try:
        text = dump(dsn)
    except DumpError as why:
        pytest.skip(str(why))

    assert "    colour text,\n" in text


def test_what_differs_between_two_dumps_is_left_out() -> None:
    text = (
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n"
        "-- Dumped from database version 15.1\n-- Dumped by pg_dump version 15.2\n\n"
        "SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n"
        "--\n-- Name: a; Type: TABLE; Schema: sms; Owner: -\n--\n\n\nCREATE TABLE sms.a ();\n\n\n"
        "--\n-- Name: TABLE a; Type: COMMENT; Schema: sms; Owner: -\n--\n\n"
        "COMMENT ON TABLE sms.a IS 'x';\n\n\\unrestrict abc\n"
    )

    assert normalise(text) == (
        "-- TABLE a\n\nCREATE TABLE sms.a ();\n\nCOMMENT ON TABLE sms.a IS 'x';\n"
    )
