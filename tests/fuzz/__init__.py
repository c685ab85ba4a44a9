"""Random statements and broken packets against a live server: see __main__.py."""
