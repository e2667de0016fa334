"""Kernels: compiled and plain Python give the same bits, and the wrapper is what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from attribution.kernels import Kernel, kernel, on_first_compilation

# Every model, every kernel: journeys without touchpoints, repeats, ties, refunds, two words of digits.
EXAMPLE = """
import sys
import numpy as np
from attribution.journeys import Journeys
from attribution.models import MODELS, Markov
from attribution.statistics import Coalitions, Resampling, Transitions

names = tuple(f"c{i:03}" for i in range(70)) + ("direct",)
chance = np.random.default_rng(5)
lengths = chance.integers(0, 7, 40)
offsets = np.concatenate([[0], np.cumsum(lengths)])
codes = chance.choice([0, 1, 1, 62, 63, 70], offsets[-1])
ages = [sorted(chance.choice([0, 0.5, 3, 11], n))[::-1] for n in lengths]
leads = chance.integers(0, 2, 40)
outcomes = np.column_stack([leads, leads * chance.normal(10, 30, 40)])
batch = Journeys(names, ("leads", "revenue"), offsets, codes, np.concatenate(ages), np.ones(40), outcomes)
halves = [batch.select(np.arange(40) % 2 == half) for half in (0, 1)]
weights = Resampling(replicates=130).weights(2)[100:]
models = [cls() for cls in MODELS.values()]
models += [Markov(order=30), Markov(order=2, collapse_repeats=True, share="global")]
for model in models:
    observed = [[o.observe(half) for half in halves] for o in model.observers]
    credits = model.credit(*(first + second for first, second in observed))
    print(model.name, credits.values.tobytes().hex(), credits.unattributed.tobytes().hex())
    stacks = [type(parts[0]).stacked(parts) for parts in observed]
    sums = [stack.weighted(weights) for stack in stacks]
    print(model.credit_each(stacks, sums).tobytes().hex())
chain = Transitions(30).observe(batch)
print(chain.states.tobytes().hex(), chain.count.tobytes().hex())
print(Coalitions().observe(batch).sets.members.tobytes().hex())
print("numba" in sys.modules)
"""


def run(code: str, *flags: str, **environment: str) -> tuple[str, str]:
    """Return what a fresh process prints, and what it prints as an error."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_compiled_and_plain_give_the_same_bits() -> None:
    compiled, _ = run(EXAMPLE, ATTRIBUTION_PLAIN="0")
    plain, _ = run(EXAMPLE, ATTRIBUTION_PLAIN="1")
    assert compiled.splitlines()[-1] == "True"
    assert plain.splitlines()[-1] == "False"
    assert plain.splitlines()[:-1] == compiled.splitlines()[:-1]


def test_plain_kernels_have_nothing_to_warn_of() -> None:
    run(EXAMPLE, "-W", "error", ATTRIBUTION_PLAIN="1")


def test_importing_the_package_compiles_nothing() -> None:
    assert run("import sys, attribution; print('numba' in sys.modules)")[0] == "False\n"


# The wrapper.


@kernel
def doubled(values: np.ndarray, times: int = 2) -> np.ndarray:
    """Return the values times a number."""
    out = np.empty_like(values)
    for i in range(values.size):
        out[i] = times * values[i]
    return out


@kernel
def quadrupled(values: np.ndarray) -> np.ndarray:
    """Return the values times four: a kernel that calls a kernel."""
    return doubled(doubled(values))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let the kernels of this module be compiled anew."""
    monkeypatch.delenv("ATTRIBUTION_PLAIN", raising=False)
    for each in (doubled, quadrupled):
        monkeypatch.setattr(each, "_compiled", None)
    return monkeypatch


def test_a_kernel_keeps_its_name_and_words() -> None:
    assert isinstance(doubled, Kernel)
    assert doubled.__name__ == "doubled"
    assert doubled.__doc__ == "Return the values times a number."
    assert doubled.__wrapped__ is doubled.plain


@pytest.mark.usefixtures("fresh")
def test_a_kernel_is_compiled_at_its_first_call_and_once() -> None:
    assert doubled._compiled is None
    assert doubled(np.array([1.0, 2.5])).tolist() == [2, 5]
    compiled = doubled.compiled()
    assert hasattr(compiled, "nopython_signatures")
    assert doubled(np.array([1.0]), 3).tolist() == [3]
    assert doubled(values=np.array([1.0]), times=3).tolist() == [3]
    assert doubled.compiled() is compiled


@pytest.mark.usefixtures("fresh")
def test_a_kernel_may_call_kernels() -> None:
    assert quadrupled(np.array([1.0, 2.0])).tolist() == [4, 8]
    assert doubled._compiled is not None


def test_a_kernel_runs_as_plain_python_on_request(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("ATTRIBUTION_PLAIN", "1")
    assert quadrupled(np.array([1.0, 2.0])).tolist() == [4, 8]
    assert doubled(values=np.array([1.0]), times=3).tolist() == [3]
    assert not hasattr(quadrupled.compiled(), "nopython_signatures")


def nowhere(name: str) -> Kernel[..., Any]:
    """Return a kernel whose source has no file, so that nothing can be cached beside it."""
    module = ModuleType("nowhere")
    exec(compile(f"def {name}(x):\n    return 3 * x\n", "<no file>", "exec"), vars(module))
    return kernel(getattr(module, name))


@pytest.mark.usefixtures("fresh")
def test_a_kernel_without_a_place_for_its_cache_is_compiled_all_the_same() -> None:
    tripled = nowhere("tripled")
    assert tripled(7) == 21
    assert hasattr(tripled.compiled(), "nopython_signatures")


@pytest.mark.usefixtures("fresh")
def test_the_first_compilation_is_told_once() -> None:
    told = []
    on_first_compilation(lambda: told.append("compiling"))
    assert told == []
    for tripled in (nowhere("tripled"), nowhere("once_more")):
        assert tripled(2) == 6
    assert told == ["compiling"]
