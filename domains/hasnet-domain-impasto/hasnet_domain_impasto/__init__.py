from hasnet_models.plugins import Domain, hookimpl


@hookimpl
def hasnet_domains():
    yield Domain.from_package(__name__)
