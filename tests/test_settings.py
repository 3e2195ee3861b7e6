"""Settings: what cannot work ends the start with the setting's name, and never with its value."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.errors import SettingsError
from hlcore.highlevel.transport import _base_url
from hlcore.highlevel.webhook_signature import CURRENT_KEY, LEGACY_KEY
from hlcore.settings import DEFAULT_DATABASE_URL, Settings

NOWHERE = Path("/nowhere/secrets.toml")
SECRET = "hush-5c1f"


def load(**env: str) -> Settings:
    return Settings.load({f"HLCORE_{name}": value for name, value in env.items()}, NOWHERE)


def attempt(env: dict[str, str]) -> tuple[Settings | None, SettingsError | None]:
    try:
        return Settings.load(env, NOWHERE), None
    except SettingsError as error:
        return None, error


def refused(name: str, value: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    assert f"HLCORE_{name}" in str(caught.value)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (f"https://hl.test:{SECRET}", "port"),
        ("https://hl.test:", "port"),
        ("https://hl.test:0", "port"),
        ("https://hl.test:65536", "port"),
        ("https://hl.test:-1", "port"),
        ("https://hl.test:８０", "ASCII"),
        ("https://[::1", "host"),
        ("https://[::1]:99999", "port"),
        ("https://[hush-5c1f]", "host"),
        ("https://[fe80::1%25eth0]", "host"),
        ("https://::1", "port"),
        ("https://1.2.3", "host"),
        ("https://1.2.3.400", "host"),
        (f"https://{SECRET}@hl.test", "user name"),
        (f"https://sam:{SECRET}@hl.test", "user name"),
        (f"https://hl.test/{SECRET} x", "blanks"),
        (f"https://hl.test/\t{SECRET}", "blanks"),
        (f"https://hl.test\\{SECRET}", "blanks"),
        ("https://bücher.example", "xn--"),
        ("https://", "host"),
        ("https:///hush-5c1f", "host"),
        ("https:hl.test", "https://"),
        (f"ftp://{SECRET}", "https://"),
        (f"file:///{SECRET}", "https://"),
        (f"javascript:{SECRET}", "https://"),
        (SECRET, "https://"),
        (f"https://hl.test?{SECRET}", "?"),
        (f"https://hl.test#{SECRET}", "#"),
        ("https://-hl.test", "host"),
        ("https://hl..test", "host"),
        (f"https://{'a' * 64}.test", "host"),
    ],
)
@pytest.mark.parametrize("name", ["API_URL", "APP_URL", "REDIRECT_URI"])
def test_an_address_that_cannot_work_is_refused_and_not_shown(name: str, value: str, word: str) -> None:
    error = refused(name, value)
    assert word in str(error)
    assert SECRET not in str(error) + error.hint


@pytest.mark.parametrize(
    "value",
    [
        "https://hl.test",
        "https://hl.test/",
        " https://hl.test:8443/api/ ",
        "HTTPS://hl.test",
        "https://[2001:db8::1]:8443",
        "https://192.0.2.1",
        "https://xn--bcher-kva.example",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://[::ffff:127.0.0.1]",
        "http://localhost:8000",
    ],
)
def test_an_address_that_can_work_is_taken_without_its_last_slash(value: str) -> None:
    settings = load(API_URL=value)
    assert settings.api_url == value.strip().rstrip("/")
    _base_url(settings.api_url)


@pytest.mark.parametrize(
    "host",
    ["hl.test", "192.168.0.9", "[2001:db8::1]", "127.0.0.1.hl.test", "localhost.hl.test", "0.0.0.0", "127.1", "[::]",
     "x.localhost", "2130706433", "0x7f.1"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["API_URL", "APP_URL", "INSTALL_URL"])
def test_plain_http_is_for_this_machine_only(name: str, host: str) -> None:
    refused(name, f"http://{host}:8000")


@given(st.text(st.sampled_from("htps:/[]@#?.\\ \n%:-0129afx_é１"), max_size=30).map("http".__add__))
def test_every_address_is_either_usable_or_refused_by_name(text: str) -> None:
    if not text.isprintable():
        return
    settings, error = attempt({"HLCORE_API_URL": text})
    if settings is None:
        assert str(error).startswith("HLCORE_API_URL: ")
        return
    url = _base_url(settings.api_url)
    assert url.host
    assert not url.userinfo
    assert url.scheme == "https" or url.host in ("localhost", "localhost.") or url.host.startswith(("127.", "::"))


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"mysql://sam:{SECRET}@host/db",
        f"postgresql://sam:{SECRET}@host:port/db",
        f"postgresql://sam:{SECRET}@host:70000/db",
        f"postgresql://sam:{SECRET}@[::1/db",
        f"sqlite://{SECRET}/vault.db",
        f"sqlite+aiosqlite:///{SECRET}.db",
        f"sqlite:///file:{SECRET}?mode=memory",
        "://",
        "sqlite",
    ],
)
def test_a_database_address_that_cannot_work_is_refused_and_not_shown(value: str) -> None:
    error = refused("DATABASE_URL", value)
    assert SECRET not in str(error) + error.hint


@pytest.mark.parametrize("old", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_address_of_postgresql_may_be_written_in_three_ways(old: str) -> None:
    assert load(DATABASE_URL=f" {old}://sam:p%40ss@[::1]:5432/vault ").database_url == (
        "postgresql+psycopg://sam:p%40ss@[::1]:5432/vault"
    )


@pytest.mark.parametrize("value", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}é", f"{SECRET}\udcff", f"{SECRET}\x7f"])
@pytest.mark.parametrize("name", ["TOKEN", "LOCATION_ID", "CLIENT_ID", "APP_ID"])
def test_what_no_header_can_carry_is_refused_before_it_is_sent(name: str, value: str) -> None:
    error = refused(name, value)
    assert SECRET not in str(error) + error.hint


def test_a_line_end_behind_a_token_is_no_part_of_it() -> None:
    assert load(TOKEN=f" {SECRET}\r\n").token.get_secret_value() == SECRET


@pytest.mark.parametrize(("name", "own", "other"), [
    ("WEBHOOK_KEY", CURRENT_KEY, LEGACY_KEY), ("WEBHOOK_LEGACY_KEY", LEGACY_KEY, CURRENT_KEY),
])  # fmt: skip
def test_a_webhook_key_is_judged_at_the_start(name: str, own: str, other: str) -> None:
    assert load(**{name: own})
    assert load(**{name: own.replace("\n", "\\n")})
    for wrong in (SECRET, other, own[:60], f"-----BEGIN PUBLIC KEY-----\n{SECRET}\n-----END PUBLIC KEY-----", "\udcff"):
        error = refused(name, wrong)
        assert SECRET not in str(error) + error.hint


def test_a_setting_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for written in (b"pit-1", b"pit-1\n", b"\xef\xbb\xbfpit-1\r\n", b"  pit-1  \n\n"):
        file.write_bytes(written)
        assert load(TOKEN_FILE=str(file)).token.get_secret_value() == "pit-1"
    assert load(TOKEN="pit-2", TOKEN_FILE="/nowhere").token.get_secret_value() == "pit-2"


def test_a_key_file_keeps_the_mark_that_always_was_part_of_the_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbfabc\n")
    assert load(SECRET_KEY_FILE=str(file)).secret_key.get_secret_value() == "\ufeffabc"


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "empty"), (b" \n\t\n", "empty"), (b"\xef\xbb\xbf", "empty"), (b"hush-5c1f\xff", "UTF-8"),
     ("hush-5c1f".encode("utf-16"), "UTF-8"), (b"hush-5c1f" * 10_000, "larger"), (None, "No such file")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["TOKEN", "SECRET_KEY", "DATABASE_URL", "WEBHOOK_KEY", "SYNC_MINUTES"])
def test_a_file_that_cannot_be_used_is_named_and_not_shown(
    tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    file = tmp_path / SECRET
    if content is not None:
        file.write_bytes(content)
    error = refused(f"{name}_FILE", str(file))
    assert word in str(error)
    assert SECRET not in str(error) + error.hint
    assert error.__cause__ is None


def test_a_folder_or_a_senseless_path_is_no_file(tmp_path: Path) -> None:
    assert "directory" in str(refused("TOKEN_FILE", str(tmp_path)))
    assert "not a path" in str(refused("TOKEN_FILE", "a\0b"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_others_keep_secret_is_said(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x")
    file.chmod(0)
    assert "Permission" in str(refused("TOKEN_FILE", str(file)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("SYNC_MINUTES", "0"), ("SYNC_MINUTES", "soon"), ("WORKER", "maybe"), ("INTERACTIVE_SHARE", "nan"),
     ("UNUSED_SHARE", "inf"), ("INCIDENT_SHARE", "-0.1"), ("DATA_DIR", " "), ("DEMO", "ON")],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize(
    "content",
    [b"hlcore = 3", b"hlcore = [1]", b"[hlcore", b"\xff\xfe", b"\xef\xbb\xbf[hlcore]",
     b"[hlcore]\nunknown = 'hush-5c1f'", b"[hlcore]\ntoken = 5", b"[hlcore]\nrestorers = 5",
     b"[hlcore]\napi_url = ['hush-5c1f']", b"a = " + b"[" * 5_000],
)  # fmt: skip
def test_a_secrets_file_that_cannot_be_used_is_a_wrong_setting(tmp_path: Path, content: bytes) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, secrets)
    assert SECRET not in str(caught.value) + caught.value.hint


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40) | st.sampled_from(
    ["0", "1", "on", "off", "auto", "0.5", "https://x.test", "sqlite:///x.db", "\ufeff1", "1\n", "\udc80", "nan"]
)
names = st.sampled_from(sorted(Settings.model_fields))


@given(st.dictionaries(names, texts, max_size=4))
def test_the_settings_are_right_or_the_wrong_one_is_named(given_: dict[str, str]) -> None:
    env = {f"HLCORE_{name.upper()}": value for name, value in given_.items()}
    settings, error = attempt(env)
    if settings is None:
        assert any(name in str(error) for name in env)
        for value in (value for value in env.values() if len(value) > 8 and set(value) - set(string.ascii_letters)):
            assert value not in str(error)
        return
    assert Settings.model_validate(settings.model_dump()) == settings
    assert (settings.database_url == DEFAULT_DATABASE_URL) is ("database_url" not in given_)


@given(st.binary(max_size=60), names)
def test_whatever_bytes_a_file_holds_the_settings_are_right_or_it_is_named(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "one_setting"
    file.write_bytes(content)
    key = f"HLCORE_{name.upper()}"
    settings, error = attempt({f"{key}_FILE": str(file)})
    assert settings is not None or key in str(error)
