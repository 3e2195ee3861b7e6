"""Settings: read once, from the environment or `.streamlit/secrets.toml`, into one frozen value.

Order: environment variable `HLCORE_NAME`, file named by `HLCORE_NAME_FILE`, table `[hlcore]` of
`.streamlit/secrets.toml`, default. A wrong value ends the start with an error that names the setting.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from hlcore.errors import SettingsError

PREFIX = "HLCORE_"
DEFAULT_DATABASE_URL = "sqlite:///data/vault.db"
SECRETS_FILE = Path(".streamlit/secrets.toml")


class Settings(BaseModel):
    """All settings. The environment variable of each is its name in capitals with the prefix `HLCORE_`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        for old in ("postgres://", "postgresql://"):
            if value.startswith(old):
                return "postgresql+psycopg://" + value.removeprefix(old)
        return value

    @field_validator("api_url", "app_url", "redirect_uri", "install_url")
    @classmethod
    def _trim(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("expected an address that starts with https://")
        return value.rstrip("/")

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
            return cls(**values)
        except ValidationError as exc:
            first = exc.errors(include_input=False)[0]
            name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
            raise SettingsError(f"{name}: {first['msg']}", hint="See the table of settings in README.md.") from None


def _from_env(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        key = PREFIX + name.upper()
        if env.get(key):
            values[name] = env[key]
        elif env.get(key + "_FILE"):
            values[name] = _read_file(key + "_FILE", Path(env[key + "_FILE"]))
    return values


def _read_file(key: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise SettingsError(f"{key}: the file cannot be read ({exc.strerror})", hint="Check path and rights.") from exc


def _from_secrets(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("hlcore", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{path} cannot be read", hint="It must be valid TOML, readable by this user.") from exc
    return {str(name).lower(): value for name, value in table.items()}
