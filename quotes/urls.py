"""The addresses of quotes."""

from django.urls import path

from quotes import item_views, views

app_name = "quotes"

urlpatterns = [
    path("", views.index, name="list"),
    path("active/", views.active, name="active"),
    path("<uuid:quote_id>/", views.detail, name="detail"),
    path("<uuid:quote_id>/rename/", views.rename, name="rename"),
    path("<uuid:quote_id>/terms/", views.terms, name="terms"),
    path("<uuid:quote_id>/prices/", views.take_new_prices, name="prices"),
    path("<uuid:quote_id>/delete/", views.delete, name="delete"),
    path("<uuid:quote_id>/export/<str:file_format>/", views.export, name="export"),
    path("<uuid:quote_id>/groups/", views.add_group, name="groups"),
    path("<uuid:quote_id>/groups/<uuid:group_id>/", views.change_group, name="group"),
    path("<uuid:quote_id>/items/", item_views.add, name="items"),
    path("<uuid:quote_id>/items/price/", item_views.preview, name="preview"),
    path("<uuid:quote_id>/items/<uuid:item_id>/", item_views.edit, name="item"),
    path("<uuid:quote_id>/items/<uuid:item_id>/row/", item_views.show, name="row"),
    path("<uuid:quote_id>/items/<uuid:item_id>/act/", item_views.act, name="item-act"),
]
