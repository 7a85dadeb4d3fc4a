"""`python -m adapter` is `trial-adapter`."""

from adapter.cli import main

if __name__ == "__main__":
    main()
