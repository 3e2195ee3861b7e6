"""Who may enter, and what they may do there. Mara and Sam are listed, Otto is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.errors import NotAllowed
from hlcore.governance.roles import WORKER, Action, Role, User, cli_user, identify_user, require
from hlcore.settings import Settings

SETTINGS = Settings(allowed_emails=("mara@agency.example",), allowed_domains=("clinic.example",),
                    restorers=("sam@agency.example",))  # fmt: skip


def at_the_door(email: str | None, *, settings: Settings = SETTINGS, **facts: Any) -> User:
    given_: dict[str, Any] = {"loopback": False, "auth_configured": True, "email_verified": True, **facts}
    return identify_user(settings, signed_in_email=email, **given_)


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("mara@agency.example", Role.VIEWER),
        (" MARA@Agency.Example ", Role.VIEWER),
        ("cora@clinic.example", Role.VIEWER),
        ("sam@agency.example", Role.RESTORER),
        ("otto@agency.example", Role.NONE),
        ("otto@clinic.example.evil.example", Role.NONE),
        ("sam@agency.example@clinic.example", Role.NONE),
        ("", Role.NONE),
        (None, Role.NONE),
    ],
)
def test_the_lists_decide_the_role(email: str | None, role: Role) -> None:
    assert at_the_door(email).role is role


def test_a_restorer_needs_no_other_list() -> None:
    only = Settings(restorers=("sam@agency.example",))
    assert at_the_door("sam@agency.example", settings=only).role is Role.RESTORER


def test_with_empty_lists_nobody_enters() -> None:
    assert at_the_door("mara@agency.example", settings=Settings()).role is Role.NONE


@pytest.mark.parametrize("claim", [False, "false", "", 0, 1, "no", [], {}])
def test_an_address_that_is_not_verified_is_refused(claim: object) -> None:
    person = at_the_door("sam@agency.example", email_verified=claim)
    assert person.role is Role.NONE
    assert "verified" in person.why


@pytest.mark.parametrize("claim", [True, "true", "True", None])
def test_a_verified_address_or_a_provider_that_does_not_say_is_enough(claim: object) -> None:
    assert at_the_door("sam@agency.example", email_verified=claim).role is Role.RESTORER


def test_on_this_machine_without_sign_in_everything_is_allowed() -> None:
    person = at_the_door(None, loopback=True, auth_configured=False)
    assert (person.role, person.how, person.email) == (Role.RESTORER, "local", "local")


def test_on_another_address_without_sign_in_nothing_is_allowed_and_it_says_what_to_set() -> None:
    person = at_the_door(None, loopback=False, auth_configured=False)
    assert person.role is Role.NONE
    assert "HLCORE_ALLOWED_EMAILS" in person.why


def test_loopback_does_not_help_where_sign_in_is_configured() -> None:
    assert at_the_door(None, loopback=True).role is Role.NONE
    assert at_the_door("otto@evil.example", loopback=True).role is Role.NONE


@given(st.text(), st.booleans(), st.sampled_from([None, True, False]))
def test_without_sign_in_an_address_that_somebody_claims_changes_nothing(
    email: str, loopback: bool, claim: bool | None
) -> None:
    person = at_the_door(email, loopback=loopback, auth_configured=False, email_verified=claim)
    assert person == at_the_door(None, loopback=loopback, auth_configured=False)


@given(st.text())
def test_no_text_is_let_in_but_the_listed_addresses(text: str) -> None:
    person = at_the_door(text)
    assert person.role is Role.NONE or person.email.endswith(("@agency.example", "@clinic.example"))


@pytest.mark.parametrize("act", list(Action))
def test_a_viewer_only_looks(act: Action) -> None:
    assert at_the_door("mara@agency.example").may(act) is (act in {Action.SIGN_IN, Action.VIEW, Action.SEARCH})


@pytest.mark.parametrize("act", list(Action))
def test_a_restorer_and_the_command_line_may_do_everything(act: Action) -> None:
    require(at_the_door("sam@agency.example"), act)
    require(cli_user("sam"), act)


@pytest.mark.parametrize("act", list(Action))
def test_nobody_may_do_nothing(act: Action) -> None:
    with pytest.raises(NotAllowed) as caught:
        require(at_the_door("otto@evil.example"), act)
    assert "list of people" in caught.value.hint
    assert "otto" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("act", [Action.EXPORT, Action.SETTINGS, Action.DISCONNECT])
def test_the_worker_never_exports_or_changes_settings(act: Action) -> None:
    with pytest.raises(NotAllowed):
        require(WORKER, act)


def test_the_worker_syncs_and_restores() -> None:
    require(WORKER, Action.SYNC)
    require(WORKER, Action.RESTORE)
