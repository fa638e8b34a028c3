from accounts.models import User
from experiments.models import Experiment
from tests.experiments.web.conftest import Browser

CHARTS = ("best-so-far", "parallel", "scatter", "importance", "timeline")


def test_the_page_has_every_chart_and_a_way_back(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    client = browser(owner)
    page = client.get(f"{place}analysis/").content.decode()
    for chart in CHARTS:
        assert f'<section class="card" id="{chart}"' in page
    assert f'<a class="page-tab" href="{place}">' in page
    assert f'<a class="page-tab" href="{place}analysis/" aria-current="page">' in page
    for part in ("columns", "importance", "timeline"):
        path = f"/api/v1/experiments/{experiment.pk}/{part}/"
        assert f'data-{part}="{path}"' in page
        assert client.get(path).status_code == 200
    assert "<noscript>" in page
    assert f'<a class="page-tab" href="{place}analysis/">' in client.get(place).content.decode()
