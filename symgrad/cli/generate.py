"""``symgrad generate``: a problem's derivatives as source code, or as code for a GPU."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from symgrad.api import derive_program, problem_recipe
from symgrad.cli.options import Asked, problem_options
from symgrad.details import GPU_WRITERS, WRITERS, source
from symgrad.errors import OptionError
from symgrad.interop.files import write_file
from symgrad.ir.program import Program
from symgrad.options import Options
from symgrad.signatures import argument_groups

GPU_CODE = ("ptx", "cubin")
"""What else is made for GPUs: NVIDIA's assembly language, and machine code."""


@click.command("generate")
@problem_options
@click.option(
    "--target",
    type=click.Choice([*WRITERS, *GPU_WRITERS, *GPU_CODE]),
    default="numba",
    show_default=True,
    help="The language of the source; ptx and cubin are compiled for a GPU.",
)
@click.option(
    "--arch", default="sm_90", show_default=True, help="The GPU that ptx and cubin are for."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="A file; standard output otherwise."
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
def generate(
    asked: Asked,
    target: str,
    arch: str,
    output: str | None,
    overwrite: bool,
) -> None:
    r"""Write the derivatives of FILE|FORMULA as source code that needs no symgrad.

    \b
    symgrad generate problem.toml -o kernel.py
    symgrad generate "x*sin(y)" --inputs x,y --derivatives hessian --target c
    """
    recipe = problem_recipe(asked.load(), **asked.options())
    options = Options(**recipe.options)
    _, _, program = derive_program(recipe, options, argument_groups(recipe))
    if target in GPU_CODE:
        _write_code(program, replace(options, target="cuda"), target, arch, output, overwrite)
        return
    text = source(recipe, program, options, target)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_file(output, text, overwrite=overwrite)


def _write_code(
    program: Program, options: Options, form: str, arch: str, output: str | None, overwrite: bool
) -> None:
    """Write PTX or machine code: a file for each kernel, numbered where there are several."""
    from symgrad.cuda import gpu_code

    made = gpu_code(program, options, form, arch)
    if output is None:
        if len(made) > 1:
            raise OptionError(f"the function is made of {len(made)} kernels; name a file with -o")
        if isinstance(made[0], bytes) and sys.stdout.isatty():
            raise OptionError("machine code is not for a terminal; name a file with -o")
        click.echo(made[0], nl=False)
        return
    for number, code in enumerate(made):
        path = Path(output)
        numbered = path.with_name(f"{path.stem}_{number}{path.suffix}")
        write_file(path if len(made) == 1 else numbered, code, overwrite=overwrite)
