import subprocess
import sys
from pathlib import Path


def test_docs_books_is_up_to_date():
    script = Path(__file__).with_name("table.py")
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
