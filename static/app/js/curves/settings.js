// What somebody chose to see of a chart: the form's fields, kept in this browser per chart.

import { keep, kept } from "../kept.js";

export class Settings extends EventTarget {
  constructor(form, key) {
    super();
    this.form = form;
    this.key = `chart:${key}`;
    this.wanted = kept(this.key) ?? {};
    for (const field of form.elements) this.restore(field);
    this.read();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.changed());
    form.addEventListener("reset", () => setTimeout(() => this.changed()));
  }

  restore(field) {
    const value = this.wanted[field.name];
    if (value === undefined) return;
    if (field.type === "radio") field.checked = field.value === value;
    else if (field.type === "checkbox") field.checked = value;
    else field.value = value;
  }

  read() {
    const { x, smoothing, log_x: logX, log_y: logY, group, color } = this.form.elements;
    this.x = x.value;
    this.smoothing = Number(smoothing.value);
    this.logX = logX.checked;
    this.logY = logY.checked;
    this.group = group.value;
    this.color = color.value;
    for (const output of this.form.querySelectorAll("output")) output.value = this.form.elements[output.htmlFor].value;
  }

  changed() {
    this.read();
    this.wanted = Object.fromEntries([...new FormData(this.form)].concat(
      [...this.form.querySelectorAll("[type=checkbox]")].map((box) => [box.name, box.checked]),
    ));
    keep(this.key, this.wanted);
    this.dispatchEvent(new Event("change"));
  }

  // What runs may be grouped or coloured by is known with the runs: what was chosen before is chosen again.
  offer(names) {
    for (const select of [this.form.elements.group, this.form.elements.color]) {
      const known = new Set([...select.options].map((option) => option.value));
      for (const name of names) if (!known.has(`param:${name}`)) select.add(new Option(name, `param:${name}`));
      this.restore(select);
      if (select.selectedIndex < 0) select.selectedIndex = 0;
    }
    this.read();
  }
}
