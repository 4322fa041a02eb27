"""Looking at tensors: where their elements lie, what they share, how they broadcast, what their dimensions are called."""
