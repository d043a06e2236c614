"""What records say of a vehicle's look, in the words of the trade."""

from typing import Final, Literal, get_args

Kind = Literal["car", "van", "pickup", "truck", "bus", "motorcycle"]
Color = Literal["white", "black", "gray", "red", "blue", "green", "yellow", "brown", "orange"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""`car` is any passenger car, sport utility vehicles included. The network has its classes in this order."""
COLORS: Final[tuple[Color, ...]] = get_args(Color)
"""`gray` is silver, too; `brown` also beige, tan and gold. The network has its classes in this order."""
