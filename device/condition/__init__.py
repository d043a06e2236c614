"""What ails a running post, how that is noticed, and how the post says it. The faults themselves: `device.faults`."""
