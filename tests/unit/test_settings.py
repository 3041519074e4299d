"""Settings: variables, the file, and the sentence when one is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from outbox.errors import SettingsMistake
from outbox.settings import Settings, load, misspelt, parse_duration


def test_defaults_are_usable() -> None:
    settings = load()
    assert settings.dsn is None
    assert settings.listens
    assert settings.prepares
    assert settings.lease == timedelta(seconds=60)
    assert settings.dlr_url == "http://127.0.0.1:8801"
    assert settings.worker_name


def test_every_setting_says_what_it_is() -> None:
    plain = {"log_level", "worker_name"}
    for name, field in Settings.model_fields.items():
        assert field.description or name in plain, name


def test_variables_win_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "outbox.toml"
    file.write_text('claim_limit = 100\npoll_s = 2\nreceipt_wait = "1m"\n')
    monkeypatch.setenv("OUTBOX_CONFIG", str(file))
    monkeypatch.setenv("OUTBOX_CLAIM_LIMIT", "200")
    settings = load()
    assert (settings.claim_limit, settings.poll_s) == (200, 2)
    assert settings.receipt_wait == timedelta(minutes=1)


def test_the_token_is_not_shown() -> None:
    assert "sesame" not in repr(load(dlr_token="sesame"))


@pytest.mark.parametrize(
    ("listen_dsn", "prepare", "listens", "prepares"),
    [
        (None, None, True, True),
        ("none", None, False, False),
        ("postgresql://direct/outbox", None, True, False),
        ("none", True, False, True),
        (None, False, True, False),
    ],
)
def test_a_listen_dsn_of_its_own_means_that_the_other_is_a_pgbouncer(
    listen_dsn: str | None, prepare: bool | None, listens: bool, prepares: bool
) -> None:
    settings = load(listen_dsn=listen_dsn, prepare=prepare)
    assert (settings.listens, settings.prepares) == (listens, prepares)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("2m", 120), ("1.5h", 5400), ("7d", 604800), ("3", 3), (4, 4)],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10 parsecs", "-5s", "s", "1e3s", "36501d", "9" * 400])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36526d", "99999999999999d", "9" * 400])
def test_a_duration_is_no_longer_than_the_calendar_bears(text: str) -> None:
    with pytest.raises(ValueError, match="the longest is 36500d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "OUTBOX_RECEIPT_WAIT",
            "99999999999999d",
            "OUTBOX_RECEIPT_WAIT is wrong: '99999999999999d'",
        ),
        ("OUTBOX_DLR_BASE_URL", "sms.example.com", "OUTBOX_DLR_BASE_URL is wrong: write a URL"),
        ("OUTBOX_DLR_BASE_URL", "https://a.example/?x=1", "OUTBOX_DLR_BASE_URL is wrong"),
        ("OUTBOX_LEASE_S", "soon", "OUTBOX_LEASE_S is wrong: Input should be a valid number"),
        (
            "OUTBOX_CLAIM_LIMIT",
            "5000",
            "OUTBOX_CLAIM_LIMIT is wrong: .* or equal to 1000",
        ),
        ("OUTBOX_LOG_LEVEL", "loud", "OUTBOX_LOG_LEVEL is wrong"),
        (
            "OUTBOX_RECEIPT_WAIT",
            "a while",
            "OUTBOX_RECEIPT_WAIT is wrong: 'a while' is no",
        ),
        (
            "OUTBOX_CONFIG",
            "/no/such/file",
            "OUTBOX_CONFIG: cannot read /no/such/file: No",
        ),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsMistake, match=said) as caught:
        load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claim_limit = 'many'", "claim_limit in .*outbox.toml is wrong"),
        (
            "claim_limits = 5",
            "claim_limits in .*toml is no setting; known are: .*claim_limit",
        ),
        ("claim_limit = = 5", "outbox.toml is not TOML"),
    ],
)
def test_a_wrong_line_of_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "outbox.toml"
    file.write_text(text)
    monkeypatch.setenv("OUTBOX_CONFIG", str(file))
    with pytest.raises(SettingsMistake, match=said):
        load()


def test_a_misspelt_variable_is_noticed_and_a_secret_of_any_name_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = misspelt()
    monkeypatch.setenv("OUTBOX_CLAIM_LIMT", "100")
    monkeypatch.setenv("OUTBOX_SMSC_PASSWORD", "x")
    monkeypatch.setenv("OUTBOX_CLAIM_LIMIT", "100")
    assert [found for found in misspelt() if found not in before] == [
        ("OUTBOX_CLAIM_LIMT", "OUTBOX_CLAIM_LIMIT")
    ]
