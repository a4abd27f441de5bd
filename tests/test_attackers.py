"""Which attacker stands on Explore, and the list from which he is chosen."""

from dataclasses import replace

from dashboard.state.view import View
from engine.attacks.catalogue import CATALOGUE
from tests.explored import opened, put, shown
from tests.handmade import headline, whole


def test_both_attackers_stand_side_by_side_on_either_side_of_the_switch(store):
    put(store, View(calibration="undefended"), whole(headline(adaptive=False)))
    put(store, View(), replace(whole(), attackers=None))
    for query in ({"calibration": "undefended"}, {}):
        text = shown(opened(**query))
        assert "<dt>Attack AUC, adapts to the defence</dt><dd><b>.796</b> .790 – .802</dd>" in text
        assert "<dt>Attack AUC, does not adapt</dt><dd><b>.600</b> .580 – .620</dd>" in text
        assert "<dt>Difference, on the same masks</dt><dd><b>.196</b> .180 – .210</dd>" in text
    assert "14 shadow models without the defence" in shown(opened(calibration="undefended"))


def test_the_attacker_who_does_not_adapt_is_not_on_the_page_before_he_was_measured(store):
    put(store, View(), replace(whole(), attackers=None))
    assert "does not adapt</dt>" not in shown(opened())


def test_the_list_of_attacks_opens_on_request_and_choosing_closes_it(store):
    app = opened()
    assert not [button for button in app.button if str(button.key).startswith("attack-")]
    app.button(key="control-attack").click().run()
    assert {f"attack-{name}" for name in CATALOGUE} <= {str(button.key) for button in app.button}
    app.button(key="attack-loss").click().run()
    assert app.query_params == {"attack": "loss"}
    assert app.button(key="control-attack").label == "Attack: Loss threshold"
    assert not [button for button in app.button if str(button.key).startswith("attack-")]


def test_attacks_that_a_release_does_not_give_what_they_need_are_off_with_the_reason(store):
    app = opened(outputs="labels")
    assert (
        "Attack LiRA needs the probabilities that the model answers with; this release gives labels only."
        in shown(app)
    )
    assert "turn a dial, choose another attack, or remove a chip." in shown(app)
    app.button(key="control-attack").click().run()
    off = {str(button.key) for button in app.button if button.disabled}
    assert "attack-lira" in off
    assert "attack-correctness" not in off
    app.button(key="attack-correctness").click().run()
    assert "This setting has not been measured yet." in shown(app)


def test_the_switch_is_off_for_attacks_that_read_no_shadow_models(store):
    def switch(app):
        return next(control for control in app.get("button_group") if control.key == "control-calibration")

    assert not switch(opened()).proto.disabled
    assert switch(opened(attack="correctness")).proto.disabled


def test_the_oracle_is_on_the_page_as_an_upper_bound_and_only_where_there_is_a_threshold(store):
    put(store, View(attack="loss", calibration="oracle"), whole(headline(attack="loss", shadows=0, upper_bound=True)))
    text = shown(opened(attack="loss", calibration="oracle"))
    assert "its own thresholds: an upper bound, no attacker" in text
    assert View(attack="loss", calibration="oracle").turned("attack", "lira").calibration == "adaptive"
    assert View(attack="lira").stops("calibration") == ("adaptive", "undefended")
