"""How a unit and the office enroll it: the code, the request, the protocol."""
