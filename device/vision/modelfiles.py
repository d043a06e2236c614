"""Where the two .tflite files that ship lie."""

import importlib.util
from pathlib import Path

from device.errors import ModelError


def shipped(name: str) -> Path:
    """Path of the shipped model file `name`, such as "reader.tflite".

    The files lie in the folder `models` beside this package. It is located and never imported: a post carries the
    files, and not what trained them.

    Raises:
        ModelError: the folder or the file is missing.

    """
    specification = importlib.util.find_spec("models")
    for folder in (specification.submodule_search_locations if specification else None) or ():
        path = Path(folder) / name
        if path.is_file():
            return path
    raise ModelError(f"the model file {name} is not installed beside the device package; name one in the configuration")
