"""Writing checkpoints off the training thread."""

import threading
from queue import Queue

from stepwell.runs.checkpoint import Snapshot, clear_leftovers, is_best, remove_checkpoint, write_checkpoint
from stepwell.runs.run import Run


class CheckpointWriter:
    """A thread that writes snapshots in turn, and keeps the newest `keep` and the best of them.

    One snapshot may wait while another is written; a third makes `submit` wait, so that memory stays bounded. What went
    wrong in the thread is raised by the next `submit`, or by `close`.
    """

    def __init__(self, run: Run, keep: int) -> None:
        self.run, self.keep = run, keep
        self._queue: Queue[Snapshot | None] = Queue(maxsize=1)
        self._error: Exception | None = None
        clear_leftovers(run.checkpoint_folder)
        self._thread = threading.Thread(target=self._work, name="stepwell-checkpoints", daemon=True)
        self._thread.start()

    def submit(self, snapshot: Snapshot) -> None:
        """Have a snapshot written. Raises what an earlier one failed with."""
        self._raise()
        self._queue.put(snapshot)

    def close(self) -> None:
        """Wait until all is written. Raises what failed."""
        self._queue.put(None)
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _work(self) -> None:
        while (snapshot := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._write(snapshot)
                except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the training thread
                    self._error = error

    def _write(self, snapshot: Snapshot) -> None:
        self.run.sync()
        write_checkpoint(self.run.checkpoint_folder, snapshot)
        found = self.run.checkpoints()
        best = [path for path in found if is_best(path)]
        for path in found:
            if path not in found[-self.keep :] and path not in best[-1:]:
                remove_checkpoint(path)
