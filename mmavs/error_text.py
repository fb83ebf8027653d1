"""What an error says, for a message that quotes it."""


def first_line(error: Exception) -> str:
    """Say in one line what an error says, or what it is if it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
