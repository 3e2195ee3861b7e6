"""Names of exported files: what, of which account, and when by its clock, in characters that every system allows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from hlcore.model.moments import in_zone
from hlcore.store.locations import Location

MAX_BYTES = 90
"""Of one part of a name in UTF-8; file systems allow 255 for all of it."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\Z", re.IGNORECASE)


def file_name(
    subject: str, locations: Sequence[Location], at: datetime, *, suffix: str = "", extension: str = "csv"
) -> str:
    """Return 'contact-vault-all-contacts-Harbor-Pine-2026-11-23-1405.csv': with the account's name ('3-accounts' for
    several) and its own time (UTC where the accounts' time zones differ). `suffix`: the last part, such as 'exact'."""
    zones = {location.timezone for location in locations}
    local = in_zone(at, zones.pop() if len(zones) == 1 else "UTC")
    account = f"{len(locations)}-accounts" if len(locations) != 1 else account_part(locations[0])
    parts = ("contact-vault", safe_part(subject), account, f"{local:%Y-%m-%d-%H%M}", suffix)
    return "-".join(filter(None, parts)) + f".{extension}"


def account_part(location: Location) -> str:
    """Return the account's name as part of a file name; its id where no character of the name can stand in one."""
    return safe_part(location.name) or safe_part(location.location_id) or "account"


def safe_part(text: str) -> str:
    """Return letters and digits of any script with '-' between the words, short enough, and never one of the names that
    Windows keeps for devices; '' when nothing remains."""
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in normal)
    part = "-".join(kept.split())
    while len(part.encode()) > MAX_BYTES:
        part = part[:-1].rstrip("-")
    return f"{part}-account" if _RESERVED.match(part) else part
