"""Program -> a Python module of NumPy or PyTorch, readable and on its own: whole arrays at a time.

Every statement works on all points, so a function is one block of straight-line code with no loop,
and PyTorch's own autograd, vmap and devices work on it. It is made to be read and changed;
symgrad's kernels, which keep values in registers, are several times as fast.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symgrad.emit.readable.numba_source import ERROR, literal, routine_style
from symgrad.emit.readable.routines import RoutineStyle, routine_lines, with_routines
from symgrad.emit.readable.walk import (
    SELF_TEST_LIMIT,
    Array,
    Language,
    body,
    description,
    function_name,
    group_arrays,
    listed,
    result_arrays,
    rounded,
    self_test_numbers,
    words_of,
    wrapped,
)
from symgrad.emit.target import Dtype
from symgrad.functions import PRIMITIVES
from symgrad.ir.program import Program

# fmt: off
SAME: dict[str, str] = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "neg": "-{0}", "lt": "{0} < {1}", "le": "{0} <= {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "pow": "{0} ** {1}", "abs": "abs({0})",
}
"""Operations that Python's operators have."""

NUMPY = SAME | {
    "and": "np.logical_and({0}, {1})", "or": "np.logical_or({0}, {1})",
    "not": "np.logical_not({0})", "select": "np.where({0}, {1}, {2})",
    "sign": "np.where({0} == 0, {0}, np.sign({0}))",
    "asin": "np.arcsin({0})", "acos": "np.arccos({0})", "atan": "np.arctan({0})",
    "asinh": "np.arcsinh({0})", "acosh": "np.arccosh({0})", "atanh": "np.arctanh({0})",
    "atan2": "np.arctan2({0}, {1})", "erf": "erf({0})", "erfc": "erfc({0})",
    "fma": "fma({0}, {1}, {2})",
} | {
    name: f"np.{name}({{0}})" for name in (
        "sqrt", "floor", "ceil", "trunc", "rint", "exp", "exp2", "expm1", "log", "log1p", "log2",
        "log10", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    )
} | {name: f"np.{name}({{0}}, {{1}})" for name in ("fmod", "hypot")}

TORCH = SAME | {
    "and": "{0} & {1}", "or": "{0} | {1}", "not": "{0} ^ True",
    "select": "torch.where(torch.as_tensor({0}), number({1}), number({2}))",
    "rint": "torch.round({0})", "sign": "torch.where(abs({0}) > 0, torch.sign({0}), {0})",
    "cbrt": "cbrt({0})",
    # 1/cosh(x) vanishes where cosh(x) overflows, before sech(x) does.
    "sech": "(1 / torch.cosh({0} / 2)) ** 2 / (1 + torch.tanh({0} / 2) ** 2)",
    "exp_minus_square": "torch.exp(-{0} * {0})",
    "exp_minus_square_slope": "-2 * {0} * torch.exp(-{0} * {0})",
} | {
    name: f"torch.{name}({{0}})" for name in (
        "sqrt", "floor", "ceil", "trunc", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10",
        "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
        "atanh", "erf", "erfc",
    )
} | {
    name: f"torch.{name}(number({{0}}), number({{1}}))" for name in ("atan2", "fmod", "hypot")
}
# fmt: on

STACKED_NUMPY = '''

def stacked(entries, batch, shape):
    """The entries of a result as one array of shape (*batch, *shape)."""
    whole = np.empty((*batch, len(entries)), dtype=np.{dtype})
    for k, entry in enumerate(entries):
        whole[..., k] = entry
    return whole.reshape((*batch, *shape))
'''

STACKED_TORCH = '''

def stacked(entries, batch, shape, device):
    """The entries of a result as one tensor of shape (*batch, *shape)."""
    tensors = [number(entry).to(device).expand(batch) for entry in entries]
    if not tensors:
        return torch.empty((*batch, *shape), dtype=torch.{dtype}, device=device)
    return torch.stack(tensors, -1).reshape((*batch, *shape))
'''

NUMBER = '''

def number(value):
    """A number or a tensor as a tensor."""
    return torch.as_tensor(value, dtype=torch.{dtype})
'''

ERF = """
{name} = np.vectorize(math.{name}, otypes=[np.{dtype}])
"""

FMA = '''

@np.vectorize(otypes=[np.float64])
def fma(a, b, c):
    """a*b + c, rounded once."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    try:
        return float(exact) if exact else a * b + c
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
'''

CBRT = '''

def cbrt(x):
    """The cube root: a power, and a step of Newton's method where there is one."""
    root = abs(x) ** (1 / 3)
    step = (root - abs(x) / (root * root)) / 3
    return torch.copysign(torch.where(torch.isfinite(step), root - step, root), x)
'''

ENTRY = '''

def entry(index, last):
    """The place of an index in a table: beyond an end that end, of nan the beginning."""
    return int(min(index, last)) if index > 0 else 0
'''

