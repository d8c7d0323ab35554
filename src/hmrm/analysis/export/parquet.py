"""Parquet: the tables of events and frames with their types; needs the extra ``parquet``."""

from pathlib import Path
from typing import Any

from hmrm import atomic
from hmrm.analysis.export import tiers
from hmrm.analysis.export.tables import TEXT, WHOLE, Table, events_table, frames_table
from hmrm.analysis.record import Analysis
from hmrm.errors import MissingExtraError


def is_installed() -> bool:
    """Whether the extra is there."""
    try:
        _pyarrow()
    except MissingExtraError:
        return False
    return True


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write the events, and the frames next to them as ``NAME_frames.parquet``.

    The counting rule stands in the metadata of both, key ``hmrm:counting``.

    Raises:
        OutputError: a file cannot be written.
        MissingExtraError: pyarrow is not installed.
    """
    frames = path.with_name(f"{path.stem.removesuffix('_events')}_frames{path.suffix}")
    _write(path, events_table(analysis), analysis)
    _write(frames, frames_table(analysis), analysis)
    return path, frames


def _write(path: Path, table: Table, analysis: Analysis) -> None:
    pyarrow, parquet = _pyarrow()
    kinds = {name: _kind(name, pyarrow) for name in table}
    # NaN is a number to Arrow's readers: what was not measured is null.
    columns = {
        name: pyarrow.array(values, type=kinds[name], from_pandas=True)
        for name, values in table.items()
    }
    metadata = {"hmrm:counting": tiers.rule(analysis), "hmrm:source": analysis.source}
    made = pyarrow.table(columns).replace_schema_metadata(
        {key: text.encode("utf-8", "backslashreplace") for key, text in metadata.items()}
    )
    with atomic.writing(path) as temporary:
        parquet.write_table(made, temporary)


def _kind(name: str, pyarrow: Any) -> Any:
    if name in TEXT:
        return pyarrow.string()
    return pyarrow.int64() if name in WHOLE else pyarrow.float64()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError(
            "Parquet needs pyarrow, which is not installed; run: pip install 'hmrm[parquet]'"
        ) from error
    return pyarrow, parquet
