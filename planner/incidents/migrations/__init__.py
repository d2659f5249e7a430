"""How the tables of incidents came to be what they are; each file leads from one version to the next."""
