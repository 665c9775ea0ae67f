// One RTCPeerConnection of a call, its channels and its sound. A call has one, and sometimes a second that shall
// replace it.

import {identity, ufrag} from './sdp.js';

const PEER_V1 = 'peer.v1';

export const isNumbered = (channel) => channel.protocol === PEER_V1;
export const isControl = (channel) => channel.label === 'control' && isNumbered(channel);

export class Link {
  control = null;
  chat = null;
  /** Whose description we hold, to know a renegotiation from another connection. */
  remote = null;
  remoteUfrag = null;
  closed = false;
  /** Addresses of ours that were found. */
  candidates = 0;
  #hear;
  #sound;
  #channels = new Set();
  #needsChannel = true;

  /**
   * `sound` has `stream` and `track` (the microphone's, or null) and `wanted`. `hear` has `candidate`, `state`, `track`,
   * `negotiate`, `opened`, `text` and `gone`; each gets this link first.
   */
  constructor(iceServers, relayOnly, sound, hear) {
    this.#hear = hear;
    this.#sound = sound;
    const policy = {bundlePolicy: 'max-bundle', iceTransportPolicy: relayOnly ? 'relay' : 'all'};
    this.pc = new RTCPeerConnection({...policy, iceServers});
    this.pc.onicecandidate = ({candidate}) => {
      this.candidates += candidate?.candidate ? 1 : 0;
      hear.candidate(this, candidate);
    };
    this.pc.onconnectionstatechange = () => hear.state(this);
    this.pc.oniceconnectionstatechange = () => hear.state(this);
    this.pc.ontrack = ({track}) => hear.track(this, track);
    this.pc.ondatachannel = ({channel}) => this.#adopt(channel, false);
    this.pc.onnegotiationneeded = () => {
      if (this.remote && !this.closed) hear.negotiate(this);
    };
  }

  /** Whether DTLS and, where there is any, a channel are up. */
  get isUp() {
    return this.pc.connectionState === 'connected' && (!this.#needsChannel || Boolean(this.chat ?? this.control));
  }

  get hasFailed() {
    return [this.pc.connectionState, this.pc.iceConnectionState].includes('failed');
  }

  get isSilent() {
    return this.pc.iceConnectionState === 'disconnected' || this.pc.connectionState === 'disconnected';
  }

  /** As the offerer: sound, and the channels that the other side understands. */
  prepare(isTutorial) {
    const {stream, track, wanted} = this.#sound;
    const direction = wanted ? 'sendrecv' : 'recvonly';
    this.pc.addTransceiver(track ?? 'audio', {direction, streams: [stream]});
    if (!isTutorial) this.#adopt(this.pc.createDataChannel('control', {protocol: PEER_V1}), true);
    this.#adopt(this.pc.createDataChannel('chat', {protocol: isTutorial ? '' : PEER_V1}), true);
  }

  async offer(restart) {
    if (restart) this.pc.restartIce();
    await this.pc.setLocalDescription();
    return this.pc.localDescription.sdp;
  }

  async answer(sdp) {
    await this.pc.setRemoteDescription({type: 'offer', sdp});
    this.#describe(sdp);
    await this.send();
    await this.pc.setLocalDescription();
    return this.pc.localDescription.sdp;
  }

  async accept(sdp) {
    await this.pc.setRemoteDescription({type: 'answer', sdp});
    this.#describe(sdp);
  }

  async rollback() {
    if (this.pc.signalingState === 'have-local-offer') await this.pc.setLocalDescription({type: 'rollback'});
  }

  addCandidate(candidate) {
    return this.pc.addIceCandidate(candidate);
  }

  use(iceServers) {
    this.pc.setConfiguration({...this.pc.getConfiguration(), iceServers});
  }

  get localUfrag() {
    return ufrag(this.pc.localDescription?.sdp ?? '');
  }

  /** Sends the microphone, or nothing; where that changes what was agreed the browser asks for an offer. */
  async send() {
    const {stream, track, wanted} = this.#sound;
    const audio = this.pc.getTransceivers().find((one) => one.receiver.track.kind === 'audio' && one.direction !== 'stopped');
    if (!audio || this.closed) return;
    await audio.sender.replaceTrack(track);
    audio.sender.setStreams?.(stream);
    audio.direction = wanted ? 'sendrecv' : 'recvonly';
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    for (const channel of this.#channels) channel.onopen = channel.onmessage = channel.onclose = null;
    this.pc.close();
  }

  #describe(sdp) {
    this.remote = identity(sdp);
    this.remoteUfrag = ufrag(sdp);
    this.#needsChannel = sdp.includes('m=application');
  }

  #adopt(channel, ours) {
    this.#channels.add(channel);
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.#opened(channel, ours);
    channel.onmessage = ({data}) => this.#hear.text(this, channel, data);
    channel.onclose = () => {
      const known = channel === this.chat || channel === this.control;
      this.#channels.delete(channel);
      if (channel === this.chat) this.chat = [...this.#channels].find((one) => one.readyState === 'open' && !isControl(one)) ?? null;
      if (channel === this.control) this.control = null;
      if (known) this.#hear.gone(this, channel);
    };
    if (channel.readyState === 'open') this.#opened(channel, ours);
  }

  #opened(channel, ours) {
    channel.onopen = null;
    if (isControl(channel)) this.control = channel;
    // A tutorial page listens on the channel that it opened itself.
    else if (!this.chat || !ours) this.chat = channel;
    this.#hear.opened(this, channel);
  }
}

/** Says it on a channel; false where that is not open. */
export function say(channel, text) {
  if (channel?.readyState !== 'open') return false;
  try {
    channel.send(text);
    return true;
  } catch {
    return false;
  }
}
