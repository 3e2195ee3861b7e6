"""The Webhooks page, and the marks of the OAuth app on Settings."""

from __future__ import annotations

from datetime import timedelta

from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.store import oauth_grants, webhook_inbox
from hlcore.store.webhook_inbox import Delivery
from tests.pages.conftest import DENTAL, text_of


def page(app: AppTest, name: str = "webhooks.py") -> AppTest:
    return app.run().switch_page(name).run()


def came(context: AppContext, name: str, ago: timedelta) -> None:
    at = context.clock.now() - ago
    with context.vault.inbox.write() as tx:
        webhook_inbox.add(tx, [Delivery(name, DENTAL, "ContactDelete", at - timedelta(seconds=2), at, b"{}")])
        webhook_inbox.mark_processed(tx, [name], at=at + timedelta(seconds=1))


def test_before_the_first_one_the_page_says_how_to_set_them_up(app: AppTest) -> None:
    text = text_of(page(app))
    assert "No webhook has come yet" in text
    assert "/webhooks/highlevel" in text
    assert "ContactDelete" in text


def test_what_came_and_what_was_refused_is_shown(app: AppTest, context: AppContext) -> None:
    came(context, "w1", timedelta(minutes=5))
    with context.vault.inbox.write() as tx:
        webhook_inbox.add_refusals(tx, context.clock.now().date().isoformat(), {webhook_inbox.UNSIGNED: 3})
    app_page = page(app)
    assert "the last webhook came 5 minutes ago" in text_of(app_page)
    assert {metric.label: metric.value for metric in app_page.metric}["On the way"] == "2.0 s"
    assert "Unsigned or tampered with**: 3 deliveries" in text_of(app_page)


def test_silence_is_said_on_the_page_and_is_a_reason_for_attention(app: AppTest, context: AppContext) -> None:
    came(context, "w1", timedelta(hours=30))
    assert "Silent" in text_of(page(app))
    assert "No webhook for 30 hours" in text_of(page(app, "overview.py"))


def test_an_authorisation_that_a_person_must_give_again_is_said_on_settings(app: AppTest, context: AppContext) -> None:
    at = context.clock.now()
    with context.vault.write() as tx:
        oauth_grants.save(tx, oauth_grants.LOCATION, DENTAL, company_id="c", tokens=b"", expires_at=at, at=at)
        oauth_grants.record_trouble(tx, oauth_grants.LOCATION, DENTAL, trouble="It was withdrawn.", at=at, generation=1)
    app_page = page(app, "settings.py")
    assert "must be connected again" in app_page.error[0].value
    assert "It was withdrawn." in app_page.error[0].value


def test_coming_back_from_highlevel_says_what_came_of_it_once(app: AppTest) -> None:
    app.run().switch_page("settings.py")
    app.query_params["install"], app.query_params["connected"], app.query_params["failed"] = "back", "2", "1"
    app_page = app.run()
    assert "2 accounts are connected" in app_page.success[0].value
    assert "1 account could not be connected" in app_page.warning[0].value
    assert not app_page.run().success
