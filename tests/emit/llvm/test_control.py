import ctypes

import llvmlite.binding as llvm
import pytest
from llvmlite import ir

from symgrad.emit.llvm.control import INT64, carried, counted


def by_memory(builder, bounds):
    place = builder.alloca(INT64)
    builder.store(ir.Constant(INT64, 0), place)
    with counted(builder, *bounds) as index:
        builder.store(builder.add(builder.load(place, typ=INT64), index), place)
    return builder.load(place, typ=INT64)


def by_values(builder, bounds):
    sums = [ir.Constant(INT64, 0)]
    with carried(builder, *bounds, sums) as (index, (total,)):
        sums[:] = [builder.add(total, index)]
    return total


@pytest.fixture(scope="module", params=[by_memory, by_values])
def total(request):
    """sum(range(start, stop, step)) as a compiled function of three integers."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = ir.Module("total")
    function = ir.Function(module, ir.FunctionType(INT64, [INT64] * 3), "total")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(request.param(builder, function.args))
    compiled = llvm.parse_assembly(str(module))
    compiled.verify()
    engine = llvm.create_mcjit_compiler(
        compiled, llvm.Target.from_default_triple().create_target_machine()
    )
    engine.finalize_object()
    signature = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 3)
    yield signature(engine.get_function_address("total"))
    engine.close()


@pytest.mark.parametrize(
    ("start", "stop", "step"), [(0, 10, 1), (3, 20, 4), (5, 5, 1), (7, 2, 1), (-4, 9, 13)]
)
def test_a_counted_loop_runs_as_a_range(total, start, stop, step):
    assert total(start, stop, step) == sum(range(start, stop, step))
