"""A fit whose processes are started again when one dies.

Ray Train starts the processes, and starts all of them again where one is lost; each time the fit goes on from its
checkpoint, so that it ends with the weights of a fit that nothing disturbed. The processes join each other here,
because Ray Train joins them on accelerators only, and there with timeouts of its own.
"""

import shutil
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.cluster.connection import found_by_all, signal_handlers_kept
from isthmus.storage import RunDirectory
from isthmus.storage.atomic import remove_temporaries

MOST_FAILURES = 3


@dataclass(frozen=True)
class FitOrder:
    """What is to be fitted: a model by its name on the command line, its arguments, the rows' source, the run.

    source, run: paths that all machines have; or the name of a bundled set.  stream: as of `open_rows`.
    minutes: between two checkpoints.  heartbeat: seconds of silence after which a process is taken for dead.
    """

    model: str
    arguments: dict[str, Any]
    source: str
    run: Path
    gaps: bool = False
    stream: bool | None = None
    minutes: float = 5.0
    heartbeat: int = 30


def supervised_fit(order: FitOrder, processes: int, *, resume: bool = False) -> dict[str, Any]:
    """Fit by so many processes of a Ray cluster, write the run, and return its record.

    resume: go on from the checkpoint of an earlier call. Each process has a CPU, and a GPU where there is one for each;
    the run is on a file system that all share. Raises ValueError where the cluster has fewer CPUs than processes,
    RuntimeError where the fit fails more than MOST_FAILURES times. KeyboardInterrupt
    where Ctrl-C has ended the processes: what they did since the last checkpoint is lost.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.exceptions import TrainingFailedError
    from ray.train.v2.jax import JaxConfig, JaxTrainer

    order = replace(order, source=found_by_all(order.source), run=order.run.absolute())
    run, files = RunDirectory(order.run), order.run / ".ray"
    trainer = JaxTrainer(
        _train,
        train_loop_config={"order": order},
        jax_config=JaxConfig(),
        scaling_config=ScalingConfig(num_workers=processes, use_gpu=_require_resources(processes)),
        run_config=RunConfig(
            name="fit", storage_path=str(files), failure_config=FailureConfig(max_failures=MOST_FAILURES)
        ),
    )
    if not resume:
        # What an earlier fit left would be gone on with.
        run.checkpoint.unlink(missing_ok=True)
    try:
        with signal_handlers_kept():
            trainer.fit()
    except SystemExit:
        # So Ray's handler of Ctrl-C ends, once it has ended the processes.
        raise KeyboardInterrupt from None
    except TrainingFailedError as error:
        # Of each process's traceback the last line says what went wrong.
        told = str(error).strip().splitlines()[-1].strip()
        raise RuntimeError(
            f"the fit failed {MOST_FAILURES + 1} times, the last time with: {told}; `isthmus fit` without --ray shows "
            "whether it is the fit, and --resume goes on from its checkpoint"
        ) from None
    finally:
        shutil.rmtree(files, ignore_errors=True)
    # What a process left that was lost while it wrote.
    for file in run.files:
        remove_temporaries(file)
    return run.read_record()


def _require_resources(processes: int) -> bool:
    """Whether there is a GPU for each process; ValueError where there is not even a CPU."""
    import ray

    there = ray.cluster_resources()
    if there.get("CPU", 0) < processes:
        raise ValueError(
            f"the cluster has {there.get('CPU', 0):g} CPUs; expected one for each of {processes} processes: ask for "
            "fewer, or add machines with `ray start --address`"
        )
    return there.get("GPU", 0) >= processes


def _train(config: dict[str, Any]) -> None:
    """What each process does."""
    import jax
    from ray.train import get_context
    from ray.train.collective import broadcast_from_rank_zero

    order: FitOrder = config["order"]
    context = get_context()
    rank = context.get_world_rank()
    jax.distributed.initialize(
        broadcast_from_rank_zero(_free_address() if rank == 0 else None),
        context.get_world_size(),
        rank,
        heartbeat_timeout_seconds=order.heartbeat,
        shutdown_timeout_seconds=order.heartbeat,
    )
    # Some of what these import computes at once, and then it would be too late to join.
    from isthmus.data import open_rows
    from isthmus.estimators import COMMAND_LINE_NAMES
    from isthmus.estimators.runs import fit_run, share_fit
    from isthmus.fitting import Checkpoint

    run, data = RunDirectory(order.run), open_rows(order.source, order.stream)
    estimator = COMMAND_LINE_NAMES[order.model](**order.arguments)
    checkpoint = Checkpoint(run.checkpoint, minutes=order.minutes, resume=True)
    if rank == 0:
        leave = jax.distributed.shutdown
        fit_run(estimator, data, run, gaps=order.gaps, checkpoint=checkpoint, on_fitted=leave)
    else:
        share_fit(estimator, data, checkpoint)
        jax.distributed.shutdown()


def _free_address() -> str:
    """Where the first process can be found by the others."""
    import ray

    with socket.socket() as listener:
        listener.bind(("", 0))
        return f"{ray.util.get_node_ip_address()}:{listener.getsockname()[1]}"
