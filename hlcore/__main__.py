"""The command line, `python -m hlcore`: what the dashboard does, for cron, containers and scripts."""

from hlcore.cli.console import main

if __name__ == "__main__":
    main()
