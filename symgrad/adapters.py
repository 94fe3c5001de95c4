"""What outside libraries make of a compiled function: imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from symgrad.errors import MissingDependencyError

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

ADAPTERS = {
    "benchmark": ("symgrad.benchmark", "benchmark"),
    "csr": ("symgrad.interop.scipy", "to_csr"),
    "dask": ("symgrad.interop.dask", "over_chunks"),
    "html": ("symgrad.display", "html"),
    "latex": ("symgrad.display", "latex"),
    "scipy": ("symgrad.adapters", "scipy_functions"),
    "torch": ("symgrad.adapters", "torch_function"),
}
"""Name -> module and function; ``CompiledFunction`` has a method for each."""


def adapter(name: str) -> Callable[..., Any]:
    """The function that ADAPTERS names.

    Raises:
        MissingDependencyError: its library is not installed.
    """
    module, function = ADAPTERS[name]
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def _require(package: str, name: str) -> None:
    if find_spec(package) is None:
        raise MissingDependencyError(
            f"{name} is not installed; install it with: pip install symgrad[{package}]"
        )


def scipy_functions(fn: CompiledFunction, values: Mapping[str, Any]) -> Any:
    """The functions of ``fn`` for ``scipy.optimize``.

    Raises:
        MissingDependencyError: SciPy is not installed.
    """
    _require("scipy", "SciPy")
    from symgrad.api import build  # noqa: PLC0415 - it imports this
    from symgrad.interop.scipy_optimize import ScipyFunctions  # noqa: PLC0415 - SciPy

    return ScipyFunctions(fn.recipe, values, build)


def torch_function(fn: CompiledFunction, workers: int | None) -> Any:
    """``fn`` for PyTorch, its derivatives compiled from its recipe as they are needed.

    Raises:
        MissingDependencyError: PyTorch is not installed.
    """
    _require("torch", "PyTorch")
    from symgrad import products  # noqa: PLC0415 - it imports api, which imports this
    from symgrad.api import build  # noqa: PLC0415 - as above
    from symgrad.interop.torch_autograd import TorchFunction  # noqa: PLC0415
    from symgrad.interop.torch_orders import Making  # noqa: PLC0415

    making = Making(products.flattened, products.product, products.seed_name, build, workers)
    return TorchFunction(fn, making)
