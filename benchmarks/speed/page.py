"""The page of what an analysis costs."""

from typing import Any


def as_page(result: dict[str, Any]) -> str:
    """Markdown of results.json."""
    stages, videos, machine = result["stages_ms"], result["videos"], result["machine"]
    lines = [
        "# What an analysis costs",
        "",
        "Processor time of one process with one thread, all in one run (`make bench`): a synthetic "
        "video of 640 × 480 px, one face with head motion, blinks, noise and a smile each ten "
        f"seconds. Machine: {machine['processor']}, {machine['cores']} cores, load "
        f"{', '.join(map(str, machine['load_average']))}; hmrm {result['provenance']['hmrm']}, "
        f"commit {result['provenance']['commit']}. Numbers: `benchmarks/speed/results.json`. The "
        "speed of such a machine changes by up to a half from day to day: compare figures of one "
        "page only. The [log](../log.md#speed-memory-and-the-scan) compares versions on one day. "
        "Of the first pass this is the quickest of four runs.",
        "",
        "## First pass, 30 frames a second",
        "",
        "| part | ms a frame |",
        "|---|---:|",
        *(f"| {name} | {value:.1f} |" for name, value in stages.items()),
        f"| for comparison: decoding and mesh alone | {result['plain_mesh_ms']:.1f} |",
        "",
        _verdict(stages["whole first pass"], result["plain_mesh_ms"]),
        "",
        "## Whole analysis",
        "",
        "| video | length | frames | events | processor time | per s of video | wall clock | "
        "peak memory |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {one['video_s']:.0f} s | {one['frames']} | {one['events']} | "
            f"{one['processor_s']:.1f} s | {one['processor_s'] / one['video_s']:.2f} s | "
            f"{one['wall_s']:.1f} s | {one['peak_mb']:.0f} MB |"
            for name, one in videos.items()
        ),
        "",
        "From 132 frames a second on every second, third … frame is measured, at least 66 a "
        "second, with a mesh each 30 ms; images of events are sought in the file, which is not "
        f"decoded again. {_minute(videos['200 frames a second'])}",
        "",
        "## Each event, after it was found",
        "",
        "| part | ms |",
        "|---|---:|",
        *(f"| {name} | {value:.0f} |" for name, value in result["event_ms"].items()),
        "",
        "The class costs more through OpenCV than through torch; it spares torch's installation.",
        "",
        "## Starting, and installing",
        "",
        *(f"- `{name}`: {value:.2f} s" for name, value in result["commands_s"].items()),
        f"- installed and unpacked: {result['installed_mb']['plain']:.0f} MB plain, "
        f"{result['installed_mb']['torch']:.0f} MB with the extra torch (this machine's build)",
        "",
        "Encoder, scan, fold and flow have pages of their own: [encoder](encoder.md), "
        "[scan](scan.md), [fold](fold.md), [flow](flow.md).",
    ]
    return "\n".join(lines) + "\n"


def _verdict(whole: float, mesh: float) -> str:
    aim = 10.0
    short = f"{whole - aim:.1f} ms above" if whole > aim else "within"
    return (
        f"The first pass is {short} the aim of {aim:.0f} ms a frame, and costs "
        f"{whole / mesh:.1f} times the decoding and mesh that any face tracker runs: the rest is "
        "registration to hundredths of a pixel, without which weak movements are not found."
    )


def _minute(fast: dict[str, float]) -> str:
    aim_s = 30.0
    wall_s = fast["wall_s"] * 60 / fast["video_s"]
    short = f"{wall_s - aim_s:.0f} s above" if wall_s > aim_s else "within"
    return f"A minute at 200 a second is {short} the aim of {aim_s:.0f} s by the wall clock."
