"""Charts: few, calm, with the theme's colours in light and dark, and a text for those who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from hlcore.ui.components.formatting import many

HEIGHT = 280


MEANINGS = {"Restored": 0, "Deleted": 1, "Merged": 2}
"""Which of the theme's colours says what, on every chart."""


def color_of(name: str) -> str:
    """The theme's colour of this series, for the light or dark page on show."""
    mode = "dark" if st.context.theme.type == "dark" else "light"
    found = st.get_option(f"theme.{mode}.chartCategoricalColors") or ["#0B6E69", "#D08A1D", "#3B6FC9"]
    return str(found[MEANINGS.get(name, 0) % len(found)])


def daily_bars(days: Sequence[date], series: Mapping[str, Sequence[int]], *, height: int = HEIGHT) -> go.Figure:
    """Bars side by side, a group for each day; `series` by name, each as long as `days`."""
    figure = go.Figure(
        [
            go.Bar(
                name=name,
                x=list(days),
                y=list(values),
                marker_color=color_of(name),
                hovertemplate="%{y} " + name.lower() + "<extra></extra>",
            )
            for name, values in series.items()
        ]
    )
    figure.update_layout(
        barmode="group",
        bargap=0.2,
        bargroupgap=0.05,
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="x unified",
        showlegend=len(series) > 1,
        legend={"orientation": "h", "y": 1.12, "x": 0, "title": None},
    )
    most = max((max(values) for values in series.values() if values), default=0)
    figure.update_yaxes(title=None, rangemode="tozero", nticks=5, automargin=True)
    if most < 5:
        figure.update_yaxes(range=[0, 5], tickformat="d", dtick=1)
    figure.update_xaxes(title=None, tickformat="%-d %b", hoverformat="%a %-d %b %Y", fixedrange=True, nticks=8)
    return figure


def words_for_daily(title: str, days: Sequence[date], totals: Sequence[int], noun: str = "contact") -> str:
    """The chart in a sentence: how many in all, on which day the most."""
    if not days or not any(totals):
        return f"{title}: none."
    top = max(range(len(days)), key=lambda at: totals[at])
    when = f"{days[top].day} {days[top]:%B}"
    span = f"{days[0].day} {days[0]:%B} to {days[-1].day} {days[-1]:%B %Y}"
    return f"{title}, {span}: {many(sum(totals), noun)} in all, most on {when} with {totals[top]:,}."


def draw(figure: go.Figure, *, key: str, alt: str) -> None:
    """The chart stands on the page, without Plotly's toolbar; `alt` says what it shows."""
    figure.update_yaxes(fixedrange=True)
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False, "responsive": True})
