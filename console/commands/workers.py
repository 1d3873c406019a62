"""Where many backtests run: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from console.commands.backtest_arguments import whole
from console.commands.errors import ExitCode, UserError
from console.commands.signals import ended_by_signals

_MOST_WORKERS = 1_024
_CONNECT_S = 5
_ADDRESS = re.compile(r"((tcp|tls|wss?)://)?[^/\s]+:\d{1,5}")


def add_worker_arguments(parser: argparse.ArgumentParser) -> None:
    """``--workers --cluster``."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        metavar="N",
        type=_workers,
        help="processes, each of which holds the recording; default: one a core",
    )
    where.add_argument(
        "--cluster",
        metavar="ADDRESS",
        type=_address,
        help="a Dask scheduler such as tcp://host:8786, whose workers see the same folder",
    )


@contextmanager
def executor_of(arguments: argparse.Namespace, trials: int) -> Iterator[Executor]:
    """Where to run so many trials; when the block fails, what runs there is given up. Raises UserError."""
    with ended_by_signals(), _where(arguments, trials) as executor:
        yield executor


def _where(arguments: argparse.Namespace, trials: int) -> AbstractContextManager[Executor]:
    if arguments.cluster is not None:
        return _cluster(arguments.cluster)
    return _pool(min(arguments.workers or _cores(), trials))


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    # A fork would take over locks that threads of this process may hold.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        _start(pool, workers)
        yield pool
    except BrokenExecutor:
        raise UserError(
            "a worker process ended by itself, perhaps for want of memory; run it again with fewer --workers "
            "to go on where it stopped"
        ) from None
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start(pool: Executor, workers: int) -> None:
    """Start the processes with interrupts blocked, which are for this process alone to handle."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(workers):
            pool.submit(_begin)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client, KilledWorker
        from distributed.comm.core import CommClosedError
    except ImportError:
        raise UserError(
            "--cluster needs the package distributed: pip install 'kconsole[cluster]'", ExitCode.USAGE
        ) from None
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(f"--cluster {address}: no Dask scheduler answers there: {error}") from None
    # What it says of lost connections is for its own makers.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with client:
            yield client.get_executor()  # type: ignore[no-untyped-call]
    except (CancelledError, CommClosedError, KilledWorker):
        raise UserError(
            f"--cluster {address}: the scheduler or a worker went away; run it again to go on where it "
            "stopped"
        ) from None


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """Starting is all."""


def _end_with_parent() -> None:
    """Have this process end when nobody waits for its work any more."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _address(text: str) -> str:
    if _ADDRESS.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text} is not an address such as tcp://host:8786")
    return text


def _workers(text: str) -> int:
    return whole(text, 1, _MOST_WORKERS, "processes")