SELF_TEST = '''

def self_test():
    """Compare one point with 50-digit arithmetic: 0 if all is well, else 1."""
{arrays}
    {results} = {call}
    worst = max(
{errors}
    )
    passed = worst <= {limit!r}
    print(f"self-test {{'passed' if passed else 'FAILED'}}: largest error {{worst:.3g}} ulp")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(self_test())
'''


@dataclass(frozen=True, slots=True)
class Library:
    """What differs between the two.

    Attributes:
        name: as people write it.
        module: the name that the code knows it by.
        head: the lines that import what is always needed.
        operations: op -> expression.
        stacked: the text of the function that makes a result.
        given: how a group becomes an array; {0} is its name, {1} the dtype.
        batch: the points' axes, from the array of the inputs.
        more: further arguments of ``stacked``.
        quiet: the line under which 1/0 is no warning; "" where there is none.
        shown: a result as NumPy's array, for the self-test.
    """

    name: str
    module: str
    head: str
    operations: Mapping[str, str]
    stacked: str
    given: str
    batch: str
    more: str
    quiet: str
    shown: str


LIBRARIES = {
    "numpy": Library(
        "NumPy",
        "np",
        "import numpy as np\n",
        NUMPY,
        STACKED_NUMPY,
        "{0} = np.asarray({0}, dtype=np.{1})",
        "{0}.shape[:-1]",
        "",
        'with np.errstate(all="ignore"):  # 1/0 is inf',
        "{0}",
    ),
    "torch": Library(
        "PyTorch",
        "torch",
        "import numpy as np\nimport torch\n",
        TORCH,
        NUMBER + STACKED_TORCH,
        "{0} = number({0})",
        "{0}.shape[:-1]",
        ", {0}.device",
        "",
        "{0}.numpy()",
    ),
}


def numpy_source(program: Program, **options: object) -> str:
    """A NumPy module with the function ``name``: see ``array_source``.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("mul", (0, 0)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> square = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> text = numpy_source(square, test_point=[[3.0]], test_values=[[9.0]])
        >>> [line.strip() for line in text.splitlines() if "v1" in line]
        ['v1 = v0 * v0', 'value[0] = v1']
    """
    return array_source(program, "numpy", **options)  # type: ignore[arg-type]


def torch_source(program: Program, **options: object) -> str:
    """A PyTorch module with the function ``name``: see ``array_source``."""
    return array_source(program, "torch", **options)  # type: ignore[arg-type]


def array_source(
    program: Program,
    library: str,
    *,
    name: str = "kernel",
    dtype: Dtype = "float64",
    test_point: Sequence[Sequence[float]],
    test_values: Sequence[Sequence[float]],
) -> str:
    """A Python module with the function ``name`` over batches of points.

    It takes the argument groups in the Program's order, ``kernel(x, p)`` with x of shape
    (*batch, n) and p of shape (n,) or (*batch, n), and gives the results, arrays of shape
    (*batch, *shape), in a tuple where there are several. Run as a script, the module tests itself.

    Args:
        program: what to print.
        library: a key of LIBRARIES.
        name: the function's name; one that has a meaning in the code gets _kernel added.
        dtype: the type in which everything is computed.
        test_point: one number a column of each group, best exact in ``dtype``.
        test_values: the results there, from more exact arithmetic, one an entry of each result.

    Raises:
        UnknownFunctionError: the library has no function for an operation.
        OptionError: ``name`` is no ASCII identifier.
        ShapeError: test_point or test_values do not fit the Program.
    """
    found = LIBRARIES[library]
    taken = words_of(*found.operations.values(), found.head, found.stacked, FMA, CBRT, ENTRY, ERROR)
    taken |= words_of(SELF_TEST, found.quiet) | frozenset((*keyword.kwlist, *keyword.softkwlist))
    name = function_name(name, taken)
    point, values = self_test_numbers(program, dtype, test_point, test_values)
    groups, results = group_arrays(program), result_arrays(program)
    spoken = _language(found, dtype)
    functions: list[str] = []
    if library == "numpy":
        style = _routine_style(dtype)
        made = routine_lines(program.routines, _language(found, "float64"), style)
        functions = [line for function in made for line in function]
        spoken = with_routines(spoken, style, program.routines)
    lines = body(program, spoken)
    text = "\n".join((*functions, *lines))
    special = [word for word in ("erf", "erfc") if f"= {word}(" in text]
    fused = "= fma(" in text
    helpers = "".join(ERF.format(name=word, dtype=dtype) for word in special)
    helpers += CBRT if "= cbrt(" in text else ""
    helpers += (FMA if fused else "") + (ENTRY if "[entry(" in text else "")
    return "".join(
        (
            _docstring(program, name, found, dtype),
            "\nimport math\n" if special or fused else "",
            "from fractions import Fraction\n" if fused else "",
            f"\n{found.head}",
            helpers,
            found.stacked.format(dtype=dtype),
            "".join(f"{line}\n" for line in functions),
            _function(name, found, dtype, groups, results, lines),
            ERROR,
            _self_test(name, found, dtype, groups, results, point, values),
        )
    )


