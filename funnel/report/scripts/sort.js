"use strict";
// A click on the head of a column sorts its table: rising, falling, and the order of the page again. Rows stay inside
// their group (tbody). A cell sorts by the number that it carries as data-value, else by its text; what is not known
// comes last in either order.
(() => {
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

  const keyOf = (row, column) => {
    const { dataset, textContent } = row.cells[column];
    if (dataset.value === undefined) return textContent.trim();
    return dataset.value === "" ? null : Number(dataset.value);
  };

  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  const sorted = (rows, column, order) => {
    if (order === "none") return rows;
    const keyed = rows.map((row) => [keyOf(row, column), row]);
    const known = keyed.filter(([key]) => key !== null).sort(([a], [b]) => (order === "ascending" ? 1 : -1) * compare(a, b));
    return [...known, ...keyed.filter(([key]) => key === null)].map(([, row]) => row);
  };

  const makeSortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const groups = [...table.tBodies].map((body) => [body, [...body.rows]]);
    const sortBy = (column) => {
      const order = NEXT[heads[column].ariaSort];
      heads.forEach((head, place) => (head.ariaSort = place === column ? order : "none"));
      for (const [body, rows] of groups) body.append(...sorted(rows, column, order));
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sortBy(column));
      head.append(button);
      head.ariaSort = "none";
    });
  };

  // A table that is filled anew, or whose rows have nothing to be compared by, says `fixed`.
  const canBeSorted = (table) =>
    !table.classList.contains("fixed") &&
    table.tHead?.rows.length === 1 &&
    [...table.tBodies].some((body) => body.rows.length > 1) &&
    !table.querySelector("[rowspan], [colspan]");

  [...document.querySelectorAll("table")].filter(canBeSorted).forEach(makeSortable);
})();
