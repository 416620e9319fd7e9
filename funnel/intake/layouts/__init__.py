"""The catalogue of layouts. To add one: one file here, one line in `LAYOUTS`, one word in `ColumnsSpec.layout`."""

from funnel.intake.layout import Layout
from funnel.intake.layouts import hetrec, kuairand, movielens, tables

LAYOUTS: dict[str, Layout] = {
    "tables": tables.LAYOUT,
    "hetrec": hetrec.LAYOUT,
    "movielens": movielens.LAYOUT,
    "kuairand": kuairand.LAYOUT,
}
