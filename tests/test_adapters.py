from __future__ import annotations

import pytest

from symgrad import compile
from symgrad.adapters import ADAPTERS, adapter
from symgrad.errors import MissingDependencyError
from symgrad.runtime.function import CompiledFunction


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_is_a_function_that_takes_what_it_adapts(name):
    pytest.importorskip({"csr": "scipy", "dask": "dask.array"}.get(name, "numpy"))
    assert callable(adapter(name))


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("symgrad.adapters.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"symgrad\[torch\]"):
        compile("x**2", "x", "value", jit="never").torch()


def test_torch_is_imported_by_its_method_alone():
    torch = pytest.importorskip("torch")
    fn = compile("x**2", "x", "value", jit="never")
    assert isinstance(fn, CompiledFunction)
    x = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    fn.torch(workers=1)(x).sum().backward()
    assert x.grad.tolist() == [6.0]
