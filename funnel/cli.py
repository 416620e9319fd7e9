"""The command line. Imports stand inside the commands: help, list and bad specs answer before torch is loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from funnel.errors import FunnelError, ResultsError, SpecError, unknown

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

REPORTS = Path("reports")
BAD_SPEC, FAILED, INTERRUPTED = 2, 1, 130
"""exit codes"""
KEPT = "Finished pieces are kept: run the same command, and it goes on where it stopped."
"""what a user is told who has interrupted a run"""


@app.callback()
def main() -> None:
    """Simulates a multi-stage recommender funnel and tells what a change at one stage does to all of it.

    A scenario is one base funnel, a change under review, arms that apply it at some stages, and seeds. A run draws
    a world for each seed, logs traffic, trains every arm on the same log, and follows each request's best items down
    the funnel: who lost them, and what they were worth. Results and a page go to reports/NAME.

    \b
    python -m funnel list
    python -m funnel run bubble_late_only --preset smoke
    python -m funnel run bubble_late_only --seeds 3 --set base.world.users=5000
    python -m funnel run bubble_late_only --world datasets/lastfm-hetrec2011
    """


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="A scenario of the list, or the path of a TOML file.")],
    seeds: Annotated[int | None, typer.Option(help="Worlds to draw, instead of the scenario's number.")] = None,
    preset: Annotated[str | None, typer.Option(help="A size of scenarios/presets, such as smoke.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes on this machine. [default: one a core]")] = None,
    executor: Annotated[str, typer.Option(help="local, or dask for a cluster.")] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler: tcp://host:8786.")] = None,
    device: Annotated[str, typer.Option(help="Where models are trained: cpu, or cuda.")] = "cpu",
    world: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Fit the world to the data of this folder.")
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Drop bad rows of that data, and tell how many.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Build everything anew; use nothing finished.")] = False,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Any field; may be given several times.")
    ] = None,
) -> None:
    """Runs a scenario and builds its page.

    A run that was interrupted goes on where it stopped: finished pieces are kept under data/, named by everything that
    they depend on, and shared between scenarios. The same scenario, seeds and machine give the same numbers bit
    for bit, with any number of workers.

    Fields are named as in the files: base.world.users=5000, base.stages.early.keep=50,
    arms.late_only.stages.late.model.experts=8, verdict.margin.lost=0.05.

    Exit code: 0 done, 2 the scenario cannot be run as written, 1 it failed, 130 interrupted.
    """
    with _told():
        from funnel.scenario.executors import ONE_THREAD, Executor

        os.environ.update(ONE_THREAD)  # before any numeric library is loaded
        from funnel.scenario.file import load

        where = Executor(executor, workers, scheduler, device)
        scenario = load(name, preset=preset, seeds=seeds, assignments=assign or (), world=world, lenient=lenient)
        typer.echo(f"{scenario.name}: {scenario.question}")

        from funnel.scenario.harness import run as run_scenario

        _page(run_scenario(scenario, where, fresh=fresh, reports=REPORTS))


@app.command("list")
def list_scenarios() -> None:
    """Lists the scenarios and the question that each of them answers."""
    with _told():
        from funnel.scenario.file import listing

        questions = listing()
        width = max(map(len, questions), default=0)
        for name, question in questions.items():
            typer.echo(f"{name:<{width}}  {question}")


@app.command()
def report(name: Annotated[str, typer.Argument(help="A scenario that has been run.")]) -> None:
    """Builds the page of stored results again, without running anything."""
    with _told():
        _page(REPORTS / name)


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A scenario of the list, or the path of a TOML file.")],
    layout: Annotated[str, typer.Option("--format", help="Layout of the files.")] = "recflow",
    arm: Annotated[str | None, typer.Option(help="Whose funnel serves. [default: the proposal]")] = None,
    seed: Annotated[int, typer.Option(help="Which of its worlds.")] = 0,
    requests: Annotated[int | None, typer.Option(help="Requests to serve, instead of the evaluation's number.")] = None,
    preset: Annotated[str | None, typer.Option(help="A size of scenarios/presets, such as smoke.")] = None,
    world: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Fit the world to the data of this folder.")
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Drop bad rows of that data, and tell how many.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write. [default: exports/NAME/ARM/seedSEED]")] = None,
    device: Annotated[str, typer.Option(help="Where models are trained: cpu, or cuda.")] = "cpu",
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Any field; may be given several times.")
    ] = None,
) -> None:
    """Writes the stage logs of one arm in the layout of RecFlow, as a team's own funnel would have logged them.

    The requests are those that the arm is examined on, and the numbers are those of its examination; what a run has
    made is not made again. An interrupted export goes on where it stopped.

    Exit code: 0 done, 2 it cannot be exported as asked, 1 it failed, 130 interrupted.
    """
    with _told():
        from funnel.scenario.executors import ONE_THREAD

        os.environ.update(ONE_THREAD)  # before any numeric library is loaded
        from funnel.scenario.file import load

        chosen = [] if requests is None else [f"base.evaluation.requests={requests}"]
        assignments = [*(assign or ()), *chosen]
        scenario = load(name, preset=preset, assignments=assignments, world=world, lenient=lenient)

        from funnel.scenario.export.export import export as export_logs

        folder = export_logs(scenario, layout, arm=arm, seed=seed, out=out, device=device)
        typer.echo(f"Export: {folder}")


@app.command()
def checkpoint(
    name: Annotated[str, typer.Argument(help="A scenario of the list, or the path of a TOML file.")],
    surface: Annotated[str, typer.Option(help="Whose part of the ranker.")],
    arm: Annotated[str | None, typer.Option(help="Whose ranker. [default: the proposal]")] = None,
    stage: Annotated[str, typer.Option(help="The ranking stage.")] = "late",
    seed: Annotated[int, typer.Option(help="Which of its worlds.")] = 0,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write it as an ONNX file, too.")] = False,
    preset: Annotated[str | None, typer.Option(help="A size of scenarios/presets, such as smoke.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write. [default: checkpoints/NAME/ARM/seedSEED/STAGE_SURFACE]")
    ] = None,
    device: Annotated[str, typer.Option(help="Where models are trained: cpu, or cuda.")] = "cpu",
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Any field; may be given several times.")
    ] = None,
) -> None:
    """Writes the part of a trained ranker that serves one surface: it loads alone and holds nothing of the others.

    The ranker has to be a tower tree. A note beside it, checkpoint.json, tells its size and cost beside the whole
    ranker's, and how far their predictions differ. What a run has trained is not trained again.

    Exit code: 0 done, 2 there is no such checkpoint, 1 it failed, 130 interrupted.
    """
    with _told():
        from funnel.scenario.executors import ONE_THREAD

        os.environ.update(ONE_THREAD)  # before any numeric library is loaded
        from funnel.scenario.file import load

        scenario = load(name, preset=preset, assignments=assign or ())

        from funnel.scenario.checkpoint import checkpoint as write

        folder = write(scenario, surface, stage=stage, arm=arm, seed=seed, onnx=onnx, out=out, device=device)
        typer.echo(f"Checkpoint: {folder}")


@app.command()
def audit(
    logs: Annotated[Path, typer.Argument(help="A folder of stage logs.")],
    name: Annotated[str | None, typer.Option(help="Name of the results. [default: the folder's]")] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Drop rows that break a rule, and count them.")] = False,
) -> None:
    """Measures the stage logs of a real funnel; nothing is simulated. Results and a page go to reports/audit_NAME.

    The folder holds feather or parquet files in the layout of RecFlow, or files of any columns and a `columns.toml`
    that says what they are: docs/audit.md.

    Exit code: 0 done, 2 the logs cannot be read as they are, 1 it failed, 130 interrupted.
    """
    with _told("Nothing of it is kept, and older results are as they were: run the same command to begin anew."):
        from funnel.audit.harness import audit as audit_logs

        _page(audit_logs(logs, name, lenient=lenient, reports=REPORTS))


@app.command()
def calibrate(
    targets: Annotated[Path, typer.Argument(help="A TOML file of targets.")],
    trials: Annotated[int | None, typer.Option(help="Funnels to try, instead of the file's number.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes on this machine. [default: one a core]")] = None,
    device: Annotated[str, typer.Option(help="Where models are trained: cpu, or cuda.")] = "cpu",
) -> None:
    """Turns the knobs of a base until it measures what is known of a real funnel, and writes a base of its own.

    What a scenario then names as its base stands in scenarios/base/NAME.toml, with comments that say what was met and
    what was not; results and a page go to reports/calibrate_NAME. Targets, knobs and ranges: docs/calibrate.md.

    An interrupted calibration goes on where it stopped. To end one early, run it with as many trials as are done.

    Exit code: 0 done, 2 the targets cannot be used as written, 1 it failed, 130 interrupted.
    """
    with _told():
        from funnel.scenario.executors import ONE_THREAD, Executor

        os.environ.update(ONE_THREAD)  # before any numeric library is loaded
        from funnel.calibrate.file import load

        where = Executor(workers=workers, device=device)
        calibration = load(targets, trials=trials)

        from funnel.calibrate.harness import run as run_calibration

        _page(run_calibration(calibration, where, reports=REPORTS))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A scenario that has been run.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
) -> None:
    """Puts two finished runs side by side on one page, reports/A.vs.B/index.html.

    Arms are compared by name, B minus A: paired by seed where both drew the same worlds, else as independent runs. A
    run replaces the folder of its name, so copy reports/NAME to compare before and after.
    """
    with _told():
        from funnel.report.compare import build

        typer.echo(f"Page: {build(REPORTS / a, REPORTS / b, REPORTS).resolve()}")


def _page(folder: Path) -> None:
    from funnel.report import audit, calibration, conflict, dose, page, rounds, sweep
    from funnel.scenario import envelope

    summary = envelope.read(folder)
    scenarios = {"funnel": page.build, "sweep": sweep.build, "rounds": rounds.build}
    studies = {"task_conflict": conflict.build, "bubble_dose": dose.build}
    builders = scenarios | studies | {"audit": audit.build, "calibration": calibration.build}
    kind = summary.get("kind", "funnel")
    if kind not in builders:
        raise ResultsError(f"{folder / envelope.RESULTS}: kind: {unknown(str(kind), builders, 'a kind of results')}")
    built = builders[kind](folder)
    verdict = summary["verdict"]
    typer.echo("\n".join(["", verdict["sentence"], *verdict["sentences"], ""]))
    typer.echo(f"Page: {built}")


@contextmanager
def _told(interrupted: str = KEPT) -> Iterator[None]:
    """Turns what a user can cause into a message and an exit code."""
    try:
        yield
    except FunnelError as error:
        typer.echo(error, err=True)
        raise typer.Exit(BAD_SPEC if isinstance(error, SpecError) else FAILED) from None
    except KeyboardInterrupt:
        typer.echo(f"\nInterrupted. {interrupted}", err=True)
        raise typer.Exit(INTERRUPTED) from None
