"use strict";
for (const project of document.querySelectorAll(".project")) {
  const form = project.querySelector(".filters");
  const findings = [...project.querySelectorAll(".finding")];
  const groups = [...project.querySelectorAll(".group")];
  const indexes = [...project.querySelectorAll(".index")];
  const said = form.querySelector("output");
  const control = form.elements.namedItem("control");
  for (const name of [...new Set(findings.map((it) => it.dataset.control))].sort()) {
    control.append(new Option(name, name));
  }
  const apply = () => {
    const wanted = Object.fromEntries(["severity", "control", "state"].map((it) => [it, form.elements.namedItem(it).value]));
    const part = form.elements.namedItem("index").value.trim().toLowerCase();
    const named = (it) => it.dataset.index.toLowerCase().includes(part);
    let shown = 0;
    for (const it of findings) {
      it.hidden = !(Object.entries(wanted).every(([key, value]) => !value || it.dataset[key] === value) && named(it));
      shown += !it.hidden;
    }
    for (const it of groups) it.hidden = !it.querySelector(".finding:not([hidden])");
    for (const it of indexes) it.hidden = !named(it);
    said.textContent = `${shown.toLocaleString("en")} of ${findings.length.toLocaleString("en")} findings shown`;
  };
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, findings.length > 500 ? 150 : 0); });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = findings.length === 0;
  apply();
}
const show = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const form = target.closest(".project")?.querySelector(".filters");
  if (form && target.hidden) { form.reset(); for (const it of target.closest(".project").querySelectorAll("[data-index], .group")) it.hidden = false; }
  for (let it = target; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
  target.scrollIntoView();
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
