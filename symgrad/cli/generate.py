"""``symgrad generate``: readable source code of a problem's derivatives."""

from __future__ import annotations

import click

from symgrad.api import argument_groups, derive_program, problem_recipe
from symgrad.cli.options import Given, kernel_options, load_problem, problem_options, requested
from symgrad.details import WRITERS, source
from symgrad.interop.files import write_text
from symgrad.options import Options


@click.command("generate")
@problem_options
@kernel_options
@click.option(
    "--target",
    type=click.Choice(list(WRITERS)),
    default="numba",
    show_default=True,
    help="The language of the source.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="A file; standard output otherwise."
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
def generate(
    problem: str,
    inputs: tuple[str, ...] | None,
    parameters: tuple[Given, ...],
    derivatives: tuple[str, ...] | None,
    dtype: str | None,
    sparse: bool | None,
    optimize: str | None,
    target: str,
    output: str | None,
    overwrite: bool,
) -> None:
    r"""Write the derivatives of FILE|FORMULA as source code that needs no symgrad.

    \b
    symgrad generate "x**2*sin(y)" --inputs x,y --derivatives value,gradient -o kernel.py
    """
    loaded = load_problem(problem, inputs, parameters)
    recipe = problem_recipe(loaded, requested(derivatives), dtype, sparse=sparse, optimize=optimize)
    options = Options(**recipe.options)
    _, _, program = derive_program(recipe, options, argument_groups(recipe))
    text = source(recipe, program, options, target)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(output, text, overwrite=overwrite)
