"""What a function takes and gives, read from its Recipe: argument groups, shapes, the Signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from symgrad.differentiate.tensors import COTANGENT, TANGENT, seed_names
from symgrad.ir.program import Group, Result
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Pattern, Request
from symgrad.options import Options

if TYPE_CHECKING:
    from symgrad.runtime.arguments import Signature


def argument_groups(recipe: Recipe) -> tuple[Group, ...]:
    """The arrays that the kernel takes: inputs, and what the wanted results need besides."""
    kinds = {request.kind for request in recipe.requests}
    groups = [Group("inputs", recipe.inputs)]
    if recipe.parameters:
        groups.append(Group("parameters", recipe.parameters))
    if kinds & {"jvp", "hvp"}:
        groups.append(Group(TANGENT, seed_names(TANGENT, len(recipe.wrt))))
    count = len(recipe.labels)
    if "vjp" in kinds or ("hvp" in kinds and recipe.shape != ()):
        groups.append(Group(COTANGENT, seed_names(COTANGENT, count)))
    return tuple(groups)


def result_shape(
    request: Request, recipe: Recipe, pattern: Pattern | None = None
) -> tuple[int, ...]:
    """The shape of a wanted result for one point: with a pattern the number of its entries."""
    n = len(recipe.wrt)
    if pattern is not None:
        return (len(pattern.indices),)
    if request.kind in ("vjp", "hvp"):
        return (n,)
    if request.kind == "normal":
        return (n,) * request.order
    return recipe.shape + (n,) * (request.order if request.kind == "tensor" else 0)


def make_signature(
    recipe: Recipe, options: Options, patterns: Mapping[str, Pattern], block: int
) -> Signature:
    """The Signature of a function.

    Args:
        recipe: of the function.
        options: its options.
        patterns: of sparse results by name; of all results, if points are summed.
        block: points whose sums are a row of each result, if points are summed.
    """
    from symgrad.runtime.arguments import Signature  # noqa: PLC0415 - NumPy, and more
    from symgrad.runtime.reduction import Reduction  # noqa: PLC0415
    from symgrad.runtime.sparsity import Sparsity  # noqa: PLC0415

    stored = patterns if options.sparse else {}
    whole = {name: Sparsity.of(found) for name, found in patterns.items() if name not in stored}
    return Signature(
        inputs=recipe.inputs,
        parameters=recipe.parameters,
        wrt=recipe.wrt,
        groups=argument_groups(recipe),
        results=tuple(
            Result(request.name, result_shape(request, recipe, stored.get(request.name)))
            for request in recipe.requests
        ),
        output_shape=recipe.shape,
        dtype=options.dtype,
        batch_axis=options.batch_axis,
        single=len(recipe.requests) == 1,
        sparsity={name: Sparsity.of(found) for name, found in stored.items()},
        reduction=Reduction(block, options.reduce == "mean", whole) if options.reduce else None,
    )
