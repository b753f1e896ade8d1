"use strict";
const fleet = document.querySelector(".fleet");
if (fleet) {
  const form = fleet.querySelector(".filters");
  const table = fleet.querySelector(".projects");
  const rows = [...table.tBodies[0].rows];
  const others = [...fleet.querySelectorAll(".unaudited tbody tr, .unregistered tbody tr")];
  const said = form.querySelector("output");
  const apply = () => {
    const part = form.elements.namedItem("project").value.trim().toLowerCase();
    const result = form.elements.namedItem("result").value;
    const named = (it) => it.cells[0].textContent.toLowerCase().includes(part);
    let shown = 0;
    for (const it of rows) {
      const fits = named(it) && (!result || it.cells[1].textContent === result);
      if (it.hidden === fits) it.hidden = !fits;
      shown += fits;
    }
    for (const it of others) it.hidden = !named(it);
    said.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} projects shown`;
  };
  const rank = (row, column) => Number(row.cells[column].getAttribute("data-rank"));
  const name = (row) => row.cells[0].textContent;
  const compare = (column) => (a, b) => (column ? rank(b, column) - rank(a, column) : name(a) < name(b) ? -1 : 1);
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    const first = column ? "descending" : "ascending";
    const second = column ? "ascending" : "descending";
    button.addEventListener("click", () => {
      const order = head.getAttribute("aria-sort") === first ? second : first;
      for (const it of heads) it.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sorted = [...rows].sort(compare(column));
      table.tBodies[0].append(...(order === first ? sorted : sorted.reverse()));
    });
  });
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
for (const project of document.querySelectorAll(".project:not(.brief)")) {
  const form = project.querySelector(".filters");
  const findings = [...project.querySelectorAll(".finding")];
  const groups = [...project.querySelectorAll(".group")];
  const indexes = [...project.querySelectorAll(".index")];
  const said = form.querySelector("output");
  const control = form.elements.namedItem("control");
  for (const name of [...new Set(findings.map((it) => it.getAttribute("data-control")))].sort()) {
    control.append(new Option(name, name));
  }
  const say = (shown) => {
    said.textContent = `${shown.toLocaleString("en")} of ${findings.length.toLocaleString("en")} findings shown`;
  };
  const hide = (it, hidden) => { if (it.hidden !== hidden) it.hidden = hidden; };
  const apply = () => {
    const wanted = ["severity", "control", "state"]
      .map((it) => [`data-${it}`, form.elements.namedItem(it).value])
      .filter(([, value]) => value);
    const part = form.elements.namedItem("index").value.trim().toLowerCase();
    const named = (it) => !part || it.getAttribute("data-index").toLowerCase().includes(part);
    let shown = 0;
    for (const it of findings) {
      const fits = wanted.every(([key, value]) => it.getAttribute(key) === value) && named(it);
      hide(it, !fits);
      shown += fits;
    }
    for (const it of groups) hide(it, !it.querySelector(".finding:not([hidden])"));
    for (const it of indexes) hide(it, !named(it));
    say(shown);
  };
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, findings.length > 500 ? 150 : 0); });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = findings.length === 0;
  say(findings.length);
}
// A part that was out of view has its true height only once it is drawn, and then moves the parts below it.
let leading = 0;
const lead = (target, frames = 12) => {
  target.scrollIntoView();
  leading = frames && requestAnimationFrame(() => lead(target, frames - 1));
};
const stop = () => cancelAnimationFrame(leading);
for (const it of ["pointerdown", "wheel", "keydown"]) addEventListener(it, stop, {capture: true, passive: true});
const show = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  const project = target.closest(".project");
  if (target.hidden) {
    project.querySelector(".filters").reset();
    for (const it of project.querySelectorAll(".finding, .group, .index")) it.hidden = false;
  }
  for (let it = target; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
  stop();
  lead(target);
};
addEventListener("hashchange", show);
show();
for (const button of document.querySelectorAll(".copy")) button.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const text = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text);
    button.textContent = "Selected";
  }
});
