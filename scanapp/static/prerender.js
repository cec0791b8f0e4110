// A page that a browser built ahead counts as seen when it is shown: its beacon is asked again.
(() => {
  const beacon = document.getElementById("beacon");
  if (!beacon || !document.prerendering) return;
  document.addEventListener("prerenderingchange", () => { beacon.src = `${beacon.src}?shown`; }, { once: true });
})();
