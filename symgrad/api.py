"""compile(): the whole pipeline on one screen, one verb a line.

text / SymPy --parse--> Graph --differentiate--> Graph --simplify--> Graph --schedule--> Program
             --emit--> kernel --load--> CompiledFunction
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgrad.adapters import adapter
from symgrad.differentiate.tensors import derive
from symgrad.errors import DerivativeError, OptionError, ProblemFileError, SymgradError
from symgrad.functions import PRIMITIVES
from symgrad.functions.user import table_with, used_rows
from symgrad.ir.convert import to_exprs
from symgrad.ir.expression import Expr
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Primitive, refuse
from symgrad.ir.program import Group, Program
from symgrad.ir.recipe import Recipe
from symgrad.ir.row_text import read_rows, write_rows
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.text import read_graph, write
from symgrad.ir.traverse import reachable
from symgrad.options import Options, choose, dtype_name
from symgrad.parse.outputs import Parsed, parse_outputs
from symgrad.parse.requests import parse_normal, parse_requests
from symgrad.portfolio import find_program
from symgrad.schedule.lower import schedule
from symgrad.signatures import argument_groups, make_signature
from symgrad.simplify.rewrite import simplify

if TYPE_CHECKING:
    from symgrad.parse.problem import Problem
    from symgrad.runtime.function import CompiledFunction
    from symgrad.runtime.operations import Details
    from symgrad.tiers import Maker


def compile(
    outputs: object,
    inputs: object,
    derivatives: object = None,
    *,
    parameters: object = (),
    wrt: object = None,
    dtype: Any = "float64",
    batch_axis: int = 0,
    accuracy: str = "high",
    rewrites: str = "all",
    sparse: bool = False,
    optimize: str = "default",
    reduce: str | None = None,
    jit: str = "auto",
    target: str = "cpu",
    engine: str | None = None,
    functions: object = (),
    name: str | None = None,
    cache: bool = True,
) -> CompiledFunction:
    """Compile formulas and their derivatives into one kernel over batches of points.

    Args:
        outputs: a SymPy expression, a traced Expr or formula text; a (nested) sequence, a Matrix
            or a dict of these. Their shape is S: () for one expression.
        inputs: symbols or names that vary per point; one string may name several.
        derivatives: what to evaluate: "value", "gradient" (S = () only), "jacobian", "hessian", an
            order such as 3, "vjp", "jvp", "hvp", a sequence of these, or a dict of chosen partials
            such as {"u_xx": (x, x)}. By default the gradient of one expression, else the Jacobian.
        parameters: symbols or names that a whole batch shares.
        wrt: what to differentiate by; by default the inputs.
        dtype: "float64" or "float32", of every value in the kernel; NumPy's and PyTorch's own
            dtypes of these names do as well.
        batch_axis: 0 for points first, -1 for points last (the fastest layout).
        accuracy: "high" or "fast" vector mathematics.
        rewrites: "all", "finite" or "exact": the classes of rewrite rules allowed.
        sparse: compute and store the entries of gradients, Jacobians, Hessians and higher orders
            that are not structural zeros, and no other; of symmetric entries one. Values, products
            and chosen partials stay dense.
        optimize: "fast", "default" or "max": how hard to look for a cheaper program.
        reduce: "sum" or "mean" over all points of a batch, inside the kernel, instead of a result
            for each; "normal" for the sums of least squares, the outputs being residuals r with
            Jacobian J by wrt: derivatives are then "jtj" (J^T J, shape (n, n)), "jtr" (J^T r,
            shape (n,)) and "rss" (r.r), by default all three. Points are summed in fixed blocks, so
            that the sums have the same bits for any number of workers.
        jit: "always" compiles a kernel now. "never" has NumPy interpret the function, operation by
            operation: that takes longer for each point, but no compilation, and numba is not
            imported. "auto" compiles now what has up to 50,000 operations; more are interpreted
            until that has taken about as long as the compilation takes, and the call that makes it
            longer compiles first. So its last digits may differ from those of earlier calls, those
            within one call never do; ``fn.tier`` says who comes next.
        target: "cpu", or "cuda" for NVIDIA GPUs: a function of that kind takes and gives arrays of
            PyTorch, CuPy, JAX and numba on the device without a copy, and NumPy arrays in pieces
            (``symgrad.runtime.cuda.function.CudaFunction``).
        engine: "numba" or "nvrtc": who compiles for a GPU; None takes "numba" where its packages
            are installed, else "nvrtc".
        functions: the user's own functions (``symgrad.function``, ``symgrad.spline``) that the
            outputs or one another use.
        name: a name for people.
        cache: keep derived programs and compiled code on disk.

    Returns:
        A function; N points give arrays of shape (N, *S) for the value, (N, *S, n) for first and
        (N, *S, n, n) for second derivatives, n being the number of variables in wrt. Sparse
        derivatives have shape (N, nnz); ``fn.sparsity`` says which entries these are.

    Raises:
        SymgradError: an expression, a name, a derivative or an option that cannot be used.

    Example:
        >>> fn = compile("x**2*sin(y)", "x y", ["value", "gradient"])
        >>> value, gradient = fn([[3.0, 0.5]])
        >>> gradient.shape
        (1, 2)
    """
    if not isinstance(name, str | None):
        raise OptionError(f"name={name!r} is not possible; give text")
    dtype = dtype_name(dtype)
    options = Options(
        *(dtype, batch_axis, accuracy, rewrites, sparse, optimize, reduce, jit, target, engine)  # type: ignore[arg-type]
    )
    table = table_with(functions)
    parsed = parse(outputs, inputs, parameters, wrt, table=table)
    requests = _requests(parsed, derivatives, options)
    recipe = make_recipe(parsed, requests, options, name or "", table=table)
    return build(recipe, cache=cache)


def _requests(parsed: Parsed, derivatives: object, options: Options) -> tuple[Request, ...]:
    """The wanted results of a parsed system."""
    if options.reduce == "normal":
        return parse_normal(derivatives)
    return parse_requests(derivatives, parsed.shape, parsed.wrt, partial(_name_of, parsed))


def parse(
    outputs: object,
    inputs: object,
    parameters: object = (),
    wrt: object = None,
    definitions: Mapping[str, object] | None = None,
    table: Mapping[str, Primitive] = PRIMITIVES,
) -> Parsed:
    """Read outputs over inputs and parameters (``parse/outputs.py``)."""
    differentiate = partial(differentiate_expr, table=table)
    return parse_outputs(
        *(outputs, inputs, parameters, wrt, table),
        definitions=definitions,
        differentiate=differentiate,
    )


def make_recipe(
    parsed: Parsed,
    requests: Sequence[Request],
    options: Options,
    name: str = "",
    ranges: Mapping[str, tuple[float, float]] | None = None,
    table: Mapping[str, Primitive] = PRIMITIVES,
) -> Recipe:
    """The Recipe of a parsed system: its graph as text, and what is wanted of it.

    Raises:
        DerivativeError: an output holds a derivative that has no closed form.
    """
    graph = Graph(table, exact=options.rewrites == "exact")
    nodes = graph.add_all(parsed.exprs)
    refuse_unknown(graph, nodes)
    needed = used_rows({graph.ops[node] for node in reachable(graph, nodes)}, table)
    return Recipe(
        graph=write(graph, {"value": nodes}),
        inputs=parsed.inputs,
        parameters=parsed.parameters,
        wrt=parsed.wrt,
        shape=parsed.shape,
        labels=parsed.output_names,
        requests=tuple(requests),
        options=asdict(options),
        name=name,
        ranges=dict(ranges or {}),
        functions=write_rows(needed),
    )


def build(recipe: Recipe, *, cache: bool = True) -> CompiledFunction:
    """The function of a Recipe: from the disk cache, derived and compiled if need be."""
    from symgrad.tiers import Maker  # noqa: PLC0415

    options = read_options(recipe)
    groups = argument_groups(recipe)

    def derive() -> tuple[list[Tensor], Program]:
        return derive_program(recipe, options, groups)[1:]

    maker = Maker(recipe, options, derive, function_table(recipe.functions), cache=cache)
    details = partial(_details, recipe, options, groups)
    return _FUNCTIONS[options.target](recipe, options, maker, details)


def _cpu_function(
    recipe: Recipe,
    options: Options,
    maker: Maker,
    details: Callable[[Program | None], Details],
) -> CompiledFunction:
    from symgrad.runtime.cpu import CpuFunction  # noqa: PLC0415 - NumPy, and more

    made = maker.make()
    signature = make_signature(recipe, options, made.patterns, made.block)
    return CpuFunction(
        *(made.code, signature, recipe, partial(details, made.program), restore, adapter),
        made.point_address,
    )


def _cuda_function(
    recipe: Recipe,
    options: Options,
    maker: Maker,
    details: Callable[[Program | None], Details],
) -> CompiledFunction:
    from symgrad.cuda import cuda_function  # noqa: PLC0415 - it imports the emitters

    return cuda_function(recipe, options, maker, details, restore, adapter)


_FUNCTIONS: dict[str, Callable[..., CompiledFunction]] = {
    "cpu": _cpu_function,
    "cuda": _cuda_function,
}
"""What makes a function for a target."""


def derive_program(
    recipe: Recipe, options: Options, groups: Sequence[Group]
) -> tuple[Graph, list[Tensor], Program]:
    """Differentiate, simplify and schedule: from a Recipe to a Program.

    Where points are summed, no structural zeros are, and of symmetric entries one.
    """
    if options.reduce is not None:
        options = replace(options, sparse=True)
    collecting = gc.isenabled()
    gc.disable()  # millions of small tuples without cycles: a quarter of the time would be its
    try:
        system = simplified(read_system(recipe), options)
        return find_program(system, recipe.requests, options, groups, recipe.labels)
    finally:
        if collecting:
            gc.enable()


def unsimplified_program(recipe: Recipe, options: Options, groups: Sequence[Group]) -> Program:
    """Differentiate and schedule alone: what simplification is measured against."""
    system = read_system(recipe)
    tensors = derive(system, recipe.requests, sparse=options.sparse)
    return schedule(system.graph, tensors, groups, recipe.labels)


def read_system(recipe: Recipe) -> System:
    """The System that a Recipe's text describes."""
    graph, outputs = read_graph(recipe.graph, function_table(recipe.functions))
    graph.exact = recipe.options.get("rewrites") == "exact"
    value = Tensor("value", recipe.shape, tuple(outputs["value"]))
    return System(graph, recipe.inputs, recipe.parameters, recipe.wrt, value, recipe.labels)


