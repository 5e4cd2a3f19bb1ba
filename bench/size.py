"""What the default install takes on disk beyond an empty virtual environment, part by part."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from check_wheel import build_wheel, install, megabytes

PRESENT = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
"""What an empty environment has already, or may have."""


def main() -> None:
    """Print the total and the ten largest parts, in units of 1,000,000 bytes."""
    with tempfile.TemporaryDirectory(prefix="pmcodex-bench-") as folder:
        scratch = Path(folder)
        programs, total = install(build_wheel(scratch), scratch)
        (site,) = programs.parent.glob("lib/python*/site-packages")
        parts = {
            part.name: megabytes(part)
            for part in site.iterdir()
            if part.is_dir() and part.name not in PRESENT
        }
    print(f"size: {total:.1f} MB beyond an empty environment")
    for name in sorted(parts, key=lambda name: -parts[name])[:10]:
        print(f"  {parts[name]:6.1f} MB  {name}")


if __name__ == "__main__":
    main()
