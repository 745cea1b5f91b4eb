"""The time series of a run as a pandas table: from its verdict, else from its recorded history.

The second way is for runs that were never judged: it counts what happened and judges nothing.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from statedrill.check.metrics.record import Series
from statedrill.errors import HistoryError
from statedrill.history.store import History
from statedrill.report.run_data import Run
from statedrill.vocabulary import Outcome

BIN_S = 0.5
# More bins than a chart has room for only make the page heavy.
_MOST_BINS = 400
Column: TypeAlias = Literal[
    "ok", "failed", "p50_ms", "p99_ms", "lost_writes", "lost_sessions", "stale"
]
RATES: tuple[Column, ...] = ("ok", "failed")
LATENCIES: tuple[Column, ...] = ("p50_ms", "p99_ms")
LOSSES: tuple[Column, ...] = ("lost_writes", "lost_sessions", "stale")


def series_of(run: Run) -> pd.DataFrame:
    """Columns ok, failed (per second), p50_ms, p99_ms, lost_writes, lost_sessions, stale (counts).

    The index is the begin of each bin in seconds since the drill's first event; `attrs["bin_s"]`
    its width. Empty where nothing was recorded.
    """
    series = run.verdict.get("series")
    return _from_verdict(series) if series and series["t_s"] else _from_history(run)


def _from_verdict(series: Series) -> pd.DataFrame:
    frame = pd.DataFrame(index=pd.Index(series["t_s"], name="t_s", dtype=float))
    for column in (*RATES, *LATENCIES, *LOSSES):
        values = np.full(len(frame), np.nan)
        known = series[column][: len(frame)]
        values[: len(known)] = np.array(known, dtype=float)  # None becomes NaN
        frame[column] = values
    return _per_second(frame, series["bin_s"] or BIN_S)


def _from_history(run: Run) -> pd.DataFrame:
    try:
        history = History.open(run.folder / "history")
    except HistoryError:
        return _empty()
    parts = [
        pd.DataFrame({column: part[column] for column in ("call", "ret", "outcome")})
        for part in history.parts()
    ]
    rows = pd.concat(parts) if parts else pd.DataFrame()
    if rows.empty:
        return _empty()
    begin = min((each["t"] for each in run.events), default=int(rows["call"].min()))
    rows["bin"] = (rows["ret"] - begin) // int(BIN_S * 1e9)
    good = rows["outcome"].isin((int(Outcome.OK), int(Outcome.ACCEPTED)))
    bins = pd.RangeIndex(min(0, int(rows["bin"].min())), int(rows["bin"].max()) + 1)
    served = rows[good]
    latency_ms = ((served["ret"] - served["call"]) / 1e6).groupby(served["bin"])
    frame = pd.DataFrame(
        {
            "ok": served.groupby("bin").size().reindex(bins, fill_value=0),
            "failed": rows[~good].groupby("bin").size().reindex(bins, fill_value=0),
            "p50_ms": latency_ms.quantile(0.5).reindex(bins),
            "p99_ms": latency_ms.quantile(0.99).reindex(bins),
        }
    ).astype(float)
    frame = frame.assign(**dict.fromkeys(LOSSES, np.nan))
    frame.index = pd.Index(bins.to_numpy() * BIN_S, name="t_s")
    return _per_second(frame, BIN_S)


def _per_second(frame: pd.DataFrame, bin_s: float) -> pd.DataFrame:
    bin_s, frame = _coarser(frame, bin_s)
    frame[list(RATES)] /= bin_s
    frame.attrs["bin_s"] = bin_s
    return frame


def _coarser(frame: pd.DataFrame, bin_s: float) -> tuple[float, pd.DataFrame]:
    """At most `_MOST_BINS` bins: counts are added, of the latencies the highest stays."""
    together = -(-len(frame) // _MOST_BINS)
    if together < 2:
        return bin_s, frame
    groups = frame.groupby(np.arange(len(frame)) // together)
    counts = [*RATES, *LOSSES]
    wider = groups[counts].sum(min_count=1).join(groups[list(LATENCIES)].max())
    wider.index = pd.Index(frame.index[::together], name="t_s")
    return bin_s * together, wider[list(frame.columns)]


def _empty() -> pd.DataFrame:
    frame = pd.DataFrame(columns=[*RATES, *LATENCIES, *LOSSES], dtype=float)
    frame.attrs["bin_s"] = BIN_S
    return frame
