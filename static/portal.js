/* The portal's own behaviour. Everything hangs on data- attributes; every page works without this file.
   data-close           a button: takes away the data-notice around it
   data-confirm="…"     a form: asks before it is sent (a request of htmx uses hx-confirm)
   data-disclose="id"   a button with aria-expanded: shows and hides the element (a table row, say) with this id
   data-print           a button: prints the page
   data-keep            an element with an id, being typed in: stays when htmx replaces what is around it
   data-cancel          a link inside data-keep: what Escape does there
   data-failure="…"     a template: the notice for a failed request of htmx, see components/_failures.html */
(() => {
  "use strict";
  const TOAST_MS = 8000;

  function later(toast) {
    const bad = toast.matches(".is-bad, .is-warn");
    if (!bad) setTimeout(() => toast.remove(), TOAST_MS); // bad news stay until they are closed
  }

  function say(cause) {
    const template = document.querySelector(`template[data-failure="${cause}"]`)
      ?? document.querySelector('template[data-failure="other"]');
    document.getElementById("toasts")?.append(template.content.cloneNode(true));
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

  // Silence is a bug: what htmx does not show is said in the corner.
  document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.status));
  document.addEventListener("htmx:sendError", () => say("offline"));
  document.addEventListener("htmx:timeout", () => say("offline"));
  // What is being typed stays, but for the form that was just sent.
  document.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
    if (detail.requestConfig.verb === "post") target.closest("form")?.closest("[data-keep]")?.removeAttribute("data-keep");
  });
  document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
    for (const kept of target.querySelectorAll("[data-keep]")) {
      fragment.querySelector(`#${CSS.escape(kept.id)}`)?.setAttribute("hx-preserve", "true");
    }
  });
  // What has the focus may be taken away with its row: then the next row gets it, not the top of the page.
  let spare = null;
  document.addEventListener("htmx:beforeRequest", () => {
    const row = document.activeElement.closest("tbody");
    const next = row?.nextElementSibling?.matches("tbody") ? row.nextElementSibling : row?.previousElementSibling;
    spare = next?.querySelector(".row-actions [id]")?.id ?? null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (spare && document.activeElement === document.body) document.getElementById(spare)?.focus();
  });
  // A row that opens takes the focus to its first field; Escape closes it again.
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt.matches("[data-keep]")) elt.querySelector("input:not([type=hidden]), select")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest("[data-keep]")?.querySelector("[data-cancel]")?.click();
  });
  // A refused form is swapped in: the person goes on at its first wrong field.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.xhr?.status === 422) event.detail.target.querySelector("[aria-invalid=true]")?.focus();
  });

  // So does the person whose form came back as a page.
  document.querySelector("main [aria-invalid=true]")?.focus();

  const toasts = document.getElementById("toasts");
  toasts.querySelectorAll(".notice").forEach(later);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.nodeType === 1) later(node);
  }).observe(toasts, { childList: true });
})();
