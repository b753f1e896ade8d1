"""Faster responses of moto, with the same content: it looks for names that no attribute value has, in each of them."""

from functools import cache
from typing import Any

from moto.core import responses
from moto.core.serialize import ResponseSerializer
from moto.core.utils import method_names_from_class


@cache
def shorten_responses() -> None:
    """Read the members of an attribute value of DynamoDB by their names, and list the methods of a service once."""
    get_any_value = ResponseSerializer.get_value

    def get_value(serializer: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
        if type(value) is dict and shape.parent.name == "AttributeValue":
            return value.get(key)
        return get_any_value(serializer, value, key, shape)

    setattr(ResponseSerializer, "get_value", get_value)  # noqa: B010  mypy forbids the assignment of a method
    setattr(responses, "method_names_from_class", cache(method_names_from_class))  # noqa: B010  as above
