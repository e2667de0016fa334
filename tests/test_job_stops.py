"""What stops a job: kill -9, signals, full disks, folders that cannot be written, too little memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import numpy as np
import pytest
from test_job import GOOD, job, put, sums, tables_of

from attribution.job import folder as folders
from attribution.job import run
from attribution.manifest import Manifest
from attribution.statistics.windows import collapse
from attribution.tables import PUBLISHING, discard_unfinished, memory

KILLS = 1_000 if os.environ.get("ATTRIBUTION_PROFILE") == "nightly" else 200
CASES = 4
# Processes are forked from one that has imported everything, with numba at work: they start at once.
collapse(np.zeros(1, np.int64), np.zeros(0, np.uint16))
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["attribution.job", "numba", "scipy.linalg", "pyarrow.parquet", "test_job_stops"]
)


def nightly(base: str, lookback: int) -> None:
    """Run the job with one of two windows, each with results of its own."""
    run(job(models=[{"name": "linear"}], window={"lookback_days": lookback}), Path(base), threads=1)


def started(base: Path, lookback: int) -> BaseProcess:
    """Start the job in a process of its own."""
    process = FORKED.Process(target=nightly, args=(str(base), lookback))
    process.start()
    return process


@pytest.mark.parametrize("case", range(CASES))
def test_row_50_kill_9_leaves_the_old_results_or_the_new_ones(case: int, tmp_path: Path) -> None:
    chance = random.Random(case)
    put(tmp_path, tables_of())
    results, whole, seconds = tmp_path / "results", {}, []
    for lookback in (1, 20):
        begun = time.perf_counter()
        process = started(tmp_path, lookback)
        process.join()
        seconds.append(time.perf_counter() - begun)
        assert process.exitcode == 0
        manifest = Manifest.read(results)
        assert manifest is not None
        whole[manifest.run_id] = sums(results)
    assert len(whole) == 2
    seen: dict[str, int] = dict.fromkeys(whole, 0)
    killed = 0
    for number in range(KILLS // CASES):
        process = started(tmp_path, (1, 20)[number % 2])
        process.join(chance.uniform(0, 1.1 * min(seconds)))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        manifest = Manifest.read(results)
        assert manifest is not None
        assert not manifest.changed(results)
        assert sums(results) == whole[manifest.run_id]
        seen[manifest.run_id] += 1
    assert killed >= KILLS / CASES / 10
    process = started(tmp_path, 1)
    process.join()
    assert process.exitcode == 0
    left = {path.name for path in tmp_path.iterdir()} - {
        f"{name}.parquet" for name in ("touchpoints", "leads", "spend")
    }
    assert left <= {"results", ".results.lock"}
    print(f"case {case}: killed {killed}, results seen: {seen}")


# Signals.

WAITS = """
import hashlib, sys, time
from attribution.cli import main
from attribution.job import river
river.attribute = lambda *_, **__: (print("ready", flush=True), {waiting})
sys.argv = ["attribution", "run", sys.argv[1]]
main()
"""
WAITING = {
    "in Python": "time.sleep(60)",
    "in compiled code": "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
}


@pytest.mark.parametrize("waiting", WAITING)
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_row_54_a_signal_stops_the_run_within_two_seconds(
    sent: signal.Signals, waiting: str, tmp_path: Path
) -> None:
    put(tmp_path, tables_of())
    (tmp_path / "job.toml").write_text(GOOD)
    before = {path.name for path in tmp_path.iterdir()}
    code = WAITS.format(waiting=WAITING[waiting])
    command = [sys.executable, "-c", code, str(tmp_path / "job.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        begun = time.perf_counter()
        running.send_signal(sent)
        _, err = running.communicate(timeout=20)
    assert time.perf_counter() - begun < 2
    assert running.returncode == 130
    assert err.endswith("stopped; what was there is as it was\n")
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} - before <= {".results.lock"}


def test_row_54_a_signal_that_comes_during_the_publication_waits_for_it(tmp_path: Path) -> None:
    put(tmp_path, tables_of())
    nightly(str(tmp_path), 1)
    before = sums(tmp_path / "results")
    cleared = Thread(target=discard_unfinished)
    swap = folders.exchanged

    def signalled(left: Path, right: Path) -> bool:
        cleared.start()
        time.sleep(0.2)
        assert (left / "manifest.json").exists()
        return swap(left, right)

    with patch.object(folders, "exchanged", signalled):
        nightly(str(tmp_path), 20)
    cleared.join()
    PUBLISHING.release()  # which a process that ends would keep
    manifest = Manifest.read(tmp_path / "results")
    assert manifest is not None
    assert not manifest.changed(tmp_path / "results")
    assert sums(tmp_path / "results") != before


# Disks, folders, memory.


def command(
    *arguments: object, shell: str = "", limit: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, perhaps in a shell that prepares its place."""
    ours = [sys.executable, "-m", "attribution", *map(str, arguments)]
    words = ["unshare", "--mount", "sh", "-c", f'{shell} && exec "$@"', "sh", *ours] if shell else ours

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=limited)


