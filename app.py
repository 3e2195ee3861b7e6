"""The application: pages, routes and background worker in one process. Start it with `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from hlcore.accounts import oauth_routes
from hlcore.runtime import get_runtime
from hlcore.ui.components.errors import on_script_error
from hlcore.ui.request_guard import RequestGuard
from hlcore.ui.server import SecurityHeaders, UnknownAddresses, healthz, lifespan
from hlcore.webhooks import receiver

app = st.App(
    "pages/_frame.py",
    routes=[
        Route("/healthz", healthz),
        *receiver.routes(lambda: get_runtime().real_context),
        *oauth_routes.routes(lambda: get_runtime().real_context, lambda: get_runtime().switch_to_real()),
    ],
    middleware=[Middleware(SecurityHeaders), Middleware(RequestGuard), Middleware(UnknownAddresses)],
    lifespan=lifespan,
    on_script_error=on_script_error,
)
