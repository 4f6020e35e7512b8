"""A refusal for want of memory is none: room was asked for before it was known that it would be filled."""

import errno


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it took the place of, is that memory was asked for and not given."""
    seen: BaseException | None = error
    while seen is not None:
        # Arrow's own error is a MemoryError.
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno == errno.ENOMEM):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def require_memory_sufficed(refusal: BaseException) -> None:
    """MemoryError where a refusal hides one."""
    if ran_out_of_memory(refusal):
        raise MemoryError(str(refusal)) from refusal
