"""The department's policy, as far as the program must know it: purposes, what is forbidden, and the law."""
