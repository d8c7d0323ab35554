"""``python -m benchmarks.real_video FOLDER``: expressions of filmed people, found and scored.

FOLDER holds videos and ``details.csv`` (see ``annotation.py``). Prints each video's events, the
score, and with ``--ablation`` what each part of the method is worth alone; ``-o`` writes the events
as a table that ``hmrm score-spotting`` reads. Nothing of the videos is kept.
"""

import argparse
import csv
import io
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.real_video.annotation import Folder, read_folder
from benchmarks.real_video.score import Score, score
from hmrm import atomic, provenance
from hmrm.parallel import single_thread
from hmrm.spotting.face_events import FaceEvent
from hmrm.spotting.first_pass import first_pass
from hmrm.spotting.fusion import FusionConfig, find_events
from hmrm.spotting.tracks import FaceTrack, FirstPass
from hmrm.video.reader import open_video

Faces = Mapping[str, FaceTrack | None]


def main() -> None:
    """Measure, find, score, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_video", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="table of the events (CSV)")
    parser.add_argument("--ablation", action="store_true", help="with and without each part")
    parser.add_argument("--json", type=Path, help="scores with provenance")
    given = parser.parse_args()
    single_thread()
    folder = read_folder(given.folder)
    faces, minutes = dict[str, FaceTrack | None](), dict[str, float]()
    for video, path in folder.paths.items():
        begun, seen = time.process_time(), first_pass(open_video(path))
        faces[video], minutes[video] = seen.largest, seen.end_s / 60
        print(f"{video}: {_line(seen, time.process_time() - begun)}", flush=True)
    found = events_of(faces, FusionConfig())
    scored = scored_by(folder, faces, found, minutes)
    print(_table(folder, scored, found))
    result = {"scores": scored.summary(), "provenance": provenance.stamp()}
    print(json.dumps(scored.summary(), indent=1))
    if given.ablation:
        result["ablation"] = {}
        for name, config in variants().items():
            only = name == "registration alone"
            some = registration_alone(faces, config) if only else events_of(faces, config)
            if name == "mesh alone":
                some = events_of(faces, config, fine=False)
            summary = scored_by(folder, faces, some, minutes).summary()
            result["ablation"][name] = summary
            print(f"{name:32} {_short(summary)}", flush=True)
    if given.output:
        atomic.write_text(given.output, _csv(found))
    if given.json:
        atomic.write_text(given.json, json.dumps(result, indent=1) + "\n")


def events_of(
    faces: Faces, config: FusionConfig, *, fine: bool = True
) -> dict[str, tuple[FaceEvent, ...]]:
    """Events of each video's largest face."""
    return {
        video: find_events(
            face.measures, face.signal, config, appearances=face.appearances, fine=fine
        ).events
        if face
        else ()
        for video, face in faces.items()
    }


def registration_alone(faces: Faces, config: FusionConfig) -> dict[str, tuple[FaceEvent, ...]]:
    """What the fine movements alone find: the mesh finds nothing and says nothing of rest."""
    deaf = replace(
        config,
        displaced=1e9,
        expressions=replace(
            config.expressions,
            candidates=replace(config.expressions.candidates, times=1e9),
            speech=replace(config.expressions.speech, count=10**9),
        ),
    )
    return events_of(faces, deaf)


def scored_by(
    folder: Folder,
    faces: Faces,
    found: Mapping[str, tuple[FaceEvent, ...]],
    minutes: Mapping[str, float],
) -> Score:
    """Score with the mesh's yardstick of direction."""
    measures = {video: face.measures for video, face in faces.items() if face}
    return score(folder, found, measures, minutes)


