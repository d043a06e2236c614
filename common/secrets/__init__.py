"""How private keys come to a post and stay private."""