def mounts() -> bool:
    """Return whether a small disk can be made here."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not mounts(), reason="no small disk can be mounted without the rights to")
def test_row_51_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    put(tmp_path, tables_of(4000))
    (tmp_path / "job.toml").write_text(GOOD + '[outputs]\nlog = "log.csv"\njourneys = "journeys.csv"\n')
    listing = f"ls -A {disk}; true"
    shell = f"mount -t tmpfs -o size=200k tmpfs {disk} && trap '{listing}' EXIT"
    ours = (
        f"{sys.executable} -m attribution run {tmp_path / 'job.toml'} --out {disk / 'results'}; echo code $?"
    )
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{shell}; {ours}"], capture_output=True, text=True, check=False
    )
    assert "code 7" in ran.stdout, ran.stderr
    assert "No space left on device" in ran.stderr
    assert f"{disk}/.results.attribution-partial/journeys.csv: cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert set(ran.stdout.split("\n")[1:]) <= {".results.lock", ""}


def test_row_52_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    put(tmp_path, tables_of())
    (tmp_path / "job.toml").write_text(GOOD)
    (tmp_path / "file").write_text("no folder")
    ran = command("run", tmp_path / "job.toml", "--out", tmp_path / "file" / "results")
    assert (ran.returncode, "Traceback" in ran.stderr) == (7, False)
    assert str(tmp_path / "file" / "results") in ran.stderr
    assert "read:" not in ran.stderr


@pytest.mark.skipif(not mounts(), reason="no disk can be mounted read-only without the rights to")
def test_row_52_a_read_only_disk_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    put(tmp_path, tables_of())
    (tmp_path / "job.toml").write_text(GOOD)
    shell = f"mount -t tmpfs -o ro tmpfs {disk}"
    ran = command("run", tmp_path / "job.toml", "--out", disk / "results", shell=shell)
    assert (ran.returncode, "Traceback" in ran.stderr) == (7, False), ran.stderr
    assert "read:" not in ran.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_row_53_half_of_the_memory_is_told_with_an_estimate_before_anything_is_read(
    suffix: str, tmp_path: Path
) -> None:
    put(tmp_path, tables_of(150_000), suffix)
    (tmp_path / "job.toml").write_text(GOOD.replace("parquet", suffix))
    reserved = memory.RESERVED + memory.RESERVED_BY_CORE * (os.cpu_count() or 1)
    ran = command("run", tmp_path / "job.toml", limit=reserved + (150 << 20))
    assert (ran.returncode, "Traceback" in ran.stderr) == (3, False), ran.stderr
    told = r"touchpoints\.\w+\): needs about [\d,]+ MB of memory, [\d,]+ MB are free \(ulimit -v\)"
    assert re.search(told, ran.stderr)
    assert "raise the limit" in ran.stderr
    assert command("run", tmp_path / "job.toml", limit=reserved + (4 << 30)).returncode == 0


def test_row_55_of_two_runs_at_once_the_second_is_refused(tmp_path: Path) -> None:
    put(tmp_path, tables_of())
    (tmp_path / "job.toml").write_text(GOOD)
    code = WAITS.format(waiting="time.sleep(60)")
    waits = [sys.executable, "-c", code, str(tmp_path / "job.toml")]
    with subprocess.Popen(waits, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "ready\n"
        ran = command("run", tmp_path / "job.toml")
        first.kill()
    assert ran.returncode == 7
    assert "another run is writing these results" in ran.stderr
    assert command("run", tmp_path / "job.toml").returncode == 0
    assert json.loads((tmp_path / "results" / "manifest.json").read_text())["job"] == "job"
