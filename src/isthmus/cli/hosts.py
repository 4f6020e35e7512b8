"""Several processes, on one host or many, that train one model together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isthmus.cli.errors import WrongCall


@dataclass(frozen=True)
class Host:
    """first: whether this process writes the run, as one that is alone does.  leave: part from the others, once all
    have taken the last step."""

    first: bool
    leave: Callable[[], None]


def join_hosts(hosts: str | None, heartbeat: int) -> Host:
    """Join the processes that `hosts` names: ADDRESS:PORT,COUNT,RANK, or "auto" where jax knows the cluster by itself
    (SLURM, Open MPI, Kubernetes).

    heartbeat: seconds of silence after which a process is taken for dead, and all others end. Raises WrongCall for
    hosts that are neither; RuntimeError where the others do not come.
    """
    if hosts is None:
        return Host(True, lambda: None)
    import jax

    jax.distributed.initialize(
        **_parsed(hosts), heartbeat_timeout_seconds=heartbeat, shutdown_timeout_seconds=heartbeat
    )
    return Host(jax.process_index() == 0, jax.distributed.shutdown)


def _parsed(hosts: str) -> dict[str, Any]:
    if hosts == "auto":
        return {}
    address, *numbers = hosts.rsplit(",", 2)
    host, _, port = address.rpartition(":")
    if len(numbers) != 2 or not all(number.isdecimal() for number in (port, *numbers)) or not host:
        raise WrongCall(f"--hosts is {hosts!r}; expected ADDRESS:PORT,COUNT,RANK, such as 10.0.0.1:1234,2,0, or auto")
    count, rank = map(int, numbers)
    if not rank < count:
        raise WrongCall(f"--hosts is {hosts!r}; expected a rank from 0 to {count - 1}")
    return {"coordinator_address": address, "num_processes": count, "process_id": rank}
