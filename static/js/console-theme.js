// Loaded before the first paint: the chosen theme, kept on this device.
(() => {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
})();
