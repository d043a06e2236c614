"""How a bare unit becomes a post, and stays one: keys made here, a request, a certificate, its renewal.

Over the network the messages are those of EST (RFC 7030); on a stick they are the same, each with its seal.
"""
