"""The addresses of the consumption history."""

from django.urls import path

from consumption import (
    allocation_views,
    anomalies_views,
    drift_views,
    export_views,
    forecast_views,
    invoice_views,
    rule_views,
    savedviews_views,
    trends_views,
    views,
)

app_name = "consumption"
urlpatterns = [
    path("", views.history, name="history"),
    path("read/", views.read, name="read"),
    path("drivers/", views.cost_drivers, name="drivers"),
    path("export/focus/", export_views.focus, name="focus"),
    path("export/<slug:file_format>/", export_views.export, name="export"),
    path("trends/", trends_views.trends, name="trends"),
    path("trends/export/<slug:file_format>/", trends_views.export, name="export_trends"),
    path("anomalies/", anomalies_views.anomalies, name="anomalies"),
    path("anomalies/export/<slug:file_format>/", anomalies_views.export, name="export_anomalies"),
    path("anomalies/<slug:anomaly>/expected/", anomalies_views.mark, name="mark_anomaly"),
    path("anomalies/<slug:anomaly>/open/", anomalies_views.unmark, name="unmark_anomaly"),
    path("forecast/", forecast_views.forecast, name="forecast"),
    path("forecast/export/<slug:file_format>/", forecast_views.export, name="export_forecast"),
    path("drift/", drift_views.drift, name="drift"),
    path("drift/upload/", drift_views.upload, name="drift_upload"),
    path("drift/export/<slug:file_format>/", drift_views.export, name="export_drift"),
    path("views/", savedviews_views.saved_views, name="saved_views"),
    path("<slug:page>/save/", savedviews_views.save, name="save_view"),
    path("views/<uuid:view_id>/rename/", savedviews_views.rename, name="rename_view"),
    path("views/<uuid:view_id>/start/", savedviews_views.set_start, name="start_view"),
    path("views/<uuid:view_id>/delete/", savedviews_views.delete, name="delete_view"),
    path("allocation/", allocation_views.allocation, name="allocation"),
    path("allocation/export/<slug:file_format>/", allocation_views.export, name="export_allocation"),
    path("allocation/rules/", rule_views.index, name="rules"),
    path("allocation/rules/new/", rule_views.new, name="new_rule"),
    path("allocation/rules/<uuid:rule_id>/", rule_views.edit, name="rule"),
    path("allocation/rules/<uuid:rule_id>/move/", rule_views.move, name="move_rule"),
    path("allocation/rules/<uuid:rule_id>/delete/", rule_views.delete, name="delete_rule"),
    path("invoice/", invoice_views.invoice, name="invoice"),
    path("invoice/export/<slug:file_format>/", invoice_views.export, name="export_invoice"),
]
