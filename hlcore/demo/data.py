"""The users, custom fields, tags, sources and edits of the demo's two locations, all invented."""

from __future__ import annotations

from typing import Any

RECRUITING = "demoRecruiting000001"
DENTAL = "demoDental0000000001"
USERS = {
    RECRUITING: ("Mara Lindqvist", "Sam Okafor", "Petra Novák", "Julian Reyes"),
    DENTAL: ("Dr. Amara Osei", "Cora Whitfield", "Ben Achterberg"),
}
FIELDS = {
    RECRUITING: (("Desired role", "TEXT"), ("Notice period", "TEXT"), ("Salary expectation", "NUMERICAL")),
    DENTAL: (("Insurance provider", "TEXT"), ("Last cleaning", "DATE"), ("Preferred branch", "TEXT")),
}
TAGS = {
    RECRUITING: ("candidate", "client", "interviewed", "placed", "remote", "senior"),
    DENTAL: ("patient", "recall due", "implant", "family plan", "no show", "whitening"),
}
SOURCES = {
    RECRUITING: ("careers page", "linkedin", "referral", "job fair"),
    DENTAL: ("website booking", "google", "walk-in", "insurance list"),
}
VALUES = {
    "Desired role": ("Nurse manager", "Site engineer", "Payroll lead", "Data analyst", "Warehouse supervisor"),
    "Notice period": ("none", "2 weeks", "1 month", "3 months"),
    "Salary expectation": (42000, 58500, 67000, 83000),
    "Insurance provider": ("Evergreen Mutual", "Northlight", "self-pay"),
    "Last cleaning": ("2026-02-11", "2026-05-28", "2025-12-03"),
    "Preferred branch": ("Riverside", "Old Mill", "Station Road"),
}
EDITS: tuple[dict[str, Any], ...] = (
    {"companyName": "Fernway Ltd", "city": "Leeds"},
    {"source": "trade fair", "city": "Boston"},
    {"tags": ["newsletter"], "source": "import"},
)
