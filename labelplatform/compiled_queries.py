"""Statements that are put together once and then only run: for the few that people wait for all day.

Django builds the SQL of a queryset anew at each use, which costs an annotator's request more processor time than the
database does. A `Compiled` keeps the SQL of one queryset, whose changing values stand as `Given("name", Field())`, for
each kind of database; everything else (joins, converters, related objects) stays Django's own.

    held = Compiled(lambda: Slot.objects.select_related("item").filter(lease_token=Given("token", UUIDField())))
    held.first(token=token)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Field, JSONField, Model, QuerySet, Subquery
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import DeleteQuery, UpdateQuery

M = TypeVar("M", bound=Model)


class Given(Expression):
    """A value that is told at each run; `output_field` says how the database wants it."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: object, connection: BaseDatabaseWrapper) -> tuple[str, list["Given"]]:  # type: ignore[override]
        """A placeholder, with this in the place of its value."""
        return "%s", [self]

    def __repr__(self) -> str:
        return f"Given({self.name})"


class Listed(Subquery):
    """What another queryset finds, in its order, as one list beside a row: a trip to the database less."""

    def __init__(self, queryset: "QuerySet[Any, Any]", column: str) -> None:
        super().__init__(queryset.values(column), output_field=JSONField())
        self._column = column

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **options: Any
    ) -> tuple[str, Any]:
        """An array."""
        return super().as_sql(compiler, connection, template="ARRAY(%(subquery)s)", **options)

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **options: Any) -> tuple[str, Any]:
        """JSON, which is as near as SQLite comes to it."""
        template = f'(SELECT json_group_array(listed."{self._column}") FROM (%(subquery)s) listed)'  # noqa: S608
        return super().as_sql(compiler, connection, template=template, **options)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., object]]:
        """A list, wherever it comes from."""
        return [
            lambda found, _expression, _connection: json.loads(found) if isinstance(found, str) else found
        ]


# SQL with its values.
Write = tuple[str, Sequence[Any]]


def together(*writes: Write) -> None:
    """Make several changes of which nothing is asked back, in one trip where the database knows how.

    PostgreSQL does all on one view of the rows: none may need another's.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            for sql, values in writes:
                cursor.execute(sql, values)
            return
        parts = ", ".join(f"write_{number} AS ({sql})" for number, (sql, _values) in enumerate(writes))
        cursor.execute(f"WITH {parts} SELECT 1", [value for _sql, values in writes for value in values])


@dataclass(frozen=True)
class _Statement:
    """What one kind of database is told, and how its rows are read."""

    sql: str
    parameters: Sequence[object]
    converters: Mapping[int, tuple[Sequence[Callable[..., object]], object]]
    # None where the queryset wants plain values.
    model: type[Model] | None
    columns: slice
    names: Sequence[str]
    populators: Sequence[Any]
    # What is told beside a model's own columns, by its place in the row.
    annotations: Mapping[str, int]


class Compiled(Generic[M]):
    """One queryset as one statement; without prefetches and iterators of its own, which would be more than one."""

    def __init__(self, queryset: "Callable[[], QuerySet[M, Any]]") -> None:
        self._queryset = queryset
        self._statements: dict[str, _Statement] = {}

    def rows(self, **given: object) -> list[Any]:
        """All that is found: objects, or tuples where the queryset is of values."""
        statement = self.statement()
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, _parameters(statement.parameters, given))
            found = cursor.fetchall()
        return [_made(statement, row) for row in found]

    def statement(self) -> _Statement:
        """What the database of this thread is told."""
        found = self._statements.get(connection.vendor)
        if found is None:
            found = self._statements[connection.vendor] = _compiled(self._queryset())
        return found

    def first(self, **given: object) -> Any | None:
        """The first that is found, or None; the queryset says by itself how many are read."""
        found = self.rows(**given)
        return found[0] if found else None


def _compiled(queryset: "QuerySet[Any, Any]") -> _Statement:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select[0 : compiler.col_count]])
    if queryset._iterable_class is not ModelIterable:
        return _Statement(sql, parameters, converters, None, slice(0), (), (), {})
    told = compiler.klass_info
    first, last = told["select_fields"][0], told["select_fields"][-1] + 1
    return _Statement(
        sql=sql,
        parameters=parameters,
        converters=converters,
        model=told["model"],
        columns=slice(first, last),
        names=[column[0].target.attname for column in compiler.select[first:last]],
        populators=get_related_populators(told, compiler.select, connection.alias),  # type: ignore[call-arg]
        annotations=compiler.annotation_col_map,
    )


def _parameters(parameters: Sequence[object], given: Mapping[str, object]) -> list[Any]:
    return [
        one.output_field.get_db_prep_value(given[one.name], connection) if isinstance(one, Given) else one
        for one in parameters
    ]


def _made(statement: _Statement, found: Sequence[object]) -> Any:
    row = list(found)
    for place, (converters, expression) in statement.converters.items():
        for convert in converters:
            row[place] = convert(row[place], expression, connection)
    if statement.model is None:
        return tuple(row)
    made = statement.model.from_db(connection.alias, statement.names, row[statement.columns])
    for populator in statement.populators:
        populator.populate(row, made)
    for name, place in statement.annotations.items():
        setattr(made, name, row[place])
    return made


class CompiledChange:
    """An UPDATE of what a queryset finds, or its DELETE where no values are told; cascades are the database's."""

    def __init__(self, queryset: "Callable[[], QuerySet[Any, Any]]", **values: object) -> None:
        self._queryset, self._values = queryset, values
        self._statements: dict[str, tuple[str, Sequence[object]]] = {}

    def run(self, **given: object) -> int:
        """How many rows were changed."""
        with connection.cursor() as cursor:
            cursor.execute(*self.write(**given))
            return cursor.rowcount

    def write(self, **given: object) -> "Write":
        """The same, for `together`."""
        statement = self._statements.get(connection.vendor)
        if statement is None:
            statement = self._statements[connection.vendor] = self._put_together()
        return statement[0], _parameters(statement[1], given)

    def _put_together(self) -> tuple[str, Sequence[object]]:
        found = self._queryset().query
        if not self._values:
            return found.chain(DeleteQuery).get_compiler(connection=connection).as_sql()
        query: Any = found.chain(UpdateQuery)
        query.add_update_values(self._values)
        return query.get_compiler(connection=connection).as_sql()


