"""The benchmark's result as a Markdown page."""

from typing import Any


def page(result: dict[str, Any]) -> str:
    """Tables of times, ratios, memory and the roofline."""
    lines = [
        "# Selective scan",
        "",
        "Written by `python -m benchmarks.scan`; d_inner 384, N 16, float32, one thread, medians.",
        f"Processor: {result['processor']}; backend: {result['backend']}.",
        "Forward / forward and backward, ms of processor time, all rivals in one run.",
        "",
    ]
    names = list(result["cases"][0]["rivals"])
    heads = [f"B{case['batch']} L{case['length']}" for case in result["cases"]]
    lines += [_row(["implementation", *heads]), _row(["---"] * (len(heads) + 1))]
    for name in names:
        cells = [_times(case["rivals"].get(name)) for case in result["cases"]]
        lines.append(_row([name, *cells]))
    lines += ["", "## How many times faster `hmrm cpp` is", ""]
    lines += [_row(["than", *heads]), _row(["---"] * (len(heads) + 1))]
    for name in names[1:]:
        lines.append(_row([name, *(_ratio(case["rivals"], name) for case in result["cases"])]))
    lines += ["", "## Peak memory, B20 L196, forward and backward, MB beyond the inputs", ""]
    lines += [_row(["implementation", "MB"]), _row(["---", "---"])]
    lines += [_row([name, f"{value:.0f}"]) for name, value in result["peak_mb"].items()]
    lines += ["", "## What the hardware allows the forward pass", ""]
    lines += [_row(["", *heads]), _row(["---"] * (len(heads) + 1))]
    for key in ("traffic_mb", "traffic_ms", "torch_exp_ms"):
        cells = [f"{case['roofline'][key]:g}" for case in result["cases"]]
        lines.append(_row([key.replace("_", " "), *cells]))
    lines += ["", "traffic: inputs read and output written once, at the speed of a copy;"]
    lines += ["torch exp: the exponentials alone, through `torch.exp` on data in the cache.", ""]
    lines += _cuda(result.get("cuda"))
    return "\n".join(lines)


def _cuda(result: dict[str, Any] | None) -> list[str]:
    lines = ["## On a GPU", ""]
    if result is None:
        return [*lines, "Not measured: no CUDA device here.", ""]
    heads = [f"B{case['batch']} L{case['length']}" for case in result["cases"]]
    lines += [f"{result['device']}; backend: {result['backend']}. Forward / both, ms.", ""]
    lines += [_row(["implementation", *heads, "peak MB"]), _row(["---"] * (len(heads) + 2))]
    for name, memory in result["peak_mb"].items():
        cells = [_times(case["rivals"][name]) for case in result["cases"]]
        lines.append(_row([name, *cells, f"{memory:.0f}"]))
    return [*lines, ""]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _times(entry: dict[str, float] | None) -> str:
    if entry is None:
        return "–"
    return f"{entry['forward_ms']:.3g} / {entry['forward_backward_ms']:.3g}"


def _ratio(rivals: dict[str, dict[str, float]], name: str) -> str:
    if name not in rivals:
        return "–"
    own, other = rivals["hmrm cpp"], rivals[name]
    keys = ("forward_ms", "forward_backward_ms")
    return " / ".join(f"{other[key] / own[key]:.1f}" for key in keys)
