"""CpuFunction: a kernel with its call conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from math import prod
from time import perf_counter
from typing import Any, Literal

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.ir.program import Program
from symgrad.ir.recipe import Recipe
from symgrad.runtime import threads
from symgrad.runtime.arguments import (
    Signature,
    arguments,
    columns_by_title,
    given_results,
    merged_parameters,
    unpacked,
)
from symgrad.runtime.arrays import (
    Array,
    Columns,
    allocate,
    check_apart,
    check_out,
    flat_view,
    result_shape,
)
from symgrad.runtime.direct import DirectCall, direct_call
from symgrad.runtime.function import CompiledFunction
from symgrad.runtime.operations import Details
from symgrad.runtime.reduction import Reduction
from symgrad.runtime.result import Result
from symgrad.runtime.streaming import STREAM_BYTES, Run, Streaming
from symgrad.runtime.tier import Code, Tier


class CpuFunction(CompiledFunction):
    """A compiled function over batches of points on the CPU; ``sg.compile`` makes it."""

    def __init__(
        self,
        code: Code | Tier,
        signature: Signature,
        recipe: Recipe,
        details: Callable[[], Details],
        restore: Callable[[str], CompiledFunction],
        adapter: Callable[[str], Callable[..., Any]],
        point_address: Callable[[], int],
    ) -> None:
        super().__init__(signature, recipe, details, restore, adapter)
        self._point_address = point_address
        self._dtype = signature.numpy_dtype
        self._result_bytes = sum(result.size for result in signature.results) * self._dtype.itemsize
        self._tier: Tier | None = None
        self._streaming, self._streamed = Streaming(), 0.0
        self._torch: dict[int | None, Any] = {}
        self._direct: DirectCall = lambda *_: NotImplemented
        if isinstance(code, Tier):
            self._tier, self._code = code, code.interpreted
        else:
            self._use(code)

    def _use(self, code: Code) -> None:
        """Evaluate by a kernel from the next call on."""
        self._tier, self._code, self._streaming = None, code, Streaming()
        self._direct = direct_call(
            *(self.signature, code.kernel, code.scratch),
            points=threads.INLINE_POINTS,
            alone=threads.CHUNK,
            values=STREAM_BYTES // self._dtype.itemsize,
            large=self._large,
        )

    @property
    def cached(self) -> bool:
        """Whether the compiled code came from the disk cache."""
        return self._code.cached

    @property
    def tier(self) -> Literal["compiled", "interpreted"]:
        """Who evaluates the next call: the compiled kernel, or the interpreter (``jit=``)."""
        return "compiled" if self._tier is None else "interpreted"

    @property
    def program(self) -> Program:
        """The scheduled instructions."""
        return self.details.program if self._tier is None else self._tier.interpreter.program

    @property
    def accuracy(self) -> Mapping[str, Any]:
        """For every function that is called: who computes it and the error bound in ulp."""
        return self.details.accuracy if self._tier is None else self._tier.interpreter.bounds()

    @cached_property
    def njit(self) -> Callable[..., Any]:
        """The function at one point, for your own ``numba.njit`` code.

        One result of shape () is handed back: ``fn.njit(x..., p...)`` takes a number for each input
        and each parameter. Otherwise ``fn.njit(x, p, out...)`` fills arrays: x holds the inputs, p
        the parameters if there are any (then the tangent and the cotangent, likewise), and there
        is one array for every result, of its shape for one point; ``value[i:i+1]`` does for the
        shape (). They have the function's dtype and may overlap. Results have the bits of ``fn``.

        It is compiled when it is first asked for, and kept on disk like the function itself. What
        calls it is compiled anew in every process: numba keeps no code on disk that holds an
        address, and says so where ``cache=True`` asks for it.

        Raises:
            ArgumentError: the function sums over its points.
            OptionError: it is never to be compiled.
            ValueError: in numba code, where an array has another shape.

        Example:
            >>> from numba import njit
            >>> from symgrad import compile
            >>> fn = compile("x**2*y", "x y", "value")
            >>> @njit
            ... def total(table):
            ...     made = 0.0
            ...     for i in range(len(table)):
            ...         made += fn.njit(table[i, 0], table[i, 1])
            ...     return made
            >>> total(np.array([[2.0, 1.0], [3.0, 0.5]]))
            8.5
        """
        if self.signature.reduction is not None:
            raise ArgumentError(
                "fn.njit is the function at one point, and this one sums over a batch of them; "
                "compile it without reduce= for that"
            )
        from symgrad.runtime.njit import caller  # noqa: PLC0415 - numba, which takes a while

        return caller(self.signature, self._point_address())

    @property
    def _numba_type_(self) -> Any:
        """What numba takes the function for where its code names it: ``fn.njit`` is known there."""
        from symgrad.runtime.njit import function_type  # noqa: PLC0415 - as above

        return function_type(self)

    def _how(self) -> str:
        return "" if self._tier is None else ", interpreted"

    def __call__(
        self,
        /,
        *points: Any,
        out: Any = None,
        accumulate: bool = False,
        workers: int | None = None,
        executor: Any = None,
        on_chunk: Callable[[int, int], None] | None = None,
        tangent: Any = None,
        cotangent: Any = None,
        parameters: Any = None,
        **named: Any,
    ) -> Any:
        """Evaluate at a batch of points.

        Args:
            *points: one array of shape (*batch, n) (with ``batch_axis=-1``: (n, *batch)), or one
                array per input, or a dict of these by name; they broadcast. A table whose columns
                are named after the inputs (pandas, polars, Arrow, NumPy records) gives those.
            out: an array of the result's shape to write into; for several results a dict by name.
            accumulate: add into ``out`` instead of overwriting it.
            workers: threads; by default all processors for large batches.
            executor: anything with ``.map``: the batch's chunks are evaluated through it.
            on_chunk: called with (points done, points in all).
            tangent: for "jvp" and "hvp": direction, shape (*batch, len(wrt)).
            cotangent: for "vjp" and "hvp": weights of the outputs, shape (*batch, *S).
            parameters: values of parameters in place of keywords: a dict or a table by name, or an
                array of shape (p,) or (*batch, p).
            **named: parameters by keyword; inputs by name where ``points`` is empty.

        Returns:
            The array where one derivative was asked for, else a Result. PyTorch's tensors give
            tensors, differentiable as those of ``fn.torch()``, unless ``out``, ``executor`` or
            ``on_chunk`` is given. dask's arrays (X of shape (N, n), or one of shape (N,) for each
            input) give lazy ones.

        Raises:
            ArgumentError: something is missing, unknown or given twice.
            ShapeError: an array's shape does not fit.
            DtypeError: an array cannot become the function's dtype.
        """
        if points and isinstance(points[0], dict):
            points = unpacked(self.signature, points)
        if parameters is not None:
            values = (*points, *_values(parameters), *named.values(), tangent, cotangent)
            torch = "torch" in libraries(values)
            if torch and out is executor is on_chunk is None and not accumulate:
                named["parameters"] = parameters
                return self._over_tensors(workers, points, tangent, cotangent, named)
            named = merged_parameters(self.signature, parameters, named)
        if (
            executor is on_chunk is None
            and (workers is None or (type(workers) is int and workers > 0))
            and not accumulate
        ):
            found = self._direct(points, named, out, workers, tangent, cotangent)
            if found is not NotImplemented:
                return found
        points = columns_by_title(self.signature, points)
        given_by = libraries((*points, *named.values(), tangent, cotangent))
        if "dask" in given_by:
            if not out is executor is on_chunk is tangent is cotangent is None:
                raise ArgumentError(
                    "dask arrays come with parameters and workers= alone: results are lazy, and "
                    "dask's scheduler is the executor"
                )
            options = {} if workers is None else {"workers": workers}
            return self._adapter("dask")(self, points, named, options)
        if "torch" in given_by and out is executor is on_chunk is None and not accumulate:
            return self._over_tensors(workers, points, tangent, cotangent, named)
        if workers is not None and (not isinstance(workers, int | np.integer) or workers < 1):
            raise ArgumentError(f"workers={workers!r} is not possible; give a number of threads")
        if executor is not None and not hasattr(executor, "map"):
            raise ArgumentError(f"executor={executor!r} has no .map; give a pool or an executor")
        if on_chunk is not None and not callable(on_chunk):
            raise ArgumentError(f"on_chunk={on_chunk!r} cannot be called with (done, total)")
        batch, groups = arguments(self.signature, points, named, tangent, cotangent)
        count = prod(batch)
        if self._tier is not None:
            self._choose(self._tier, count)
        given = given_results(self.signature, out, accumulate)
        if self.signature.reduction is not None:
            sums = self._sums(self.signature.reduction, groups, count, workers, executor, on_chunk)
            return self._reduced(sums, given, accumulate)
        arrays: dict[str, Array] = {}
        for result in self.signature.results:
            shape = result_shape(result.shape, batch, self.signature.batch_axis)
            if given is None:
                arrays[result.name] = allocate(shape, self._dtype, result.name)
            else:
                arrays[result.name] = check_out(result.name, given[result.name], shape, self._dtype)
        if given is not None:
            check_apart(arrays)
        if count:
            fresh = given is None
            self._fill(groups, arrays, count, fresh, accumulate, workers, executor, on_chunk)
        if given is None and not batch:
            arrays = {name: array[()] for name, array in arrays.items()}
        return next(iter(arrays.values())) if self.signature.single else Result(arrays)

    def _over_tensors(
        self,
        workers: int | None,
        points: Sequence[Any],
        tangent: Any,
        cotangent: Any,
        named: Mapping[str, Any],
    ) -> Any:
        """Evaluate as ``fn.torch()`` does, which is made once."""
        if workers not in self._torch:
            self._torch[workers] = self.torch(workers=workers)
        return self._torch[workers](*points, tangent=tangent, cotangent=cotangent, **named)

    def _choose(self, tier: Tier, points: int) -> None:
        """Have the kernel compiled, if that pays by a call of so many points."""
        code = tier.code(points)
        if code is not tier.interpreted:
            self._use(code)

    def _fill(
        self,
        groups: Sequence[Columns],
        arrays: Mapping[str, Array],
        count: int,
        fresh: bool,
        accumulate: bool,
        workers: int | None,
        executor: Any,
        on_chunk: Callable[[int, int], None] | None,
    ) -> None:
        """Write the results of all points into ``arrays``, which are ours if they are ``fresh``."""
        targets = []
        copies: list[tuple[Array, Array]] = []
        for result in self.signature.results:
            array = arrays[result.name]
            flat = flat_view(array, result.size, count, self.signature.batch_axis)
            if flat is None or (not fresh and any(group.overlaps(array) for group in groups)):
                made = np.zeros(array.shape, array.dtype)
                copies.append((array, made))
                flat = flat_view(made, result.size, count, self.signature.batch_axis)
            assert flat is not None
            targets.append(flat)
        if executor is not None:
            self._map(groups, targets, count, accumulate, executor, on_chunk)
        else:
            self._run(groups, targets, count, fresh, accumulate, workers, on_chunk)
        for array, made in copies:
            array[...] = array + made if accumulate else made

    def _run(
        self,
        groups: Sequence[Columns],
        targets: Sequence[Array],
        count: int,
        fresh: bool,
        accumulate: bool,
        workers: int | None,
        on_chunk: Callable[[int, int], None] | None,
    ) -> None:
        """Evaluate all points; by further code, where large results have taken long enough."""
        size = sum(target.nbytes for target in targets)
        large = size > STREAM_BYTES
        code = self._code
        if large and code.further is not None:
            further = code.further(self._streamed)
            if further is not None:
                self._use(further._replace(cached=code.cached))
        begin = perf_counter()
        run = self._streaming.call(size, fresh=fresh)
        work = partial(self._chunk, self._code, groups, targets, accumulate, run)
        in_place = not accumulate and all(group.viewed(self._dtype) for group in groups)
        most = 0
        if in_place:
            most = self._streaming.chunk(size, count, fresh=fresh, alone=workers == 1)
        threads.run(work, count, workers, on_chunk, most)
        if large:
            self._streamed += perf_counter() - begin

    def _large(self, points: int, fresh: bool, workers: int | None) -> Callable[..., None] | None:
        """What evaluates a large batch of adjacent numbers, once the way of writing is chosen.

        Until further code is there, or cannot be, the general call has to look for it.
        """
        code, size = self._code, points * self._result_bytes
        way = self._streaming.chosen(size, fresh=fresh)
        if way is None or code.further is not None:
            return None
        most = self._streaming.chunk(size, points, fresh=fresh, alone=workers == 1)

        def evaluate(*arrays: Array) -> None:
            def work(start: int, stop: int) -> None:
                code.kernel(start, stop, way, code.scratch.memory, *arrays)

            threads.run(work, points, workers, None, most)

        return evaluate

    def _sums(
        self,
        reduction: Reduction,
        groups: Sequence[Columns],
        count: int,
        workers: int | None,
        executor: Any,
        on_chunk: Callable[[int, int], None] | None,
    ) -> dict[str, Array]:
        """The results of a batch whose points are summed."""
        results = self.signature.results
        sizes = [reduction.entries(result.name, result.size) for result in results]
        rows = [np.empty((reduction.blocks(count), size), self._dtype) for size in sizes]
        if executor is not None and count:
            self._map(groups, rows, count, False, executor, on_chunk)
        elif count:
            run = self._streaming.call(0, fresh=True)
            work = partial(self._chunk, self._code, groups, rows, False, run)
            threads.run(work, count, workers, on_chunk, step=reduction.block)
        return {
            result.name: reduction.result(result.name, sums, count, result.shape, self._dtype)
            for result, sums in zip(results, rows, strict=True)
        }

    def _reduced(
        self, sums: dict[str, Array], given: dict[str, Any] | None, accumulate: bool
    ) -> Any:
        """What a call gives: sums, or ``out=`` with the sums in it, or added to it."""
        arrays = sums
        if given is None:
            arrays = {name: array[()] for name, array in sums.items()}
        else:
            for name, array in sums.items():
                place = check_out(name, given[name], array.shape, self._dtype)
                place[...] = place + array if accumulate else array
            arrays = given
        return next(iter(arrays.values())) if self.signature.single else Result(arrays)

    def _rows(self, start: int, stop: int) -> slice:
        """The rows of the kernel's results that belong to the points from start to stop."""
        reduction = self.signature.reduction
        if reduction is None:
            return slice(start, stop)
        return slice(start // reduction.block, reduction.blocks(stop))

    def _chunk(
        self,
        code: Code,
        groups: Sequence[Columns],
        targets: Sequence[Array],
        accumulate: bool,
        run: Run,
        start: int,
        stop: int,
    ) -> None:
        columns = [group.chunk(start, stop, self._dtype) for group in groups]
        if accumulate:
            for target, block in zip(targets, self._evaluate(columns, code), strict=True):
                target[start:stop] += block
        else:
            parts = [target[self._rows(start, stop)] for target in targets]

            def evaluate(way: int) -> None:
                code.kernel(0, stop - start, way, code.scratch.memory, *columns, *parts)

            run(stop - start, evaluate)

    def _evaluate(self, columns: Sequence[Array], code: Code) -> list[Array]:
        """The results of one block of points in new arrays of shape (points, entries)."""
        points, reduction = columns[0].shape[0], self.signature.reduction
        sizes = [(r.size, points) for r in self.signature.results]
        if reduction is not None:
            rows = reduction.blocks(points)
            sizes = [(reduction.entries(r.name, r.size), rows) for r in self.signature.results]
        made = [np.empty(size, self._dtype).T for size in sizes]
        code.kernel(0, points, 0, code.scratch.memory, *columns, *made)
        return made

    def _map(
        self,
        groups: Sequence[Columns],
        targets: Sequence[Array],
        count: int,
        accumulate: bool,
        executor: Any,
        on_chunk: Callable[[int, int], None] | None,
    ) -> None:
        """Evaluate the chunks through ``executor.map``; the function travels as its recipe."""
        parts = threads.chunks(count)
        # The recipe's hash finds the kernel again in the worker's process; blocks are plain arrays.
        blocks = [
            [np.ascontiguousarray(group.chunk(a, b, self._dtype)) for group in groups]
            for a, b in parts
        ]
        for (start, stop), made in zip(
            parts, executor.map(partial(_evaluate_block, self), blocks), strict=True
        ):
            for target, block in zip(targets, made, strict=True):
                if accumulate:
                    target[start:stop] += block
                else:
                    target[self._rows(start, stop)] = block
            if on_chunk is not None:
                on_chunk(stop, count)


def libraries(values: Iterable[Any]) -> set[str]:
    """Whose objects are among them; a library is not imported to see that."""
    return {kind.__module__.partition(".")[0] for kind in set(map(type, values))}


def _values(parameters: Any) -> Iterable[Any]:
    return parameters.values() if isinstance(parameters, Mapping) else (parameters,)


def _evaluate_block(function: CpuFunction, columns: Sequence[Array]) -> list[Array]:
    """What a worker does: evaluate one block of points."""
    return function._evaluate(columns, function._code)
