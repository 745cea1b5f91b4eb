"""Makes docs/schema anew: the JSON Schemas of plan.json, verdict.json, and a line of events.jsonl.

`make schema` after a change of the records in statedrill; a test demands that they are current.
They describe what this version writes; a reader must pass over keys that it does not know.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import is_typeddict

from statedrill.check.metrics import record as metrics_record
from statedrill.check.verdict import record as verdict_record
from statedrill.check.verdict.record import Verdict
from statedrill.history import events, sample
from statedrill.history.events import Event
from statedrill.plan import record as plan_record
from statedrill.plan.record import PlanRecord

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schema"
RECORDS: dict[str, tuple[Any, str]] = {
    "plan": (PlanRecord, "plan.json of a statedrill run"),
    "verdict": (Verdict, "verdict.json of a statedrill run"),
    "event": (Event, "one line of history/events.jsonl of a statedrill run"),
}


_MODULES = (events, sample, metrics_record, plan_record, verdict_record)


class _WithoutTitles(GenerateJsonSchema):
    """A field is called by its key: "Took S" says no more than `took_s`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_text(name: str) -> str:
    """The content of docs/schema/<name>.schema.json."""
    record, title = RECORDS[name]
    for kind in (each for module in _MODULES for each in vars(module).values()):
        if is_typeddict(kind):
            # what stands below a field describes it
            kind.__pydantic_config__ = {"use_attribute_docstrings": True}
    made = TypeAdapter(record).json_schema(schema_generator=_WithoutTitles)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    text = json.dumps({"$schema": dialect, **made, "title": title}, indent=2)
    return text.replace("_int_", "") + "\n"  # Sessions[int] is Sessions to a reader


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write every schema into `folder`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.schema.json" for name in RECORDS]
    for name, path in zip(RECORDS, paths, strict=True):
        path.write_text(schema_text(name), encoding="utf-8")
    return paths


if __name__ == "__main__":
    for each in write_schemas():
        print(each)
