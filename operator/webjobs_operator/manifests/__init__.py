"""Pure builders of manifests: model in, manifest out. What they build is applied as it is."""
