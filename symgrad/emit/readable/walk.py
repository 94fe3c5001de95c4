"""What every readable source shares: one walk over a Program, and its names, numbers and comments.

A language is data: a table of templates (``Language``), and ``body`` is the one loop that fills
them in. Names that a user chose never become identifiers: arrays are called x, p, value, jacobian
or g0, o0, and values v0, v1, ... In comments they stand as ``plain`` has made them harmless.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import c_float
from dataclasses import dataclass, field
from math import inf, nextafter, prod

from symgrad.emit.target import Dtype
from symgrad.errors import OptionError, ShapeError, UnknownFunctionError
from symgrad.ir.program import CONDITION_OPS, Program
from symgrad.ir.system import Pattern

WIDTH = 96
"""Columns of generated text."""

LONGEST_NAME = 60
"""Characters of a user's name or label that a comment shows."""

MOST_NAMES = 24
"""Names of columns that the head of a source lists."""

GROUP_IDENTIFIERS = {
    "inputs": "x",
    "parameters": "p",
    "tangent": "tangent",
    "cotangent": "cotangent",
}
SHARED_GROUPS = frozenset({"parameters"})
"""Groups that the points of a batch have in common: no axis of points."""

RESULT_IDENTIFIER = re.compile("value|gradient|jacobian|hessian|vjp|jvp|hvp|order[0-9]{1,2}")
ONE_ENTRY_AN_OUTPUT = frozenset({"value", "jvp"})
OUTPUTS_FIRST = re.compile("gradient|jacobian|hessian|order[0-9]{1,2}")

RESERVED = re.compile(
    "n|i|k|points|x|p|(co)?tangent|[vgoas][0-9]+|sg_.*|"
    f"(expected_)?({RESULT_IDENTIFIER.pattern}|o[0-9]+)"
)
"""Identifiers of generated code; those of each language's own text come on top."""

