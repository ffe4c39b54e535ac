"""What a place in the configuration means: its schema, and its description in one paragraph."""

from typing import Any

from drivers import registry
from gateway.config import Config
from gateway.configfile import described
from gateway.configfile.lines import Path
from gateway.configfile.words import Schema

Tables = dict[str, Any]
"""A configuration as TOML has it, perhaps unfinished or wrong."""


def schema_at(tables: Tables, path: Path) -> Schema:
    """The schema of what stands at ``path``; a device's stanza is described by its driver."""
    schema, rest = described.schema_of(Config), path
    if path[:1] == ("devices",) and len(path) > 1:
        driver = tables["devices"][path[1]]["driver"]
        schema, rest = described.schema_of(registry.load(driver).config), path[2:]
    for each in rest:
        schema = described.step(schema, each)
    return schema


def description(schema: Schema) -> str:
    """What is said of it, without the name of its table before it, its first letter large."""
    text = " ".join(str(schema.get("description", "")).split("\n\n")[0].split())
    if text.startswith("`["):
        text = text.partition("`: ")[2]
    return (text[:1].upper() + text[1:]).replace("``", "`")


def required(schema: Schema) -> list[str]:
    """The options of a table that have no default."""
    return [name for name in schema.get("required", ()) if name != "driver"]


def optional_wires(schema: Schema) -> list[str]:
    """The options of a door that are not wired unless the technician says so."""
    properties = schema.get("properties", {})
    return [name for name, each in properties.items() if each.get("default", 0) is None]
