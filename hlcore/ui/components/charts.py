"""Charts and figure cards: few, calm, in the theme's colours for light and dark, each with its text alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from hlcore.ui.components.formatting import plural

HEIGHT = 280
SERIES_COLORS = {"Restored": 0, "Deleted": 1, "Merged": 2}
"""Series → position in the theme's chart colours, the same on every chart."""


def color_of(series: str) -> str:
    """Return the colour of this series in the theme (light or dark) on show."""
    mode = "dark" if st.context.theme.type == "dark" else "light"
    colors = st.get_option(f"theme.{mode}.chartCategoricalColors") or ["#0B6E69", "#D08A1D", "#3B6FC9"]
    return str(colors[SERIES_COLORS.get(series, 0) % len(colors)])


def daily_bars(days: Sequence[date], series: Mapping[str, Sequence[int]], *, height: int = HEIGHT) -> go.Figure:
    """Return bars side by side, a group for each day. `series`: name → values, as many as `days`."""
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
    highest = max((max(values) for values in series.values() if values), default=0)
    figure.update_yaxes(title=None, rangemode="tozero", nticks=5, automargin=True)
    if highest < 5:
        figure.update_yaxes(range=[0, 5], tickformat="d", dtick=1)
    figure.update_xaxes(title=None, tickformat="%e %b", hoverformat="%a %e %b %Y", fixedrange=True, nticks=8)
    return figure


def daily_counts_text(title: str, days: Sequence[date], counts: Sequence[int], noun: str = "contact") -> str:
    """Describe the chart in a sentence: how many in all, and the day with the most."""
    if not days or not any(counts):
        return f"{title}: none."
    top = max(range(len(days)), key=lambda position: counts[position])
    top_day = f"{days[top].day} {days[top]:%b}"
    span = f"{days[0].day} {days[0]:%b} to {days[-1].day} {days[-1]:%b %Y}"
    return f"{title}, {span}: {plural(sum(counts), noun)} in all, most on {top_day} with {counts[top]:,}."


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw the chart without Plotly's toolbar. `alt` says what it shows."""
    figure.update_yaxes(fixedrange=True)
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False, "responsive": True})


def show_figure(label: str, value: str, context: str, icon: str, *, urgent: bool = False) -> None:
    """Draw a card with one figure and, below it, what puts it in context."""
    st.metric(
        label,
        value,
        context,
        delta_color="orange" if urgent else "off",
        delta_arrow="off",
        icon=icon,
        border=True,
        height="stretch",
    )
