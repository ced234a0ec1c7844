from django.apps import AppConfig


class ConsumptionConfig(AppConfig):
    name = "consumption"

    def ready(self) -> None:
        from consumption.lastday import unlisted_on_last_day  # noqa: PLC0415 - models must be loaded first
        from costs import unlisted  # noqa: PLC0415

        unlisted.register(unlisted_on_last_day)
