"""Words for counts and names, as sentences use them."""


def counted(count: int, thing: str, things: str | None = None) -> str:
    """Write a count with its thing: `1 schedule`, `2 schedules`, `1,000 indexes`."""
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def joined(sentences: list[str]) -> str:
    """Make one sentence of several."""
    return "; ".join(sentence.removesuffix(".") for sentence in sentences) + "."
