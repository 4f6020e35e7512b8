"""The devices that one fit is spread over: each takes an equal share of every batch.

Parameters are on all of them, rows are split between them, and the compiler sums the gradients over them (Shallue et
al. 2019, Measuring the effects of data parallelism on neural network training). The program is that of one device: how
many there are changes the order of sums and nothing else.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "rows"


@dataclass(frozen=True)
class Devices:
    """mesh: the devices in a row; None for the default device alone, which needs no placing.

    several_processes: whether other processes, with devices of their own, take part."""

    mesh: Mesh | None
    several_processes: bool = False

    def everywhere(self, tree: Any) -> Any:
        """The arrays, whole on every device; what is no array stays."""

        def placed(leaf: Any) -> Any:
            return self._place(leaf, PartitionSpec()) if eqx.is_array_like(leaf) else leaf

        return jax.tree.map(placed, tree)

    def split(self, tree: Any, axis: int) -> Any:
        """The arrays, in equal parts along an axis."""
        return jax.tree.map(lambda array: self._place(array, PartitionSpec(*[None] * axis, AXIS)), tree)

    def gather(self, tree: Any, axis: int) -> Any:
        """Arrays that are split along an axis, from the parts that this process has, side by side."""
        if self.mesh is None:
            return jax.tree.map(jnp.asarray, tree)
        place = NamedSharding(self.mesh, PartitionSpec(*[None] * axis, AXIS))
        return jax.tree.map(lambda part: jax.make_array_from_process_local_data(place, part), tree)

    @property
    def count(self) -> int:
        return 1 if self.mesh is None else self.mesh.size

    @property
    def own(self) -> list[int]:
        """The numbers, among all devices, of those of this process."""
        if self.mesh is None:
            return [0]
        here = jax.process_index()
        return [number for number, device in enumerate(self.mesh.devices.flat) if device.process_index == here]

    def home(self, tree: Any) -> Any:
        """Arrays that are everywhere, on the default device alone."""
        if self.mesh is None:
            return tree
        return jax.tree.map(lambda array: jnp.asarray(np.asarray(array)), tree)

    def agree(self, number: float) -> float:
        """The number that the first process has: what it decides, all do."""
        if not self.several_processes:
            return number
        from jax.experimental.multihost_utils import broadcast_one_to_all

        # In two halves: a float64 would be rounded where precision is single.
        words = np.frombuffer(np.float64(number).tobytes(), np.uint32)
        return float(np.frombuffer(np.asarray(broadcast_one_to_all(words), np.uint32).tobytes(), np.float64)[0])

    def any_asked(self, signal: str | None) -> str | None:
        """The signal by which this process was asked to stop, or another one; None where none was. All know at once."""
        if not self.several_processes:
            return signal
        asked = self._all(np.array([signal is not None]))
        return signal or ("a signal to another process" if asked.any() else None)

    def require_agreement(self, fingerprint: str, *progress: int) -> None:
        """ValueError where processes that would train together are not at the same step of the same fit."""
        if not self.several_processes:
            return
        words = np.array([*np.frombuffer(bytes.fromhex(fingerprint), np.uint32), *progress], np.uint32)
        if not (self._all(words) == words).all():
            raise ValueError(
                "the processes are not at the same step of the same fit; give all of them the same DATA and arguments, "
                "and a run directory on a file system that all share"
            )

    def _all(self, array: np.ndarray) -> np.ndarray:
        """[process, ...] of what each process has."""
        from jax.experimental.multihost_utils import process_allgather

        return np.asarray(process_allgather(array))

    def _place(self, array: Any, spec: PartitionSpec) -> jax.Array:
        if self.mesh is None:
            return jnp.asarray(array)
        if jnp.issubdtype(getattr(array, "dtype", np.float32), jax.dtypes.prng_key):
            words = self._place(jax.random.key_data(array), spec)
            return jax.random.wrap_key_data(words, impl=str(jax.random.key_impl(array)))
        host = np.asarray(array)
        return jax.make_array_from_callback(host.shape, NamedSharding(self.mesh, spec), lambda index: host[index])


def choose_devices(batch_size: int) -> Devices:
    """All devices of this process and of those joined to it; in one process as many as divide the batch.

    Raises ValueError where several processes have devices whose number does not divide the batch.
    """
    devices = jax.devices() if _joined() else jax.local_devices()
    if _joined():
        if batch_size % len(devices):
            raise ValueError(
                f"batch_size is {batch_size} and the processes have {len(devices)} devices; expected a multiple of them"
            )
        return Devices(Mesh(np.array(devices), (AXIS,)), several_processes=True)
    used = max(count for count in range(1, len(devices) + 1) if batch_size % count == 0)
    return Devices(None if used == 1 else Mesh(np.array(devices[:used]), (AXIS,)))


def is_first_process() -> bool:
    """Whether this process writes the files: it is alone, or the first of several."""
    return not _joined() or jax.process_index() == 0


def agreed(number: float) -> float:
    """The number that the first of several processes has; this process's own where it is alone."""
    return Devices(None, several_processes=_joined()).agree(number)


def _joined() -> bool:
    """Whether other processes take part; once they have parted, each is alone again."""
    return jax.distributed.is_initialized() and jax.process_count() > 1
