"""Finished weights: scored without training, looks counted, familiar people refused."""

import json

import numpy as np
import pytest

from hmrm.errors import ConfigError, DataError, SeenInTrainingError, WeightsError
from hmrm.evaluation.pretrained import PretrainedModel, load_pretrained, score_pretrained
from hmrm.flow.mapset import canonical_maps
from hmrm.synthetic.datasets.flow_maps import synthesize_maps


class Fitted:
    """Looks where u and v are large; a fourth class is always its favourite."""

    def predict(self, maps):
        upper, lower = (
            np.abs(maps[:, :2, :9]).mean((1, 2, 3)),
            np.abs(maps[:, :2, 15:]).mean((1, 2, 3)),
        )
        down = maps[:, 1, 2:7].mean((1, 2))
        return np.stack([upper + down, lower, upper - down, np.full(len(maps), 9.0)], axis=1)


def model(**changes):
    parts = {
        "name": "toy",
        "fitted": Fitted(),
        "map_kind": "canonical",
        "classes": ("negative", "positive", "surprise", "none"),
        "trained_subjects": ("casme3/1",),
        "digest": "0" * 64,
    }
    return PretrainedModel(**{**parts, **changes})


@pytest.fixture(scope="module")
def synthetic():
    return synthesize_maps(subjects=2, clips=6, noise=0.1, generator=np.random.default_rng(0))


def test_scores_equal_a_direct_call_and_extra_classes_are_left_out(tmp_path, synthetic):
    result = score_pretrained(model(), synthetic, tmp_path)
    expected = Fitted().predict(canonical_maps(synthetic))[:, :3].argmax(1)
    np.testing.assert_array_equal(result.predictions[0].predicted, expected)
    assert result.summary.composite.uf1.mean > 0.6
    assert result.summary.selection == "finished"


def test_every_look_is_logged_and_their_number_is_printed_with_the_score(tmp_path, synthetic):
    for number in (1, 2, 3):
        summary = score_pretrained(model(), synthetic, tmp_path).summary
        assert summary.evaluations == number
        assert f"evaluation number {number}" in summary.selection_words
    fewer = synthetic.select(range(12))
    assert score_pretrained(model(), fewer, tmp_path).summary.evaluations == 1
    lines = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()]
    assert [line["data"] for line in lines] == [synthetic.sha256] * 3 + [fewer.sha256]


def test_a_log_that_cannot_be_read_is_named_with_its_line(tmp_path, synthetic):
    score_pretrained(model(), synthetic, tmp_path)
    log = tmp_path / "evaluations.jsonl"
    log.write_text(log.read_text() + '{"weights": ')
    with pytest.raises(DataError, match=r"evaluations\.jsonl line 2: damaged"):
        score_pretrained(model(), synthetic, tmp_path)


def test_people_seen_in_training_are_refused_or_stamped(tmp_path, synthetic):
    familiar = model(trained_subjects=("casme2/sub01",))
    with pytest.raises(SeenInTrainingError, match="casme2/sub01"):
        score_pretrained(familiar, synthetic, tmp_path)
    assert not (tmp_path / "evaluations.jsonl").exists()
    found = score_pretrained(familiar, synthetic, tmp_path, allow_seen=True)
    assert found.summary.warnings == ("SEEN IN TRAINING: 1 of the subjects",)


def test_a_model_without_the_datas_classes_is_refused(tmp_path, synthetic):
    with pytest.raises(ConfigError, match="'surprise'"):
        score_pretrained(
            model(classes=("negative", "positive", "fear", "none")), synthetic, tmp_path
        )


def test_unknown_weights_are_refused():
    pytest.importorskip("torch")
    with pytest.raises(WeightsError, match="no-such-weights"):
        load_pretrained("no-such-weights")


def test_our_network_is_scored_by_path(tmp_path, synthetic):
    torch = pytest.importorskip("torch")
    from hmrm.model.checkpoints import WeightCard, save_checkpoint
    from hmrm.model.network import HMRM
    from hmrm.model.sizes import HMRMConfig

    config = HMRMConfig(dim=16, depth=1, state=4)
    network = HMRM(config, generator=torch.Generator().manual_seed(0)).eval()
    card = WeightCard(
        config=config, classes=network.classes, crop="hmrm-1", trained_on="synthetic maps", steps=1
    )
    save_checkpoint(tmp_path / "tiny.safetensors", network, card)
    result = score_pretrained(load_pretrained(str(tmp_path / "tiny")), synthetic, tmp_path / "run")
    maps = canonical_maps(synthetic)
    mirrored = maps[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None]
    with torch.no_grad():
        either = [network(torch.from_numpy(m.copy())).fused for m in (maps, mirrored)]
    np.testing.assert_array_equal(result.predictions[0].predicted, sum(either).argmax(1).numpy())
    assert result.summary.transductive is False
