"""``python -m hmrm``: the command line where its script is not on the path."""

from hmrm.cli.main import main

if __name__ == "__main__":
    main()
