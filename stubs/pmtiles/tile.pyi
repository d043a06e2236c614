from enum import Enum

class Compression(Enum):
    UNKNOWN = 0
    NONE = 1
    GZIP = 2

class TileType(Enum):
    UNKNOWN = 0
    MVT = 1

def zxy_to_tileid(z: int, x: int, y: int) -> int: ...