SELF_TEST_LIMIT: Mapping[str, float] = {"float64": 1e6, "float32": 1e3}
"""Error in ulp up to which a self-test passes: it finds wrong code, not lost accuracy."""


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes a Program: templates, filled by ``str.format``.

    Attributes:
        name: the language, for messages.
        operations: op -> expression; {0}, {1}, {2} are its operands (names or literals) and the
            named fields are those of ``words``.
        words: what differs between dtypes: the type's name, the suffix of functions.
        number: a float as a literal.
        truth: the literals for False and True.
        load: an expression; {0} is the array, {1} the column.
        real, condition: the definition of a value; {0} is its name, {1} the expression.
        store: {0} is the array, {1} the index, {2} the value.
        index: an entry of a result, from its shape and its position.
        block: entries of a row that are stored together; 1 stores each as soon as it is there.
        store_block: statements for several entries, from the array, the first position and the
            values.
        comment: what begins a comment.
        load_column: what a column is, from the array and its number, where arrays differ in how
            they lie in memory; instead of ``load``.
        store_entry: statements that store an entry, from the number of the result, the position
            and the value; instead of ``store``.
        pairs: op -> the definition of a pair of values; {0} is its name, {1} the operand. Its
            parts are the name with _0 and _1 behind it.
    """

    name: str
    operations: Mapping[str, str]
    words: Mapping[str, str]
    number: Callable[[float], str]
    truth: tuple[str, str]
    load: str
    real: str
    condition: str
    store: str
    index: Callable[[tuple[int, ...], int], str]
    comment: str
    block: int = 1
    store_block: Callable[[Array, int, list[str]], list[str]] | None = None
    load_column: Callable[[Array, int], str] | None = None
    store_entry: Callable[[int, int, str], list[str]] | None = None
    pairs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Array:
    """One argument of a generated function.

    Attributes:
        identifier: its name in the code.
        title: the group's or the result's own name, harmless.
        shape: its shape for one point.
        shared: whether all points of a batch have it in common.
        columns: the names of a group's columns, harmless; empty for results.
        pattern: which entries of a larger array a sparse result has.
    """

    identifier: str
    title: str
    shape: tuple[int, ...]
    shared: bool = False
    columns: tuple[str, ...] = ()
    pattern: Pattern | None = None

    @property
    def size(self) -> int:
        """Entries for one point."""
        return prod(self.shape)


def plain(text: str) -> str:
    r"""A user's text as it may stand in a comment or a docstring of any language.

    Quotes, backslashes, line ends and whatever else does not print (control characters, marks that
    change the direction of writing, lone surrogates) are dropped; C's comment marks and
    trigraphs are pulled apart. Text beyond 60 characters is cut.

    Example:
        >>> plain("rate*/\nevil()")
        'rate* /evil()'
    """
    kept = "".join(c for c in text if c.isprintable() and c not in "\"'`\\")
    kept = re.sub(r"\?{2,}", "?", kept)
    kept = re.sub(r"(?<=\*)(?=/)|(?<=/)(?=[*/])", " ", kept).strip()
    return kept if len(kept) <= LONGEST_NAME else kept[: LONGEST_NAME - 3].rstrip() + "..."


def group_arrays(program: Program) -> tuple[Array, ...]:
    """The arguments that are read, in order."""
    made: dict[str, Array] = {}
    for index, group in enumerate(program.groups):
        identifier = GROUP_IDENTIFIERS.get(group.name, f"g{index}")
        identifier = f"g{index}" if identifier in made else identifier
        columns = tuple(map(plain, group.columns))
        shared = group.name in SHARED_GROUPS
        made[identifier] = Array(identifier, plain(group.name), (len(columns),), shared, columns)
    return tuple(made.values())


def result_arrays(program: Program) -> tuple[Array, ...]:
    """The arguments that are filled, in order."""
    made: dict[str, Array] = {}
    for index, result in enumerate(program.results):
        known = RESULT_IDENTIFIER.fullmatch(result.name) and result.name not in made
        identifier = result.name if known else f"o{index}"
        made[identifier] = Array(
            identifier, plain(result.name), result.shape, pattern=result.pattern
        )
    return tuple(made.values())


def entry_index(shape: tuple[int, ...], position: int) -> tuple[int, ...]:
    """The index of an entry of an array in row-major order."""
    index: list[int] = []
    for size in reversed(shape):
        position, last = divmod(position, size)
        index.append(last)
    return tuple(reversed(index))


def entry_comment(program: Program, result: int, position: int) -> str:
    """What a stored entry is: ``jacobian[1, 0] of energy``, ``hessian[2]: entry [1, 1] of energy``.

    The output is named where the result's shape leaves no doubt which one it is: without a pattern
    a Program does not say whether a result keeps structural zeros.
    """
    array = program.results[result]
    name, shape, outputs = array.name, array.shape, len(program.labels)
    text = plain(name) + (_bracketed(entry_index(shape, position)) if shape else "")
    if array.pattern is not None:
        shape, entry = array.pattern.shape, array.pattern.indices[position]
        text += f": entry {_bracketed(entry)}"
        position = 0
        for size, place in zip(shape, entry, strict=True):
            position = position * size + place
    leading = {prod(shape[:rank]) for rank in range(1, len(shape))}
    label = ""
    if outputs == 1:
        label = program.labels[0]
    elif name in ONE_ENTRY_AN_OUTPUT and prod(shape) == outputs:
        label = program.labels[position]
    elif OUTPUTS_FIRST.fullmatch(name) and outputs in leading:
        label = program.labels[position // (prod(shape) // outputs)]
    return f"{text} of {plain(label)}" if plain(label) else text


def _bracketed(index: Iterable[int]) -> str:
    return f"[{', '.join(map(str, index))}]"


def rounded(value: float, dtype: Dtype) -> float:
    """``value`` rounded to ``dtype``, as a Python float; beyond the largest float32 it is inf."""
    return float(c_float(value).value) if dtype == "float32" else float(value)


def shortest(value: float, dtype: Dtype) -> str:
    """The shortest decimal that reads back as the finite ``value`` of ``dtype``.

    Example:
        >>> shortest(0.1, "float64"), shortest(rounded(0.1, "float32"), "float32")
        ('0.1', '0.1')
    """
    text = repr(float(value))
    if dtype == "float32":
        for digits in range(6, 10):
            text = f"{value:.{digits}g}"
            # A reader may round the text to double first: the double must not be a tie.
            near = (nextafter(float(text), side) for side in (-inf, inf))
            if all(rounded(neighbour, dtype) == value for neighbour in near):
                break
    return text if any(mark in text for mark in ".e") else f"{text}.0"


def needed(program: Program) -> list[bool]:
    """Which instructions a store depends on."""
    found = [op == "store" for op, _, _ in program.code]
    for index in range(len(program.code) - 1, -1, -1):
        if found[index]:
            for argument in program.code[index].args:
                found[argument] = True
    return found


def unused_arrays(program: Program) -> list[Array]:
    """The arguments that the code never mentions: no column is read, no entry is there to fill."""
    pairs = zip(program.code, needed(program), strict=True)
    read = {instruction.data[0] for instruction, used in pairs if used and instruction.op == "load"}
    groups = [array for index, array in enumerate(group_arrays(program)) if index not in read]
    return groups + [array for array in result_arrays(program) if array.size == 0]


def body(program: Program, language: Language) -> list[str]:
    """The statements of a Program, with a comment before every store.

    Constants stand where they are used; everything else is a value of its own, so templates
    need no parentheses.

    Raises:
        UnknownFunctionError: the language has no template for an operation.
    """
    groups, results = group_arrays(program), result_arrays(program)
    used = needed(program)
    words, count = language.words, 0
    lines: list[str] = []
    texts: list[str] = []
    waiting: dict[tuple[int, range], dict[int, str]] = {}
    for index, (op, args, data) in enumerate(program.code):
        text = ""
        if op == "store":
            result, position = data
            block = _block(results[result].shape, position, language.block)
            values = waiting.setdefault((result, block), {})
            values[position] = texts[args[0]]
            if len(values) == len(block):
                stored = [values[place] for place in block]
                lines += _stores(program, results[result], result, block, stored, language)
        elif not used[index]:
            pass
        elif op == "constant":
            text = constant(data, language)
        elif op == "boolean":
            text = language.truth[bool(data)]
        elif op == "part":
            text = f"{texts[args[0]]}_{data}"
        elif op in language.pairs:
            text, count = f"v{count}", count + 1
            lines.append(language.pairs[op].format(text, *(texts[a] for a in args), **words))
        else:
            text, count = f"v{count}", count + 1
            note = ""
            if op == "load":
                array = groups[data[0]]
                expression = language.load.format(array.identifier, data[1], **words)
                if language.load_column is not None:
                    expression = language.load_column(array, data[1])
                note = f"  {language.comment} {array.columns[data[1]]}".rstrip()
            else:
                operands = [texts[a] for a in args]
                expression = template(op, index, language).format(*operands, **words)
            define = language.condition if op in CONDITION_OPS else language.real
            lines.append(define.format(text, expression, **words) + note)
        texts.append(text)
    return lines


def constant(value: float, language: Language) -> str:
    """A number as an operand."""
    number = language.number(value)
    return f"({number})" if number.startswith("-") else number


def _block(shape: tuple[int, ...], position: int, most: int) -> range:
    """The positions that are stored together with ``position``: a part of its row."""
    length = shape[-1] if shape else 1
    first = position - position % length % most
    return range(first, min(first + most, position - position % length + length))


def _stores(
    program: Program, array: Array, result: int, block: range, values: list[str], language: Language
) -> list[str]:
    first, last = (entry_comment(program, result, place) for place in (block[0], block[-1]))
    if len(block) == 1 or language.store_block is None:
        (value,) = values
        value = value[1:-1] if value.startswith("(") else value
        if language.store_entry is not None:
            return [f"{language.comment} {first}", *language.store_entry(result, block[0], value)]
        place = language.index(array.shape, block[0])
        stores = [language.store.format(array.identifier, place, value)]
        return [f"{language.comment} {first}", *stores]
    comment = [f"{language.comment} {first} to {last}"]
    if array.pattern is not None:
        entries = [_bracketed(array.pattern.indices[place]) for place in block]
        head = f"{language.comment} {array.title}[{block[0]}] to [{block[-1]}]: entries "
        comment = packed(entries, ", ", head, f"{language.comment}{' ' * 5}")
    return [*comment, *language.store_block(array, block[0], values)]


def template(op: str, index: int, language: Language) -> str:
    """How the language writes an operation.

    Raises:
        UnknownFunctionError: it cannot.
    """
    found = language.operations.get(op)
    if found is None:
        raise UnknownFunctionError(
            f"instruction {index}: {language.name} source has no {op!r}; print another language "
            "(numba, C and NumPy have every function of the table), and define functions of your "
            "own by an expansion, written in functions of the table"
        )
    return found


def description(program: Program, written: Callable[[Array], str], indent: str) -> list[str]:
    """A paragraph for each array, as ``written`` names it: ``x[2]  inputs: a, b``."""
    lines = []
    for array in group_arrays(program):
        rest = len(array.columns) - MOST_NAMES
        names = (*array.columns[:MOST_NAMES], *((f"and {rest} more",) if rest > 0 else ()))
        text = f"{written(array)}  {array.title}: {', '.join(names) or 'none'}"
        lines += wrapped(text, indent, indent + " " * 4)
    for array in result_arrays(program):
        text = "" if array.title == array.identifier else f"  {array.title}"
        if array.pattern is not None:
            text += f"  the entries that are not always 0 of an array of {array.pattern.shape}"
            text += ", one of each symmetric set" if array.pattern.symmetric > 1 else ""
        lines += wrapped(f"{written(array)}{text}", indent, indent + " " * 4)
    return lines


def c_array(array: Array) -> str:
    """An array in C, which has no shape: ``jacobian[6] = (2, 3)``."""
    shape = f" = {array.shape}" if len(array.shape) > 1 else ""
    return f"{array.identifier}[{array.size}]{shape}"


def wrapped(text: str, first: str, following: str, width: int = WIDTH) -> list[str]:
    """``text`` broken at spaces into lines with their indentation."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def packed(items: Iterable[str], joint: str, first: str, following: str) -> list[str]:
    """Items with a joint between them, in lines that break between items only."""
    text = joint.join(item.replace(" ", "\0") for item in items)
    head = first.replace(" ", "\0") if first.strip() else first
    return [line.replace("\0", " ") for line in wrapped(text, head, following)]


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them: ``value, gradient and hessian``."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def words_of(*texts: str) -> frozenset[str]:
    """Every identifier that occurs in generated text: a kernel cannot have its name."""
    return frozenset(re.findall("[A-Za-z_][A-Za-z_0-9]*", " ".join(texts)))


