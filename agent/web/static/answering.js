// Whether the camera answers: while it does not, the page says since when what it shows is old.

const GAP_MS = 6000;
const IN_VAIN = 2;

let failures = 0;
let isOld = false;
let lastAnswerMs = Date.now();
let lastFrames = 0;

function show(said) {
  isOld = said !== "";
  document.body.classList.toggle("silent", isOld);
  const note = document.getElementById("silent");
  note.hidden = !isOld;
  if (note.textContent !== said) note.textContent = said;
}

// Whether what was open before may have been cut: after a gap, and where the agent is another one.
export function answered(status) {
  const now = Date.now();
  const isAnew = failures > 0 || now - lastAnswerMs > GAP_MS || status.frames_captured < lastFrames;
  [failures, lastAnswerMs, lastFrames] = [0, now, status.frames_captured];
  show("");
  return isAnew;
}

// One question alone may be lost on the way, and is broken off where the page is left; one that was
// waited for in vain says enough, as where the power is gone. Answers since when nothing was heard
// (milliseconds), null while that says nothing yet.
export function notAnswered(clock) {
  failures += 1;
  if (failures < IN_VAIN && Date.now() - lastAnswerMs < GAP_MS) return null;
  show(`The camera does not answer since ${clock(lastAnswerMs)}: what is shown is old.`);
  return lastAnswerMs;
}

export const isSilent = () => isOld;
