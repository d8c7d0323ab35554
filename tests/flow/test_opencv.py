"""Another OpenCV package that lies over ours is named, with the remedy."""

import types
from importlib import metadata

import cv2
import pytest

from hmrm.cli import main
from hmrm.errors import MissingExtraError
from hmrm.flow import opencv
from hmrm.flow.estimate import build_estimator


class Package:
    def __init__(self, name):
        self.metadata = {"Name": name}


@pytest.fixture
def overwritten(monkeypatch):
    opencv.optflow.cache_clear()
    monkeypatch.delattr(cv2, "optflow")
    yield monkeypatch
    opencv.optflow.cache_clear()


def install(monkeypatch, *names):
    monkeypatch.setattr(metadata, "distributions", lambda: [Package(name) for name in names])


@pytest.mark.parametrize("method", ["tvl1", "deepflow"])
def test_the_other_package_and_the_remedy_are_named(overwritten, method):
    install(overwritten, "numpy", None, "opencv-contrib-python-headless", "OpenCV-Python")
    words = (
        "opencv-python was installed over it.*pip uninstall -y opencv-python "
        "opencv-contrib-python-headless, then: pip install opencv-contrib-python-headless"
    )
    with pytest.raises(MissingExtraError, match=words):
        build_estimator(method)


def test_an_optflow_without_its_content_is_no_optflow(overwritten):
    overwritten.setattr(cv2, "optflow", types.ModuleType("optflow"), raising=False)
    install(overwritten)
    with pytest.raises(MissingExtraError, match="another cv2 lies before it"):
        opencv.optflow()


def test_the_command_ends_with_the_code_of_a_missing_extra(overwritten, tmp_path, capsys):
    install(overwritten, "opencv-python-headless")
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), cv2.UMat(64, 64, cv2.CV_8U).get())
    words = ["flow", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--method", "deepflow"]
    overwritten.setattr("sys.argv", ["hmrm", *words, "-o", str(tmp_path / "out.flo")])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == MissingExtraError.exit_code
    assert "opencv-python-headless was installed over it" in capsys.readouterr().err


def test_without_it_methods_of_the_plain_package_still_work(overwritten):
    assert build_estimator("dis") is not None


def test_our_own_environment_is_whole():
    assert opencv.other_packages() == ()
    assert opencv.optflow() is cv2.optflow
