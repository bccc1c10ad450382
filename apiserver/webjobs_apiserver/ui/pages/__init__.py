"""The pages: each module reads what its pages show, and acts on their forms."""
