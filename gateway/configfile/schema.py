"""The configuration as JSON Schema, so that an editor completes and checks it while it is typed.

`python -m gateway.configfile.schema > config/checkpoint-gateway.schema.json`
"""

import json
import sys
from types import GenericAlias
from typing import Annotated, Any, Union

from pydantic import Field, create_model

from drivers import registry
from drivers.base import Name
from gateway.config import Config


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole file with the stanzas of all drivers."""
    stanzas = [registry.load(name).config for name in registry.names()]
    stanza = Annotated[Union[*stanzas], Field(discriminator="driver")]  # type: ignore[valid-type]
    devices: Any = GenericAlias(dict, (Name, stanza))
    whole = create_model("Config", __base__=Config, devices=(devices, {}))
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **whole.model_json_schema()}


def text() -> str:
    """The schema as it stands in its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
