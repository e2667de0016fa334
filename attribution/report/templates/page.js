"use strict";
(() => {
  document.documentElement.dataset.script = "";
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const selects = all("select[data-choice]");
  const drawn = [];

  const chosen = () => Object.fromEntries(selects.map((each) => [each.dataset.choice, each.value]));

  // What knows only some of the choices shows the first of them where it is asked for another, and says so.
  const ofModel = (place, models, model) => {
    const own = models.includes(model) ? model : models[0];
    all(".of-model", place).forEach((each) => { each.textContent = models.length ? `Model: ${own}.` : ""; });
    return own;
  };

  const show = () => {
    const now = chosen();
    all("[data-models]").forEach((place) => {
      const own = ofModel(place, JSON.parse(place.dataset.models), now.model);
      all("[data-model]", place).forEach((each) => { each.hidden = each.dataset.model !== own; });
    });
    all("[data-outcome]").forEach((each) => {
      const model = each.dataset.model;
      const models = JSON.parse((each.closest("[data-models]") || each).dataset.models || "[]");
      const own = models.includes(now.model) ? now.model : models[0];
      each.hidden = (now.outcome !== undefined && each.dataset.outcome !== now.outcome) || (model !== undefined && model !== own);
    });
    drawn.forEach(({ view, choices, place }) => {
      const said = Object.entries(choices).map(([name, options]) => {
        const own = options.includes(now[name]) ? now[name] : options[0];
        view.signal(name, own);
        return `${name[0].toUpperCase()}${name.slice(1)}: ${own}.`;
      });
      all(".of-model", place.closest("figure")).forEach((each) => { each.textContent = said.join(" "); });
      view.runAsync();
    });
  };

  const draw = async (place) => {
    const spec = JSON.parse(document.getElementById(`${place.id}-spec`).textContent);
    const quiet = { actions: false, ast: true, renderer: "svg", defaultStyle: false };
    const { view } = await vegaEmbed(place, spec, { ...quiet, tooltip: { disableDefaultStyle: true } });
    drawn.push({ view, place, choices: spec.usermeta.choices });
  };

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };

  const compare = (left, right) => {
    const numbers = [left, right].map((each) => typeof each === "number");
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return numbers[0] ? left - right : left.localeCompare(right);
  };

  const sort = (button) => {
    const head = button.closest("th");
    const body = button.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && head.cellIndex === 0);
    all("th", head.parentElement).forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const rows = all("tr:not(.total)", body);
    const unknown = (value) => value === "–";
    rows.sort((one, other) => {
      const [left, right] = [one, other].map((row) => valueOf(row, head.cellIndex));
      if (unknown(left) || unknown(right)) return unknown(left) - unknown(right);
      return down ? compare(left, right) : compare(right, left);
    });
    body.prepend(...rows);
    document.getElementById("said").textContent = `Sorted by ${button.textContent}, ${head.getAttribute("aria-sort")}`;
  };

  all("thead button").forEach((each) => each.addEventListener("click", () => sort(each)));
  selects.forEach((each) => each.addEventListener("change", show));
  addEventListener("beforeprint", () => all("details").forEach((each) => { each.open = true; }));
  Promise.all(all(".chart").map(draw)).then(() => { show(); document.body.dataset.ready = "yes"; });
  show();
})();
