"""Settings: read once, from the environment or `.streamlit/secrets.toml`, into one frozen value.

Order: environment variable `HLCORE_NAME`, file named by `HLCORE_NAME_FILE`, table `[hlcore]` of
`.streamlit/secrets.toml`, default. A wrong value ends the start with an error that names the setting and never shows
its value; whatever can be judged without a request or a database is judged here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from hlcore.errors import SettingsError
from hlcore.network_addresses import check_web_address

PREFIX = "HLCORE_"
WEBHOOK_KEYS: dict[str, type] = {"webhook_key": Ed25519PublicKey, "webhook_legacy_key": RSAPublicKey}
MAX_FILE_BYTES = 65_536
"""A file that holds one setting is smaller; a larger one was named by mistake."""
DEFAULT_DATABASE_URL = "sqlite:///data/vault.db"
SECRETS_FILE = Path(".streamlit/secrets.toml")


class Settings(BaseModel):
    """All settings. The environment variable of each is its name in capitals with the prefix `HLCORE_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    database_url: str = Field(DEFAULT_DATABASE_URL, repr=False, description="Where the vault is kept")
    data_dir: Path = Field(Path("data"), description="Folder for the secret key, the demo and the default database")
    api_url: str = Field("https://services.leadconnectorhq.com", description="HighLevel's API")
    app_url: str = Field("https://app.gohighlevel.com", description="HighLevel's web app, for links")
    location_id: str = Field("", description="Connects this one account without any further step, with TOKEN")
    token: SecretStr = Field(SecretStr(""), description="Private Integration Token of LOCATION_ID")
    secret_key: SecretStr = Field(SecretStr(""), description="Encrypts stored tokens; made in DATA_DIR if absent")
    worker: Literal["on", "off"] = Field("on", description="Background worker inside the dashboard's process")
    sync_minutes: int = Field(15, ge=1, le=1440, description="Minutes between two sync rounds of a location")
    watch_minutes: int = Field(1, ge=0, le=1440, description="Minutes between two cheap checks for deletions; 0: none")
    local_mode: Literal["on", "off"] = Field("on", description="Without sign-in, let users of this machine in")
    demo: Literal["auto", "off"] = Field("auto", description="Show the demo account while none is connected")
    requests_per_10s: int = Field(90, ge=1, description="Requests in 10 seconds; HighLevel allows 100")
    requests_per_day: int = Field(200_000, ge=100, description="Requests of a location in a day")
    interactive_share: float = Field(0.1, ge=0, le=0.9, description="Share of both limits kept free for restores")
    unused_share: float = Field(0.2, ge=0, le=0.9, description="Share of a day's requests that capturing leaves alone")
    incident_floor: int = Field(50, ge=0, description="Up to this many contacts disappearing at once are no incident")
    incident_share: float = Field(0.02, ge=0, le=1, description="A larger share of the contacts at once is an incident")
    index_lag_minutes: int = Field(5, ge=0, le=120, description="Minutes by which HighLevel's search may lag")
    webhook_key: str = Field("", description="Public key (PEM) of X-GHL-Signature; HighLevel's own if empty")
    webhook_legacy_key: str = Field("", description="Public key (PEM) of X-WH-Signature; HighLevel's own if empty")
    webhook_silence_hours: int = Field(24, ge=1, le=720, description="Hours without a webhook that call for attention")
    client_id: str = Field("", description="Client id of your HighLevel Marketplace app (OAuth)")
    client_secret: SecretStr = Field(SecretStr(""), description="Client secret of the app")
    redirect_uri: str = Field("", description="The app's redirect URL: this dashboard's address + /oauth/callback")
    app_id: str = Field("", description="The app's id; the part of CLIENT_ID before the first dash if empty")
    install_url: str = Field("", description="The app's own installation link from its Auth page; built if empty")
    allowed_emails: tuple[str, ...] = Field((), description="May sign in and look (comma separated)")
    allowed_domains: tuple[str, ...] = Field((), description="Everybody of these e-mail domains may sign in and look")
    restorers: tuple[str, ...] = Field((), description="May also restore, export and change settings")

    @field_validator("allowed_emails", "allowed_domains", "restorers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if isinstance(parts, (list, tuple)):
            return tuple(str(part).strip().lower() for part in parts if str(part).strip())
        return parts

    @field_validator("database_url")
    @classmethod
    def _normalise_url(cls, value: str) -> str:
        url = value.strip()
        for old in ("postgres://", "postgresql://"):
            if url.startswith(old):
                url = "postgresql+psycopg://" + url.removeprefix(old)
        _check_database_url(url)
        return url

    @field_validator("data_dir", mode="before")
    @classmethod
    def _check_folder(cls, value: object) -> object:
        if isinstance(value, str) and (not value.strip() or "\0" in value):
            raise ValueError("expected the path of a folder")
        return value

    @field_validator("api_url", "app_url", "redirect_uri", "install_url")
    @classmethod
    def _check_address(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip() and info.field_name in ("redirect_uri", "install_url"):
            return ""
        address = check_web_address(value, secure=info.field_name != "redirect_uri")
        if "?" in address and info.field_name != "install_url":
            raise ValueError("an address must not have a part behind ?")
        return address

    @field_validator("location_id", "client_id", "app_id")
    @classmethod
    def _check_name(cls, value: str) -> str:
        return check_header_text(value)

    @field_validator("token")
    @classmethod
    def _check_token(cls, value: SecretStr) -> SecretStr:
        return SecretStr(check_header_text(value.get_secret_value()))

    @property
    def has_app(self) -> bool:
        """Whether locations can be connected through an OAuth app."""
        return bool(self.client_id and self.client_secret.get_secret_value() and self.redirect_uri)

    @property
    def own_app_id(self) -> str:
        """The id by which HighLevel names the app: APP_ID, or the client id up to its first dash."""
        return self.app_id or self.client_id.partition("-")[0]

    @property
    def index_lag(self) -> timedelta:
        """How long a contact that was just created or changed may be missing from HighLevel's search."""
        return timedelta(minutes=self.index_lag_minutes)

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, secrets: Path = SECRETS_FILE) -> Settings:
        """Load the settings of this process. Raises SettingsError naming the setting and the fault, never the value."""
        values = _from_secrets(secrets) | _from_env(os.environ if env is None else env)
        try:
            settings = cls(**values)
        except ValidationError as exc:
            first = exc.errors(include_input=False, include_context=False, include_url=False)[0]
            name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
            reason = first["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{name}: {reason}.", hint="See the table of settings in README.md.") from None
        for name, kind in WEBHOOK_KEYS.items():
            if text := getattr(settings, name).strip():
                read_public_key(PREFIX + name.upper(), text, kind)
        return settings


def check_header_text(text: str) -> str:
    """Return an id or token without blanks around it. Raises ValueError, without the text, when it cannot be sent as
    part of a header or an address."""
    tidy = text.strip()
    if not tidy.isascii() or not tidy.isprintable() or " " in tidy:
        raise ValueError("holds blanks, line breaks or characters that no id or token has")
    return tidy


def read_public_key(setting: str, text: str, kind: type) -> Any:
    """Return the public key in this text: PEM, also on one line with `\\n`, or only what stands between PEM's first and
    last line. Raises SettingsError, naming the setting, unless it is a key of this kind."""
    pem = text.replace("\\n", "\n").strip()
    if "BEGIN" not in pem:
        pem = f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----"
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        hint = "It is a text that begins with -----BEGIN PUBLIC KEY-----"
        raise SettingsError(f"{setting} is no public key.", hint=hint) from None
    if not isinstance(key, kind):
        name = kind.__name__.removesuffix("PublicKey")
        raise SettingsError(f"{setting} is no {name} key.", hint="Leave it empty for HighLevel's own.")
    return key


def _check_database_url(text: str) -> None:
    """Raise ValueError, without the address, unless it is one of SQLite or PostgreSQL."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("expected sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError("Contact Vault runs on SQLite and PostgreSQL only")
    if url.get_backend_name() == "sqlite":
        if url.get_driver_name() != "pysqlite" or url.host or url.port is not None or url.username:
            raise ValueError("expected sqlite:/// with three slashes, or four before a path from the root")
        if "\0" in (url.database or "") or (url.database or "").startswith("file:"):
            raise ValueError("expected the path of a file behind sqlite:///")
    elif url.port is not None and not 1 <= url.port <= 65_535:
        raise ValueError("the port is not a number between 1 and 65535")


def _from_env(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        key = PREFIX + name.upper()
        if env.get(key):
            values[name] = env[key]
        elif env.get(key + "_FILE"):
            values[name] = _read_file(key + "_FILE", env[key + "_FILE"], keep_mark=name == "secret_key")
    return values


def _read_file(key: str, path: str, *, keep_mark: bool) -> str:
    """Return the text of the file without blanks and line ends around it, and without a byte order mark.

    `keep_mark`: it has always been part of this value, and tokens are encrypted with it."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        text = data.decode("utf-8" if keep_mark else "utf-8-sig").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{key}: the file is not UTF-8 text.", hint="Save it as UTF-8.") from None
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a path"
        raise SettingsError(f"{key}: the file cannot be read ({reason}).", hint="Check path and rights.") from None
    if len(data) > MAX_FILE_BYTES:
        raise SettingsError(f"{key}: the file is larger than 64 KB.", hint="It must hold this one value.")
    if not text.strip("\ufeff"):
        raise SettingsError(f"{key}: the file is empty.", hint="It must hold the value, or unset the variable.")
    return text


def _from_secrets(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        raise SettingsError(f"{path} cannot be read", hint="It must be valid TOML, readable by this user.") from None
    table = content.get("hlcore", {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: hlcore must be a table", hint="Write its settings below a line [hlcore].")
    return {str(name).lower(): value for name, value in table.items()}
