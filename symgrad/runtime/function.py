"""CompiledFunction: what every function is and says of itself, whatever evaluates it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

from symgrad.errors import ArgumentError
from symgrad.ir.graph import Graph
from symgrad.ir.program import Program
from symgrad.ir.recipe import Recipe
from symgrad.runtime.arguments import Signature
from symgrad.runtime.arrays import Array
from symgrad.runtime.operations import Details, Operations
from symgrad.runtime.sparsity import Sparsity


class CompiledFunction(ABC):
    """A compiled function over batches of points; ``sg.compile`` makes it.

    On the CPU it is a ``CpuFunction`` (``runtime/cpu.py``), on a GPU a ``CudaFunction``
    (``runtime/cuda/function.py``).

    Attributes:
        signature: what it takes and gives.
        recipe: everything that is needed to make it again: what pickling carries.
    """

    def __init__(
        self,
        signature: Signature,
        recipe: Recipe,
        details: Callable[[], Details],
        restore: Callable[[str], CompiledFunction],
        adapter: Callable[[str], Callable[..., Any]],
    ) -> None:
        self.signature = signature
        self.recipe = recipe
        self._details = details
        self._restore = restore
        self._adapter = adapter

    @abstractmethod
    def __call__(self, /, *points: Any, **named: Any) -> Any:
        """Evaluate at a batch of points."""

    @property
    def cached(self) -> bool:
        """Whether the compiled code came from the disk cache."""
        return False

    @property
    def tier(self) -> Literal["compiled", "interpreted"]:
        """Who evaluates the next call: the compiled kernel, or the interpreter (``jit=``)."""
        return "compiled"

    @property
    def njit(self) -> Any:
        """The function at one point, for your own ``numba.njit`` code.

        Raises:
            ArgumentError: the function is not for the CPU.
        """
        raise ArgumentError(
            "fn.njit runs on the CPU, and this function on a GPU; use fn.cuda_jit in code of "
            'numba.cuda.jit, or compile with target="cpu"'
        )

    @property
    def cuda_jit(self) -> Any:
        """The function at one point, for your own ``numba.cuda.jit`` code.

        Raises:
            ArgumentError: the function is not for a GPU.
        """
        raise ArgumentError(
            "fn.cuda_jit runs on a GPU, and this function on the CPU; use fn.njit in code of "
            'numba.njit, or compile with target="cuda"'
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names that vary per point, in the order of X's columns."""
        return self.signature.inputs

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that a whole batch shares."""
        return self.signature.parameters

    @property
    def results(self) -> tuple[str, ...]:
        """The names of the results, in the order in which they were asked for."""
        return tuple(result.name for result in self.signature.results)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every result for one point."""
        return {result.name: result.shape for result in self.signature.results}

    @cached_property
    def details(self) -> Details:
        """The Program, the graph and the emitters, derived again if the cache gave only code."""
        return self._details()

    @property
    def program(self) -> Program:
        """The scheduled instructions."""
        return self.details.program

    @property
    def graph(self) -> Graph:
        """The simplified graph of all results."""
        return self.details.graph

    @property
    def outputs(self) -> tuple[str, ...]:
        """A display name for every output entry."""
        return self.program.labels

    @property
    def sparsity(self) -> dict[str, Sparsity]:
        """For every result where the entries are that are not structural zeros.

        Of a sparse result these are the stored entries, in their order; its values have shape
        (*batch, nnz), or (nnz, *batch) with ``batch_axis=-1``.
        """
        known = self.signature.sparsity
        rest = {} if set(self.results) <= set(known) else self.details.sparsity
        return {name: known[name] if name in known else rest[name] for name in self.results}

    def to_scipy(
        self, name: str, values: Any, *, symmetric: bool = True, block_diagonal: bool = False
    ) -> Any:
        """A sparse result as SciPy's CSR arrays, all on one pattern that is not copied.

        A Jacobian of outputs of shape S is a matrix of prod(S) rows and n columns; of a higher
        order, all axes but the last are rows.

        Args:
            name: the result's name, "hessian" for instance.
            values: what a call gave for it, of shape (*batch, nnz) or, with ``batch_axis=-1``,
                (nnz, *batch).
            symmetric: fill in the symmetric entries, of which one of each set is stored; else the
                stored ones alone are there, the lower triangle of a Hessian.
            block_diagonal: one matrix with the points' matrices along its diagonal.

        Returns:
            A ``scipy.sparse.csr_array`` for one point or with ``block_diagonal``, else a list with
            one for each point. They share ``indices`` and ``indptr``, which are read-only: to move
            on to other points of the same function, ``matrix.data = values[i]`` is enough (with
            symmetric entries ``values[i][pattern.source]`` of ``fn.sparsity[name]``).

        Raises:
            ArgumentError: there is no such sparse result.
            ShapeError: the values do not fit its pattern.
            MissingDependencyError: SciPy is not installed.

        Example:
            >>> from symgrad import compile
            >>> fn = compile("x**2*y", "x y", "hessian", sparse=True)
            >>> fn.to_scipy("hessian", fn([3.0, 5.0])).toarray()
            array([[10.,  6.],
                   [ 6.,  0.]])
        """
        return self._adapter("csr")(
            self._sparsity_of(name),
            values,
            symmetric=symmetric,
            block_diagonal=block_diagonal,
            last=self.signature.batch_axis == -1,
        )

    def to_dense(self, name: str, values: Any) -> Array:
        """The whole array, structural zeros included, of what a call gave for a sparse result.

        Raises:
            ArgumentError: there is no such sparse result.
            ShapeError: the values do not fit its pattern.
        """
        last = self.signature.batch_axis == -1
        return self._sparsity_of(name).dense(values, last=last)

    def benchmark(self, points: Any = 100_000, **options: Any) -> Any:
        """How long a call takes: beside the speed of memory, and beside other systems.

        The least time of many calls counts, results going into arrays that are there already. Each
        peer differentiates the formula by its own means: SymPy's diff and ``lambdify(cse=True)``
        over NumPy and under numba; with ``peers=True`` also PyTorch, JAX, heyoka, CasADi and
        SymEngine, those that are installed.

        Args:
            points: how many random ones, or an array of shape (N, n), points first.
            **options: ``parameters`` (name -> number; by default the middle of its range),
                ``ranges`` (name -> (low, high); by default the problem file's, else (0.5, 1.5)),
                ``peers`` (True, False, or names; by default "numpy" and "numba"), ``workers``
                (threads of this function, by default 1) and ``seed``.

        Returns:
            A ``Benchmark`` (``symgrad/benchmark.py``): print it, or take ``ns_per_point``,
            ``points_per_second``, ``bytes``, ``memory_share`` and ``rows``.

        Raises:
            ArgumentError: the points do not fit, or the function is not for the CPU.
            OptionError: there is no such peer, parameter or input.

        Example:
            >>> from symgrad import compile
            >>> found = compile("x**2*sin(y)", "x y").benchmark(1000, peers=["numpy"])
            >>> [row.name for row in found.rows]
            ['symgrad', 'numpy']
        """
        return self._adapter("benchmark")(self, points, **options)

    def scipy(self, /, **values: Any) -> Any:
        """The formula for ``scipy.optimize``: fun, jac, hess and hessp, or residual and its jac.

        Names that are given values here are data: numbers, or arrays of points that broadcast. The
        others are the variables, in their order, whatever this function's own derivatives are by.

        Args:
            **values: data, by the names of inputs and parameters.

        Returns:
            A ``ScipyFunctions`` (``interop/scipy_optimize.py``); ``fun`` sums over the points of
            the data, ``residual`` has an entry for every output at every one of them.

        Raises:
            ArgumentError: a name is unknown, or none is left to vary.
            MissingDependencyError: SciPy is not installed.

        Example:
            >>> from scipy.optimize import least_squares, minimize
            >>> from symgrad import compile
            >>> rosen = compile("100*(y - x**2)**2 + (1 - x)**2", "x y").scipy()
            >>> found = minimize(rosen.fun, [-1.2, 1], method="trust-exact", jac=rosen.jac,
            ...                  hess=rosen.hess)
            >>> found.x.round(6).tolist()
            [1.0, 1.0]
            >>> line = compile("a*t + b - y", "t y", parameters="a b")
            >>> line = line.scipy(t=[0, 1, 2], y=[1, 3, 5])
            >>> line.variables
            ('a', 'b')
            >>> least_squares(line.residual, [0, 0], jac=line.residual_jac).x.round(6).tolist()
            [2.0, 1.0]
        """
        return self._adapter("scipy")(self, values)

    def torch(self, *, workers: int | None = None) -> Any:
        """The function over PyTorch's tensors, differentiable by autograd to any order.

        Backward is a compiled kernel as well, the product of the Jacobian with the incoming
        gradient for those tensors alone that need one; so is the backward of that. A kernel is
        made from the recipe when it is first needed. Gradients of broadcast inputs and of shared
        parameters are sums over the batch.

        Args:
            workers: threads of every kernel; by default all processors for large batches.

        Returns:
            A ``TorchFunction`` (``interop/torch_autograd.py``): called like this function, with
            tensors; usable in ``torch.nn.Module``, with ``torch.func`` and ``torch.vmap``.

        Raises:
            MissingDependencyError: PyTorch is not installed.

        Example:
            >>> import torch
            >>> from symgrad import compile
            >>> energy = compile("k*x**2*sin(y)", "x y", "value", parameters="k").torch()
            >>> points = torch.tensor([[3.0, 0.0], [1.0, 0.0]], requires_grad=True)
            >>> energy(points, k=2.0).sum().backward()
            >>> points.grad
            tensor([[ 0., 18.],
                    [ 0.,  2.]])
        """
        return self._adapter("torch")(self, workers)

    def _sparsity_of(self, name: str) -> Sparsity:
        found = self.signature.sparsity.get(name)
        if found is None:
            known = ", ".join(self.signature.sparsity) or "none"
            raise ArgumentError(
                f"{name!r} is no sparse result of this function; those are: {known}. Derivatives "
                "are sparse in a function compiled with sparse=True"
            )
        return found

    @property
    def operations(self) -> Operations:
        """Counts of the scheduled program: in all, weighted, by kind, and before simplification."""
        return self.details.operations

    @property
    def accuracy(self) -> Mapping[str, Any]:
        """For every function that is called: who computes it and the error bound in ulp."""
        return self.details.accuracy

    def source(self, target: str = "numba") -> str:
        """Readable, self-contained source of the function for ``target``."""
        return self.details.source(target)

    def llvm(self) -> str:
        """The LLVM IR of a CPU's kernel before optimisation.

        Raises:
            OptionError: the function is not for the CPU, or never compiled.
        """
        return self.details.llvm()

    def save(self, path: str) -> None:
        """Write the recipe as JSON, which ``sg.load`` reads; it holds no code."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.recipe.to_json())

    def __reduce__(self) -> tuple[Callable[[str], CompiledFunction], tuple[str]]:
        return self._restore, (self.recipe.to_json(),)

    def __repr__(self) -> str:
        signature = self.signature
        whole = {name: f" of {list(found.shape)}" for name, found in signature.sparsity.items()}
        shapes = ", ".join(
            f"{name}{list(shape)}{whole.get(name, '')}" for name, shape in self.shapes.items()
        )
        given = ", ".join(signature.inputs[:8]) + (", ..." if len(signature.inputs) > 8 else "")
        extra = f"; {', '.join(signature.parameters)}" if signature.parameters else ""
        return f"<symgrad function ({given}{extra}) -> {shapes}, {signature.dtype}{self._how()}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: formula, shapes, operations, a sparsity picture."""
        text: str = self._adapter("html")(self)
        return text

    def _repr_latex_(self) -> str | None:
        """The formula; None where it is too long to be read."""
        text: str | None = self._adapter("latex")(self)
        return text

    def _how(self) -> str:
        """What evaluates it, for people, where that is worth a word."""
        return ""
