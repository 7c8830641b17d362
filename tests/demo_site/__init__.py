"""A small network of invented news outlets on loopback, for the offline demonstration and the end-to-end tests."""
