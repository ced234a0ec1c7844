from django.apps import AppConfig


class CostsConfig(AppConfig):
    name = "costs"

    def ready(self) -> None:
        from accounts.signals import keys_proven  # noqa: PLC0415 - models must be loaded first
        from costs.currency import learn_at_login  # noqa: PLC0415

        keys_proven.connect(learn_at_login, dispatch_uid="costs.learn_currency_at_login")
