from pathlib import Path

from hasnet_models.testing import assert_domain_ok

pytest_plugins = ["hasnet_models.testing"]
PLUGIN = Path(__file__).parents[1]


def test_the_package_is_sound():
    assert_domain_ok(PLUGIN)


def test_it_is_found_and_draws(hasnet_offline, hasnet_tiny):
    domain = hasnet_offline.use(PLUGIN).get("fantasy")
    assert hasnet_tiny.avatar(domain).std() > 0
