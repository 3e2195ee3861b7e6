"""The one process: pages, the routes beside them, background worker. `streamlit run app.py` starts it."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from hlcore.accounts import oauth_routes
from hlcore.runtime import house
from hlcore.ui.components.errors import on_script_error
from hlcore.ui.server import CarefulHeaders, healthz, lifespan
from hlcore.webhooks import receiver

app = st.App(
    "pages/_frame.py",
    routes=[
        Route("/healthz", healthz),
        *receiver.routes(lambda: house().real),
        *oauth_routes.routes(lambda: house().real, lambda: house().leave_demo()),
    ],
    middleware=[Middleware(CarefulHeaders)],
    lifespan=lifespan,
    on_script_error=on_script_error,
)
