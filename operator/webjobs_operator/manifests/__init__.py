"""Pure builders: model in, manifest out. What they build is applied as it is."""
