"""The manifests build, validate, apply, deny what they should, and grant exactly what the tools use."""
