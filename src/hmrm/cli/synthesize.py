"""What hmrm datasets synthesize writes: data sets in their real layout, flow maps."""

from pathlib import Path

from hmrm.cli.terminal import ERR, OUT


def write_dataset(
    name: str, output: Path, *, subjects: int | None, seed: int, frames: bool
) -> None:
    """Write a data set, or the composite, in its real layout."""
    from hmrm.datasets.synthetic_mark import write_mark
    from hmrm.synthetic.datasets.catalogue import synthetic_sets_of
    from hmrm.synthetic.datasets.writer import write_points, write_synthetic

    points: dict[str, tuple[float, ...]] = {}
    clips = 0
    for whole in synthetic_sets_of(name):
        some = whole if subjects is None else whole.of_subjects(subjects)
        if not frames and not some.tables(some.clips):
            ERR.print(f"warning: {some.name} has no table; without frames it is not written")
            continue
        points |= write_synthetic(output, some, seed=seed, images="rendered" if frames else "none")
        clips += len(some.records)
    if points:
        write_points(output / "faces.csv", points)
    if clips:
        write_mark(output)
    OUT.print(f"{clips} synthetic clips in {output}")


def write_maps(
    output: Path, *, layout: str, subjects: int, clips: int, noise: float, seed: int
) -> None:
    """Write labelled flow maps in a layout that circulates."""
    import numpy as np

    from hmrm.datasets.synthetic_mark import write_mark
    from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

    crop = "megc2019-flow" if layout == "flat" else "norm-u-v-os"
    generator = np.random.default_rng(seed)
    made = synthesize_maps(
        subjects=subjects, clips=clips, crop=crop, noise=noise, generator=generator
    )
    write_layout(output, made, layout=layout)
    write_mark(output)
    OUT.print(
        f"{len(made.ids)} synthetic clips of {len(set(made.subjects))} subjects in {output}",
    )
