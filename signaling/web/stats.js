// W3C webrtc-stats of a connection, in the few numbers that people look at.

/** The pair of candidates in use. */
function pairOf(report) {
  let chosen = null;
  for (const one of report.values()) {
    if (one.type === 'transport' && one.selectedCandidatePairId) return report.get(one.selectedCandidatePairId) ?? null;
    // Firefox has no transport.
    if (one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded' && one.selected !== false) chosen = one;
  }
  return chosen;
}

function pathIn(report) {
  const pair = pairOf(report);
  if (!pair) return null;
  const kinds = [pair.localCandidateId, pair.remoteCandidateId].map((id) => report.get(id)?.candidateType);
  return kinds.includes('relay') ? 'relay' : 'direct';
}

/** Empty where the connection is closed already. */
export const reportOf = (pc) => pc.getStats().catch(() => new Map());

/** 'direct', 'relay', or null while that is not known. */
export async function pathOf(pc) {
  return pathIn(await reportOf(pc));
}

/** The candidates that were tried, in words. */
export async function tried(pc) {
  const found = {local: new Set(), remote: new Set()};
  for (const one of (await reportOf(pc)).values()) {
    const side = {'local-candidate': 'local', 'remote-candidate': 'remote'}[one.type];
    if (side) found[side].add(`${one.candidateType} ${one.address ?? 'hidden'}/${one.protocol}`);
  }
  return {local: [...found.local], remote: [...found.remote]};
}

/** What one report says, before differences are made. */
function read(report) {
  const now = {at: 0, sent: 0, received: 0, packets: 0, lost: 0, rtt: null, jitter: null, codec: null, lossThere: null, out: 0, sign: ''};
  for (const one of report.values()) {
    if (one.type === 'inbound-rtp') now.sign += `${one.packetsReceived} `;
    if (one.type === 'remote-inbound-rtp' || one.type === 'remote-outbound-rtp') now.sign += `${one.timestamp} `;
    if (one.kind === 'audio' && one.type === 'inbound-rtp') {
      now.at = one.timestamp;
      now.received += one.bytesReceived ?? 0;
      now.packets += one.packetsReceived ?? 0;
      now.lost += one.packetsLost ?? 0;
      now.jitter = one.jitter ?? null;
      now.codec = report.get(one.codecId)?.mimeType?.replace('audio/', '') ?? now.codec;
    }
    if (one.kind === 'audio' && one.type === 'outbound-rtp') {
      now.at = one.timestamp;
      now.sent += one.bytesSent ?? 0;
      now.out += one.packetsSent ?? 0;
      now.codec ??= report.get(one.codecId)?.mimeType?.replace('audio/', '') ?? null;
    }
    if (one.kind === 'audio' && one.type === 'remote-inbound-rtp') {
      now.lossThere = one.fractionLost ?? null;
      now.rtt = one.roundTripTime ?? null;
    }
  }
  now.rtt = pairOf(report)?.currentRoundTripTime ?? now.rtt;
  return now;
}

/** Looks once a second. */
export class Stats {
  #before = null;

  /**
   * {path, rtt, jitter (ms), lossHere, lossThere (0 to 1, since the last look), down, up (kbit/s), codec, sign}; null where
   * something is not known. `sign` is another one after whatever has arrived, and null where we say nothing that is reported on.
   */
  async look(pc) {
    const report = await reportOf(pc);
    const now = read(report);
    const before = this.#before?.pc === pc ? this.#before.now : null;
    this.#before = {pc, now};
    const seconds = before ? (now.at - before.at) / 1000 : 0;
    const rate = (key) => (seconds > 0 ? Math.max(0, ((now[key] - before[key]) * 8) / 1000 / seconds) : null);
    const [lost, packets] = before ? [now.lost - before.lost, now.packets - before.packets] : [0, 0];
    return {
      path: pathIn(report),
      rtt: now.rtt === null ? null : now.rtt * 1000,
      jitter: now.jitter === null ? null : now.jitter * 1000,
      lossHere: lost + packets > 0 ? Math.max(0, lost) / (Math.max(0, lost) + packets) : null,
      lossThere: now.lossThere,
      down: rate('received'),
      up: rate('sent'),
      codec: now.codec,
      sign: before && now.out > before.out ? now.sign : null,
    };
  }
}
