"""`python -m shared.embedded`: the same as `anxing`, for starting it without looking for its script."""

from shared.embedded.cli import main

if __name__ == "__main__":
    main()
