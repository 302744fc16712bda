// Sends a file of entries as it is and shows how far the server has come with it.
"use strict";
{
  const answered = async (answer) => {
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail ?? `the server answered ${answer.status}`);
    return said;
  };
  const told = (state) => {
    const { added, changed, same } = state.put;
    const count = (number) => number.toLocaleString("en");
    return `${count(added)} added, ${count(changed)} changed, ${count(same)} as they were, ` +
      `${count(state.wrong)} ${state.wrong === 1 ? "line" : "lines"} wrong`;
  };
  const list = (place, texts) => {
    place.replaceChildren(...texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  };
  const take = async (form, file) => {
    const [bar, status, faults, changes] = ["progress", "[role=status]", ".faults", ".changes"].map(
      (one) => form.querySelector(one));
    bar.hidden = false;
    bar.removeAttribute("value");
    list(faults, []);
    list(changes, []);
    status.textContent = "sending the file";
    let state = await answered(await fetch(form.dataset.import, {
      method: "POST", body: file, headers: { "Content-Type": "text/csv" },
    }));
    while (state.is_running) {
      await new Promise((go) => setTimeout(go, 300));
      state = await answered(await fetch("/api/v1/watchlist-imports/last"));
      bar.value = state.all_bytes ? state.done_bytes / state.all_bytes : 1;
      status.textContent = told(state);
    }
    bar.value = 1;
    const { added, changed, same } = state.put;
    const before = added + changed + same ? `Broken off after ${told(state)}` : "Nothing was imported";
    status.textContent = state.fault ? `${before}: ${state.fault}` : told(state);
    list(faults, state.faults.map(({ line, reason }) => `line ${line}: ${reason}`));
    list(changes, state.changes);
    form.querySelector("[data-import-done]").hidden = false;
  };
  addEventListener("submit", async (event) => {
    const form = event.target.closest?.("form[data-import]");
    if (!form) return;
    event.preventDefault();
    const [file] = form.querySelector("[type=file]").files;
    const button = form.querySelector("[type=submit]");
    if (!file) return;
    button.disabled = true;
    try {
      await take(form, file);
    } catch (error) {
      form.querySelector("progress").hidden = true;
      form.querySelector("[role=status]").textContent = `Not imported: ${error.message}`;
    } finally {
      button.disabled = false;
    }
  });
}
