// Records what a stream plays for some milliseconds and decodes it: 48000 samples of 16 bits a second, one channel.
async (stream, ms) => {
  const recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()));
  const pieces = [];
  recorder.ondataavailable = ({data}) => pieces.push(data);
  const over = new Promise((done, failed) => {
    recorder.onstop = done;
    recorder.onerror = ({error}) => failed(error);
  });
  recorder.start();
  await new Promise(done => setTimeout(done, ms));
  recorder.stop();
  await over;
  const file = await new Blob(pieces).arrayBuffer();
  // A context that plays nowhere decodes without anybody's leave.
  const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(file);
  return Array.from(sound.getChannelData(0), sample => Math.round(sample * 32767));
}
