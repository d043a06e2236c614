"""What is kept and how long, what is held, how the rest goes with proof; what is given away and brought back."""
