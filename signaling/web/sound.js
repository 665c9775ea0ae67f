// The microphone, the other side's sound, and how loud both are.

const OFF = 'off';

export class Sound extends EventTarget {
  /** What a connection sends: `wanted` also while the user is still being asked. */
  track = null;
  stream = new MediaStream();
  wanted = false;
  choice = 'default';
  processing = true;
  muted = false;
  error = null;
  #element;
  #context = null;
  #here = null;
  #there = null;
  #asked = 0;
  #bell = 0;

  /** `element` plays the other side. Events: `microphone` (track or error changed), `devices`, `blocked`. */
  constructor(element) {
    super();
    this.#element = element;
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#emit('devices'));
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }

  /** To be called where the user has just pressed something: sound may be played and measured from now on. */
  wake() {
    if (!this.#context) {
      this.#context = new AudioContext();
      if (this.track) this.#here = this.#meter(this.track);
      const [there] = this.#element.srcObject?.getTracks() ?? [];
      if (there) this.#there = this.#meter(there);
    }
    if (this.#context.state === 'suspended') this.#context.resume().catch(() => {});
    if (this.blocked) this.resume();
  }

  /** Whether this page is given microphones at all. */
  static get isPossible() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /** Known microphones: {id, label}; labels are empty until the user has allowed one. */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const inputs = all.filter((one) => one.kind === 'audioinput' && one.deviceId && one.deviceId !== 'default');
    return inputs.map((one, place) => ({id: one.deviceId, label: one.label || `Microphone ${place + 1}`}));
  }

  /** Opens what was chosen, or closes it. Resolves once the user has decided. */
  async open() {
    const asked = (this.#asked += 1);
    this.wanted = this.choice !== OFF;
    // Why there was none stays true for as long as none is chosen.
    if (!this.wanted) return this.#use(null);
    this.error = null;
    if (!Sound.isPossible) return this.#fail({name: 'insecure'});
    const on = this.processing;
    const audio = {echoCancellation: on, noiseSuppression: on, autoGainControl: on};
    if (this.choice !== 'default') audio.deviceId = {exact: this.choice};
    try {
      const [track] = (await navigator.mediaDevices.getUserMedia({audio})).getAudioTracks();
      if (asked !== this.#asked) return track.stop();
      track.onended = () => this.#fail({name: 'ended'});
      this.#use(track);
      this.#emit('devices');
    } catch (error) {
      if (asked === this.#asked) this.#fail(error);
    }
    return undefined;
  }

  /** The call is over: nobody listens any more. */
  close() {
    this.#asked += 1;
    this.wanted = false;
    this.#use(null);
    this.#element.srcObject = null;
    this.#there = null;
  }

  mute(on) {
    this.muted = on;
    if (this.track) this.track.enabled = !on;
  }

  set volume(value) {
    this.#element.volume = value;
  }

  /** Rings, softly, until told otherwise. */
  ring(on) {
    clearInterval(this.#bell);
    if (!on || !this.#context) return;
    const context = this.#context;
    const beep = () => {
      const [tone, gain] = [context.createOscillator(), context.createGain()];
      tone.frequency.value = 620;
      gain.gain.setValueAtTime(0.06, context.currentTime);
      gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.5);
      tone.connect(gain).connect(context.destination);
      tone.start();
      tone.stop(context.currentTime + 0.5);
    };
    beep();
    this.#bell = setInterval(beep, 1500);
  }

  /** Plays the other side's sound. */
  play(track) {
    if (track.kind !== 'audio') return;
    this.#element.srcObject = new MediaStream([track]);
    this.#there = this.#meter(track);
    this.resume();
  }

  /** Plays what the browser did not let us play without the user's wish. */
  async resume() {
    try {
      await this.#element.play();
      this.blocked = false;
    } catch (error) {
      if (error.name !== 'NotAllowedError') return;
      this.blocked = true;
    }
    this.#emit('blocked');
  }
  blocked = false;

  /** How loud it is now, each from 0 to 1 (-60 dBFS to full scale). */
  get levels() {
    return {here: this.muted ? 0 : level(this.#here), there: level(this.#there)};
  }

  #fail(error) {
    this.wanted = false;
    this.error = error;
    this.#use(null);
  }

  #use(track) {
    if (this.track && this.track !== track) {
      this.track.onended = null;
      this.track.stop();
      this.stream.removeTrack(this.track);
    }
    this.track = track;
    if (track) {
      track.enabled = !this.muted;
      this.stream.addTrack(track);
    }
    this.#here = track ? this.#meter(track) : null;
    this.#emit('microphone');
  }

  #meter(track) {
    if (!this.#context) return null;
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    const source = this.#context.createMediaStreamSource(new MediaStream([track]));
    source.connect(analyser);
    // The source lives as long as somebody holds it.
    return {source, analyser, samples: new Float32Array(analyser.fftSize)};
  }
}

function level(meter) {
  if (!meter) return 0;
  meter.analyser.getFloatTimeDomainData(meter.samples);
  const power = meter.samples.reduce((sum, one) => sum + one * one, 0) / meter.samples.length;
  return Math.max(0, Math.min(1, 1 + (10 * Math.log10(power + 1e-12)) / 60));
}
