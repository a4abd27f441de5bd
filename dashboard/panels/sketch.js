// The figure at once, while plotly.js is still on its way: points, whiskers, axes and words, drawn where Plotly will
// draw them, which then takes over. For scatter plots on linear axes whose ranges the figure gives.

const NODES = "http://www.w3.org/2000/svg";
const LINE_HEIGHT = 1.3; // of the size of the font, as in Plotly
const STAR = [[0.225, -0.309], [0.951, -0.309], [0.363, 0.118], [0.588, 0.809], [0, 0.382], [-0.588, 0.809], [-0.363, 0.118], [-0.951, -0.309], [-0.225, -0.309], [0, -1]];

function drawn(kind, attributes, ...inside) {
  const node = document.createElementNS(NODES, kind);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...inside);
  return node;
}

// Words in lines, with the one tag that the figures use for weight.
function words(text, { x, y, size, colour, anchor = "middle", turned = 0 }) {
  const lines = text.replaceAll(/<\/?b>/g, "").split("<br>");
  const spans = lines.map((line, i) => drawn("tspan", { x: 0, dy: i ? size * LINE_HEIGHT : 0 }, line));
  return drawn("text", {
    transform: `translate(${x},${y}) rotate(${turned})`, "font-size": size, fill: colour, "text-anchor": anchor,
    "font-weight": text.startsWith("<b>") ? "bold" : "normal",
  }, ...spans);
}

// The round numbers in a range, as far apart as Plotly has them on so many pixels.
function ticks([low, high], pixels, least) {
  const rough = (high - low) / (Math.min(9, Math.max(4, pixels / least)) + 1);
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = base * [1, 2, 5, 10].find((factor) => factor * base >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

function written(value, format) {
  return format.endsWith("%") ? `${Number((100 * value).toFixed(1))}%` : value.toFixed(2);
}

class Sketch {
  constructor({ data, layout }, width) {
    const { l, r, t, b } = layout.margin;
    Object.assign(this, { data, layout, left: l, top: t, across: width - l - r, down: layout.height - t - b });
    this.svg = drawn("svg", {
      class: "pd-sketch", "aria-hidden": "true", width, height: layout.height, "font-family": layout.font.family,
    });
    this.axes();
    for (const shape of layout.shapes) this.upright(shape);
    for (const trace of data) this.trace(trace);
    for (const one of layout.annotations) this.annotation(one);
    this.legend();
  }

  x(value) {
    const [low, high] = this.layout.xaxis.range;
    return this.left + (this.across * (value - low)) / (high - low);
  }

  y(value) {
    const [low, high] = this.layout.yaxis.range;
    return this.top + (this.down * (high - value)) / (high - low);
  }

  line(x1, y1, x2, y2, stroke, width = 1, dash = "") {
    this.svg.append(drawn("line", { x1, y1, x2, y2, stroke, "stroke-width": width, "stroke-dasharray": dash }));
  }

  axes() {
    const { xaxis, yaxis, font } = this.layout;
    const [bottom, middle] = [this.top + this.down, this.left + this.across / 2];
    for (const value of ticks(xaxis.range, this.across, 80)) {
      this.line(this.x(value), this.top, this.x(value), bottom, xaxis.gridcolor);
      this.svg.append(words(written(value, xaxis.tickformat), { x: this.x(value), y: bottom + 8 + font.size, size: font.size, colour: font.color }));
    }
    for (const value of ticks(yaxis.range, this.down, 40)) {
      this.line(this.left, this.y(value), this.left + this.across, this.y(value), yaxis.gridcolor);
      this.svg.append(words(written(value, yaxis.tickformat), { x: this.left - 7, y: this.y(value) + 4.5, size: font.size, colour: font.color, anchor: "end" }));
    }
    this.line(this.left, this.top, this.left, bottom, yaxis.linecolor);
    this.line(this.left, bottom, this.left + this.across, bottom, xaxis.linecolor);
    const title = { size: font.size, colour: font.color };
    this.svg.append(
      words(xaxis.title.text, { ...title, x: middle, y: bottom + 41 }),
      words(yaxis.title.text, { ...title, x: 14, y: this.top + this.down / 2, turned: -90 }),
    );
  }

  upright({ x0, line }) {
    this.line(this.x(x0), this.top, this.x(x0), this.top + this.down, line.color, line.width, "2 3");
  }

  trace({ x, y, error_x, error_y, marker, text, textposition, textfont }) {
    const of = (value, i) => (Array.isArray(value) ? value[i] : value);
    x.forEach((value, i) => {
      const [across, up] = [this.x(value), this.y(y[i])];
      this.line(this.x(value - error_x.arrayminus[i]), up, this.x(value + error_x.array[i]), up, error_x.color, error_x.thickness);
      this.line(across, this.y(y[i] - error_y.arrayminus[i]), across, this.y(y[i] + error_y.array[i]), error_y.color, error_y.thickness);
      const radius = of(marker.size, i) / 2;
      this.mark(across, up, of(marker.symbol, i), radius, marker);
      if (text) this.label(text[i], across, up, of(textposition, i), radius, textfont);
    });
  }

  mark(cx, cy, symbol, radius, { color, opacity }) {
    const at = STAR.map(([x, y]) => `${cx + 1.4 * radius * x},${cy + 1.4 * radius * y}`).join(" ");
    const look = { class: "pd-sketched", fill: color, opacity };
    this.svg.append(symbol === "star" ? drawn("polygon", { points: at, ...look }) : drawn("circle", { cx, cy, r: radius, ...look }));
  }

  // Where Plotly puts the words of a point (its textPointPosition).
  label(text, x, y, position, radius, { size, color }) {
    const away = radius / 0.8 + 1;
    const [above, beside] = [{ top: -1, bottom: 1 }[position.split(" ")[0]] ?? 0, { left: -1, right: 1 }[position.split(" ")[1]] ?? 0];
    const lines = (text.split("<br>").length - 1) * LINE_HEIGHT + 1;
    const down = size * 0.75 + above * away + ((above - 1) * lines * size) / 2;
    const anchor = { "-1": "end", 0: "middle", 1: "start" }[beside];
    this.svg.append(words(text, { x: x + beside * away, y: y + down, size, colour: color, anchor }));
  }

  annotation({ text, x, y, xref, xanchor, yanchor, textangle, font }) {
    const across = xref === "paper" ? this.left + x * this.across : this.x(x);
    const up = this.top + (1 - y) * this.down;
    const { size, color } = font;
    if (textangle) return this.svg.append(words(text, { x: across - 5, y: up, size, colour: color, turned: textangle }));
    const anchor = { left: "start", right: "end" }[xanchor] ?? "middle";
    const lines = (text.split("<br>").length - 1) * LINE_HEIGHT;
    const down = { top: size + 2, bottom: -4 - lines * size }[yanchor] ?? 0;
    this.svg.append(words(text, { x: across + { start: 2, end: -2, middle: 0 }[anchor], y: up + down, size, colour: color, anchor }));
  }

  legend() {
    const { font, legend } = this.layout;
    this.data.filter(({ showlegend }) => showlegend !== false).forEach(({ name, marker }, i) => {
      const y = this.top - 0.02 * this.down - 14;
      this.mark(this.left + 20 + 140 * i, y, "circle", marker.size / 2, marker);
      this.svg.append(words(name, { x: this.left + 40 + 140 * i, y: y + 4, size: legend.font.size, colour: font.color, anchor: "start" }));
    });
  }
}
