"use strict";
// The controls of the what-if tab: reads the setting off them, tries it, and shows it beside the run's own.
(() => {
  const at = (id) => document.getElementById(`what-if-${id}`);
  if (!at("data")) return;
  const SHOWN = 8;
  const arms = whatIf.unpacked(JSON.parse(at("data").textContent));
  const [select, keep, slate] = ["arm", "keep", "slate"].map(at);
  let arm, weights, own;

  const digits = (number) => {
    const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(number) || 1)));
    return number.toFixed(decimals);
  };
  const short = (number) => String(Number(number.toPrecision(4)));
  const FORMATS = {
    share: (value) => `${(100 * value).toFixed(1)} %`,
    value: digits,
    count: (value) => value.toFixed(1),
  };
  const signed = (value, text) => (value > 0 ? `+${text}` : text);
  const DIFFERENCES = {
    share: (now, before) => signed(now - before, `${(100 * (now - before)).toFixed(1)} pt`),
    value: (now, before) => signed(now - before, `${(100 * (now / before - 1)).toFixed(1)} %`),
    count: (now, before) => signed(now - before, (now - before).toFixed(1)),
  };

  const valueOf = ([above, below]) => (below ? above / below : null);

  const fill = (cell, text, detail, value) => {
    const small = document.createElement("small");
    small.textContent = detail;
    cell.replaceChildren(text, small);
    cell.dataset.value = value ?? "";
  };

  const fillLevel = (cell, unit, ratio) => {
    const value = valueOf(ratio);
    const detail = unit === "share" ? `${ratio[0]} of ${ratio[1]}` : "";
    fill(cell, value === null ? "n/a" : FORMATS[unit](value), value === null ? "no such items" : detail, value);
  };

  const fillDifference = (cell, unit, now, before) => {
    if (now === null || before === null) return fill(cell, "n/a", "", null);
    fill(cell, now === before ? "0" : DIFFERENCES[unit](now, before), "", now - before);
  };

  const showMeasures = (measures) => {
    for (const row of at("measures").tBodies[0].rows) {
      const { measure, unit } = row.dataset;
      const [, now, before, difference] = row.cells;
      fillLevel(before, unit, arm.own[measure]);
      fillLevel(now, unit, measures[measure]);
      fillDifference(difference, unit, valueOf(measures[measure]), valueOf(arm.own[measure]));
    }
  };

  const requestOf = (row) => arm.offsets.findLastIndex((start) => start <= row) + 1;
  const lostAt = (row, early) => (!arm.retrieved[row] ? "retrieval" : early[row] ? "late" : "early");

  const showLost = ({ early, slate: shown }) => {
    const rows = [...arm.value.keys()].filter((row) => arm.oracle[row] && !shown[row]);
    rows.sort((a, b) => arm.value[b] - arm.value[a] || a - b);
    const ranks = whatIf.earlyRanks(arm, weights);
    const lines = rows.slice(0, SHOWN).map((row) => [
      requestOf(row),
      arm.item[row],
      digits(arm.value[row]),
      arm.friend[row] ? "yes" : "no",
      lostAt(row, early),
      ranks[row] || "n/a",
      own.slate[row] ? "yes" : "no",
    ]);
    const body = at("lost").tBodies[0];
    body.replaceChildren(...lines.map(lineOf));
    if (!lines.length) body.replaceChildren(lineOf(["none"]));
  };

  const lineOf = (texts) => {
    const line = document.createElement("tr");
    line.append(
      ...texts.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }),
    );
    return line;
  };

  const told = ({ measures }) => {
    const percent = ([above, below]) => (below ? FORMATS.share(above / below) : "n/a");
    const value = DIFFERENCES.value(valueOf(measures.value), valueOf(arm.own.value));
    return (
      `${percent(measures.recall_late)} of the oracle's items are shown (the run: ${percent(arm.own.recall_late)}); ` +
      `early loses ${percent(measures.lost)} of what the reference ranks top (${percent(arm.own.lost)}); ` +
      `the slate is worth ${value} per slot against the run's; ${keep.value} of ${keep.max} candidates at most are scored late.`
    );
  };

  const show = () => {
    const setting = { keep: Number(keep.value), slate: Number(slate.value), weights };
    const found = whatIf.tried(arm, setting);
    at("keep-now").textContent = `${keep.value} (own ${arm.keep})`;
    at("slate-now").textContent = `${slate.value} (own ${arm.slate})`;
    showMeasures(found.measures);
    showLost(found);
    at("told").textContent = told(found);
  };

  const ownText = (task) => {
    const stages = ["early", "late"].map((stage) => {
      if (!Object.keys(arm.parts[stage]).length) return `${stage} sorts by more than its formula`;
      if (!(task in arm.parts[stage])) return `${stage} does not predict it`;
      return `${stage} ${short(arm.formulas[stage][task] ?? 0)}`;
    });
    return stages.join(", ");
  };

  const addWeight = (task, place) => {
    const stages = ["late", "early"].filter((stage) => task in arm.parts[stage]);
    const start = arm.formulas[stages[0] ?? "late"][task] ?? 0;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const now = document.createElement("span");
    const reach = 3 * (start || 1);
    label.htmlFor = input.id = `what-if-weight-${place}`;
    label.textContent = task;
    Object.assign(input, { type: "range", min: Math.min(0, reach), max: Math.max(0, reach), step: Math.abs(reach) / 150 });
    input.value = start;
    input.disabled = !stages.length;
    input.dataset.task = task;
    now.className = "now";
    const tell = () => {
      now.textContent = task in weights ? `${short(weights[task])} (own: ${ownText(task)})` : `own: ${ownText(task)}`;
      input.setAttribute("aria-valuetext", now.textContent);
    };
    input.addEventListener("input", () => {
      weights[task] = Number(input.value);
      tell();
    });
    tell();
    at("weights").append(label, input, now);
  };

  const start = () => {
    arm = arms[select.value];
    weights = {};
    const counts = Array.from(arm.offsets.slice(1), (end, place) => end - arm.offsets[place]);
    Object.assign(keep, { max: Math.max(...counts), value: arm.keep });
    Object.assign(slate, { max: Math.max(arm.slate, Math.min(arm.keep, 5 * arm.slate)), value: arm.slate });
    at("requests").textContent = arm.offsets.length - 1;
    at("weights").replaceChildren(at("weights").querySelector("legend"));
    [...new Set(["early", "late"].flatMap((stage) => Object.keys(arm.formulas[stage])))].forEach(addWeight);
    own = whatIf.tried(arm, { keep: arm.keep, slate: arm.slate, weights: {} });
    show();
  };

  select.addEventListener("change", start);
  at("reset").addEventListener("click", start);
  at("controls").addEventListener("input", (event) => event.target !== select && show());
  start();
})();
