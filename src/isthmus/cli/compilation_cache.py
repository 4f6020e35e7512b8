"""Compiled functions kept from one call of the command line to the next.

A warm start spares most of the time to a first result. Only the command line asks for it: `import isthmus` changes no
setting. jax reads what is asked for here from the environment when it is first imported.
"""

import hashlib
import os
import platform
import sys
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path

VARIABLE = "ISTHMUS_COMPILATION_CACHE"
"""A directory in place of the user's own, or "off"."""
JAX_DIRECTORY, JAX_SETTINGS = (
    "JAX_COMPILATION_CACHE_DIR",
    # Everything: what compiles in a tenth of a second is half of a fit's compilations.
    {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"},
)
MOST_BYTES = 256 * 2**20
PROCESSOR = Path("/proc/cpuinfo")


def use_compilation_cache(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Ask jax to keep what it compiles; the directory, or None where nothing is kept.

    A directory that jax was already told of is left to whoever chose it. Nothing is kept where the variable says "off",
    or where no directory can be made that belongs to this user alone.
    """
    asked = environment.get(VARIABLE, "")
    if asked.lower() == "off" or JAX_DIRECTORY in environment:
        return None
    place = (Path(asked) if asked else _user_cache(environment) / "isthmus") / _machine()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Compiled code is run: nobody else may have put it there.
        if hasattr(os, "getuid") and (place.stat().st_uid != os.getuid() or place.stat().st_mode & 0o022):
            return None
        _make_room(place)
    except OSError:
        return None
    environment[JAX_DIRECTORY] = str(place)
    for name, value in JAX_SETTINGS.items():
        environment.setdefault(name, value)
    return place


def _user_cache(environment: MutableMapping[str, str]) -> Path:
    """Where this system keeps what can be made again."""
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches"
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _machine() -> str:
    """A name for this compiler on this processor: code compiled for another's instructions would crash here."""
    processor = "".join((platform.machine(), platform.processor(), platform.node() if not PROCESSOR.is_file() else ""))
    if PROCESSOR.is_file():
        lines = PROCESSOR.read_text(errors="replace").splitlines()
        told = {line for line in lines if line.startswith(("flags", "Features", "model name", "CPU part"))}
        processor += "".join(sorted(told))
    return f"jaxlib-{version('jaxlib')}-{hashlib.sha256(processor.encode()).hexdigest()[:16]}"


def _make_room(place: Path) -> None:
    """Begin anew where more is kept than is worth it: what is still used comes back with its next use."""
    files = [path for path in place.iterdir() if path.is_file()]
    if sum(path.stat().st_size for path in files) > MOST_BYTES:
        for path in files:
            path.unlink(missing_ok=True)
