"""The issuer net's second answer: a license plate, or lettering. It learns upon that net, which stays as it is."""
