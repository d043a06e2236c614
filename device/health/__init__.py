"""How a post is: status, heartbeat, machine, certificate and read rate, and the supervision of its own process."""
