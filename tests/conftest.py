"""What holds for all tests."""

import os

# Threads that wait for work should sleep, not spin: where several processes share two cores (pytest -n, or people), spinning
# ones make small networks 30 times slower. OpenMP reads this when torch is first imported, so it comes before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
