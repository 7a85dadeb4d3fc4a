"""Writes anew what the program makes: `python -m tests.golden`, then read the difference by eye."""

from tests.golden.cases import EXAMPLES, FOLDER, expected_files


def write() -> None:
    """Files that nothing makes any more are removed."""
    files = expected_files()
    for stale in {*FOLDER.glob("*/*.json"), *EXAMPLES.glob("*.json")} - files.keys():
        stale.unlink()
        print(f"removed {stale}")
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"written {path}")


if __name__ == "__main__":
    write()
