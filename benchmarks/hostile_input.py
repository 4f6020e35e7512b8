"""Hostile files by the ten thousand: what the loader and the readers make of them, how long, in how much memory.

    python benchmarks/hostile_input.py [--models 90000] [--forged 10000] [--tables 20000] [--workers 1]

--models: model files with bytes mutated.  --forged: model files whose content was mutated under a checksum that fits;
those that load are put to work.  --tables: CSV, Parquet, .npy, .npz, IDX and image files, held against an independent
reading, and against their rows as a stream.  File i of each kind is the same in every run: its generator is seeded by
(kind, i). Files are read by worker processes whose address space may grow by 256 MiB over what isthmus itself takes
while they read one; a worker that dies, or takes minutes over a file, is told of as an escape; a refusal for want of
memory counts as LARGE. Exit status 1 where there was any of these.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
MOST_SECONDS, MOST_BYTES = 1.0, 256 * 2**20
CHUNKS, PATIENCE = {"models": 10_000, "forged": 1000, "tables": 10_000}, 300


def main() -> None:
    parser = argparse.ArgumentParser()
    for kind, number in (("models", 90_000), ("forged", 10_000), ("tables", 20_000)):
        parser.add_argument(f"--{kind}", type=int, default=number)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        kind, begin, end, seeds = arguments.worker
        return work(kind, int(begin), int(end), Path(seeds))
    with tempfile.TemporaryDirectory() as place:
        seeds = Path(place) / "seeds"
        make_seeds(seeds)
        clean = [attack(kind, getattr(arguments, kind), seeds, arguments.workers) for kind in ATTACKS]
    sys.exit(0 if all(clean) else 1)


def make_seeds(seeds: Path) -> None:
    """Fit the models whose files are mutated, once for all workers."""
    seeds.mkdir()
    _import_attacks()
    from model_seeds import SEEDS, model_file

    for name in SEEDS:
        (seeds / name).write_bytes(model_file(name))


def attack(kind: str, number: int, seeds: Path, workers: int) -> bool:
    """Print what became of the files of one kind; whether all was well."""
    started = time.perf_counter()
    size = CHUNKS[kind]
    chunks = [(kind, begin, min(begin + size, number), seeds) for begin in range(0, number, size)]
    with ThreadPoolExecutor(workers) as pool:
        told = [line for chunk in pool.map(lambda chunk: run_worker(*chunk), chunks) for line in chunk]
    outcomes = Counter(line["outcome"] for line in told)
    print(f"{kind}: {number} files, {', '.join(f'{count} {name}' for name, count in sorted(outcomes.items()))}")
    slowest, largest = (max(told, key=lambda line: line[of], default=None) for of in ("seconds", "bytes"))
    if slowest and largest:
        print(f"  slowest {slowest['seconds']:.3f} s (file {slowest['file']}: {slowest['done']})")
        print(f"  largest {largest['bytes'] / 2**20:.0f} MiB (file {largest['file']}: {largest['done']})")
    print(f"  {time.perf_counter() - started:.0f} s in all")
    escapes = [line for line in told if line["outcome"] in ("ESCAPE", "SLOW", "LARGE", "ALTERED", "DIFFERS")]
    for line in escapes[:50]:
        print(f"  {line['outcome']} file {line['file']} ({line['done']}): {line.get('reason', '')}")
    return not escapes


def run_worker(kind: str, begin: int, end: int, seeds: Path) -> list[dict]:
    """What a worker tells of the files of its chunk; one that dies is followed by another behind the deadly file."""
    told: list[dict] = []
    while begin < end:
        command = [sys.executable, __file__, "--worker", kind, str(begin), str(end), str(seeds)]
        try:
            finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE + (end - begin))
            output, reason = finished.stdout, f"exit status {finished.returncode}: {finished.stderr[-300:]}"
        except subprocess.TimeoutExpired as expired:
            output, reason = (expired.stdout or b"").decode(), "no end"
        lines = [json.loads(line) for line in output.splitlines() if line.endswith("}")]
        told += lines
        begin += len(lines)
        if begin < end:
            dead = {"file": begin, "done": "?", "outcome": "ESCAPE", "seconds": 0.0, "bytes": 0, "reason": reason}
            told.append(dead)
            begin += 1
    return told


def work(kind: str, begin: int, end: int, seeds: Path) -> None:
    """Read the files of a chunk one after the other, and print one line of JSON for each."""
    _import_attacks()
    import model_attacks
    import model_seeds

    known = {name: (seeds / name).read_bytes() for name in model_seeds.SEEDS}
    model_attacks.model_file = model_seeds.model_file = known.__getitem__
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.safetensors"
        for name in model_seeds.SEEDS:  # imports, which no later file pays for
            path.write_bytes(known[name])
            model_attacks.load_forged(path)
        for number in range(begin, end):
            print(json.dumps({"file": number, **ATTACKS[kind](Path(place), number)}), flush=True)


def attack_models(place: Path, number: int) -> dict:
    from model_attacks import damage, outcome_of_damage

    path = place / "model.safetensors"
    done, original = damage(path, number)
    told, outcome = measured(lambda: outcome_of_damage(path, original))
    return {"done": done, "outcome": outcome, **told}


def attack_forged(place: Path, number: int) -> dict:
    from model_attacks import forge, load_forged, use

    path = place / "model.safetensors"
    done = forge(path, number)
    told, loaded = measured(lambda: load_forged(path))
    if isinstance(loaded, str) or loaded is None:
        return {"done": done, "outcome": loaded or "refused", **told}
    try:
        return {"done": done, "outcome": use(loaded), **told}
    except Exception as error:
        return {"done": done, "outcome": "ESCAPE", **told, "reason": _last_lines(error)}


def attack_tables(place: Path, number: int) -> dict:
    from table_attacks import damage, differs, read

    done, path = damage(place, number)
    told, found = measured(lambda: read(path))
    if isinstance(found, str) or found is None:
        return {"done": done, "outcome": found or "refused", **told}
    reason = differs(found, path)
    return {"done": done, "outcome": "DIFFERS" if reason else "read", **told, "reason": reason}


ATTACKS = {"models": attack_models, "forged": attack_forged, "tables": attack_tables}


def measured(read) -> tuple[dict, object]:
    """({seconds, bytes}, what was read), or the name of an outcome that must not be where it was not well."""
    from refusals import ran_out_of_memory

    before, peak_before = _mapped(), _reset_peak()
    resource.setrlimit(resource.RLIMIT_AS, (before + MOST_BYTES, resource.RLIM_INFINITY))
    started, reason = time.perf_counter(), None
    try:
        found = read()
    except BaseException as error:
        found, reason = "LARGE" if ran_out_of_memory(error) else "ESCAPE", _last_lines(error)
    finally:
        seconds = time.perf_counter() - started
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    grown = max(_status("VmHWM") - peak_before, 0)
    if not reason and seconds > MOST_SECONDS:
        found = "SLOW"
    if not reason and grown > MOST_BYTES:
        found = "LARGE"
    return {"seconds": seconds, "bytes": grown} | ({"reason": reason} if reason else {}), found


def _import_attacks() -> None:
    sys.path[:0] = [str(TESTS / "fuzzing"), str(TESTS)]


def _mapped() -> int:
    return _status("VmSize")


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def _last_lines(error: BaseException) -> str:
    return " | ".join("".join(traceback.format_exception(error)).splitlines()[-4:])[:400]


if __name__ == "__main__":
    main()
