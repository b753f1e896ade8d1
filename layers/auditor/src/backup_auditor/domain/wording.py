"""Words for counts and names, as sentences of findings use them."""


def counted(count: int, thing: str) -> str:
    """Write a count with its thing: `1 schedule`, `2 schedules`, `1,000 schedules`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def joined(sentences: list[str]) -> str:
    """Make one sentence of several."""
    return "; ".join(sentence.removesuffix(".") for sentence in sentences) + "."
