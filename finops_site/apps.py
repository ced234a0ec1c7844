from django.apps import AppConfig


class FinopsSiteConfig(AppConfig):
    name = "finops_site"

    def ready(self) -> None:
        from consumption import plans  # noqa: PLC0415 - models must be loaded first
        from finops_site.logs import configure_structlog  # noqa: PLC0415
        from finops_site.plans import QuotePlans  # noqa: PLC0415

        configure_structlog()
        plans.register(QuotePlans())