def variants() -> dict[str, FusionConfig]:
    """The method, and the method without one part each."""
    whole = FusionConfig()
    mesh = whole.expressions
    no_speech = replace(mesh.speech, count=10**9)
    return {
        "whole": whole,
        "mesh alone": whole,
        "registration alone": whole,
        "without prior of a rest face": replace(
            whole, expressions=replace(mesh, neutral=replace(mesh.neutral, prior=False))
        ),
        "neutral face from the past alone": replace(
            whole, expressions=replace(mesh, neutral=replace(mesh.neutral, causal=True))
        ),
        "neutral face does not follow": replace(
            whole, expressions=replace(mesh, neutral=replace(mesh.neutral, held_s=1e9))
        ),
        "without uncertainty of turns": replace(
            whole, expressions=replace(mesh, candidates=replace(mesh.candidates, per_degree=0.0))
        ),
        "without splitting of chains": replace(
            whole,
            expressions=replace(mesh, candidates=replace(mesh.candidates, valley=0.0, alike=-1.0)),
        ),
        "without speech rule": replace(
            whole,
            expressions=replace(mesh, speech=no_speech),
            syllables=replace(whole.syllables, turns=10**9),
        ),
        "without blink rules": replace(
            whole,
            expressions=replace(mesh, rules=replace(mesh.rules, blink_fraction=2.0)),
            blink_fraction=2.0,
        ),
        "without direction": replace(
            whole, direction=replace(whole.direction, earlier_s=-1.0, noise=1e9)
        ),
        "without turn rule (registration)": replace(whole, turning_deg=1e9),
        "without cover rule": replace(whole, cover=replace(whole.cover, nose=2.0, cheek=2.0)),
        "weak ends count": replace(
            whole, expressions=replace(mesh, rules=replace(mesh.rules, end_salience=1.0))
        ),
    }


def _line(seen: FirstPass, seconds: float) -> str:
    each = 1e3 * seconds / max(1, seen.frame_count)
    lost = 0 if seen.largest is None else seen.frame_count - len(seen.largest.measures)
    return (
        f"{seen.frame_count} frames, {len(seen.tracks)} face(s), largest unseen in {lost}, "
        f"{len(seen.cuts_s)} cuts, {each:.1f} ms of processor time a frame"
    )


def _table(folder: Folder, scored: Score, found: Mapping[str, tuple[FaceEvent, ...]]) -> str:
    hit_of = {id(hit.event): hit.truth for hit in scored.hits}
    false = {id(event) for _, event in scored.false}
    lines = []
    for video in folder.paths:
        for one in found[video]:
            truth = hit_of.get(id(one))
            says = "unsure" if id(one) not in false else "false"
            if truth:
                says = f"{truth.onset}-{truth.apex}-{truth.offset} {truth.kind} {truth.label}"
            lines.append(
                f"{video} {one.onset_index:4}-{one.apex_index:4}-{one.offset_index:4} {one.kind} "
                f"{one.instrument:12} {one.region:18} {one.salience:5.2f}  {says}  "
                f"{' '.join(one.flags)}"
            )
    missed = [f"{row.video} {row.onset}-{row.offset} {row.kind} missed" for row in scored.missed]
    turned = [f"{video} {e.onset_index}-{e.apex_index} backwards" for video, e in scored.backwards]
    return "\n".join([*lines, *missed, *turned])


def _short(summary: dict[str, float]) -> str:
    return (
        f"{summary['found']:.0f} of {summary['sure']:.0f} ({summary['micro_found']:.0f} micro), "
        f"{summary['false']:.0f} false, F1 {summary['f1']:.2f}, "
        f"{summary['on_empty']:.0f} on empty, onset {summary['onset_error_frames']:.1f}, offset "
        f"{summary['offset_error_frames']:.1f}"
    )


def _csv(found: Mapping[str, tuple[FaceEvent, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["subject", "video", "onset", "offset", "type", "apex", "score"])
    for video, events in found.items():
        for one in events:
            span = [one.onset_index, one.offset_index, one.kind, one.apex_index]
            writer.writerow(["", video, *span, f"{one.salience / (one.salience + 1):.4f}"])
        if not events:
            writer.writerow(["", video, "", "", "", "", ""])
    return out.getvalue()


if __name__ == "__main__":
    main()