def function_table(text: str) -> Mapping[str, Primitive]:
    """The function table of a Recipe: PRIMITIVES, and the user's rows that it carries.

    Raises:
        ProblemFileError: the text holds no rows.
    """
    return _read_table(text) if text else PRIMITIVES


@lru_cache(maxsize=64)
def _read_table(text: str) -> Mapping[str, Primitive]:
    from symgrad.runtime import callbacks  # noqa: PLC0415 - only where there are such rows

    return read_rows(text, PRIMITIVES, callbacks.caller)


def read_options(recipe: Recipe) -> Options:
    """The Options of a Recipe.

    Raises:
        ProblemFileError: the recipe names an option that there is not.
    """
    known = [field.name for field in fields(Options)]
    for name in recipe.options:
        if name not in known:
            raise ProblemFileError(
                f"the saved function has the option {name!r}; there are {', '.join(known)}"
            )
    return Options(**recipe.options)


def simplified(system: System, options: Options) -> System:
    """The system with its primal simplified: what is rewritten here need not be differentiated."""
    graph, (value,) = simplify(system.graph, [system.outputs], options.rewrites, primal=True)
    names = (system.inputs, system.parameters, system.wrt)
    return System(graph, *names, value, system.labels)


def _details(
    recipe: Recipe, options: Options, groups: Sequence[Group], program: Program | None
) -> Details:
    """What a function says of itself, derived again: the cache keeps code alone."""
    from symgrad.details import details  # noqa: PLC0415 - it imports the emitters

    graph, tensors, derived = derive_program(recipe, options, groups)
    before = partial(unsimplified_program, recipe, options, groups)
    return details(recipe, options, graph, tensors, program or derived, before)


