"use strict";
// What a setting does with the stored sample: the twin of funnel/report/whatif/measures.py, on the same numbers. Scores
// are added up in double precision and rounded to single, as there, so both select the same rows.
const whatIf = (() => {
  const KINDS = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array };
  const STAGES = ["early", "late"];
  const COLUMNS = ["offsets", "item", "retrieved", "oracle", "friend", "value", "reference_score", "early_score", "late_score"];

  const decoded = ({ kind, data }) => {
    const text = atob(data);
    const bytes = new Uint8Array(text.length);
    for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
    return new KINDS[kind](bytes.buffer);
  };

  /** The arms with their columns in place of the columns' numbers. */
  const unpacked = ({ arms, columns }) => {
    const found = columns.map(decoded);
    const filled = (part) => ({ ...part, code: found[part.code] });
    return arms.map((arm) => ({
      ...arm,
      ...Object.fromEntries(COLUMNS.map((name) => [name, found[arm[name]]])),
      parts: Object.fromEntries(
        STAGES.map((stage) => [
          stage,
          Object.fromEntries(Object.entries(arm.parts[stage]).map(([task, part]) => [task, filled(part)])),
        ]),
      ),
    }));
  };

  /** The stage's score with other weights, a row each. */
  const scores = (arm, stage, weights) => {
    const total = Float64Array.from(arm[`${stage}_score`]);
    for (const [task, { low, step, code }] of Object.entries(arm.parts[stage])) {
      if (!(task in weights)) continue;
      const more = weights[task] - (arm.formulas[stage][task] ?? 0);
      for (let row = 0; row < total.length; row++) total[row] += more * (low + step * code[row]);
    }
    return Float32Array.from(total);
  };

  /** Calls `visit` with the rows of each request for which `among` is not 0, best first; ties go to the lower item. */
  const visitRanked = (arm, score, among, visit) => {
    for (let request = 0; request + 1 < arm.offsets.length; request++) {
      const rows = [];
      for (let row = arm.offsets[request]; row < arm.offsets[request + 1]; row++) if (among[row]) rows.push(row);
      visit(rows.sort((a, b) => score[b] - score[a] || a - b));
    }
  };

  /** 1 where a row is among the best `keep` of its request. */
  const top = (arm, keep, score, among) => {
    const kept = new Uint8Array(among.length);
    visitRanked(arm, score, among, (rows) => rows.slice(0, keep).forEach((row) => (kept[row] = 1)));
    return kept;
  };

  const sum = (length, term) => {
    let total = 0;
    for (let row = 0; row < length; row++) total += term(row);
    return total;
  };

  /** Survivors of both stages, and each measure as what stands above and below its fraction bar. */
  const tried = (arm, { keep, slate: size, weights }) => {
    const { retrieved, oracle, friend, value } = arm;
    const early = top(arm, keep, scores(arm, "early", weights), retrieved);
    const slate = top(arm, size, scores(arm, "late", weights), early);
    const wanted = top(arm, arm.slate, arm.reference_score, retrieved);
    const requests = arm.offsets.length - 1;
    const total = (term) => sum(value.length, term);
    return {
      early,
      slate,
      measures: {
        recall_early: [total((row) => oracle[row] & early[row]), total((row) => oracle[row])],
        recall_late: [total((row) => oracle[row] & slate[row]), total((row) => oracle[row])],
        recall_friend: [
          total((row) => oracle[row] & friend[row] & slate[row]),
          total((row) => oracle[row] & friend[row]),
        ],
        lost: [total((row) => wanted[row] & ~early[row] & 1), total((row) => wanted[row])],
        lost_friend: [
          total((row) => wanted[row] & friend[row] & ~early[row] & 1),
          total((row) => wanted[row] & friend[row]),
        ],
        value: [total((row) => slate[row] * value[row]), size * requests],
        scored: [total((row) => early[row]), requests],
      },
    };
  };

  /** 1 for the best of the retrieved pool of a request, a row each; 0 where retrieval missed it. */
  const earlyRanks = (arm, weights) => {
    const ranks = new Int32Array(arm.value.length);
    visitRanked(arm, scores(arm, "early", weights), arm.retrieved, (rows) =>
      rows.forEach((row, place) => (ranks[row] = place + 1)),
    );
    return ranks;
  };

  return { unpacked, tried, earlyRanks };
})();
