"use strict";
// Tabs that the address names: #what-if opens that tab, the address of a section opens the tab that holds it. Left and
// right arrows, Home and End move between tabs.
(() => {
  const list = document.querySelector("[role=tablist]");
  if (!list) return;
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  const select = (chosen) => {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      panelOf(tab).hidden = tab !== chosen;
    }
  };

  const go = (tab) => {
    if (tab.hash !== location.hash) history.pushState(null, "", tab.hash);
    select(tab);
  };

  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    const holder = tabs.find((tab) => tab === target || panelOf(tab).contains(target));
    const wasHidden = holder && panelOf(holder).hidden;
    select(holder ?? tabs[0]);
    if (wasHidden && target !== holder) target.scrollIntoView();
  };

  const MOVES = {
    ArrowLeft: (place) => (place + tabs.length - 1) % tabs.length,
    ArrowRight: (place) => (place + 1) % tabs.length,
    Home: () => 0,
    End: () => tabs.length - 1,
  };

  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (!tab) return;
    event.preventDefault();
    go(tab);
  });
  list.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const tab = tabs[move(tabs.indexOf(document.activeElement))];
    tab.focus();
    go(tab);
  });
  addEventListener("hashchange", follow);
  follow();
})();
