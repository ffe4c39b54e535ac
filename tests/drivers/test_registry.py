"""Drivers by their file names: what is one, and what only lies beside them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import drivers
from drivers import registry
from drivers.base import DeviceConfig

DRIVER = "raise SystemExit\n\nclass Config(DeviceConfig): ...\n\nclass Driver(BaseDriver): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A second folder of drivers."""
    drivers.__path__.append(str(tmp_path))
    yield tmp_path
    drivers.__path__.remove(str(tmp_path))


def test_a_file_or_a_package_with_both_classes_is_a_driver_and_is_not_imported(
    folder: Path,
) -> None:
    (folder / "scale.py").write_text(DRIVER)
    (folder / "scanner").mkdir()
    (folder / "scanner" / "__init__.py").write_text(DRIVER)
    assert {"scale", "scanner"} <= set(registry.names())
    assert not {"drivers.scale", "drivers.scanner"} & set(sys.modules)


@pytest.mark.parametrize("lacking", ["class Config(", "class Driver("])
def test_what_lacks_one_of_them_is_shared_by_drivers_and_none_itself(
    folder: Path, lacking: str
) -> None:
    (folder / "shared.py").write_text(DRIVER.replace(lacking, "class Other("))
    assert "shared" not in registry.names()
    with pytest.raises(registry.UnknownDriverError, match='no driver is called "shared"; there'):
        registry.load("shared")


def test_every_driver_found_has_its_model_and_its_class() -> None:
    for name in registry.names():
        entry = registry.load(name)
        assert entry.config.__module__ == f"drivers.{name}"
        assert issubclass(entry.config, DeviceConfig)
