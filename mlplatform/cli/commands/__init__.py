"""The verbs of `mlp`: one module per noun, each with a `register`."""
