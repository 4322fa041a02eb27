"""What holds for all tests."""

import os

# Threads that wait for work should sleep, not spin: where several processes share two cores (pytest -n, or people), spinning
# ones make small networks 30 times slower. OpenMP reads this when torch is first imported, so it comes before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from hypothesis import settings
from jaxtyping import install_import_hook

# Under test, the shapes and dtypes that these modules are annotated with are checked at every call. The perceptrons are not
# among them: `insight.record` calls them with placeholders, which are no tensors.
install_import_hook(["stepwell.core.keys", "stepwell.models.digitnet"], "beartype.beartype")

# A deadline is a timing, and machines are shared: an example may be slow for reasons that are not the code's.
settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")
