"""The one process: pages, health route, background worker. `streamlit run app.py` starts it."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from hlcore.ui.errors import on_script_error
from hlcore.ui.server import CarefulHeaders, healthz, lifespan

app = st.App(
    "pages/_frame.py",
    routes=[Route("/healthz", healthz)],
    middleware=[Middleware(CarefulHeaders)],
    lifespan=lifespan,
    on_script_error=on_script_error,
)
