"""How a download is shown."""

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from stepwell.cli.console import console, say


class Display:
    """A bar for each file, or, where there is no terminal, a line for each that has come."""

    def __init__(self) -> None:
        self.console = console(error=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Display":
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def advance(self, path: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes of a file are there."""
        if path not in self.tasks:
            self.tasks[path] = self.progress.add_task(path, total=total)
        self.progress.update(self.tasks[path], completed=done, total=total)
        if done == total and not self.console.is_terminal:
            say(f"{path}: {done:,} bytes", error=True)
