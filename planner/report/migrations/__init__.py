"""How the tables of reports came to be what they are; each file leads from one version to the next."""
