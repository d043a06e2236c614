// What is heard and felt: sounds by urgency, vibration, and the browser's notifications, which never have a plate.
let audio = null;
export const sounds = () => audio?.state === "running";

// Browsers play nothing until the person has pressed or clicked something.
export function wake() {
  audio ??= new AudioContext();
  return audio.resume();
}

export function tone(from, to, start, seconds, kind = "square") {
  if (!sounds()) return;
  const source = audio.createOscillator(), volume = audio.createGain(), begin = audio.currentTime + start;
  source.type = kind;
  source.frequency.setValueAtTime(from, begin);
  source.frequency.linearRampToValueAtTime(to, begin + seconds);
  volume.gain.setValueAtTime(0.25, begin);
  volume.gain.linearRampToValueAtTime(0, begin + seconds);
  source.connect(volume).connect(audio.destination);
  source.start(begin);
  source.stop(begin + seconds);
}

const shake = (pattern) => { if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern); };

// The most urgent is the highest, and the most often.
export function chime(priority) {
  const urgency = Math.min(Math.max(priority, 1), 3);
  shake(Array(2 * (4 - urgency) - 1).fill(200));
  for (let time = 0; time < 4 - urgency; time++) tone(1320 / urgency, 1320 / urgency, time * 0.25, 0.2);
}
export const fall = () => { shake([600, 100, 600]); for (const time of [0, 0.7]) tone(900, 200, time, 0.6, "sawtooth"); };
// Of the hit that this person waits for: someone has finished their part.
export const rise = () => { shake([100, 50, 300]); for (const [time, pitch] of [[0, 520], [0.15, 780], [0.3, 1040]]) tone(pitch, pitch, time, 0.18, "triangle"); };
export const buzz = () => tone(110, 110, 0, 0.5, "sawtooth");

export function notify(text, options) {
  if (globalThis.Notification?.permission === "granted") new Notification(text, options);
}
