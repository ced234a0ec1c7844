/* The portal's own behaviour. Everything hangs on data- attributes; every page works without this file.
   data-close           a button: takes away the data-notice around it
   data-confirm="…"     a form: asks before it is sent (a request of htmx uses hx-confirm)
   data-disclose="id"   a button with aria-expanded: shows and hides the element (a table row, say) with this id
   data-print           a button: prints the page
   data-menu            details: closed by Escape, a click elsewhere or the focus that goes on
   data-keep            an element with an id, being typed in: stays when htmx replaces what is around it
   data-stays-open      details with an id: still open after htmx has replaced it
   data-cancel          a link inside data-keep: what Escape does there
   data-failure="…"     a template: the notice for a failed request of htmx, see components/_failures.html */
(() => {
  "use strict";
  const TOAST_MS = 8000;
  const AGAIN_MS = 10000;

  function later(toast) {
    const bad = toast.matches(".is-bad, .is-warn");
    if (!bad) setTimeout(() => toast.remove(), TOAST_MS); // bad news stay until they are closed
  }

  function say(cause) {
    const template = document.querySelector(`template[data-failure="${cause}"]`)
      ?? document.querySelector('template[data-failure="other"]');
    const notice = template.content.cloneNode(true);
    const toasts = document.getElementById("toasts");
    const said = [...toasts?.children ?? []].map((one) => one.textContent);
    if (!said.includes(notice.firstElementChild.textContent)) toasts?.append(notice);
  }

  // What a page asks for by itself, it asks for again by itself: a server that is restarted is soon back.
  function askAgain({ elt, requestConfig: { verb, path } }) {
    if (!elt.matches('[hx-trigger^="load"]')) return;
    setTimeout(() => { if (elt.isConnected) htmx.ajax(verb, path, { source: elt }); }, AGAIN_MS);
  }

  function disclose(button) {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", open);
    document.getElementById(button.dataset.disclose).hidden = !open;
  }

  document.addEventListener("click", (event) => {
    event.target.closest("[data-close]")?.closest("[data-notice]").remove();
    if (event.target.closest("[data-print]")) print();
    const button = event.target.closest("[data-disclose]");
    if (button) disclose(button);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // A menu is closed by everything that is not in it.
  const closeMenus = (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      const escaped = event.key === "Escape";
      if (escaped && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      if (escaped || !menu.contains(event.target)) menu.open = false;
    }
  };
  for (const kind of ["click", "focusin"]) document.addEventListener(kind, closeMenus);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(event); });

  // Silence is a bug: what htmx does not show is said in the corner.
  document.addEventListener("htmx:responseError", ({ detail }) => {
    say(detail.xhr.getResponseHeader("Portal-Failure") ?? detail.xhr.status);
    if (detail.xhr.status === 503) askAgain(detail);
  });
  document.addEventListener("htmx:sendError", ({ detail }) => {
    say("offline");
    askAgain(detail);
  });
  document.addEventListener("htmx:timeout", () => say("offline"));
  // What is being typed stays, but for the form that was just sent.
  document.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
    if (detail.requestConfig.verb === "post") target.closest("form")?.closest("[data-keep]")?.removeAttribute("data-keep");
  });
  document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
    for (const kept of target.querySelectorAll("[data-keep]:not(details:not([open]))")) {
      fragment.querySelector(`#${CSS.escape(kept.id)}`)?.setAttribute("hx-preserve", "true");
    }
  });
  // What a person has opened stays open when it is brought anew.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("details[data-stays-open][open]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  });
  // A second press on a button whose row is gone meanwhile asks for nothing.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "act" && !event.detail.formData.has("action")) event.preventDefault();
  });

  // Where the keyboard is. What has the focus may be taken away with its row: then the next row gets it, not the
  // top of the page. (htmx itself gives it back to an element with the same id.)
  let spare = null;
  let typing = false;
  document.addEventListener("htmx:beforeRequest", ({ detail: { target } }) => {
    const active = document.activeElement;
    const row = active.closest("tbody");
    const next = row?.nextElementSibling?.matches("tbody") ? row.nextElementSibling : row?.previousElementSibling;
    spare = next?.querySelector(".row-actions [id]")?.id ?? active.closest("#sections")?.id ?? null;
    if (target.matches("tbody")) typing = target.matches("[data-keep]"); // an open row is read anew
  });
  // A row that opens takes the focus to its first field; Escape closes it again.
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt.matches("tbody[data-keep]") && !typing) elt.querySelector("input:not([type=hidden]), select")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest("[data-keep]")?.querySelector("[data-cancel]")?.click();
  });
  document.addEventListener("htmx:afterSettle", ({ detail: { xhr } }) => {
    // A refused form is swapped in: the person goes on at its first wrong field.
    if (xhr?.status === 422) document.querySelector("main [aria-invalid=true]")?.focus();
    else if (spare && document.activeElement === document.body) document.getElementById(spare)?.focus();
  });
  // So does the person whose form came back as a page.
  document.querySelector("main [aria-invalid=true]")?.focus();

  const toasts = document.getElementById("toasts");
  toasts.querySelectorAll(".notice").forEach(later);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.nodeType === 1) later(node);
  }).observe(toasts, { childList: true });
})();
