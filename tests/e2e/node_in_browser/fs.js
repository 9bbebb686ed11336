/** `readFileSync` of `node:fs` for a page. @param {URL} address @returns {string} */
export function readFileSync(address) {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.send();
  return request.responseText;
}
