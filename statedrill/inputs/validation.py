"""What the pydantic models of input files have in common, and their errors as sentences.

Every field of a model says in its `description` what it must be: "must be <description>, not 5".
Knows pydantic's kinds of error; knows no word of any particular kind of file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from statedrill.inputs.yaml_file import Place, YamlFile, did_you_mean, shown


class FileModel(BaseModel):
    """A mapping of an input file: frozen, exact types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=BaseModel)


def validate(file: YamlFile, model: type[Model], value: object, place: Place = ()) -> Model | None:
    """`value`, which stands at `place` of `file`, as a `model`.

    None when it has problems: `file` has noted them.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            inside = tuple(key for key in each["loc"] if key != "[key]")
            file.problem((*place, *inside), _sentence(model, each))
        return None


def one_of(known: Sequence[str]) -> AfterValidator:
    """Accepts the words `known` only."""

    def check(word: str) -> str:
        if word not in known:
            raise PydanticCustomError("choice", "unknown", {"known": tuple(known)})
        return word

    return AfterValidator(check)


def or_default(default: Callable[[], object]) -> BeforeValidator:
    """A key without a value (YAML's null) has the value that `default` makes."""
    return BeforeValidator(lambda value: default() if value is None else value)


def as_text(value: object) -> object:
    """Text, or a number as text: what an environment variable or a word of a command may be.

    Raises:
        PydanticCustomError: it is something else, or has a NUL in it, which no process takes.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        what = f"must be text or a number, not {shown(value)}; put it in quotes"
        raise PydanticCustomError("rule", "{what}", {"what": what})
    if "\0" in str(value):
        raise PydanticCustomError("rule", "must not have a NUL character in it")
    return str(value)


Text = Annotated[str, BeforeValidator(as_text)]


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    """What is wrong, as the continuation of the key's name."""
    kind, value, place = error["type"], error["input"], error["loc"]
    around, field, expected = _walk(model, place[:-2] if place[-1:] == ("[key]",) else place)
    if kind == "extra_forbidden":
        known = list(_keys(around))
        return f"unknown key; {did_you_mean(place[-1], known) or 'known: ' + ', '.join(known)}"
    if kind == "rule":
        return error["msg"]
    if kind in ("choice", "literal_error"):
        known = [str(each) for each in (error.get("ctx") or {}).get("known") or get_args(expected)]
        listed = isinstance(place[-1], int)
        said = f"{'has' if listed else 'is'} {shown(value)}; choose {'of' if listed else 'one of'} "
        return "; ".join(filter(None, (said + ", ".join(known), did_you_mean(value, known))))
    must = f"must be {field.description}" if field and field.description else error["msg"]
    if keys := _keys(expected):
        must = f"must be a mapping of {', '.join(keys)}"
    if kind == "missing":
        return f"missing; {must}"
    if place and place[-1] not in _keys(around):  # an item of what the field holds
        return f"has {shown(value)}; {must}"
    return f"{must}, not {shown(value)}"


def _walk(model: type[BaseModel], place: Place) -> tuple[type[BaseModel], FieldInfo | None, Any]:
    """Along `place`: the last model entered, its field (None: no such key), the expected type."""
    field: FieldInfo | None = None
    expected: Any = model
    for key in place:
        if entered := _model_in(expected):
            model, field = entered, _keys(entered).get(str(key))
            expected = field.annotation if field else None
        else:  # an item of a list, or a value of a free mapping
            items = [each for each in get_args(expected) if each is not Ellipsis]
            expected = items[-1] if items else None
    return model, field, expected


def _keys(expected: Any) -> dict[str, FieldInfo]:
    """The keys of a file that the model which a type is, if it is one, takes."""
    fields = inner.model_fields if (inner := _model_in(expected)) else {}
    return {field.alias or name: field for name, field in fields.items()}


def _model_in(expected: Any) -> type[BaseModel] | None:
    """The model that a type is, also when None is allowed beside it."""
    for each in (expected, *get_args(expected)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each if get_origin(expected) in (None, Union, UnionType, Annotated) else None
    return None
