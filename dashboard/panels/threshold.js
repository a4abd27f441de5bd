
// The movable threshold of a histogram: a native slider under the axis, a line in the figure, and what they find.
// In: cuts {at (places on the axis), score, tpr, fpr, claimable, right: {prior: shares}}, all by stop, at, the score and
// the prior to begin with, and attack, whose scores they are: with another the score begins anew.
// While it moves nothing goes to the server; where it rests is told, for the address.
// Out: the trigger "moved" with [score, prior, attack].

const REST = 400; // milliseconds

class Threshold {
  constructor(plot) {
    this.plot = plot;
    const find = (name) => plot.root.querySelector(name);
    [this.line, this.range, this.prior] = [".pd-line", ".pd-range", ".pd-prior"].map(find);
    this.rates = Object.fromEntries([...plot.root.querySelectorAll("[data-rate]")].map((node) => [node.dataset.rate, node]));
    this.range.addEventListener("input", () => this.move(Number(this.range.value)));
    this.prior.addEventListener("change", () => {
      this.tell();
      this.rest();
    });
    for (const [place, stop] of [["own", () => this.nearest(0)], ["few", () => this.few()]]) {
      find(`[data-place=${place}]`).addEventListener("click", () => this.move(stop()));
    }
    this.line.addEventListener("pointerdown", (event) => this.grab(event));
  }

  update({ cuts, at: [score, prior], attack }) {
    if (this.attack !== attack) {
      clearTimeout(this.resting);
      [this.attack, this.score] = [attack, score];
    }
    this.cuts = cuts;
    this.range.max = String(cuts.at.length - 1);
    const priors = Object.keys(cuts.right).sort((a, b) => b - a);
    if (this.prior.options.length !== priors.length) {
      const chosen = this.prior.value || prior;
      this.prior.replaceChildren(...priors.map((prior) => new Option(`1 in ${Math.round(1 / prior).toLocaleString("en")}`, prior)));
      this.prior.value = chosen;
    }
    this.show(this.nearest(this.score));
  }

  nearest(value, values = this.cuts.score) {
    const far = values.map((at) => Math.abs(at - value));
    return far.indexOf(Math.min(...far));
  }

  // The lowest threshold that accuses at most 1 % of the non-members.
  few() {
    const stop = this.cuts.fpr.findIndex((fpr) => fpr <= 0.01);
    return stop < 0 ? this.cuts.at.length - 1 : stop;
  }

  move(stop) {
    this.score = stop === this.nearest(0) ? 0 : this.cuts.score[stop]; // at 0 every attack decides by itself
    this.show(stop);
    this.rest();
  }

  // Say where it is once it has rested there.
  rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.plot.tell("moved", [String(this.score), this.prior.value, this.attack]), REST);
  }

  show(stop) {
    this.stop = stop;
    this.range.value = String(stop);
    this.tell();
    this.place();
  }

  tell() {
    const { score, tpr, fpr, claimable, right } = this.cuts;
    const share = right[this.prior.value][this.stop];
    const few = share !== null && !claimable[this.stop];
    const ppv = share === null ? "nobody is accused" : few ? "too few false alarms to say" : percent(share);
    this.rates.tpr.textContent = percent(tpr[this.stop]);
    this.rates.fpr.textContent = percent(fpr[this.stop]);
    this.rates.ppv.textContent = ppv;
    this.rates.ppv.classList.toggle("pd-words", share === null || few);
    this.range.setAttribute("aria-valuetext",
      `${score[this.stop].toFixed(2)}: finds ${percent(tpr[this.stop])} of the members, accuses ${percent(fpr[this.stop])} `
      + `of the others; accusations that are right: ${ppv}`);
  }

  // The line and the slider stand where the figure's axis has the score.
  place() {
    const axis = this.plot.box._fullLayout?.xaxis;
    this.line.hidden = !axis;
    if (!axis) return;
    const { at } = this.cuts;
    const [left, from, to] = [axis._offset, axis.l2p(at[0]), axis.l2p(at.at(-1))];
    const x = axis.l2p(at[this.stop]);
    this.line.style.left = `${left + x}px`;
    this.line.style.top = `${this.plot.box._fullLayout.yaxis._offset}px`;
    this.line.style.height = `${this.plot.box._fullLayout.yaxis._length}px`;
    this.line.classList.toggle("pd-flipped", x > 0.75 * axis._length);
    this.range.style.marginLeft = `${left + from - 8}px`; // half a thumb, so that its middle stands under the line
    this.range.style.width = `${to - from + 16}px`;
  }

  // The line and its words for a file.
  drawn({ ink, paper }) {
    const x = this.cuts.at[this.stop];
    const beside = this.line.classList.contains("pd-flipped") ? { xanchor: "right", xshift: -5 } : { xanchor: "left", xshift: 5 };
    const words = { text: "accused →", x, yref: "paper", y: 1, yanchor: "top", showarrow: false, bgcolor: paper, font: { size: 12, color: ink } };
    return { shapes: [upright(x, ink)], annotations: [{ ...words, ...beside }] };
  }

  grab(event) {
    event.preventDefault();
    this.line.setPointerCapture(event.pointerId);
    const drag = (moved) => {
      const axis = this.plot.box._fullLayout.xaxis;
      const x = moved.clientX - this.plot.box.getBoundingClientRect().left - axis._offset;
      this.move(this.nearest(axis.p2l(x), this.cuts.at));
    };
    this.line.addEventListener("pointermove", drag);
    this.line.addEventListener("lostpointercapture", () => this.line.removeEventListener("pointermove", drag), { once: true });
    this.range.focus({ preventScroll: true });
  }
}
