from hmrm import provenance


def test_stamp_names_what_is_needed_to_repeat() -> None:
    stamp = provenance.stamp(config_hash="c", data_hash="d", seeds=(1, 2))
    assert stamp["config_hash"] == "c"
    assert stamp["data_hash"] == "d"
    assert stamp["seeds"] == [1, 2]
    assert stamp["packages"]["numpy"].count(".") == 2
    assert provenance.stamp(seeds=(1,)) == provenance.stamp(seeds=(1,))