def function_name(wanted: str, taken: frozenset[str]) -> str:
    """``wanted`` as the name of a generated function, _kernel added where it has a meaning there.

    Raises:
        OptionError: it is no ASCII identifier that starts with a letter.

    Example:
        >>> function_name("energy", frozenset({"sin"})), function_name("sin", frozenset({"sin"}))
        ('energy', 'sin_kernel')
    """
    if not re.fullmatch("[A-Za-z][A-Za-z_0-9]{0,59}", wanted):
        raise OptionError(
            f"the kernel's name {wanted!r} must be a letter followed by up to 59 letters, digits "
            "and underscores, all of them ASCII"
        )
    return f"{wanted}_kernel" if wanted in taken or RESERVED.fullmatch(wanted) else wanted


def self_test_numbers(
    program: Program,
    dtype: Dtype,
    test_point: Sequence[Sequence[float]],
    test_values: Sequence[Sequence[float]],
) -> tuple[list[list[float]], list[list[float]]]:
    """The point and the expected values of a self-test, rounded to ``dtype``.

    A point that is not exact in ``dtype`` costs the self-test some ulp: the values belong to the
    point before rounding.

    Raises:
        ShapeError: they do not have the Program's columns and entries.
    """
    _check_sizes("test_point", test_point, [(g.name, len(g.columns)) for g in program.groups])
    _check_sizes("test_values", test_values, [(r.name, r.size) for r in program.results])
    point, values = (
        [[rounded(number, dtype) for number in numbers] for numbers in given]
        for given in (test_point, test_values)
    )
    return point, values


def _check_sizes(
    what: str, given: Sequence[Sequence[float]], wanted: Sequence[tuple[str, int]]
) -> None:
    if len(given) != len(wanted):
        raise ShapeError(f"{what} needs {len(wanted)} sequences, {len(given)} given")
    for numbers, (name, size) in zip(given, wanted, strict=True):
        if len(numbers) != size:
            raise ShapeError(f"{what} for {name!r} needs {size} numbers, {len(numbers)} given")
