"""The data of the census benchmark: one row a person, two labels, the split.

The held-out half of UCI Census-Income (KDD), 99,762 persons; README.md says where it comes from and what others report
on it. Two binary tasks: an income above 50,000, and having never married. The inputs are all other answers but the
survey's weight and, as in the MMoE paper, education: seven numbers, amounts of money as their logarithm, and the
categories of 31 questions, a column each. A first layer over such columns is an embedding.
"""

import gzip
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from funnel.errors import DataError
from funnel.rng import keyed_uniforms
from funnel.training.batches import Rows, Scaling

FOLDER = Path("../shared/data/census-income-kdd")
"""where the data lies, seen from the project's folder"""
FILE = "census-income.test.gz"
COLUMNS = (
    *("age", "class_worker", "det_ind_code", "det_occ_code", "education", "wage_per_hour", "hs_college"),
    *("marital_stat", "major_ind_code", "major_occ_code", "race", "hisp_origin", "sex", "union_member"),
    *("unemp_reason", "full_or_part_emp", "capital_gains", "capital_losses", "stock_dividends", "tax_filer_stat"),
    *("region_prev_res", "state_prev_res", "det_hh_fam_stat", "det_hh_summ", "instance_weight", "mig_chg_msa"),
    *("mig_chg_reg", "mig_move_reg", "mig_same", "mig_prev_sunbelt", "num_emp", "fam_under_18", "country_father"),
    *("country_mother", "country_self", "citizenship", "own_or_self", "vet_question", "vet_benefits"),
    *("weeks_worked", "year", "income_50k"),
)
"""in the order of the file, which names none"""
TASKS = ("income", "never_married")
AMOUNTS = ("wage_per_hour", "capital_gains", "capital_losses", "stock_dividends")
NUMBERS = ("age", "num_emp", "weeks_worked", *AMOUNTS)
LEFT_OUT = ("income_50k", "marital_stat", "education", "instance_weight")
TESTED = 0.2
"""share of the persons that no training sees"""


@lru_cache(maxsize=1)
def read(folder: Path) -> Rows:
    """All persons: numbers first, then categories as 0 and 1; labels in the order of `TASKS`; each a request.

    Raises:
        DataError: the data is not there.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(f"{path}: should be the census data. Found none. Say where: python -m benchmarks.census FOLDER")
    text = pl.read_csv(gzip.decompress(path.read_bytes()), has_header=False, new_columns=COLUMNS, infer_schema=False)
    table = text.with_columns(pl.all().str.strip_chars())
    numbers = table.select(pl.col(NUMBERS).cast(pl.Float32)).with_columns(pl.col(AMOUNTS).log1p())
    categories = table.drop(*NUMBERS, *LEFT_OUT).to_dummies()
    labels = table.select(pl.col("income_50k") == "50000+.", pl.col("marital_stat") == "Never married")
    x = np.concatenate([numbers.to_numpy(), categories.to_numpy().astype(np.float32)], axis=1)
    return Rows(x, labels.to_numpy().astype(np.float32), np.arange(len(table)))


def tested(persons: Rows) -> np.ndarray:
    """bool (N,): the persons that are tested on, the same for every seed."""
    draws = keyed_uniforms(0, "census", persons.request, np.zeros_like(persons.request), 1)
    return draws[:, 0] < TESTED


def scaling(persons: Rows) -> Scaling:
    """Numbers get mean 0 and deviation 1; categories stay 0 and 1.

    A category that one person in ten thousand has would stand at a hundred deviations.
    """
    scale = Scaling.of(persons.x)
    scale.mean[len(NUMBERS) :], scale.std[len(NUMBERS) :] = 0, 1
    return scale
