"""The GPIO: the protocol that every board fulfills, the boards of a unit, and its switches and status light."""
