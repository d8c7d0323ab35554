"""What a kind of damaged input is: how it is made, what reads it, what the message must name."""

from dataclasses import dataclass

from damaged_files import Make

EVALUATE = "evaluate --no-progress --data {kit}/maps"
CONFIG = f"{EVALUATE} --config in/run.toml -o out"
WEIGHTS = f"{EVALUATE} --weights in/weights -o out"
RESUME = f"{EVALUATE} --config {{kit}}/svm.toml -o in/run"
AGAIN = f"{EVALUATE} --weights {{kit}}/weights -o in/run"
REPORT = "report in/run -o out"
ABLATE = "ablate --no-progress --data {kit}/maps -o out --config in/ablation.toml"
COMPOSITE = "train composite --data {kit}/maps --config in/run.toml -o out"
TRAIN = "--no-progress --workers 1"
STATE = f"train synthetic --config {{kit}}/synthetic.toml -o in/run {TRAIN}"
FLOW_STATE = f"train flow --config {{kit}}/flow.toml -o in/run {TRAIN}"
CHAIRS = f"train flow --config {{kit}}/flying_chairs.toml -o out {TRAIN}"
CHECK = "datasets check in/maps"
TABLE = "datasets check casme2 in --table-only"
CORRECTIONS = "datasets check casme2 in/root --table-only --corrections in/c.csv"
PREPARE = "datasets prepare casme2 in/root --flow farneback --faces in/faces.csv -o out"
FRAMES = "flow in/clip --onset 0 --apex 3 --method farneback -o out/flow.flo"
READ_FLOW = "call:hmrm.flow.files.formats:read_flow in/flow"
SCORE = "score-spotting --truth in/truth.csv --found in/found.json"
TRUTH = "score-spotting --truth in/truth.csv --found in/truth.csv"
PREDICTIONS = "evaluate --predictions in/p.csv -o out"
EXPORT = "export in/results -f elan,textgrid,openface,json,summary -o out --no-progress"
EMOTIONS = f"{REPORT} --emotions in/emotions.csv"
CEILING = "ceiling in/codes.csv --coders 2"
UNITS = "score-aus --truth in/truth.csv --found in/found.csv"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A damaged input, the command that reads it, and words that the message must have."""

    make: Make
    command: str
    names: str


def kind(make: Make, command: str, names: str = "") -> Kind:
    return Kind(make=make, command=command, names=names)