def _language(library: Library, dtype: Dtype) -> Language:
    operations = dict(library.operations)
    if library.module == "torch":
        for row in PRIMITIVES.values():
            if row.kind == "routine" and row.names.torch:
                given = ", ".join(f"number({{{i}}})" for i in range(row.arity))
                operations.setdefault(row.name, f"torch.{row.names.torch}({given})")
    return Language(
        name=library.name,
        operations=operations,
        words={},
        number=lambda value: literal(rounded(value, dtype), dtype),
        truth=("False", "True"),
        load="{0}[..., {1}]",
        real="{0} = {1}",
        condition="{0} = {1}",
        store="{0}[{1}] = {2}",
        index=lambda shape, position: str(position),
        comment="#",
    )


def _routine_style(dtype: Dtype) -> RoutineStyle:
    """A function of one point that NumPy calls for each; with ``otypes``, for none of them too."""
    return replace(
        routine_style("float64"),
        head=("", "", "@np.vectorize(otypes=[np.float64])", "def {0}({1}):"),
        given="{0}",
        taken="{0}" if dtype == "float64" else "np.float32({0})",
    )


def _function(
    name: str,
    library: Library,
    dtype: Dtype,
    groups: Sequence[Array],
    results: Sequence[Array],
    lines: Sequence[str],
) -> str:
    arguments = ", ".join(group.identifier for group in groups)
    first = groups[0].identifier
    made = [f"{r.identifier} = [None] * {r.size}" for r in results]
    given = [library.given.format(group.identifier, dtype) for group in groups]
    stacked = [
        f"stacked({r.identifier}, batch, {r.shape}{library.more.format(first)})" for r in results
    ]
    inner = [f"    {line}" for line in lines] if library.quiet else list(lines)
    text = [
        "",
        "",
        f"def {name}({arguments}):",
        f'    """{listed(r.title for r in results)} at all points."""',
        *(f"    {line}" for line in given),
        f"    batch = {library.batch.format(first)}",
        *(f"    {line}" for line in made),
        *([f"    {library.quiet}"] if library.quiet else []),
        *(f"    {line}" for line in inner),
    ]
    if len(results) == 1:
        text.append(f"    return {stacked[0]}")
    else:
        text += ["    return (", *(f"        {one}," for one in stacked), "    )"]
    return "\n".join(text) + "\n"


def _docstring(program: Program, name: str, library: Library, dtype: Dtype) -> str:
    def written(array: Array) -> str:
        batch = "" if array.shared else "*batch, "
        inside = f"{batch}{', '.join(map(str, array.shape))}".rstrip(", ")
        return f"{array.identifier} ({inside})"

    results = result_arrays(program)
    paragraphs = (
        f'"""{listed(result.title for result in results)}, in {library.name}.',
        f"{name} takes the arrays of all points and gives the results"
        f"{', in this order' if len(results) > 1 else ''}:",
        f"Everything is computed in {dtype} by IEEE arithmetic: 1/0 is inf. {program.total} "
        "operations a point, each on all points at once. Run as a script, this module tests "
        "itself.",
    )
    texts = ["\n".join(wrapped(paragraph, "", "")) for paragraph in paragraphs]
    texts.insert(2, "\n".join(description(program, written, "    ")))
    return "\n\n".join(texts) + '\n"""\n'


def _self_test(
    name: str,
    library: Library,
    dtype: Dtype,
    groups: Sequence[Array],
    results: Sequence[Array],
    point: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
) -> str:
    lines: list[str] = []

    def array(identifier: str, numbers: Sequence[float], shape: tuple[int, ...]) -> None:
        text = ", ".join(literal(number, dtype) for number in numbers)
        reshape = "" if len(shape) == 1 else f".reshape({shape})"
        whole = f"{identifier} = np.array([{text}], dtype=np.{dtype}){reshape}"
        lines.extend(wrapped(whole, " " * 4, " " * 8))

    for group, numbers in zip(groups, point, strict=True):
        array(group.identifier, numbers, group.shape)
    for result, numbers in zip(results, values, strict=True):
        array(f"expected_{result.identifier}", numbers, result.shape)
    errors = [
        f"        error_in_ulp({library.shown.format(r.identifier)}, expected_{r.identifier}),"
        for r in results
    ]
    return SELF_TEST.format(
        arrays="\n".join(lines),
        results=", ".join(r.identifier for r in results),
        call=f"{name}({', '.join(group.identifier for group in groups)})",
        errors="\n".join(errors if len(errors) > 1 else [*errors, "        0.0,"]),
        limit=SELF_TEST_LIMIT[dtype],
    )
