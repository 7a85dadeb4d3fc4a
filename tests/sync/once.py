"""One run in a process of its own, which a failpoint may kill: `python -m tests.sync.once BASE_URL FOLDER AT [export]`."""

import sys
from datetime import datetime
from pathlib import Path

from adapter.connection import SyncSection
from tests.sync.site import Site

if __name__ == "__main__":
    base_url, folder, at, *more = sys.argv[1:]
    how = SyncSection(export="export" in more)
    few = {"threads": 1, "page_size": 10}
    site = Site(base_url, Path(folder), at=datetime.fromisoformat(at), server=few, sync=how)
    print(site.run(write=True))