class Columns(Generic[M]):
    """All columns of a model, for statements of our own that return whole rows."""

    def __init__(self, model: type[M]) -> None:
        self._all: Compiled[M] = Compiled(lambda: model._default_manager.order_by())
        self._model = model

    @property
    def names(self) -> str:
        """The columns as a list in SQL, in the order in which `made` reads them."""
        return ", ".join(_quoted(field) for field in self._model._meta.concrete_fields)

    def made(self, row: Sequence[object]) -> M:
        """The object of one row."""
        found: M = _made(self._all.statement(), row)
        return found


def _quoted(field: "Field[Any, Any]") -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)


class Insertion(Generic[M]):
    """INSERT of whole new rows of one model, whose keys the database gives; no signals, as everywhere here."""

    def __init__(self, model: type[M], *, or_nothing: bool = False) -> None:
        """`or_nothing`: where a row of the same unique values is there already, that one stays."""
        self._model, self._or_nothing = model, or_nothing
        self._fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        self._sql: dict[tuple[str, int], str] = {}

    def insert(self, *objects: M) -> bool:
        """Insert them and give them their keys; False, and all as it was, where a row of one was there already."""
        sql, values = self.write(*objects)
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} RETURNING {self._key}", values)
            keys = cursor.fetchall()
        if len(keys) < len(objects):
            return False
        for one, (key,) in zip(objects, keys, strict=True):
            one.pk = key
            one._state.adding, one._state.db = False, connection.alias
        return True

    def write(self, *objects: M) -> "Write":
        """The same for `together`; they get no keys."""
        sql = self._sql.get((connection.vendor, len(objects))) or self._put_together(len(objects))
        return sql, [
            field.get_db_prep_save(field.pre_save(one, add=True), connection)
            for one in objects
            for field in self._fields
        ]

    @property
    def _key(self) -> str:
        assert self._model._meta.pk is not None
        return _quoted(self._model._meta.pk)

    def _put_together(self, rows: int) -> str:
        options = self._model._meta
        columns = ", ".join(_quoted(field) for field in self._fields)
        one = "(" + ", ".join(["%s"] * len(self._fields)) + ")"
        sql = (
            f"INSERT INTO {connection.ops.quote_name(options.db_table)} ({columns}) VALUES {', '.join([one] * rows)} "  # noqa: S608
            f"{'ON CONFLICT DO NOTHING' if self._or_nothing else ''}"
        )
        self._sql[connection.vendor, rows] = sql
        return sql
