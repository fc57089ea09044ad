
(() => {
  "use strict";
  const form = document.getElementById("filter");
  if (!form) return;
  const text = document.getElementById("text"), shown = document.getElementById("shown");
  const denied = document.getElementById("denied"), passed = document.getElementById("passed");
  const all = Array.from(document.querySelectorAll(".finding"), (e) => ({
    e, severity: e.dataset.severity, kind: e.dataset.kind, denied: "denied" in e.dataset, passed: e.classList.contains("passed"), text: "",
  }));
  const chosen = (name) => new Set(Array.from(form.querySelectorAll(`input[name=${name}]:checked`), (i) => i.value));
  const apply = () => {
    const severities = chosen("severity"), kinds = chosen("kind");
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const f of all) {
      let fits = f.passed ? passed !== null && passed.checked : severities.has(f.severity) && kinds.has(f.kind);
      fits = fits && (!denied.checked || f.denied);
      if (fits && words.length) {
        f.text = f.text || f.e.textContent.toLowerCase();
        fits = words.every((w) => f.text.includes(w));
      }
      f.e.hidden = !fits;
      if (fits) n++;
    }
    shown.textContent = `${n} of ${all.length} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (e) => e.preventDefault());
  document.addEventListener("keydown", (e) => {
    const typing = e.target instanceof HTMLInputElement && e.target.type === "search";
    if (e.key === "/" && !typing) {
      e.preventDefault();
      text.focus();
    } else if (e.key === "Escape" && typing) {
      text.value = "";
      apply();
    }
  });
  addEventListener("beforeprint", () => all.forEach((f) => { f.e.open = !f.e.hidden; }));
  apply();
})();
