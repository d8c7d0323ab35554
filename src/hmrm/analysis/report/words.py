"""What a report states of itself, and every quality flag in words."""

from dataclasses import dataclass

INTENDED = (
    "For research and teaching: finding, reviewing and annotating movements of the face in video, "
    "for whoever looks at every event."
)
RELIABILITY = (
    "Spotting micro-expressions in long videos is an unsolved problem: published methods reach an "
    "F1 of 0.1 to 0.2 for micro-expressions on the public long-video data sets. Most spotted "
    "events may be false, and some real ones are missed. Look at every event yourself."
)
MEANING = (
    "A movement of the face is not a feeling. What is shown is motion of the skin; the same "
    "motion can come from speech, a swallow, a twitch or habit, and nothing here shows intent, "
    "honesty or state of mind."
)
UNCLASSIFIED = (
    "The movements are found, not classified: no recognition weights were used, so class is empty."
)
FORBIDDEN = (
    "Not for lie detection, hiring, policing, border control, medical diagnosis, or any decision "
    "about a person. In the European Union, inferring emotions at work and in education is "
    "prohibited (AI Act, Article 5), and elsewhere emotion recognition carries duties of its own. "
    "Record and analyse only people who have agreed to it."
)


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A quality flag: in two or three words, and what it means for a reader."""

    short: str
    meaning: str


FLAGS = {
    "blink_overlap": Flag(
        short="with a blink",
        meaning="The eyes closed meanwhile, which moves brows and cheeks, too.",
    ),
    "during_speech": Flag(
        short="during speech",
        meaning="The person was speaking; what stands out may belong to a sound.",
    ),
    "face_lost": Flag(
        short="face lost",
        meaning="The face was not followed right before or after, so onset or offset may be late.",
    ),
    "longer_than_micro": Flag(
        short="longer than 0.5 s",
        meaning="A macro-expression: it lasted longer than a micro-expression by definition.",
    ),
    "low_frame_rate": Flag(
        short="low frame rate",
        meaning="The shortest micro-expressions fall between frames at this rate; onset and apex "
        "are uncertain by a frame.",
    ),
    "near_border": Flag(
        short="at the image's edge",
        meaning="Part of the face lay outside the image.",
    ),
    "near_cut": Flag(
        short="near a cut",
        meaning="A scene cut lies within a quarter of a second; compare the frames around it.",
    ),
    "near_end": Flag(
        short="near an end",
        meaning="The video, or the face in it, begins or ends within a quarter of a second.",
    ),
    "offset_unknown": Flag(
        short="offset unknown",
        meaning="Only onset and apex were given, so the end is not known; it is set to the apex.",
    ),
    "small_face": Flag(
        short="small face",
        meaning="The eyes are few pixels apart, so a movement is uncertain in size and place.",
    ),
    "turned": Flag(
        short="head turned",
        meaning="The head was turned away from where the neutral face was seen.",
    ),
    "under_way_at_end": Flag(
        short="under way at the end",
        meaning="The expression had not ended at the last frame; it lasted longer than shown.",
    ),
    "under_way_at_start": Flag(
        short="under way at the start",
        meaning="The expression had begun before the first frame; its onset was not seen.",
    ),
}
"""Code of a quality flag → in words. A test compares the codes with those that spotting gives."""

CODER_FLAGS = {
    "accepted_by_coder": Flag(short="accepted", meaning="A coder looked at it and accepted it."),
    "added_by_coder": Flag(
        short="added", meaning="A coder added it; nothing measured it, so measures are missing."
    ),
    "borders_by_coder": Flag(
        short="borders edited",
        meaning="Onset, apex and offset are a coder's; measures and probabilities are those of "
        "the borders that were found.",
    ),
    "label_by_coder": Flag(
        short="class edited", meaning="The class is a coder's; probabilities are the classifier's."
    ),
    "taken_up_by_coder": Flag(
        short="taken up", meaning="It had been rejected, and a coder took it up."
    ),
}
"""The same of what a coder changed in ``hmrm serve``."""


def flag_of(code: str) -> Flag:
    """A flag in words; one without an entry stands for itself."""
    return (
        FLAGS.get(code) or CODER_FLAGS.get(code) or Flag(short=code.replace("_", " "), meaning="")
    )
