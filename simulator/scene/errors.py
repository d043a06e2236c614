"""Errors of the scene renderer.

::

    PlatepostError
     +-- SceneError (ValueError)        a scene description asks for something that cannot be drawn
     +-- NoGraphicsError (RuntimeError) no OpenGL context can be made on this machine
"""

from platepost.common.errors import PlatepostError


class SceneError(PlatepostError, ValueError):
    """A scene description is unreadable or asks for something that cannot be drawn."""


class NoGraphicsError(PlatepostError, RuntimeError):
    """Neither a graphics card nor Mesa's software driver gives an OpenGL 3.3 context."""
