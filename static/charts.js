/* Every chart of the portal, drawn one way: <canvas data-chart> of components/_chart.html draws the JSON in its figure.
   {
     "label": "Cost per day by type", "currency": "EUR",
     "horizontal": true,                                        bars side by side with their names, else days in columns
     "labels": ["2025-12-16", …], "names": ["16 Dec", …],       ISO or a code for programs, names for people
     "states": ["complete", "provisional", "partial", "missing", "future", …],   one per label; may be absent
     "series": [{"name": "…", "role": "bar", "color": "series-1", "values": ["12.34", null, …],
                 "colors": […], "hrefs": […], "href": "…",      a colour or a link per value, or a link of the series
                 "partial": [false, true, …],                   where the value is only what is known: "≥"
                 "legend": "…", "swatch": "band-inner"}]        its name in the legend, and the look of a band there
   }
   Roles: bar (stacked), actual, forecast, low and high (a band, in this order), budget, average, mark (points).
   A colour is the name of a token without "osc-". Several bars of the colour "others" are drawn as one.
   A null is unknown: it is no bar and no zero, and it is named. The words come from data- attributes of the figure.
   The server sends money as strings; numbers here only place pixels. The table beside the chart is the truth. */
(() => {
  "use strict";
  const COLOURS = { bar: "series-1", low: "forecast", high: "forecast", mark: "bad" };
  const colourOf = (one) => one.color ?? COLOURS[one.role] ?? one.role; // actual, forecast, … are tokens themselves
  const PAPER_WIDTH = 650; // of a card on A4, so that letters are printed in their size
  const drawn = new Map(); // canvas -> its chart, and what it shows
  const seen = new Set(); // the charts that the page has shown, by their ids

  // Tokens may be light-dark(...): the browser resolves them on an element of the page.
  function lookOf(canvas, series, paper) {
    const probe = document.createElement("i");
    if (paper) probe.style.colorScheme = "light";
    canvas.after(probe);
    const resolve = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const known = new Map();
    for (const one of series) {
      for (const name of [colourOf(one), ...(one.colors ?? [])]) if (name) known.set(name, resolve(`osc-${name}`));
    }
    const look = {
      token: (name) => known.get(name), font: getComputedStyle(canvas).fontFamily,
      text: resolve("tblr-secondary"), strong: resolve("tblr-body-color"), surface: resolve("tblr-bg-surface"),
      grid: resolve("osc-line"), edge: resolve("osc-line-strong"), chosen: fade(resolve("osc-accent"), 12),
    };
    probe.remove();
    return look;
  }
  const fade = (colour, percent) => `color-mix(in srgb, ${colour} ${percent}%, transparent)`;

  function hatch(colour) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = fade(colour, 22);
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = colour;
    pen.lineWidth = 1.75;
    pen.beginPath();
    for (const x of [-8, 0, 8]) { pen.moveTo(x, 8); pen.lineTo(x + 8, 0); }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // A sum says whether it is the whole: what is unknown is not 0.
  function sumOf(bars, i) {
    const known = bars.filter((one) => one.values[i] !== null);
    if (!known.length) return null;
    return { value: known.reduce((sum, one) => sum + Number(one.values[i]), 0), whole: known.length === bars.length };
  }

  function foldOthers(series, words) {
    const rest = series.filter((one) => one.role === "bar" && one.color === "others");
    if (rest.length < 2) return series;
    const values = rest[0].values.map((_, i) => sumOf(rest, i)?.value ?? null);
    const partial = rest[0].values.map((_, i) => sumOf(rest, i)?.whole === false);
    const others = { name: `${words.others} (${rest.length})`, role: "bar", color: "others", values, partial };
    const kept = series.filter((one) => !rest.includes(one));
    const bars = kept.filter((one) => one.role === "bar");
    return [...bars, others, ...kept.filter((one) => one.role !== "bar")];
  }

  // What a person reads of a chart: names, amounts, sums, in the words and the language of the page.
  function viewOf(canvas) {
    const figure = canvas.closest("figure");
    const words = figure.dataset;
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const states = spec.states ?? spec.labels.map(() => "complete");
    const series = foldOthers(spec.series, words);
    const bars = series.filter((one) => one.role === "bar");
    const language = document.documentElement.lang;
    const currency = (options) => new Intl.NumberFormat(language, { style: "currency", currency: spec.currency, ...options });
    const money = currency({});
    const round = currency({ maximumFractionDigits: 0 });
    const partial = (i) => bars.some((one) => one.partial?.[i]);
    const value = (one, i) => (one.partial?.[i] ? "≥\u00a0" : "") + money.format(one.values[i]);
    const total = (i) => {
      if (bars.length === 1) return bars[0].values[i] === null ? null : value(bars[0], i);
      const sum = sumOf(bars, i);
      return sum && (sum.whole && !partial(i) ? "" : "≥\u00a0") + money.format(sum.value);
    };
    const amount = (i) => total(i) ?? words.notRead;
    const unread = (i) => states[i] === "missing"
      || (states[i] !== "future" && series.every((one) => one.values[i] === null));
    const title = (i) => {
      const state = unread(i) ? words.notRead : { provisional: words.provisional, partial: words.partial }[states[i]];
      return spec.names[i] + (state ? ` (${state})` : "");
    };
    const spoken = (i) => {
      if (unread(i)) return `${spec.names[i]}, ${words.notRead}`;
      const parts = [title(i)];
      const known = (one) => one.values[i] !== null;
      if (bars.length > 1 && total(i)) parts.push(`${words.total} ${total(i)}`);
      if (series.length === 1 && known(series[0])) parts.push(value(series[0], i));
      else for (const one of series) {
        // The parts of a sum are in the table; here the sum, and what stands beside it, are enough.
        if (known(one) && (one.role !== "bar" || bars.length === 1)) parts.push(`${one.name} ${value(one, i)}`);
      }
      return parts.join(", ");
    };
    const href = (d, i) => series[d]?.hrefs?.[i] ?? series[d]?.href ?? null;
    return { spec, words, states, series, bars, money, round, value, total, amount, title, spoken, href,
      across: Boolean(spec.horizontal), last: spec.labels.length - 1, chosen: null };
  }

  function dataset(view, look, one, place) {
    const { states } = view;
    const colour = look.token(colourOf(one));
    const data = one.values.map((value) => (value === null ? null : Number(value)));
    const base = { label: one.name, data, spanGaps: false };
    if (one.role === "bar") {
      const fills = data.map((_, i) => {
        const own = one.colors?.[i] ? look.token(one.colors[i]) : colour;
        return states[i] === "provisional" ? hatch(own) : own;
      });
      return { ...base, type: "bar", stack: "bars", backgroundColor: fills, borderColor: look.surface, borderSkipped: false,
        hoverBackgroundColor: fills.map((fill) => (typeof fill === "string" ? fade(fill, 80) : fill)),
        ...(view.across ? { borderWidth: { right: view.bars.length > 1 ? 1 : 0 }, maxBarThickness: 16 }
          : { borderWidth: { top: 1 }, barPercentage: 0.86, categoryPercentage: 0.96 }) };
    }
    // Each line has a stack of its own: a scale that stacks bars would add the lines to each other too.
    const line = { ...base, type: "line", stack: `line-${place}`, borderColor: colour, backgroundColor: colour,
      borderWidth: 2, tension: 0, pointRadius: 0, pointHoverRadius: 4, pointHoverBorderColor: look.surface,
      pointHoverBorderWidth: 2, order: -1 };
    if (one.role === "low" || one.role === "high") {
      return { ...line, borderWidth: 0, pointHoverRadius: 0, order: 1, fill: one.role === "high" ? "-1" : false,
        backgroundColor: fade(colour, 20) };
    }
    if (one.role === "mark") {
      return { ...line, showLine: false, pointStyle: "triangle", pointRadius: 5, pointHoverRadius: 7, order: -2 };
    }
    if (one.role === "forecast") return { ...line, borderDash: [5, 4] };
    if (one.role === "budget") return { ...line, stepped: "middle", borderWidth: 1.5, pointHoverRadius: 0 };
    if (one.role === "average") return { ...line, borderWidth: 1.5 };
    const dotted = ({ p1DataIndex }) => (states[p1DataIndex] === "provisional" ? [2, 3] : undefined);
    return { ...line, segment: { borderDash: dotted } }; // actual: dotted up to a provisional day
  }

  // A missing day is a gap with a name, not a zero.
  function drawGap(ctx, area, from, to, step, view, look) {
    const width = to - from + step * 0.8;
    const middle = (from + to) / 2;
    ctx.save();
    ctx.strokeStyle = look.edge;
    ctx.setLineDash([3, 3]);
    ctx.strokeRect(from - step * 0.4, area.top + 0.5, width, area.height - 1);
    if (width >= 14) { // where it is too narrow for a word, the legend and the table say it
      ctx.fillStyle = look.text;
      ctx.font = `500 11px ${look.font}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.translate(middle, area.top + area.height / 2);
      ctx.rotate(-Math.PI / 2);
      ctx.fillText(view.words.notRead, 0, 0);
    }
    ctx.restore();
  }

  // What is known in part ends in a dashed edge: there is more above it, nobody knows how much.
  function drawLid(ctx, area, middle, step, top, look) {
    ctx.save();
    ctx.strokeStyle = look.edge;
    ctx.setLineDash([3, 3]);
    ctx.strokeRect(middle - step * 0.4, Math.max(area.top + 0.5, top - 14), step * 0.8, Math.min(14, top - area.top));
    ctx.restore();
  }

  // What Chart.js does not draw: the chosen point, the days that were not read, the amount at the end of a bar.
  const marks = (view, look) => ({
    id: "marks",
    beforeDatasetsDraw({ ctx, width, chartArea: area, scales: { x, y } }) {
      const scale = view.across ? y : x;
      const step = (view.across ? area.height : area.width) / view.spec.labels.length;
      if (view.chosen !== null) {
        const middle = scale.getPixelForValue(view.chosen);
        ctx.save();
        ctx.fillStyle = look.chosen;
        if (view.across) ctx.fillRect(0, middle - step / 2, width, step);
        else ctx.fillRect(middle - step / 2, area.top, step, area.height);
        ctx.restore();
      }
      view.states.forEach((state, i) => {
        if (view.across) return;
        if (state === "missing" && view.states[i - 1] !== "missing") { // one frame around all days of a gap
          let last = i;
          while (view.states[last + 1] === "missing") last += 1;
          drawGap(ctx, area, scale.getPixelForValue(i), scale.getPixelForValue(last), step, view, look);
        }
        const sum = state === "partial" && sumOf(view.bars, i);
        if (sum) drawLid(ctx, area, scale.getPixelForValue(i), step, y.getPixelForValue(sum.value), look);
      });
    },
    afterDatasetsDraw(chart) {
      if (!view.across) return;
      const { ctx, scales: { x, y } } = chart;
      ctx.save();
      ctx.textBaseline = "middle";
      view.spec.labels.forEach((_, i) => {
        const known = view.total(i) !== null;
        const bars = chart.data.datasets.map((_set, d) => chart.getDatasetMeta(d).data[i]?.x).filter(Number.isFinite);
        ctx.font = `${known ? 500 : 400} 12px ${look.font}`;
        ctx.fillStyle = known ? look.strong : look.text;
        const end = Math.max(x.getPixelForValue(0), ...(known ? bars : []));
        ctx.fillText(view.amount(i), end + 6, y.getPixelForValue(i));
      });
      ctx.restore();
    },
  });

  function widest(texts, font) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = font;
    return Math.max(0, ...texts.map((text) => pen.measureText(text).width));
  }

  function shortened(text, font, width) {
    if (widest([text], font) <= width) return text;
    let end = text.length;
    while (end > 1 && widest([`${text.slice(0, end).trimEnd()}…`], font) > width) end -= 1;
    return `${text.slice(0, end).trimEnd()}…`;
  }

  function scalesOf(view, look) {
    const small = { family: look.font, size: 11 };
    if (view.across) { // the amounts stand at the bars, so no axis and no grid
      const font = { family: look.font, size: 12 };
      return {
        x: { display: false, stacked: true, beginAtZero: true, bounds: "data" },
        y: { stacked: true, grid: { display: false }, border: { color: look.edge },
          afterFit: (scale) => { scale.paddingTop = scale.paddingBottom = 0; }, // a row is higher than its letters
          ticks: { color: look.strong, font, autoSkip: false, padding: 6, crossAlign: "far",
            callback(_, i) { return shortened(view.spec.names[i], `12px ${look.font}`, this.chart.width * 0.36); } } },
      };
    }
    return {
      x: { stacked: true, grid: { display: false }, border: { color: look.edge },
        ticks: { color: look.text, font: small, maxRotation: 0, autoSkipPadding: 18 } },
      y: { stacked: view.bars.length > 0, beginAtZero: true, border: { display: false }, grid: { color: look.grid },
        ticks: { color: look.text, font: small, maxTicksLimit: 7,
          callback: (value, _, ticks) => (ticks.some((tick) => tick.value % 1) ? view.money : view.round).format(value) } },
    };
  }

  function tooltipOf(view, look) {
    const font = { family: look.font, size: 12 };
    const strong = { ...font, weight: 600 };
    return {
      backgroundColor: look.surface, titleColor: look.strong, bodyColor: look.strong, footerColor: look.strong,
      borderColor: look.edge, borderWidth: 1, multiKeyBackground: look.surface, padding: 10, cornerRadius: 6,
      boxWidth: 10, boxHeight: 10, boxPadding: 4, titleFont: strong, bodyFont: font, footerFont: strong,
      filter: (item) => item.raw !== null && item.raw !== 0,
      itemSort: (a, b) => a.datasetIndex - b.datasetIndex,
      callbacks: {
        title: ([item]) => (item ? view.title(item.dataIndex) : ""),
        label: (item) => ` ${item.dataset.label}   ${view.value(view.series[item.datasetIndex], item.dataIndex)}`,
        labelColor: (item) => {
          const one = view.series[item.datasetIndex];
          const backgroundColor = look.token(one.colors?.[item.dataIndex] ?? colourOf(one));
          return { backgroundColor, borderColor: look.surface, borderRadius: 2 };
        },
        footer: ([item]) => {
          const total = item && view.bars.length > 1 && view.total(item.dataIndex);
          return total ? `${view.words.total}   ${total}` : "";
        },
      },
    };
  }

  function draw(canvas, paper = false) {
    const before = drawn.get(canvas);
    before?.chart.destroy();
    const view = before?.view ?? viewOf(canvas);
    const look = lookOf(canvas, view.series, paper);
    const again = before || seen.has(canvas.dataset.chart); // drawn anew, a bar need not grow from the ground
    seen.add(canvas.dataset.chart);
    const still = again || paper || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const amounts = view.spec.labels.map((_, i) => view.amount(i));
    const chart = new Chart(canvas, {
      data: { labels: view.spec.names, datasets: view.series.map((one, place) => dataset(view, look, one, place)) },
      plugins: [marks(view, look)],
      options: {
        indexAxis: view.across ? "y" : "x",
        responsive: true,
        maintainAspectRatio: false,
        animation: still ? false : { duration: 250 },
        interaction: { mode: "index", axis: view.across ? "y" : "x", intersect: false },
        layout: { padding: { right: view.across ? widest(amounts, `500 12px ${look.font}`) + 10 : 0 } },
        scales: scalesOf(view, look),
        plugins: { legend: { display: false }, tooltip: tooltipOf(view, look) }, // the legend is HTML, beside the chart
        onHover: (_, hits) => { canvas.style.cursor = hits.some((hit) => view.href(hit.datasetIndex, hit.index)) ? "pointer" : ""; },
        onClick: (event, hits) => {
          const [hit] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, true);
          follow(view, hit ?? (view.across ? hits[0] : null));
        },
      },
    });
    if (paper) chart.resize(Math.min(chart.width, PAPER_WIDTH), chart.height);
    drawn.set(canvas, { chart, view });
    speak(canvas, chart, view);
  }

  function follow(view, hit) {
    const href = hit && view.href(hit.datasetIndex, hit.index);
    if (href) location.assign(href);
  }

  // Arrow keys walk the points: the slider role speaks the value, the tooltip shows it.
  function speak(canvas, chart, view) {
    const show = (i) => {
      view.chosen = i;
      const active = i === null ? [] : view.series.map((_, d) => ({ datasetIndex: d, index: i }))
        .filter(({ datasetIndex }) => view.series[datasetIndex].values[i] !== null);
      chart.setActiveElements(active);
      chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
      chart.update("none");
      if (i === null) return;
      canvas.setAttribute("aria-valuenow", i);
      canvas.setAttribute("aria-valuetext", view.spoken(i));
    };
    const start = view.across ? 0 : view.last; // the largest bar, the newest day
    const { chosen } = view;
    Object.entries({
      role: "slider", tabindex: 0, "aria-label": view.spec.label, "aria-orientation": view.across ? "vertical" : "horizontal",
      "aria-valuemin": 0, "aria-valuemax": view.last, "aria-valuenow": chosen ?? start,
      "aria-valuetext": view.spoken(chosen ?? start),
    }).forEach(([name, value]) => canvas.setAttribute(name, value));
    if (chosen !== null) show(chosen);
    canvas.onkeydown = (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const now = view.chosen ?? start;
      const step = { ArrowLeft: -1, ArrowRight: 1, ...(view.across && { ArrowUp: -1, ArrowDown: 1 }) }[event.key];
      const to = { Home: 0, End: view.last }[event.key] ?? (step && now + step);
      if (event.key === "Enter") follow(view, { index: now, datasetIndex: view.series.findIndex((_, d) => view.href(d, now)) });
      if (to === undefined) return;
      event.preventDefault();
      show(Math.min(view.last, Math.max(0, to)));
    };
    canvas.onfocus = () => { if (canvas.matches(":focus-visible")) show(view.chosen ?? start); };
    canvas.onblur = () => show(null);
  }

  const redraw = (paper) => { for (const canvas of drawn.keys()) draw(canvas, paper); };
  // What left the page lets go of its canvas; what came into it is drawn, once its letters are there.
  const letters = document.fonts.load("12px Inter").catch(() => {});
  async function update() {
    for (const [canvas, { chart }] of drawn) {
      if (canvas.isConnected) continue;
      chart.destroy();
      drawn.delete(canvas);
    }
    await letters;
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      // htmx settles a moment after it swapped, and sets the size back then, which would wipe the drawing off.
      if (!drawn.has(canvas) && !canvas.closest(".htmx-added")) draw(canvas);
    }
  }
  new MutationObserver(() => redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  addEventListener("beforeprint", () => redraw(true)); // paper is white in both themes
  addEventListener("afterprint", () => redraw());
  for (const swapped of ["htmx:load", "htmx:afterRequest"]) document.addEventListener(swapped, update);
  update();
})();
