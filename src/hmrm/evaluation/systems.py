"""The systems that the paper names, and ours: which model stands for each, and how far it does."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["whole", "reduced", "recreation", "counted"]
"""As published, or ours; smaller than published; built again from little; only counted."""


@dataclass(frozen=True, kw_only=True)
class System:
    """One row's system.

    Attributes:
        model: name among the models, or a config, whose runs are its scores.
        kind: which table it stands in.
        reads: what of a clip.
        cost_of: model whose costs are this one's, where it is not ``model``.
        method: name among the published numbers; None where there is none that means the same.
    """

    title: str
    model: str
    kind: Kind = "whole"
    reads: str = "flow map"
    cost_of: str = ""
    method: str | None = None


_FRAMES = "frames"

SYSTEMS: tuple[System, ...] = (
    System(title="LBP-TOP", model="lbp-top", reads=_FRAMES, method="LBP-TOP"),
    System(title="CLBP-TOP", model="clbp-top", reads=_FRAMES),
    System(title="STLBP-IP", model="stlbp-ip", reads=_FRAMES),
    System(title="MDMO", model="mdmo"),
    System(title="Bi-WOOF", model="bi-woof", method="Bi-WOOF"),
    System(title="OFF-ApexNet", model="off-apexnet", method="OFF-ApexNet (rerun)"),
    System(title="STSTNet", model="ststnet", method="STSTNet (authors' PyTorch)"),
    System(title="linear SVM", model="svm-linear", method="linear SVM on maps"),
    System(title="Gaussian SVM", model="svm-rbf"),
    System(title="mirrored SVM", model="svm-mirrored"),
    System(title="tuned SVM", model="svm-tuned"),
    System(title="plain CNN", model="cnn"),
    System(title="plain CNN, lite", model="cnn-lite"),
    System(title="plain ViT", model="vit"),
    System(title="plain ViT, lite", model="vit-lite"),
    System(title="HMRM here, linear head", model="configs/hmrm-frozen-linear.toml"),
    System(title="HMRM here, lite", model="configs/hmrm-scratch-lite.toml", cost_of="hmrm"),
    System(
        title="HMRM here, ensemble",
        model="configs/hmrm-ensemble-plain.toml",
        cost_of="hmrm-ensemble",
    ),
    System(
        title="HMRM at the paper's size",
        model="configs/hmrm-paper-size.toml",
        cost_of="hmrm-paper",
    ),
    System(title="CapsuleNet's head, reduced", model="capsule-head", kind="reduced"),
    System(title="HTNet, reduced", model="htnet-small", kind="reduced"),
    System(title="VGG16, reduced", model="vgg16-small", kind="reduced"),
    System(title="GoogLeNet, reduced", model="googlenet-small", kind="reduced"),
    System(title="MobileViT, reduced", model="mobilevit-small", kind="reduced"),
    System(
        title="re-creation of GEME without gender",
        model="geme-recreation-without-gender",
        kind="recreation",
        reads=_FRAMES,
    ),
    System(
        title="re-creation of GEME",
        model="geme-recreation",
        kind="recreation",
        reads="frames, genders",
    ),
    System(
        title="re-creation of FRL-DGT",
        model="frl-dgt-recreation",
        kind="recreation",
        reads="onset, apex",
    ),
    System(
        title="re-creation of MFDAN",
        model="mfdan-recreation",
        kind="recreation",
        reads="apex, flow",
    ),
    System(
        title="CapsuleNet (cost: its head alone)",
        model="capsule-head-full",
        kind="counted",
        method="CapsuleNet",
    ),
    System(title="HTNet", model="htnet", kind="counted", method="HTNet"),
    System(title="VGG16", model="vgg16", kind="counted"),
    System(title="GoogLeNet", model="googlenet", kind="counted"),
    System(title="MobileViT-S", model="mobilevit-s", kind="counted"),
    System(title="HMRM", model="hmrm-paper", kind="counted", method="HMRM (paper)"),
)
