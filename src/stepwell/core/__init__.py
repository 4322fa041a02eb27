"""What every room stands on: errors, keyed randomness, devices, trees of tensors. Imports no other room."""
