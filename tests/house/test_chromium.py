"""The browser that the end-to-end tests stand on."""

from playwright.async_api import Browser

LOOPBACK_CALL = """
async () => {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = ({candidate}) => candidate && b.addIceCandidate(candidate);
  b.onicecandidate = ({candidate}) => candidate && a.addIceCandidate(candidate);
  const [here, there] = [a, b].map((pc) => pc.createDataChannel("state", {negotiated: true, id: 3, ordered: false, maxRetransmits: 0}));
  const heard = new Promise((resolve) => { there.onmessage = ({data}) => resolve(data); });
  here.onopen = () => here.send("hello");
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  const word = await heard;
  a.close();
  b.close();
  return word;
}
"""


async def test_chromium_carries_a_data_channel_over_loopback(browser: Browser) -> None:
    page = await browser.new_page()
    assert await page.evaluate(LOOPBACK_CALL) == "hello"
