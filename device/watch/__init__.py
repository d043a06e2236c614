"""How a running post watches the road: a camera kept delivering, its frames handed on, the networks that look."""
