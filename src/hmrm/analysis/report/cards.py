"""What a report shows of each event and of each face, images as data URLs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from hmrm.analysis.blur import blur
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.arrows import arrows_svg, range_px, scale_svg
from hmrm.analysis.report.magnify import magnified
from hmrm.analysis.report.words import Flag, flag_of
from hmrm.clip import Event, EventImages, FaceView, Image
from hmrm.flow.image import flow_image, map_image
from hmrm.intervals import kind_of_duration

JPEG_QUALITY = 82


@dataclass(frozen=True, kw_only=True)
class StripFrame:
    """One image of a strip: data URL, zero-based frame, time in s, and what the frame is."""

    url: str
    index: int
    time_s: float
    role: str


@dataclass(frozen=True, kw_only=True)
class FlowView:
    """The motion of an event in four forms.

    Attributes:
        max_px: the length that colours and arrows reach to.
        magnified: the onset, moved by ``factor`` times the motion.
    """

    colours: str
    arrows: str
    scale: str
    map: str
    max_px: float
    magnified: str
    factor: int


@dataclass(frozen=True, kw_only=True)
class EventCard:
    """What the page shows of one event; no images where none were kept, no flow likewise."""

    event: Event
    kind: str
    flags: tuple[tuple[str, Flag], ...]
    onset: str | None
    apex: str | None
    size_wh: tuple[int, int]
    strip: tuple[StripFrame, ...]
    flow: FlowView | None


@dataclass(frozen=True, kw_only=True)
class FaceCard:
    """A followed face in a whole frame; the box as percent of the image's width and height."""

    view: FaceView
    url: str
    left: float
    top: float
    width: float
    height: float


def event_cards(analysis: Analysis, *, blurred: bool) -> list[EventCard]:
    """One card per event."""
    pairs = zip(analysis.events, analysis.images, strict=True)
    return [_event_card(event, images, blurred=blurred) for event, images in pairs]


def face_cards(faces: Sequence[FaceView], *, blurred: bool) -> list[FaceCard]:
    """One card per followed face."""
    return [_face_card(view, blurred=blurred) for view in faces]


def _event_card(event: Event, images: EventImages | None, *, blurred: bool) -> EventCard:
    def face(image: Image) -> str:
        return data_url(blur(image, None) if blurred else image, ".jpg")

    height, width = (1, 1) if images is None else images.pair.onset.shape[:2]
    return EventCard(
        event=event,
        kind=kind_of_duration(event.duration_s),
        flags=tuple((code, flag_of(code)) for code in event.flags),
        onset=face(images.pair.onset) if images else None,
        apex=face(images.pair.apex) if images else None,
        size_wh=(width, height),
        strip=tuple(
            StripFrame(
                url=face(one.image),
                index=one.index,
                time_s=one.time_s,
                role=_role(event, one.index),
            )
            for one in (images.strip if images else ())
        ),
        flow=_flow_view(images, blurred=blurred) if images else None,
    )


def _role(event: Event, index: int) -> str:
    named = {
        event.offset_index: "offset",
        event.onset_index: "onset",
        event.apex_index: "apex",
    }
    return named.get(index, "")


def _flow_view(images: EventImages, *, blurred: bool) -> FlowView | None:
    if images.flow is None or images.flow_map is None:
        return None
    max_px = range_px(images.flow)
    larger, factor = magnified(images.pair.onset, images.flow)
    return FlowView(
        colours=data_url(flow_image(images.flow, max_px=max_px), ".jpg"),
        arrows=arrows_svg(images.flow, max_px=max_px),
        scale=scale_svg(max_px),
        map=data_url(map_image(images.flow_map, zoom=1), ".png"),
        max_px=max_px,
        magnified=data_url(blur(larger, None) if blurred else larger, ".jpg"),
        factor=factor,
    )


def _face_card(view: FaceView, *, blurred: bool) -> FaceCard:
    height, width = view.image.shape[:2]
    left, top, right, bottom = view.box_xyxy_px
    image = blur(view.image, None) if blurred else view.image
    return FaceCard(
        view=view,
        url=data_url(image, ".jpg"),
        left=100 * max(left, 0.0) / width,
        top=100 * max(top, 0.0) / height,
        width=100 * (min(right, width) - max(left, 0.0)) / width,
        height=100 * (min(bottom, height) - max(top, 0.0)) / height,
    )


def data_url(image: Image, suffix: str) -> str:
    """An image as text that a page holds."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    done, encoded = cv2.imencode(suffix, bgr, options)
    assert done, "OpenCV encodes every uint8 image"
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"
