"""Lays what a rule requires over the defaults."""

from backup_auditor.adapters.policy_file.requirement_shape import Shape


def laid_over[S: Shape](base: S, over: S) -> S:
    """Return the base with every key that is written in `over` in its place, at any depth; a list replaces a list."""
    changes: dict[str, object] = {}
    for key in over.model_fields_set:
        written = getattr(over, key)
        changes[key] = laid_over(getattr(base, key), written) if isinstance(written, Shape) else written
    return base.model_copy(update=changes)
