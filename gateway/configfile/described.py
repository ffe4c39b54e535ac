"""What the models say of their options: the schema of each, with its words, found by its path."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from gateway.configfile.words import Schema


def options(schema: Schema) -> list[Schema]:
    """``schema`` and all that it leaves the choice of."""
    return [*schema.get("anyOf", []), *schema.get("oneOf", []), schema]


def step(schema: Schema, name: str | int) -> Schema:
    """The part of ``schema`` for the key or the entry ``name``; empty if it says nothing."""
    for option in options(schema):
        if isinstance(name, int):
            fixed = option.get("prefixItems", [])
            inner = fixed[name] if name < len(fixed) else option.get("items")
        else:
            by_pattern = [*option.get("patternProperties", {}).values(), None]
            inner = option.get("properties", {}).get(name, by_pattern[0])
        if inner:
            return dict(inner)
    return {}


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """The model's JSON Schema with every ``$ref`` replaced by what it refers to."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        target = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else {}
        return {key: resolve(each) for key, each in {**target, **node}.items() if key != "$ref"}

    return dict(resolve({key: each for key, each in schema.items() if key != "$defs"}))
