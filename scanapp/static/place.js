// Sends the place of a visitor who ticked the box, then the claim. Without this script, without
// permission or without an answer, the claim goes alone: a place is a favour, never a condition.
(() => {
  const form = document.querySelector("form[data-place-url]");
  const consent = form && form.querySelector("[data-place-consent]");
  if (!consent || !navigator.geolocation || !window.isSecureContext) return;

  const box = consent.querySelector("input");
  consent.hidden = false;

  const send = (position) => {
    const { latitude, longitude, accuracy } = position.coords;
    return fetch(form.dataset.placeUrl, {
      method: "POST",
      credentials: "same-origin",
      keepalive: true, // arrives even if the claim's page has replaced this one
      body: new URLSearchParams({
        ticket: form.elements.ticket.value,
        lat: latitude,
        lon: longitude,
        accuracy,
        datum: "wgs84",
      }),
    });
  };

  const button = form.querySelector("button");
  window.addEventListener("pageshow", () => {
    button.disabled = false; // back from the claim's page, as the browser kept this one
    button.removeAttribute("aria-busy");
  });

  form.addEventListener("submit", (event) => {
    if (!box.checked) return;
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");

    let gone = false;
    const claim = () => {
      if (gone) return;
      gone = true;
      form.submit();
    };
    // Some built-in browsers never call back, and the permission question has no timeout.
    setTimeout(claim, 8000);
    navigator.geolocation.getCurrentPosition((position) => send(position).then(claim, claim), claim, {
      timeout: 4000,
      maximumAge: 60000,
    });
  });
})();
