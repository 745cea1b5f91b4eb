"""The answer of a comparison in one to three sentences, computed from its squares.

First what was lost by which pattern under which experiment, then what was stale, doubled or
leaked, then whose promise was not kept. Says only what was counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from statedrill.report.comparison.cells import Square
from statedrill.report.formatting import count, crossed, listed, number_word, percent, plural

# With more losses than this a sentence names only the worst of each pattern.
_MOST_LOSSES = 5


def answer(squares: Sequence[Square]) -> list[str]:
    """One to three sentences, without any markup."""
    return [each for each in (_lost(squares), _stale(squares), _promises(squares)) if each]


def _lost(squares: Sequence[Square]) -> str:
    losing = [each for each in squares if each.lost_anything]
    brief = len(losing) > _MOST_LOSSES
    parts = [
        f"{pattern} {_losses([each for each in losing if each.pattern == pattern], brief)}"
        for pattern in _patterns(losing)
    ]
    clean = [
        pattern
        for pattern in _patterns(squares)
        if all(each.known and not each.lost_anything for each in squares if each.pattern == pattern)
    ]
    if clean:
        parts.append(f"{listed(clean)} lost no session and no acknowledged write{_in_all(squares)}")
    silent = [each for each in squares if not each.known and not each.lost_anything]
    if silent:
        parts.append(f"nothing can be said about {listed([_name(each) for each in silent])}")
    return _sentence("; ".join(parts))


def _losses(squares: Sequence[Square], brief: bool) -> str:
    if not brief:
        first, *others = squares
        return listed([f"lost {_loss(first)} {_under(first)}",
                       *(_again(each, first) for each in others)])  # fmt: skip
    worst = max(squares, key=lambda each: (each.sessions.share or 0, each.writes.share or 0))
    named = listed([each.experiment for each in squares])
    return f"lost state under {named} (at worst {_loss(worst)}, {_under(worst)})"


def _again(square: Square, first: Square) -> str:
    """A further loss of a pattern: only its figures, where it lost the same kinds of things."""
    kinds = [bool(each.sessions.lost) + 2 * bool(each.writes.lost) for each in (square, first)]
    shares = [part.share for part in (square.sessions, square.writes) if part.lost]
    if kinds[0] != kinds[1] or None in shares:
        return f"{_loss(square)} {_under(square)}"
    return f"{' and '.join(percent(share) for share in shares)} {_under(square)}"


def _loss(square: Square) -> str:
    lost = []
    if square.sessions.lost:
        lost.append(f"{_of(square.sessions.share, square.sessions.lost)} sessions")
    if square.writes.lost:
        lost.append(f"{_of(square.writes.share, square.writes.lost)} acknowledged writes")
    return listed(lost)


def _of(share: float | None, number: int) -> str:
    if share is None:
        return count(number)
    return "all of its" if share == 1 else f"{percent(share)} of its"


def _under(square: Square) -> str:
    return "without any failure" if square.experiment == "none" else f"under {square.experiment}"


def _stale(squares: Sequence[Square]) -> str:
    parts = []
    stale = [each for each in squares if each.stale.lost]
    for pattern in _patterns(stale):
        own = [each for each in stale if each.pattern == pattern]
        worst = max(own, key=lambda each: each.stale.share or 0)
        parts.append(
            f"{pattern} showed stale reads under {_experiments(own, squares)} "
            f"(at most {percent(worst.stale.share)} of reads)"
        )
    wrong = [f"{plural(each.wrong, 'doubled or leaked state', 'doubled or leaked states')} "
             f"in {_name(each)}" for each in squares if each.wrong]  # fmt: skip
    parts += [f"there was {listed(wrong)}"] if wrong else []
    if parts:
        return _sentence("; ".join(parts))
    counted = squares and all(each.stale.total for each in squares)
    return "No read was stale, nothing was doubled or leaked." if counted else ""


def _promises(squares: Sequence[Square]) -> str:
    broken = [_name(each) for each in squares if each.outcome == "broken"]
    unknown = [_name(each) for each in squares if each.outcome == "unknown"]
    parts = [f"what was promised was broken in {listed(broken)}"] if broken else []
    parts += [f"the outcome is unknown for {listed(unknown)}"] if unknown else []
    if not parts:
        lost = any(each.lost_anything for each in squares)
        unpromised = "; the losses above were not covered by a promise" if lost else ""
        return f"All that was promised was kept{unpromised}."
    return _sentence("; ".join(parts))


def _patterns(squares: Iterable[Square]) -> list[str]:
    return list(dict.fromkeys(each.pattern for each in squares))


def _experiments(own: Sequence[Square], squares: Sequence[Square]) -> str:
    everywhere = len({each.experiment for each in squares})
    if len(own) > 2 and len(own) == everywhere:
        return f"all {number_word(everywhere)} experiments"
    return listed([each.experiment for each in own])


def _in_all(squares: Sequence[Square]) -> str:
    number = len({each.experiment for each in squares})
    if number == 2:
        return " in either experiment"
    return f" in any of the {number_word(number)} experiments" if number > 2 else ""


def _name(square: Square) -> str:
    return crossed(square.pattern, square.experiment)


def _sentence(text: str) -> str:
    # A sentence that begins with a name keeps the name as it is written in its file.
    begins = ("nothing", "what", "the outcome", "there was")
    return f"{text[0].upper() if text.startswith(begins) else text[0]}{text[1:]}." if text else ""
