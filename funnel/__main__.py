"""`python -m funnel`."""

from funnel.cli import app

if __name__ == "__main__":
    app(prog_name="python -m funnel")