def differentiate_expr(
    expr: Expr, names: Sequence[str], table: Mapping[str, Primitive] = PRIMITIVES
) -> Expr:
    """The partial derivative of an Expr by the named variables, one after the other.

    Raises:
        DerivativeError: it has no closed form.
    """
    graph = Graph(table)
    node = graph.add(expr)
    wrt = tuple(dict.fromkeys(names))
    system = System(graph, wrt, (), wrt, Tensor("value", (), (node,)), ("",))
    request = Request("partial", "partial", len(names), tuple(wrt.index(name) for name in names))
    (tensor,) = derive(system, [request])
    refuse_unknown(graph, tensor.nodes)
    return to_exprs(graph, tensor.nodes)[0]


def refuse_unknown(graph: Graph, nodes: Sequence[int]) -> None:
    """Raise the error of a derivative without closed form that nodes need."""
    for node in reachable(graph, nodes):
        row = graph.table.get(graph.ops[node])
        if row is not None and row.kind == "unknown":
            raise refuse(row)


def _name_of(parsed: Parsed, variable: object) -> str:
    """The name of a variable in a dict of chosen partials."""
    try:
        return parsed.variables.find(variable, "a variable of a chosen partial")
    except Exception as error:
        raise DerivativeError(str(error)) from None


def load(path: str) -> CompiledFunction:
    """The function that ``fn.save(path)`` wrote; loading executes nothing from the file.

    Raises:
        ProblemFileError: the file cannot be read or is no saved function.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemFileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ProblemFileError(f"{path} is no saved symgrad function: it is not text") from None
    return build(Recipe.from_json(text))


def restore(recipe_text: str) -> CompiledFunction:
    """What unpickling calls: build the function of a recipe's JSON."""
    return build(Recipe.from_json(recipe_text))


