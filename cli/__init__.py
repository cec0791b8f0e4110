"""`yima`: everything that is done from a terminal, a file for each group of commands."""

import click

from cli import brands, codes, processes, regions, trials
from core import logs
from core.errors import YimaError


class Group(click.Group):
    """Says what is wrong in a sentence, and ends with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except YimaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Yima: one signed code for every single item."""
    logs.configure()


for command in (
    processes.migrate,
    processes.web,
    processes.worker,
    processes.cron,
    processes.status,
    processes.stop,
    brands.brand,
    brands.operator,
    brands.key,
    codes.code,
    regions.regions,
    trials.demo,
    trials.bench,
    trials.soak,
):
    main.add_command(command)
