"""The answer of a comparison in one to three sentences, computed from its cells.

First what was lost by which pattern under which experiment, then what was stale, doubled or
leaked, then whose promise was not kept. Says only what was counted; knows no file and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from statedrill.report.comparison.cells import ComparisonCell
from statedrill.report.formatting import Share, format_count, listed, number_word, plural
from statedrill.vocabulary import BROKEN, UNKNOWN

# With more losses than this a sentence names only the worst of each pattern.
_MOST_LOSSES = 5
# With more patterns than this a sentence counts them and names only those that lost nothing.
_MOST_PATTERNS = 4


def comparison_sentences(cells: Sequence[ComparisonCell]) -> list[str]:
    """One to three sentences, without any markup."""
    return [each for each in (_lost(cells), _stale(cells), _promises(cells)) if each]


def _lost(cells: Sequence[ComparisonCell]) -> str:
    losing = [each for each in cells if each.lost_anything]
    if len(_patterns(cells)) > _MOST_PATTERNS:
        return _lost_by_many(cells)
    brief = len(losing) > _MOST_LOSSES
    parts = [
        f"{pattern} {_losses([each for each in losing if each.pattern == pattern], brief)}"
        for pattern in _patterns(losing)
    ]
    clean = [
        pattern
        for pattern in _patterns(cells)
        if all(each.known and not each.lost_anything for each in cells if each.pattern == pattern)
    ]
    if clean:
        parts.append(f"{listed(clean)} lost no session and no acknowledged write{_in_all(cells)}")
    silent = [each for each in cells if not each.known and not each.lost_anything]
    if silent:
        parts.append(f"nothing can be said about {listed([each.name for each in silent])}")
    return _sentence("; ".join(parts))


def _lost_by_many(cells: Sequence[ComparisonCell]) -> str:
    patterns = _patterns(cells)
    losing = _patterns(each for each in cells if each.lost_anything)
    silent = _patterns(each for each in cells if not each.known)
    clean = [each for each in patterns if each not in losing and each not in silent]
    parts = []
    if clean:
        parts.append(f"{listed(clean)} lost no session and no acknowledged write{_in_all(cells)}")
    if losing:
        of_all = f"{number_word(len(losing))} of {number_word(len(patterns))} patterns lost state"
        parts.append(f"{of_all}, {_most_often(cells)}")
    if unknown := [each for each in silent if each not in losing]:
        parts.append(f"nothing can be said about {listed(unknown)}")
    return _sentence("; ".join(parts))


def _most_often(cells: Sequence[ComparisonCell]) -> str:
    """The experiments under which the most patterns lost state: `six of them under cache-flush`."""
    losing = [each for each in cells if each.lost_anything]
    count = {each.experiment: 0 for each in losing}
    for each in losing:
        count[each.experiment] += 1
    most = max(count.values())
    named = [experiment for experiment, number in count.items() if number == most]
    return f"{number_word(most)} of them under {listed(named)}"


def _losses(cells: Sequence[ComparisonCell], brief: bool) -> str:
    if not brief:
        first, *others = cells
        return listed([f"lost {_loss(first)} {_under(first)}",
                       *(_again(each, first) for each in others)])  # fmt: skip
    worst = max(cells, key=lambda each: (each.sessions.fraction or 0, each.writes.fraction or 0))
    named = listed([each.experiment for each in cells])
    return f"lost state under {named} (at worst {_loss(worst)}, {_under(worst)})"


def _again(cell: ComparisonCell, first: ComparisonCell) -> str:
    """A further loss of a pattern: only its figures, where it lost the same kinds of things."""
    kinds = [bool(each.sessions.part) + 2 * bool(each.writes.part) for each in (cell, first)]
    lost = [share for share in (cell.sessions, cell.writes) if share.part]
    if kinds[0] != kinds[1] or None in [share.fraction for share in lost]:
        return f"{_loss(cell)} {_under(cell)}"
    return f"{' and '.join(share.percent for share in lost)} {_under(cell)}"


def _loss(cell: ComparisonCell) -> str:
    kinds = {"sessions": cell.sessions, "acknowledged writes": cell.writes}
    return listed([f"{_much(share)} {kind}" for kind, share in kinds.items() if share.part])


def _much(share: Share) -> str:
    if share.fraction is None:
        return format_count(share.part)
    return "all of its" if share.fraction == 1 else f"{share.percent} of its"


def _under(cell: ComparisonCell) -> str:
    return "without any failure" if cell.experiment == "none" else f"under {cell.experiment}"


def _stale(cells: Sequence[ComparisonCell]) -> str:
    parts = []
    stale = [each for each in cells if each.stale.part]
    many = len(_patterns(stale)) > _MOST_PATTERNS
    for pattern in [] if many else _patterns(stale):
        own = [each for each in stale if each.pattern == pattern]
        worst = max(own, key=lambda each: each.stale.fraction or 0)
        parts.append(
            f"{pattern} showed stale reads under {_experiments(own, cells)} "
            f"(at most {worst.stale.percent} of reads)"
        )
    if many:
        worst = max(stale, key=lambda each: each.stale.fraction or 0)
        parts.append(
            f"{number_word(len(_patterns(stale)))} of {number_word(len(_patterns(cells)))} "
            f"patterns showed stale reads (at most {worst.stale.percent} of reads, {worst.name})"
        )
    wrong = [f"{plural(each.wrong, 'doubled or leaked state', 'doubled or leaked states')} "
             f"in {each.name}" for each in cells if each.wrong]  # fmt: skip
    parts += [f"there was {listed(wrong)}"] if wrong else []
    if parts:
        return _sentence("; ".join(parts))
    counted = cells and all(each.stale.whole for each in cells)
    return "No read was stale, nothing was doubled or leaked." if counted else ""


def _promises(cells: Sequence[ComparisonCell]) -> str:
    broken = [each.name for each in cells if each.outcome == BROKEN]
    unknown = [each.name for each in cells if each.outcome == UNKNOWN]
    parts = [f"what was promised was broken in {listed(broken)}"] if broken else []
    parts += [f"the outcome is unknown for {listed(unknown)}"] if unknown else []
    if not parts:
        lost = any(each.lost_anything for each in cells)
        unpromised = "; the losses above were not covered by a promise" if lost else ""
        return f"All that was promised was kept{unpromised}."
    return _sentence("; ".join(parts))


def _patterns(cells: Iterable[ComparisonCell]) -> list[str]:
    return list(dict.fromkeys(each.pattern for each in cells))


def _experiments(own: Sequence[ComparisonCell], cells: Sequence[ComparisonCell]) -> str:
    everywhere = len({each.experiment for each in cells})
    if len(own) > 2 and len(own) == everywhere:
        return f"all {number_word(everywhere)} experiments"
    return listed([each.experiment for each in own])


def _in_all(cells: Sequence[ComparisonCell]) -> str:
    number = len({each.experiment for each in cells})
    if number == 2:
        return " in either experiment"
    return f" in any of the {number_word(number)} experiments" if number > 2 else ""


def _sentence(text: str) -> str:
    # A sentence that begins with a name keeps the name as it is written in its file.
    begins = ("nothing", "what", "the outcome", "there was")
    return f"{text[0].upper() if text.startswith(begins) else text[0]}{text[1:]}." if text else ""