def problem_recipe(
    problem: Problem, derivatives: object = None, dtype: str | None = None, **options: Any
) -> Recipe:
    """The Recipe of a problem file (``parse/problem.py``); options of None are as the file says."""
    names = (problem.inputs, problem.parameters)
    try:
        parsed = parse(problem.system(), *names, definitions=problem.definitions)
    except SymgradError as error:
        raise type(error)(f"{problem.source}: {error}" if problem.source else str(error)) from None
    wanted = derivatives if derivatives is not None else problem.derivatives
    said = {"dtype": problem.dtype, "sparse": problem.sparse, "optimize": problem.optimize}
    asked = {k: v for k, v in {"dtype": dtype, **options}.items() if v is not None}
    chosen = Options(**{k: v for k, v in {**said, **asked}.items() if v is not None})
    requests = _requests(parsed, wanted, chosen)
    fixed = {name: (value, value) for name, value in problem.parameter_values.items()}
    return make_recipe(parsed, requests, chosen, problem.name or "", {**problem.ranges, **fixed})


def compile_problem(
    problem: Problem,
    *,
    derivatives: object = None,
    dtype: str | None = None,
    cache: bool = True,
    **options: Any,
) -> CompiledFunction:
    """Compile a problem file; what is given besides overrides what the file says."""
    return build(problem_recipe(problem, derivatives, dtype, **options), cache=cache)


LANGUAGES = {"source": "numba", "cuda": "cuda"}
"""Stages that are readable source, and their language."""

STAGES = ("graph", "simplify", "program", *LANGUAGES, "llvm", "ptx")
"""A problem as parsed, with simplified derivatives, as scheduled, and its code."""


def stage_text(problem: Problem, stage: str, **options: Any) -> str:
    """A problem at one stage of the pipeline, as text for people.

    Args:
        problem: the problem.
        stage: one of STAGES.
        **options: as for ``problem_recipe``.

    Raises:
        OptionError: there is no such stage.
    """
    recipe = problem_recipe(problem, **options)
    chosen = read_options(recipe)
    choose("stage", stage, STAGES)
    if stage == "graph":
        return recipe.graph
    from symgrad.details import details, program_text  # noqa: PLC0415 - it imports the emitters

    graph, tensors, program = derive_program(recipe, chosen, argument_groups(recipe))
    if stage == "simplify":
        return write(graph, {tensor.name: tensor.nodes for tensor in tensors})
    if stage == "program":
        return program_text(program)
    if stage == "ptx":
        from symgrad.cuda import gpu_code  # noqa: PLC0415 - for GPUs alone

        made = gpu_code(program, replace(chosen, target="cuda"), "ptx", "sm_90")
        return "\n".join(map(str, made))
    found = details(recipe, chosen, graph, tensors, program)
    return found.llvm() if stage == "llvm" else found.source(LANGUAGES[stage])
