"""How records are kept, given away with proof, and brought back."""
