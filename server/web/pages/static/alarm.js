// Two tones for a new alert, unless this browser was told to be silent. Browsers let a page sound only
// after somebody has clicked in it; until then nothing is heard, and nothing is in the way.
"use strict";
{
  let context = null;
  const tone = (at, pitch) => {
    const source = new OscillatorNode(context, { frequency: pitch, type: "triangle" });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.25, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + 0.28);
    source.connect(volume).connect(context.destination);
    source.start(at);
    source.stop(at + 0.3);
  };
  const isSilent = () => localStorage.getItem("alarm") === "silent";
  const shown = () => {
    for (const each of document.querySelectorAll("[data-alarm-switch]")) {
      const words = isSilent() ? "Sound is off" : "Sound is on";
      if (each.textContent !== words) each.textContent = words; // a change is looked at again
    }
  };
  window.sightpostAlarm = () => {
    document.documentElement.dataset.alarms = Number(document.documentElement.dataset.alarms ?? 0) + 1;
    if (isSilent()) return;
    context ??= new AudioContext();
    context.resume();
    tone(context.currentTime, 880);
    tone(context.currentTime + 0.32, 660);
  };
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-alarm-switch]")) return;
    localStorage.setItem("alarm", isSilent() ? "sounds" : "silent");
    shown();
    if (!isSilent()) window.sightpostAlarm();
  });
  new MutationObserver(shown).observe(document, { childList: true, subtree: true });
}
