"use strict";
for (const project of document.querySelectorAll(".project")) {
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
const lead = (target, frames = 12) => {
  target.scrollIntoView();
  if (frames) requestAnimationFrame(() => lead(target, frames - 1));
};
const show = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  const project = target.closest(".project");
  if (target.hidden) {
    project.querySelector(".filters").reset();
    for (const it of project.querySelectorAll(".finding, .group, .index")) it.hidden = false;
  }
  for (let it = target; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
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
