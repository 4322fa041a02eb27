"""The page on which anybody can try a model: static, without a framework, and without anything of another host."""
