"""A model as files that need no Stepwell: what goes in, what comes out, and how far they are from the model itself."""
