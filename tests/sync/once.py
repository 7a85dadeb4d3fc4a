"""One run in a process of its own, which a failpoint may kill: `python -m tests.sync.once BASE_URL FOLDER AT`."""

import sys
from datetime import datetime
from pathlib import Path

from tests.sync.site import Site

if __name__ == "__main__":
    base_url, folder, at = sys.argv[1:]
    site = Site(base_url, Path(folder), at=datetime.fromisoformat(at), server={"threads": 1, "page_size": 10})
    print(site.run(write=True))
